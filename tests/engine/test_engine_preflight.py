"""What a preview finds out before anything is touched, and the wait for the first sync."""

from __future__ import annotations

import json

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import PHX, SK, Stack, counted
from .programs import posthog, stripe

pytestmark = pytest.mark.full

SLACK = 'outlit.Integration("slack", "slack", adopt_existing=True)\n'


@pytest.mark.parametrize(
    ("status", "expected"), [(401, "does not accept the API key"), (403, "Outlit does not allow it")]
)
def test_a_refused_key_fails_the_preview(stack: Stack, sandbox: Sandbox, status: int, expected: str) -> None:
    """Of a new stack, and of one that is to be changed; one list call each."""
    program = stripe() + posthog()
    stack.program(program)
    sandbox.fault("list", status=status)
    shown = stack.fails("preview").diagnostics
    assert expected in shown
    assert "has a problem" in shown
    assert counted(sandbox) == {"list": 1}
    stack.up()
    stack.secret("sk", SK + "new")
    counted(sandbox)
    sandbox.fault("list", status=status)
    assert expected in stack.fails("preview").diagnostics
    assert counted(sandbox) == {"list": 1}
    assert stack.leaks() == []


def test_a_preview_says_what_an_up_would_stumble_over(stack: Stack, sandbox: Sandbox) -> None:
    """A connection made elsewhere, and nothing to adopt: noted in the preview, while it still succeeds."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    stack.program(stripe() + posthog() + SLACK)
    counted(sandbox)
    shown = stack.ok("preview").diagnostics
    assert "creating Stripe will fail: it is already connected in this workspace, and not by this resource." in shown
    assert "creating Slack will fail: it is not connected, so there is nothing to adopt." in shown
    assert "PostHog" not in shown
    assert counted(sandbox) == {"list": 1}


def test_a_replacement_is_no_conflict_and_a_change_outside_is_noted(stack: Stack, sandbox: Sandbox) -> None:
    """The second look at a resource that is replaced does not take its own connection for somebody else's."""
    program = stripe(more=', on_config_change="replace"')
    stack.program(program)
    stack.up()
    stack.secret("sk", SK + "new")
    counted(sandbox)
    shown = stack.ok("preview", "--diff").diagnostics
    assert "will fail" not in shown
    assert shown.count("warning: Stripe: it is replaced, as apiKey changed. It is disconnected first") == 1
    assert counted(sandbox) == {"list": 1}
    sandbox.disconnect("stripe")
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    shown = stack.ok("preview").output
    fails = "replacing Stripe, unless an interrupted replacement left that connection, will fail"
    assert f"{fails}: this workspace holds another connection of it than the state" in shown
    stack.fails("up", "--yes", "--skip-preview")


def test_what_is_replaced_with_what_it_depends_on_is_no_conflict(stack: Stack, sandbox: Sandbox) -> None:
    """The engine deletes the dependent first, and then only checks it as a new resource."""
    replace = ', on_config_change="replace"'
    stack.program(
        "a = "
        + posthog(more=replace)
        + 'outlit.Integration("b", "granola", {"apiKey": a.connection_id}'
        + f"{replace})\n"
    )
    stack.up()
    stack.secret("phx", PHX + "new")
    assert "will fail" not in stack.ok("preview").output
    assert "will fail" not in stack.up().output


def test_a_preview_names_the_fields_that_change(stack: Stack, sandbox: Sandbox) -> None:
    """Once, also in the preview of an up; and what is taken over."""
    stack.program(stripe())
    stack.up()
    stack.secret("sk", SK + "new")
    sandbox.complete_session(sandbox.connect("slack")["sessionId"])
    stack.program(stripe() + SLACK)
    shown = stack.ok("preview").diagnostics
    assert shown.count("Stripe: apiKey changed. The config is sent in place, which keeps the synced data.") == 1
    assert shown.count("Slack: connection slack-org_") == 1
    assert stack.leaks() == []


def test_a_preview_works_without_an_answer(stack: Stack, sandbox: Sandbox) -> None:
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    stack.program(stripe())
    counted(sandbox)
    sandbox.fault("list", kind="html", times=None)
    assert stack.ok("preview").diagnostics.count("warning: Outlit could not be asked") == 1
    assert set(counted(sandbox)) == {"list"}


def test_a_first_sync_that_fails_is_a_warning(stack: Stack, sandbox: Sandbox) -> None:
    """The connection is in the state, the message names integration, model and cause, and holds no credential."""
    failing = {"model": "StripeCustomer", "status": "FAILED", "lastSyncedAt": None, "errorMessage": f"no access: {SK}"}
    body = json.dumps({"provider": "stripe", "status": "connected", "syncs": [failing]})
    sandbox.fault("sync_status", status=200, body=body)
    stack.program(stripe(more=", wait_for_sync=60"))
    shown = stack.up().output
    assert 'Stripe: the sync of StripeCustomer is FAILED: "no access: [redacted]"' in shown
    assert stack.resources()["stripe"]["outputs"]["syncs"][0]["status"] == "FAILED"
    assert counted(sandbox) == {"list": 1, "connect": 1, "sync_status": 1}
    stack.ok("preview", "--expect-no-changes")
    stack.program(stripe(more=", wait_for_sync=90"))
    assert "1 unchanged" not in stack.up().output
    assert counted(sandbox) == {}
    stack.program(stripe(more=", wait_for_sync=0"))
    assert "wait_for_sync must be a number of seconds from 1 to 3600" in stack.fails("preview").diagnostics
    assert PHX not in shown
    assert stack.leaks() == []
