"""The faults that matter most, on the real engine: what a user reads, what the state holds, and how it settles."""

from __future__ import annotations

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import PHX, SK, Stack, assert_settled, counted, provider_tracebacks, until
from .programs import posthog, stripe

POSTHOG = {"apiKey": PHX, "region": "us", "projectId": "12345"}
STRIPE = {"apiKey": SK}
CLERK = {"secretKey": SK}
NEW = SK + "new"
UNAUTHORIZED = '{"error": "Invalid credentials"}'


def clerk(more: str = "") -> str:
    return f'outlit.Integration("clerk", "clerk", {{"secretKey": config.require_secret("sk")}}{more})\n'


def test_create_whose_answer_is_lost(stack: Stack, sandbox: Sandbox) -> None:
    """The connection is tracked at once; since its config is not known for certain, the next up sends it again."""
    stack.program(stripe())
    sandbox.fault("connect", kind="reset", after=True)
    shown = stack.up().diagnostics
    assert "warning: Stripe: the answer to the connect request was lost" in shown
    assert "the next pulumi up sends it again" in shown
    assert counted(sandbox) == {"list": 2, "connect": 1}
    assert set(stack.resources()) == {"stripe"}
    assert "1 updated" in stack.up().output
    assert counted(sandbox) == {"list": 1, "connect": 1}
    assert_settled(stack, sandbox, stripe=STRIPE)


@pytest.mark.full
def test_create_over_the_plan_limit(stack: Stack, sandbox: Sandbox) -> None:
    """What fitted is kept, and once there is room the next up connects the rest."""
    sandbox.configure(limit=1)
    stack.program("x = " + posthog() + stripe(more=", opts=ResourceOptions(depends_on=[x])"))
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not connected: the free plan allows 1 integration" in shown
    assert "upgrade the plan, then run pulumi up again" in shown
    assert set(stack.resources()) == {"posthog"}
    sandbox.configure(limit=2)
    stack.up()
    assert_settled(stack, sandbox, posthog=POSTHOG, stripe=STRIPE)


def test_key_revoked_in_the_middle_of_a_run(stack: Stack, sandbox: Sandbox) -> None:
    """What was connected before is in the state; the rest comes with the next up."""
    stack.program("x = " + posthog() + stripe(more=", opts=ResourceOptions(depends_on=[x])"))
    sandbox.fault("connect", status=401, body=UNAUTHORIZED, skip=1, times=None)
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not connected: Outlit does not accept the API key (401)" in shown
    assert "outlit:apiKey" in shown
    assert set(stack.resources()) == {"posthog"}
    sandbox.clear_faults()
    counted(sandbox)
    stack.up()
    assert counted(sandbox) == {"list": 1, "connect": 1}
    assert_settled(stack, sandbox, posthog=POSTHOG, stripe=STRIPE)


@pytest.mark.full
def test_rate_limits_are_waited_for(stack: Stack, sandbox: Sandbox) -> None:
    """A 429 on the list and on the write: nothing that the user has to know."""
    stack.program(stripe())
    for route in ("list", "connect"):
        sandbox.fault(route, status=429, headers={"Retry-After": "1"})
    assert "warning" not in stack.up().output
    assert counted(sandbox) == {"list": 2, "connect": 2}
    assert_settled(stack, sandbox, stripe=STRIPE)


@pytest.mark.full
def test_update_whose_answer_is_lost(stack: Stack, sandbox: Sandbox) -> None:
    """Lost once, it is sent once more. Lost twice, that is an error, and the next up sends again."""
    stack.program(stripe())
    stack.up()
    stack.secret("sk", NEW)
    counted(sandbox)
    sandbox.fault("connect", kind="reset", after=True)
    stack.up()
    assert counted(sandbox) == {"list": 2, "connect": 2}
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})

    stack.secret("sk", NEW + "er")
    sandbox.fault("connect", status=502, after=True, times=2)
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe may or may not use the new config. Run pulumi up again: it sends the config once more" in shown
    assert counted(sandbox)["connect"] == 2
    assert "1 updated" in stack.up().output
    assert_settled(stack, sandbox, stripe={"apiKey": NEW + "er"})


@pytest.mark.full
def test_delete_that_takes_effect_unseen(stack: Stack, sandbox: Sandbox) -> None:
    """Its answer is lost, or somebody else was faster: destroy succeeds."""
    stack.program(stripe() + posthog())
    stack.up()
    sandbox.fault("disconnect", kind="html", after=True, provider="stripe")
    sandbox.fault("disconnect", kind="disconnected_by_others", provider="posthog")
    stack.destroy()
    assert [call["fault"] for call in sandbox.calls() if call["route"] == "disconnect"].count(None) == 0
    assert sandbox.connections() == []
    assert stack.resources() == {}


