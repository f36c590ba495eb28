"""`outlit-pulumi status`, once and with `--watch`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from outlit_pulumi.sandbox import Sandbox

from .terminal import CANARY, KEY, Cli, interrupt


@pytest.fixture(autouse=True)
def connected(sandbox: Sandbox) -> None:
    """Stripe and PostHog, whose first sync is done."""
    sandbox.connect("posthog", {"apiKey": "phx_made_up", "region": "eu", "projectId": "1"})
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    for provider in ("posthog", "stripe"):
        sandbox.set_sync(provider, "SUCCESS")


def fail(sandbox: Sandbox) -> None:
    """One model of Stripe fails."""
    sandbox.set_sync("stripe", "FAILED", model="StripeCustomer", error_message="key revoked")


def test_all_is_well(cli: Cli) -> None:
    done = cli("status")
    assert (done.code, done.err) == (0, "Organization org_acme\n")
    lines = done.lines
    assert lines[0].split() == ["PROVIDER", "MODEL", "STATUS", "LAST", "SYNCED", "ERROR"]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["posthog", model, "SUCCESS"] for model in ("PostHogPerson", "PostHogEvent", "PostHogGroup")
    ]
    assert lines[-1] == "Nothing is failing."


def test_a_failing_sync_is_exit_code_1(cli: Cli, sandbox: Sandbox) -> None:
    fail(sandbox)
    done = cli("status")
    assert done.code == 1
    assert any(line.split()[:3] == ["stripe", "StripeCustomer", "FAILED"] for line in done.lines)
    assert "key revoked" in done.out
    assert done.lines[-1] == "1 of 2 integrations failing."


@pytest.mark.parametrize("provider", [(), ("stripe",)], ids=["all", "one"])
def test_an_entry_that_comes_twice_does_not_hide_what_is_failing(
    cli: Cli, sandbox: Sandbox, provider: tuple[str, ...]
) -> None:
    """The second one says that it is not connected."""
    fail(sandbox)
    sandbox.fault("list", kind="duplicate_entries")
    done = cli("status", *provider)
    assert (done.code, done.lines[-1]) == (1, f"1 of {1 if provider else 2} integrations failing.")


def test_one_provider_is_judged_by_itself(cli: Cli, sandbox: Sandbox) -> None:
    fail(sandbox)
    assert cli("status", "posthog").code == 0
    assert cli("status", "stripe").code == 1


def test_a_pending_sync_and_an_unknown_word_are_no_failure(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.set_sync("stripe", "PENDING", model="StripeCustomer")
    sandbox.set_sync("stripe", "PAUSED", model="StripeInvoice")
    assert cli("status").code == 0


def test_a_connection_that_fails_as_a_whole(cli: Cli, sandbox: Sandbox) -> None:
    """The list tells, and no model does."""
    item = {"id": "stripe", "name": "Stripe", "status": "connected", "syncStatus": "ERROR", "errorMessage": "no access"}
    sandbox.fault("list", status=200, body=json.dumps({"items": [item]}), times=2)
    done = cli("status", "stripe")
    assert done.code == 1
    assert "stripe                        connected, sync ERROR" in done.out
    assert "no access" in done.out
    assert cli("status", "--json").data["items"][0]["failing"] is True


def test_not_connected_is_exit_code_1_when_it_was_asked_for(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("status", "gmail")
    assert done.code == 1
    assert done.lines[1].split() == ["google-mail", "not", "connected"]
    assert done.lines[-1] == "Not connected."
    sandbox.disconnect("stripe")
    sandbox.disconnect("posthog")
    nothing = cli("status")
    assert (nothing.code, nothing.out) == (0, "Nothing is connected.\n")


def test_an_unknown_provider_is_exit_code_2(cli: Cli) -> None:
    done = cli("status", "strype")
    assert done.code == 2
    assert done.err == 'outlit-pulumi: provider "strype" is unknown to Outlit. Did you mean "stripe"?\n'


def test_json_has_the_names_of_the_api(cli: Cli, sandbox: Sandbox) -> None:
    fail(sandbox)
    done = cli("status", "stripe", "--json")
    assert done.code == 1
    assert done.data["failing"] is True
    (item,) = done.data["items"]
    of_api = sandbox.sync_status("stripe")
    assert {name: item[name] for name in of_api if name != "syncs"} == {k: v for k, v in of_api.items() if k != "syncs"}
    assert [model["model"] for model in item["syncs"]] == [model["model"] for model in of_api["syncs"]]
    assert item["syncs"][0] == of_api["syncs"][0]
    assert (item["connectionId"], item["syncStatus"], item["failing"]) == ("stripe-org_acme", "FAILED", True)


def test_one_that_cannot_be_read_does_not_hide_the_others(cli: Cli, sandbox: Sandbox) -> None:
    fail(sandbox)
    sandbox.fault("sync_status", status=500, body='{"error": "oops"}', provider="posthog", times=None)
    done = cli("status")
    assert done.code == 3
    assert any(line.split()[:2] == ["posthog", "unknown"] for line in done.lines)
    assert any(line.split()[:3] == ["stripe", "StripeCustomer", "FAILED"] for line in done.lines)
    items = {item["provider"]: item for item in cli("status", "--json").data["items"]}
    assert "oops" in items["posthog"]["error"]
    assert "error" not in items["stripe"]


@pytest.mark.parametrize("code", [400, 403])
def test_one_that_the_service_refuses_to_tell_of_does_not_hide_the_others(
    cli: Cli, sandbox: Sandbox, code: int
) -> None:
    """Whatever the reason: it is an error of that item."""
    fail(sandbox)
    sandbox.fault("sync_status", status=code, body='{"error": "not for you"}', provider="posthog", times=None)
    done = cli("status", "--json")
    assert done.code == 3
    items = {item["provider"]: item for item in done.data["items"]}
    assert "not for you" in items["posthog"]["error"]
    assert (items["posthog"]["syncs"], items["stripe"]["failing"], "error" in items["stripe"]) == ([], True, False)
    assert cli("status").lines[-1] == ("1 of 2 integrations could not be read. 1 of 2 integrations failing.")


def test_a_key_that_is_refused_on_the_way_ends_it(cli: Cli, sandbox: Sandbox) -> None:
    """Nothing that comes after it could be read either."""
    sandbox.fault("sync_status", status=401, body='{"error": "Invalid credentials"}', times=None)
    done = cli("status", "--json")
    assert (done.code, done.data["type"]) == (3, "AuthenticationError")


def test_a_connection_status_that_nobody_has_heard_of_is_told_and_no_failure(cli: Cli, sandbox: Sandbox) -> None:
    """In words only: in JSON it is the status of the item."""
    body = json.dumps({"provider": "stripe", "status": "expired", "syncs": []})
    sandbox.fault("sync_status", status=200, body=body, provider="stripe", times=None)
    done = cli("status")
    assert done.code == 0
    assert done.lines[-1] == "Nothing is failing. 1 has a status that this version does not know: expired."
    data = cli("status", "--json").data
    assert (data["failing"], [item["status"] for item in data["items"]]) == (False, ["connected", "expired"])


@pytest.mark.parametrize("word", ["connected", "error"])
def test_a_connection_status_that_is_known_is_not_told_as_unknown(cli: Cli, sandbox: Sandbox, word: str) -> None:
    body = json.dumps({"provider": "stripe", "status": word, "syncs": []})
    sandbox.fault("sync_status", status=200, body=body, provider="stripe", times=None)
    assert "does not know" not in cli("status").out


def test_what_the_service_says_is_hidden(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.set_sync("stripe", "FAILED", error_message=f"{KEY} \x1b[2J sk_CANARY0123456789 [bold]x[/bold]")
    for arguments in (("status",), ("status", "--json")):
        said = cli(*arguments).said
        assert CANARY not in said
        assert "\x1b" not in said
        assert "[redacted] [2J [redacted] [bold]x[/bold]" in said


def documents(out: str) -> list[Any]:
    """JSON documents, one a line."""
    return [json.loads(line) for line in out.splitlines()]


def test_watch_looks_again_until_interrupted(cli: Cli, sandbox: Sandbox) -> None:
    cli.time.at(7, lambda: fail(sandbox))
    cli.time.at(12, interrupt)
    done = cli("status", "--watch", "--json", "--interval", "3")
    assert cli.time.slept == [3, 3, 3, 3]
    assert [document["failing"] for document in documents(done.out)] == [False, False, False, True]
    assert (done.code, done.err) == (130, "Interrupted.\n")


def test_watch_survives_a_look_that_fails(cli: Cli, sandbox: Sandbox) -> None:
    """It shows the last answer, and what is wrong."""
    cli.time.at(3, lambda: sandbox.fault("list", status=500, times=None))
    cli.time.at(30, sandbox.clear_faults)
    cli.time.at(60, interrupt)
    done = cli("status", "stripe", "--watch", "--interval", "3")
    assert done.code == 130
    looks = done.out.split("Ctrl-C ends it.\n")[:-1]
    failed = [look for look in looks if "The last look failed: Outlit answered 500" in look]
    assert failed
    assert all("StripeCustomer" in look for look in failed)
    assert looks[0] not in failed
    assert looks[-1] not in failed
    assert "Traceback" not in done.said


def test_watch_waits_as_long_as_the_service_asks_for(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("list", status=429, headers={"Retry-After": "90"})
    cli.time.at(90, interrupt)
    done = cli("status", "--watch", "--json")
    assert cli.time.slept == [90]
    assert documents(done.out)[0]["type"] == "RateLimitedError"


def test_watch_says_how_long_it_really_waits(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("list", status=429, headers={"Retry-After": "3600"})
    cli.time.at(3601, interrupt)
    shown = [line for line in cli("status", "--watch").lines if line.endswith("Ctrl-C ends it.")]
    assert shown == ["18:30:00, again in 3600 s. Ctrl-C ends it.", "18:30:00, again in 5 s. Ctrl-C ends it."]


def test_watch_ends_when_the_service_refuses(cli: Cli) -> None:
    done = cli("status", "--watch", environ={"OUTLIT_API_KEY": "ok_" + "x" * 40})
    assert done.code == 3
    assert cli.time.slept == []


def test_watch_in_a_terminal_replaces_what_it_showed(cli: Cli) -> None:
    cli.time.at(10, interrupt)
    done = cli("status", "--watch", width=100)
    assert done.code == 130
    assert done.out.count("\x1b[2J") == len(cli.time.slept) == 2
    assert "18:30:00, again in 5 s. Ctrl-C ends it." in done.out


@pytest.mark.parametrize(("width", "term"), [(None, "xterm"), (100, "dumb")])
def test_watch_erases_nothing_where_that_cannot_be_done(cli: Cli, width: int | None, term: str) -> None:
    cli.time.at(10, interrupt)
    done = cli("status", "--watch", width=width, environ={"TERM": term})
    assert "\x1b[2J" not in done.out
    assert done.lines.count("Nothing is failing.") == 2


def test_what_is_failing_is_next_to_the_summary(cli: Cli, sandbox: Sandbox) -> None:
    """Where a low terminal shows it, too: what scrolls away is what is well."""
    sandbox.set_sync("posthog", "FAILED")
    lines = cli("status").lines
    assert [line.split()[0] for line in lines[1:-2]] == ["stripe"] * 3 + ["posthog"] * 3
    assert [item["provider"] for item in cli("status", "--json").data["items"]] == ["posthog", "stripe"]
