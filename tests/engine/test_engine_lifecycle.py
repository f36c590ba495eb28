"""The main job on the real engine: connect, leave alone, notice, heal, rotate, replace, adopt, rename, disconnect."""

from __future__ import annotations

import json

import pytest

from outlit_pulumi.sandbox import Sandbox, fingerprint

from .conftest import PHX, Stack, counted
from .programs import posthog, stripe

POSTHOG = {"apiKey": PHX, "region": "us", "projectId": "12345"}
ADOPT = ", adopt_existing=True"


def held(sandbox: Sandbox, api_key: str | None = None) -> dict[str, str]:
    """Connection ids in the service, by provider."""
    return {c["provider"]: c["connectionId"] for c in sandbox.connections(api_key)}


def used(sandbox: Sandbox, provider: str) -> str:
    """The fingerprint of the credentials that a connection uses."""
    return str(next(c["fingerprint"] for c in sandbox.connections() if c["provider"] == provider))


@pytest.mark.oldest
def test_the_main_job_with_exactly_the_calls_that_the_design_counts(stack: Stack, sandbox: Sandbox) -> None:
    """A preview costs a list and a look whose the key is, creating N costs N connects more, no change nothing.

    A refresh costs N + 1, a destroy N + 2.
    """
    clerk = 'outlit.Integration("clerk", "clerk", config.require_secret_object("clerk"))\n'
    stack.secret("clerk", '{"secretKey": "sk_CANARYclerk0123456789"}')
    # Plain text, as somebody writes who does not think of it: the package makes secrets of them.
    syncs = (
        'pulumi.export("syncs", x.syncs.apply(lambda all: [[s.status, s["status"], s.error_message] for s in all]))\n'
    )
    stack.program("x = " + posthog(key='config.require("phx")') + syncs + stripe(key='config.require("sk")') + clerk)
    stack.ok("preview", "--diff")
    assert counted(sandbox, whose=True) == {"list": 1, "validate_key": 1}
    stack.up()
    assert counted(sandbox, whose=True) == {"list": 1, "validate_key": 1, "connect": 3}
    assert used(sandbox, "posthog") == fingerprint(POSTHOG)

    stack.ok("preview", "--expect-no-changes")
    assert "4 unchanged" in stack.up().output
    assert counted(sandbox, whose=True) == {}

    sandbox.advance(600)  # every sync moves
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--diff")
    assert counted(sandbox, whose=True) == {"list": 1, "sync_status": 3}
    outputs = stack.resources()["posthog"]["outputs"]
    assert outputs["connection_id"] == held(sandbox)["posthog"]
    assert outputs["syncs"][0]["status"] == "SUCCESS"

    sandbox.disconnect("stripe")
    counted(sandbox)
    stack.fails("refresh", "--yes", "--expect-no-changes")
    stack.ok("refresh", "--yes")
    assert set(stack.resources()) == {"posthog", "clerk"}
    stack.up()
    assert held(sandbox)["stripe"] == stack.resources()["stripe"]["id"]
    assert json.loads(stack.ok("stack", "output", "syncs", "--json").output)[0] == ["SUCCESS", "SUCCESS", None]

    counted(sandbox)
    stack.ok("destroy", "--yes", "--skip-preview")
    assert counted(sandbox, whose=True) == {"list": 1, "validate_key": 1, "disconnect": 3}
    assert held(sandbox) == {}
    assert stack.leaks() == []


def test_a_rotated_key_is_sent_in_place(stack: Stack, sandbox: Sandbox) -> None:
    """A routine key change keeps the connection, and so the synced data."""
    stack.program(posthog())
    stack.up()
    before = held(sandbox)
    stack.secret("phx", PHX + "new")
    counted(sandbox)
    stack.up()
    assert counted(sandbox) == {"list": 1, "connect": 1}
    assert held(sandbox) == before
    assert used(sandbox, "posthog") == fingerprint(POSTHOG | {"apiKey": PHX + "new"})
    stack.up()
    assert counted(sandbox) == {}
    assert stack.leaks() == []


