"""`outlit-pulumi connect`: in the browser, and with credentials that a person types."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest

from outlit_pulumi import PROVIDERS
from outlit_pulumi.cli.snippets import integration
from outlit_pulumi.sandbox import Sandbox, fingerprint

from .terminal import CANARY, KEY, Cli, interrupt

ADOPTION = 'outlit.Integration("slack", provider="slack", adopt_existing=True)'
KEY_OF_POSTHOG = "phx_CANARYposthog0123456789"


def session(sandbox: Sandbox, provider: str = "slack", **more: object) -> str:
    """Makes the next connect start this session, whose id it returns. ``more`` changes the answer."""
    answer = sandbox.connect(provider) | more
    sandbox.fault("connect", status=200, body=json.dumps(answer))
    sandbox.clear_calls()
    return str(answer["sessionId"])


# In the browser


def test_it_waits_until_the_person_is_done(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox)
    cli.time.at(7, lambda: sandbox.complete_session(started))
    done = cli("connect", "slack")
    assert done.code == 0
    assert done.out == (
        f"Slack is connected (connection slack-org_acme).\nTo have Pulumi track it, declare:\n\n{ADOPTION}\n"
    )
    assert cli.time.slept == [2, 2, 2, 2]
    assert [call["route"] for call in sandbox.calls()].count("connect_status") == 5


def test_it_opens_the_browser_or_shows_the_link(cli: Cli, sandbox: Sandbox) -> None:
    page = f"{sandbox.url}/integrations"
    for arguments, browser, opened in (
        ((), True, "Opened this link in the browser to connect Slack:"),
        ((), False, "Open this link in a browser to connect Slack:"),
        (("--no-browser",), True, "Open this link in a browser to connect Slack:"),
    ):
        started = session(sandbox)
        cli.time.at(2, lambda: sandbox.complete_session(started))  # noqa: B023  # it runs within this round
        done = cli("connect", "slack", *arguments, browser=lambda _: browser)  # noqa: B023  # likewise
        assert done.opened == ([] if arguments else [page])
        assert f"{opened}\n{page}\n" in done.err
        sandbox.disconnect("slack")


def test_a_session_without_a_link_or_an_id_is_waited_for_all_the_same(cli: Cli, sandbox: Sandbox) -> None:
    """The link is then the page of integrations, and the list shows when it is connected."""
    started = sandbox.connect("slack")["sessionId"]
    sandbox.fault("connect", status=200, body='{"alreadyConnected": false}')
    cli.time.at(7, lambda: sandbox.complete_session(started))
    done = cli("connect", "slack")
    assert done.code == 0
    assert f"\n{sandbox.url}/integrations\n" in done.err
    assert "Slack is connected (connection slack-org_acme)." in done.out


def test_json_leaves_standard_output_to_the_result(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox)
    cli.time.at(2, lambda: sandbox.complete_session(started))
    done = cli("connect", "slack", "--json")
    assert done.code == 0
    assert done.data == {
        "provider": "slack",
        "name": "Slack",
        "status": "connected",
        "alreadyConnected": False,
        "connectionId": "slack-org_acme",
    }
    assert f"\n{sandbox.url}/integrations\n" in done.err


def test_a_person_who_denies_it(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox)
    cli.time.at(2, lambda: sandbox.complete_session(started, "failed", error=f"denied\x1b[2J {KEY}"))
    done = cli("connect", "slack", "--json")
    assert done.code == 1
    assert (done.data["status"], done.data["error"]) == ("failed", "denied [2J [redacted]")
    assert "outlit-pulumi: Slack was not connected: denied [2J [redacted].\n" in done.err
    assert CANARY not in done.said


def test_a_session_that_expires(cli: Cli, sandbox: Sandbox) -> None:
    session(sandbox)
    cli.time.at(2, lambda: sandbox.advance(3600))
    done = cli("connect", "slack")
    assert (done.code, done.out) == (1, "")
    assert "Slack was not connected: the browser session expired before it was completed." in done.err


def test_nobody_comes(cli: Cli, sandbox: Sandbox) -> None:
    """After five minutes, with one last look, it gives up."""
    session(sandbox)
    done = cli("connect", "slack", "--json")
    assert done.code == 1
    assert done.data["status"] == "timed_out"
    assert "nobody completed the browser session within 300 s" in done.err
    assert sum(cli.time.slept) == 300
    assert [call["route"] for call in sandbox.calls()].count("connect_status") == 151


def test_the_person_comes_at_the_last_moment(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox)
    cli.time.at(9, lambda: sandbox.complete_session(started))
    assert cli("connect", "slack", "--timeout", "9").code == 0
    assert cli.time.slept == [2, 2, 2, 2, 1]


def test_trouble_on_the_way_is_waited_out(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox)
    sandbox.fault("connect_status", status=500, times=6)
    sandbox.fault("connect_status", kind="html", times=6)
    sandbox.fault("connect_status", kind="reset", times=6)
    cli.time.at(30, lambda: sandbox.complete_session(started))
    done = cli("connect", "slack")
    assert (done.code, done.out.splitlines()[0]) == (0, "Slack is connected (connection slack-org_acme).")


@pytest.mark.parametrize(("status", "retry_after"), [(500, "0"), (429, "40")])
def test_an_outage_lasts_no_longer_than_the_time(cli: Cli, sandbox: Sandbox, status: int, retry_after: str) -> None:
    session(sandbox)
    sandbox.fault("connect_status", status=status, headers={"Retry-After": retry_after}, times=None)
    begun = cli.time.now()
    done = cli("connect", "slack")
    assert done.code == 1
    assert 300 <= cli.time.now() - begun <= 310
    assert done.err.count("Asking again: ") == 1
    assert f"The last look failed: Outlit {'answered 500' if status == 500 else 'limits the rate'}" in done.err


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_poll_ends_it(cli: Cli, sandbox: Sandbox, status: int) -> None:
    session(sandbox)
    sandbox.fault("connect_status", status=status, times=None)
    assert cli("connect", "slack").code == 3
    assert cli.time.slept == []


def test_a_status_that_nobody_has_heard_of_is_not_the_end(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox)
    sandbox.fault("connect_status", status=200, body='{"status": "authorizing", "provider": "slack"}')
    cli.time.at(2, lambda: sandbox.complete_session(started))
    assert cli("connect", "slack").code == 0


def test_interrupted_it_says_what_may_still_happen(cli: Cli, sandbox: Sandbox) -> None:
    session(sandbox)
    cli.time.at(4, interrupt)
    done = cli("connect", "slack")
    assert (done.code, done.out) == (130, "")
    assert done.err.endswith(
        "Stopped waiting. If you complete the browser session, Slack is connected all the same.\nInterrupted.\n"
    )


@pytest.mark.parametrize("width", [None, 80])
def test_it_says_how_long_it_waits(cli: Cli, sandbox: Sandbox, width: int | None) -> None:
    session(sandbox)
    done = cli("connect", "slack", "--timeout", "90", width=width)
    assert done.code == 1
    assert "Waiting up to 90 s for Slack to be connected in the browser. Ctrl-C stops.\n" in done.err


# The link


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://app.outlit.ai/integrations?session=1", True),
        ("http://localhost:1/x", True),
        ("http://app.outlit.ai/integrations", False),
        ("ftp://localhost/x", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("https://app.outlit.ai@example.com/", False),
        ("https://example.com/\x1b]0;x\x07", False),
        ("https://example.com/ --flag", False),
        (f"https://example.com/?key={KEY}", False),
        ("https://", False),
        ("https://[", False),
    ],
)
def test_only_a_safe_link_is_opened(cli: Cli, sandbox: Sandbox, url: str, safe: bool) -> None:
    started = session(sandbox, connectUrl=url)
    cli.time.at(2, lambda: sandbox.complete_session(started))
    done = cli("connect", "slack", browser=lambda _: True)
    assert done.code == 0
    assert done.opened == ([url] if safe else [])
    assert (f"\n{url}\n" in done.err) is safe
    assert CANARY not in done.said
    assert "\x1b" not in done.said


# Connected already


@pytest.mark.parametrize("provider", ["slack", "posthog"])
def test_connected_before(cli: Cli, sandbox: Sandbox, provider: str) -> None:
    """Nothing is asked, nothing is sent."""
    if provider == "slack":
        sandbox.complete_session(sandbox.connect(provider)["sessionId"])
    else:
        sandbox.connect(provider, {"apiKey": KEY_OF_POSTHOG, "region": "us", "projectId": "1"})
    sandbox.clear_calls()
    done = cli("connect", provider, answers=[])
    name = PROVIDERS[provider].name
    first = done.out.splitlines()[0]
    assert first == f"{name} is connected already (connection {provider}-org_acme). Nothing was changed."
    assert (done.code, done.asked, done.opened) == (0, [], [])
    assert [call["route"] for call in sandbox.calls()] == ["list"]
    assert cli("connect", provider, "--json").data["alreadyConnected"] is True


def test_connected_meanwhile(cli: Cli, sandbox: Sandbox) -> None:
    """The service says so when it is asked for a session."""
    sandbox.fault("connect", kind="connected_by_others", provider="slack")
    done = cli("connect", "slack", "--json", browser=lambda _: True)
    assert (done.code, done.data["alreadyConnected"], done.data["connectionId"]) == (0, True, "slack-org_acme")
    assert done.opened == []


# Which one


def test_gmail_is_google_mail(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox, "google-mail")
    cli.time.at(2, lambda: sandbox.complete_session(started))
    done = cli("connect", "gmail")
    assert "Gmail is connected (connection google-mail-org_acme)." in done.out
    assert 'outlit.Integration("google-mail", provider="google-mail", adopt_existing=True)' in done.out


def test_an_id_that_only_the_list_knows(cli: Cli, sandbox: Sandbox) -> None:
    started = session(sandbox, "extra-0001")
    cli.time.at(2, lambda: sandbox.complete_session(started))
    assert cli("connect", "extra-0001", "--json").data["connectionId"] == "extra-0001-org_acme"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("slak", 'Did you mean "slack"?'),
        ("Slack", 'Did you mean "slack"?'),
        ("extra-001", 'Did you mean "extra-0001"?'),
        ("zzz", "Known are slack, fireflies,"),
        ("", "Known are slack, fireflies,"),
    ],
)
def test_an_unknown_id_gets_a_suggestion(cli: Cli, sandbox: Sandbox, wanted: str, hint: str) -> None:
    done = cli("connect", wanted)
    assert done.code == 2
    assert hint in done.err
    assert {call["route"] for call in sandbox.calls()} == {"list"}


# With credentials


def test_it_asks_for_each_field_and_hides_the_secret_ones(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("connect", "posthog", answers=[KEY_OF_POSTHOG, "eu", "12345"])
    assert done.asked == [
        ("PostHog personal API key (phx_...), not shown: ", True),
        ("PostHog cloud region (us or eu): ", False),
        ("PostHog project id: ", False),
    ]
    assert done.code == 0
    assert done.out.startswith("PostHog is connected (connection posthog-org_acme).\n")
    (connection,) = sandbox.connections()
    assert connection["fingerprint"] == fingerprint({"apiKey": KEY_OF_POSTHOG, "region": "eu", "projectId": "12345"})
    assert CANARY not in done.said


def test_it_asks_again_for_what_the_resource_would_refuse(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("connect", "posthog", answers=["", f"{KEY_OF_POSTHOG} ", KEY_OF_POSTHOG, "mars", "eu", " ", "1"])
    assert done.code == 0
    assert [hidden for _, hidden in done.asked] == [True, True, True, False, False, False, False]
    for problem in ("apiKey of PostHog is blank", "has white space around", "must be one of us, eu", "projectId of"):
        assert problem in done.err
    assert CANARY not in done.said


def test_a_key_that_is_typed_again_is_no_project_id(cli: Cli, sandbox: Sandbox) -> None:
    """Whatever it looks like: the id is stored in the clear."""
    done = cli("connect", "posthog", answers=["CANARY of some kind", "eu", "CANARY of some kind", "1"])
    assert done.code == 0
    assert "projectId of PostHog has the value of apiKey" in done.err
    (connection,) = sandbox.connections()
    assert connection["fingerprint"] == fingerprint({"apiKey": "CANARY of some kind", "region": "eu", "projectId": "1"})


@pytest.mark.parametrize(("end", "code"), [(EOFError, 2), (KeyboardInterrupt, 130)])
def test_a_person_who_stops_typing(cli: Cli, sandbox: Sandbox, end: type[BaseException], code: int) -> None:
    done = cli("connect", "stripe", answers=[end])
    assert done.code == code
    assert sandbox.connections() == []


def test_a_refusal_does_not_quote_the_credential(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("connect", status=400, body=json.dumps({"error": "bad key CANARYstripe0123456789"}))
    done = cli("connect", "stripe", answers=["CANARYstripe0123456789"], environ={})
    assert done.code == 3
    assert "Stripe was not connected: Outlit does not accept its config" in done.err
    assert CANARY not in done.said


def test_the_plan_does_not_allow_it(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.configure(limit=0)
    done = cli("connect", "stripe", answers=["sk_made_up"])
    assert done.code == 3
    assert "the free plan allows 0 integrations and 0 are connected. Disconnect one or upgrade the plan." in done.err
    assert "pulumi up" not in done.err
    assert done.err.count("\n") == 1


def test_a_lost_answer_is_settled_by_looking(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("connect", kind="reset", after=True)
    done = cli("connect", "stripe", answers=["sk_made_up"], browser=lambda _: True)
    assert done.code == 0
    assert done.out.startswith("Stripe is connected (connection stripe-org_acme).")
    assert "warning: Stripe: the answer was lost" in done.err


def test_a_lost_answer_that_cannot_be_settled_is_an_error(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("connect", kind="reset", after=True)
    sandbox.fault("list", status=500, skip=1, times=None)
    done = cli("connect", "stripe", answers=["sk_made_up"])
    assert done.code == 3
    assert "Stripe may or may not be connected. `outlit-pulumi list` tells." in done.err


def test_without_a_terminal_it_says_which_code_to_write(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("connect", "supabase")
    assert (done.code, done.out) == (2, "")
    assert integration("supabase", "supabase", config=PROVIDERS["supabase"]) in done.err
    assert "pulumi config set supabaseProjectUrl\npulumi config set --secret supabaseServiceRoleKey" in done.err
    assert sandbox.connections() == []


@pytest.mark.parametrize("spec", [spec for spec in PROVIDERS.values() if spec.args], ids=lambda spec: spec.id)
def test_the_code_declares_every_field(spec: Any) -> None:
    """As a call that Python understands, with secrets from secret configuration."""
    (call,) = (node for node in ast.parse(integration(spec.id, spec.id, config=spec)).body)
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    config = next(keyword.value for keyword in call.value.keywords if keyword.arg == "config")
    assert isinstance(config, ast.Call)
    assert ast.unparse(config.func) == f"outlit.{spec.args.__name__}"
    sources = {keyword.arg: re.findall(r"config\.\w+", ast.unparse(keyword.value)) for keyword in config.keywords}
    wanted = {item.attribute: [f"config.require{'_secret' if item.secret else ''}"] for item in spec.fields}
    assert sources == wanted