@pytest.mark.full
def test_delete_that_never_arrives(stack: Stack, sandbox: Sandbox) -> None:
    """Twice lost before it took effect: an error, the state keeps it, and the next destroy disconnects."""
    stack.program(stripe())
    stack.up()
    sandbox.fault("disconnect", kind="reset", times=2)
    shown = stack.fails("destroy", "--yes", "--skip-preview").diagnostics
    assert "Stripe may or may not be disconnected. Run again to settle it. The cause: no answer from" in shown
    assert_settled(stack, sandbox, stripe=STRIPE)
    stack.destroy()
    assert sandbox.connections() == []


@pytest.mark.full
@pytest.mark.parametrize("next_command", ["up", "destroy"])
def test_replacement_whose_connect_fails(stack: Stack, sandbox: Sandbox, next_command: str) -> None:
    """The old connection is gone: the error says so, and the next up connects. A destroy finds nothing left to do."""
    stack.program(stripe(more=', on_config_change="replace"'))
    stack.up()
    stack.secret("sk", NEW)
    sandbox.fault("connect", status=500, times=2)
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe may or may not be connected, after it was disconnected to be replaced." in shown
    assert "Run pulumi up again, which goes on with what it finds." in shown
    assert sandbox.connections() == []
    assert stack.resources()["stripe"]["pendingReplacement"] is True
    counted(sandbox)
    if next_command == "destroy":
        stack.destroy()
        assert counted(sandbox) == {}
        assert stack.resources() == {}
        return
    stack.up()
    assert counted(sandbox) == {"list": 2, "connect": 1}  # the create looks anew
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})


@pytest.mark.full
def test_refresh_under_faults_never_takes_anything_out_of_the_state(stack: Stack, sandbox: Sandbox) -> None:
    """A 500 is tried again; a refused key and an answer that is not Outlit's are errors that leave the state alone."""
    stack.program(posthog() + stripe())
    stack.up()
    before = stack.resources()
    sandbox.fault("sync_status", status=500)
    counted(sandbox)
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert counted(sandbox) == {"list": 1, "sync_status": 3}
    sandbox.fault("*", status=401, body=UNAUTHORIZED, times=None)
    shown = stack.fails("refresh", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not read and its state is unchanged: Outlit does not accept the API key" in shown
    sandbox.clear_faults()
    sandbox.fault("list", kind="html", times=None)
    shown = stack.fails("refresh", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not read and its state is unchanged: the answer from" in shown
    assert "a proxy or a sign-in page may be answering in its place" in shown
    sandbox.clear_faults()
    assert {name: r["id"] for name, r in stack.resources().items()} == {name: r["id"] for name, r in before.items()}
    assert_settled(stack, sandbox, posthog=POSTHOG, stripe=STRIPE)


@pytest.mark.full
def test_somebody_connects_between_look_and_write(stack: Stack, sandbox: Sandbox) -> None:
    """Theirs is left as it is, and out of the state; adopt_existing then takes it over."""
    stack.program(stripe())
    sandbox.fault("connect", kind="connected_by_others")
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert (
        "Stripe was not created: it is already connected in this workspace, and not by this resource. "
        "No credentials were applied." in shown
    )
    assert "adopt_existing=True" in shown
    assert stack.resources() == {}
    stack.program(stripe(more=", adopt_existing=True"))
    stack.up()
    assert_settled(stack, sandbox, stripe=None)


@pytest.mark.full
def test_service_that_goes_down_in_the_middle_of_a_destroy(stack: Stack, sandbox: Sandbox) -> None:
    """The state loses what was disconnected and nothing else; the next destroy does the rest."""
    stack.program(
        "x = "
        + clerk()
        + "y = "
        + stripe(more=", opts=ResourceOptions(depends_on=[x])")
        + posthog(more=", opts=ResourceOptions(depends_on=[y])")
    )
    stack.up()
    sandbox.fault("disconnect", kind="delay", seconds=300, provider="stripe")
    with stack.running("destroy", "--yes", "--skip-preview") as destroy:
        until(lambda: any(call["fault"] for call in sandbox.calls()), "the second disconnect")
        with sandbox.refusing():  # ends the delay: Stripe is disconnected and that is answered
            result = destroy.result()
    assert result.code != 0
    assert "Clerk was not disconnected: no answer from" in result.diagnostics
    assert provider_tracebacks(result.output) == []
    assert set(stack.resources()) == {"clerk"} == {c["provider"] for c in sandbox.connections()}
    counted(sandbox)
    stack.destroy()
    assert counted(sandbox) == {"list": 1, "disconnect": 1}
    assert sandbox.connections() == []
    assert stack.leaks() == []