@pytest.mark.parametrize("name", ["api_key", "apiKey"])
def test_a_dict_with_the_names_of_the_args_class(stack: Stack, sandbox: Sandbox, name: str) -> None:
    """It is registered under the API's names, its secret encrypted; ``ignore_changes`` knows a field under both."""
    declared = (
        'outlit.Integration("x", "posthog", {"api_key": config.require("phx"), "region": "us", "project_id": "12345"}'
    )
    stack.program(f"{declared})")
    stack.up()
    assert used(sandbox, "posthog") == fingerprint(POSTHOG)
    registered = stack.resources()["x"]["inputs"]["config"]
    assert registered == POSTHOG | {"apiKey": registered["apiKey"]}
    assert "ciphertext" in registered["apiKey"]

    stack.secret("phx", PHX + "new")
    counted(sandbox)
    stack.program(f'{declared}, opts=ResourceOptions(ignore_changes=["config.{name}"]))')
    stack.up()
    assert counted(sandbox) == {}
    stack.program(f"{declared})")
    stack.up()
    assert counted(sandbox) == {"list": 1, "connect": 1}
    assert used(sandbox, "posthog") == fingerprint(POSTHOG | {"apiKey": PHX + "new"})
    assert stack.leaks() == []


def test_replacement_when_asked(stack: Stack, sandbox: Sandbox) -> None:
    """on_config_change="replace" disconnects first, then connects anew."""
    stack.program(posthog(more=', on_config_change="replace"'))
    stack.up()
    before = held(sandbox)["posthog"]
    stack.secret("phx", PHX + "new")
    counted(sandbox)
    stack.up()
    assert counted(sandbox) == {"list": 1, "disconnect": 1, "connect": 1}
    assert held(sandbox)["posthog"] != before
    assert stack.resources()["posthog"]["id"] == held(sandbox)["posthog"]


def test_a_changed_provider_replaces(stack: Stack, sandbox: Sandbox) -> None:
    """Another provider is another connection."""
    stack.program(stripe("billing"))
    stack.up()
    stack.program('outlit.Integration("billing", "clerk", {"secretKey": config.require_secret("sk")})')
    stack.up()
    assert set(held(sandbox)) == {"clerk"}


def test_adoption_sends_nothing_and_is_kept_on_destroy(stack: Stack, sandbox: Sandbox) -> None:
    """What somebody else connected is tracked; its credentials and its data stay."""
    sandbox.connect("posthog", POSTHOG | {"apiKey": "phx_theirs"})
    counted(sandbox)
    stack.program(posthog(more=ADOPT))
    stack.up()
    assert counted(sandbox) == {"list": 1}
    assert used(sandbox, "posthog") == fingerprint(POSTHOG | {"apiKey": "phx_theirs"})
    stack.up()
    assert counted(sandbox) == {}
    stack.ok("destroy", "--yes", "--skip-preview")
    assert set(held(sandbox)) == {"posthog"}
    assert stack.leaks() == []


def test_a_browser_provider_is_refused_in_preview_and_tracked_once_connected(stack: Stack, sandbox: Sandbox) -> None:
    """A deployment has no browser: the preview says so, and how to go on."""
    stack.program('outlit.Integration("slack", provider="slack")')
    shown = stack.fails("preview").output
    assert "resource 'slack' has a problem: Slack connects through a browser session" in shown
    assert f"{sandbox.url}/integrations" in shown
    assert "adopt_existing=True" in shown
    stack.program('outlit.Integration("slack", provider="slack", adopt_existing=True)')
    assert "Slack was not taken over: it is not connected" in stack.fails("up", "--yes", "--skip-preview").diagnostics
    sandbox.complete_session(sandbox.connect("slack")["sessionId"])
    stack.up()
    assert stack.resources()["slack"]["id"] == held(sandbox)["slack"]
    stack.ok("refresh", "--yes", "--expect-no-changes")


def test_already_connected_is_refused_before_credentials_leave(stack: Stack, sandbox: Sandbox) -> None:
    """The error names what the user probably wants."""
    sandbox.connect("stripe", {"apiKey": "sk_theirs"})
    counted(sandbox)
    stack.program(stripe())
    shown = stack.fails("up", "--yes", "--skip-preview", "--diff").diagnostics
    assert "Stripe was not created: it is already connected" in shown
    assert "aliases" in shown
    assert "adopt_existing=True" in shown
    assert counted(sandbox) == {"list": 1}
    assert stack.leaks() == []


def test_a_renamed_resource_keeps_its_connection(stack: Stack, sandbox: Sandbox) -> None:
    """With an alias nothing happens; with adopt_existing the engine's late delete of the old one is declined."""
    stack.program(stripe("old"))
    stack.up()
    before = held(sandbox)
    counted(sandbox)
    stack.program(stripe("alias", more=', opts=ResourceOptions(aliases=[Alias(name="old")])'))
    stack.up()
    assert counted(sandbox) == {}
    stack.program(stripe("adopted", more=ADOPT))
    shown = stack.up().output
    assert "was kept" in shown
    assert counted(sandbox) == {"list": 1}
    assert held(sandbox) == before
    assert set(stack.resources()) == {"adopted"}


def test_a_failing_sync_is_reported_and_no_drift(stack: Stack, sandbox: Sandbox) -> None:
    """Refresh warns with integration, model and message, hides a quoted credential, and finds no change."""
    stack.program(posthog())
    stack.up()
    sandbox.set_sync("posthog", "FAILED", model="PostHogEvent", error_message=f"quota of {PHX} used up")
    shown = stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes").diagnostics
    assert "PostHog: the sync of PostHogEvent is FAILED" in shown
    assert "quota of [redacted] used up" in shown
    assert stack.leaks() == []


def test_a_protected_integration_is_not_destroyed(stack: Stack, sandbox: Sandbox) -> None:
    """`protect` is the engine's, and stops a destroy before the provider is asked."""
    stack.program(stripe(more=", opts=ResourceOptions(protect=True)"))
    stack.up()
    counted(sandbox)
    assert "protect" in stack.fails("destroy", "--yes", "--skip-preview").output
    assert counted(sandbox)["disconnect"] == 0
    assert set(held(sandbox)) == {"stripe"}


def test_an_unknown_credential_in_preview(stack: Stack, sandbox: Sandbox) -> None:
    """A credential that another resource of the program makes is not known before the first up."""
    made = (
        "class Maker(pulumi.dynamic.ResourceProvider):\n"
        "    def create(self, props):\n"
        '        return pulumi.dynamic.CreateResult("made", {"key": "sk_FRESH0123456789"})\n'
        "class Made(pulumi.dynamic.Resource):\n"
        "    key: pulumi.Output[str]\n"
        "    def __init__(self, name):\n"
        '        super().__init__(Maker(), name, {"key": None}, ResourceOptions(additional_secret_outputs=["key"]))\n'
        'made = Made("made")\n'
    )
    stack.program(
        made + stripe(key="made.key") + 'outlit.Integration("whole", "clerk", made.key.apply('
        'lambda key: {"secretKey": key}))\n'
    )
    stack.ok("preview", "--diff")
    assert counted(sandbox) == {"list": 1}
    stack.up()
    assert set(held(sandbox)) == {"stripe", "clerk"}
    assert "sk_FRESH" not in stack.ok("stack", "export").output


def test_a_rename_that_adopts_and_is_cut_off_keeps_the_connection(stack: Stack, sandbox: Sandbox) -> None:
    """The first up adopts under the new name and fails before it deletes the old one; the second deletes it."""
    stack.program(stripe("old"))
    stack.up()
    before = sandbox.connections()
    clerk = (
        'outlit.Integration("clerk", "clerk", {"secretKey": config.require_secret("sk")}, '
        "opts=ResourceOptions(depends_on=[x]))"
    )
    stack.program("x = " + stripe("new", more=ADOPT) + clerk)
    sandbox.fault("connect", status=403, provider="clerk")
    stack.fails("up", "--yes", "--skip-preview")
    assert set(stack.resources()) == {"old", "new"}
    assert "now belongs to another resource of this program and was kept" in stack.up().output
    assert set(stack.resources()) == {"new", "clerk"}
    assert [c for c in sandbox.connections() if c["provider"] == "stripe"] == before


@pytest.mark.parametrize("how", ["--refresh", "--run-program"])
def test_a_destroy_that_compares_first_disconnects_all_the_same(stack: Stack, sandbox: Sandbox, how: str) -> None:
    """What stays is kept, but nothing stays."""
    stack.program(posthog() + stripe())
    stack.up()
    stack.ok("destroy", "--yes", "--skip-preview", how)
    assert sandbox.connections() == []
    assert stack.resources() == {}
