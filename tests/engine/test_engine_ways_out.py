"""Services that lag, other workspaces' keys, interrupted replacements: what a message advises leads to a good end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Literal

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import SK, Stack, assert_settled, counted, until
from .programs import posthog, stripe

NEW = SK + "new"
REPLACED = ', on_config_change="replace"'
UP = ("up", "--yes", "--skip-preview")


def held(sandbox: Sandbox, key: str | None = None) -> dict[str, str]:
    """The connections of a workspace, by provider."""
    return {str(c["provider"]): str(c["connectionId"]) for c in sandbox.connections(key)}


def seen(stack: Stack) -> dict[str, object]:
    """What the state holds of the integration, but for the config, which is encrypted anew each time."""
    return {**stack.resources()["stripe"]["outputs"], "config": None}


# --- gone means gone


@pytest.mark.full
@pytest.mark.parametrize("lagging", [("list",), ("sync_status",), ("list", "sync_status")])
def test_a_service_that_lags_loses_no_connection(
    stack: Stack, sandbox: Sandbox, lagging: tuple[Literal["list", "sync_status"], ...]
) -> None:
    """A refresh right after an up keeps it, a destroy right after one disconnects it."""
    stack.program(stripe())
    sandbox.lag(*lagging, seconds=4)
    stack.up()
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert set(stack.resources()) == {"stripe"}
    stack.destroy()
    assert held(sandbox) == {}


def test_a_destroy_settles_what_the_list_does_not_show(stack: Stack, sandbox: Sandbox) -> None:
    """With a key of the state's organization the disconnect is sent all the same."""
    stack.ok("config", "set", "outlit:timeout", "4")
    stack.program(stripe())
    sandbox.lag("list")
    stack.up()
    assert stack.resources()["stripe"]["outputs"]["organization_id"] == "org_acme"
    counted(sandbox)
    stack.destroy()
    assert held(sandbox) == {}
    assert counted(sandbox, whose=True) == {"list": 2, "validate_key": 1, "disconnect": 1}


@pytest.mark.full
@pytest.mark.parametrize("kind", ["says_not_connected", "duplicate_entries", "died"])
def test_what_the_list_says_of_our_own_id_is_no_drift(
    stack: Stack, sandbox: Sandbox, kind: Literal["says_not_connected", "duplicate_entries", "died"]
) -> None:
    stack.program(stripe())
    stack.up()
    sandbox.fault("list", kind=kind, times=None)
    counted(sandbox)
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert counted(sandbox, whose=True) == {"list": 1, "sync_status": 1}


def test_a_contradiction_is_an_error_whose_way_out_works(stack: Stack, sandbox: Sandbox) -> None:
    stack.ok("config", "set", "outlit:timeout", "4")
    stack.program(stripe())
    stack.up()
    sandbox.lag("sync_status")
    sandbox.disconnect("stripe")
    shown = stack.fails("refresh", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not read and its state is unchanged: Outlit's list says that it is not connected" in shown
    assert "pulumi state delete" in shown
    stack.ok("state", "delete", stack.resources()["stripe"]["urn"], "--yes")
    sandbox.lag("sync_status", seconds=0)
    stack.up()
    assert_settled(stack, sandbox, stripe={"apiKey": SK})


@pytest.mark.full
@pytest.mark.parametrize("status", [404, 405, 410])
def test_routes_that_are_not_served_leave_the_state_alone(stack: Stack, sandbox: Sandbox, status: int) -> None:
    stack.program(stripe())
    stack.up()
    sandbox.fault("*", status=status, body="<h1>Not Found</h1>", content_type="text/html", times=None)
    for command in ("refresh", "destroy"):
        shown = stack.fails(command, "--yes", "--skip-preview").diagnostics
        assert f"does not serve Outlit's integration routes ({status})" in shown
    assert set(stack.resources()) == {"stripe"}


# --- whose key it is


@pytest.mark.parametrize(
    "command",
    [
        ("refresh", "--yes", "--skip-preview"),
        pytest.param(("destroy", "--yes", "--skip-preview"), marks=pytest.mark.full),
        pytest.param(("destroy", "--yes", "--skip-preview", "--refresh"), marks=pytest.mark.full),
        pytest.param(("up", "--yes", "--skip-preview", "--refresh"), marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize("connected", [True, pytest.param(False, marks=pytest.mark.full)])
def test_the_key_of_another_organization_changes_nothing(
    stack: Stack, sandbox: Sandbox, command: tuple[str, ...], connected: bool
) -> None:
    """Neither in the state nor at the service."""
    stack.program(stripe())
    stack.up()
    key = sandbox.add_workspace("other")
    if connected:
        sandbox.connect("stripe", {"apiKey": "sk_theirs"}, api_key=key)
    before = (held(sandbox), held(sandbox, key), seen(stack))
    shown = stack.fails(*command, env={"OUTLIT_API_KEY": key}).diagnostics
    assert "the API key is of organization org_other, the state is of org_acme" in shown
    assert (held(sandbox), held(sandbox, key), seen(stack)) == before
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")


@pytest.mark.full
def test_an_update_and_a_create_with_the_key_of_another_organization_are_foreseen_and_refused(
    stack: Stack, sandbox: Sandbox
) -> None:
    stack.program(stripe())
    stack.up()
    key = sandbox.add_workspace("other")
    stack.secret("sk", NEW)
    stack.secret("phx", "phx_CANARYposthog0123456789")
    stack.program("x = " + stripe() + posthog(more=", opts=ResourceOptions(depends_on=[x])"))
    env = {"OUTLIT_API_KEY": key}
    said = "the API key is of organization org_other, the state is of org_acme"
    shown = stack.ok("preview", env=env).output
    assert f"updating Stripe will fail: {said}" in shown
    assert f"creating PostHog will fail: {said}" in shown
    assert f"Stripe was not updated: {said}" in stack.fails(*UP, env=env).diagnostics
    assert (held(sandbox), held(sandbox, key)) == ({"stripe": "stripe-org_acme"}, {})


@pytest.mark.full
def test_an_older_service_is_sent_nothing_on_a_guess(stack: Stack, sandbox: Sandbox) -> None:
    stack.ok("config", "set", "outlit:timeout", "4")
    sandbox.configure(key_check=False)
    stack.program(stripe())
    stack.up()
    assert stack.resources()["stripe"]["outputs"].get("organization_id") is None
    counted(sandbox)
    key = sandbox.add_workspace("other")
    shown = stack.ok("destroy", "--yes", "--skip-preview", env={"OUTLIT_API_KEY": key}).output
    assert "If the API key is another workspace's, the connection is still there." in shown
    assert counted(sandbox) == {"list": 2}


@pytest.mark.full
def test_a_refresh_fills_in_an_organization_that_is_missing(stack: Stack, sandbox: Sandbox) -> None:
    sandbox.configure(key_check=False)
    stack.program(stripe())
    stack.up()
    sandbox.configure(key_check=True)
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert stack.resources()["stripe"]["outputs"]["organization_id"] == "org_acme"


# --- a replacement that was cut short

Spoil = Callable[[Stack, Sandbox], None]


def carried_out_late(stack: Stack, sandbox: Sandbox) -> None:
    """The connect of the replacement times out, and is carried out later: a list does not show it yet."""
    sandbox.fault("connect", kind="delay", seconds=300)
    sandbox.fault("list", status=500, skip=1, times=None)
    assert "may or may not be connected, after it was disconnected" in stack.fails(*UP).diagnostics
    until(lambda: held(sandbox), "the connect that is carried out late")
    sandbox.clear_faults()


def killed(stack: Stack, sandbox: Sandbox) -> None:
    """`pulumi` is killed while the connect of the replacement is under way. The provider goes on until it gives up."""
    sandbox.fault("connect", kind="delay", seconds=300, after=True)
    with stack.running(*UP) as up:
        until(lambda: any(call["fault"] for call in sandbox.calls()), "the connect")
        os.killpg(up.pid, signal.SIGKILL)
        up.result()
    until(lambda: sandbox.calls()[-1]["route"] == "list", "the look of the provider at the outcome")
    stack.ok("cancel", "--yes")


def refused(stack: Stack, sandbox: Sandbox) -> None:
    """The connect of the replacement is refused, and somebody connects by hand."""
    sandbox.fault("connect", status=400, body='{"error": "no such key"}')
    assert "Stripe is now disconnected" in stack.fails(*UP).diagnostics
    sandbox.connect("stripe", {"apiKey": "sk_by_hand"})


@pytest.mark.parametrize("stable", [True, False], ids=["the old id", "a new id"])
@pytest.mark.parametrize(
    "spoil",
    [carried_out_late, pytest.param(killed, marks=pytest.mark.full), pytest.param(refused, marks=pytest.mark.full)],
)
def test_the_up_after_a_replacement_that_was_cut_short_takes_what_it_left(
    stack: Stack, sandbox: Sandbox, spoil: Spoil, stable: bool
) -> None:
    """And sends the declared config to it, whatever its id. A later destroy disconnects it."""
    stack.ok("config", "set", "outlit:timeout", "4")
    sandbox.configure(stable_ids=stable)
    stack.program(stripe(more=REPLACED))
    stack.up()
    stack.secret("sk", NEW)
    spoil(stack, sandbox)
    left = held(sandbox)
    shown = stack.up().output
    assert "was there already" in shown
    assert "declared twice" not in shown
    assert held(sandbox) == left
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})
    stack.destroy()
    assert held(sandbox) == {}


@pytest.mark.full
def test_so_does_the_up_after_the_replacement_of_what_was_renamed(stack: Stack, sandbox: Sandbox) -> None:
    """The state's outputs still have the old name."""
    stack.ok("config", "set", "outlit:timeout", "4")
    stack.program(stripe("a", more=REPLACED))
    stack.up()
    stack.program(stripe("b", more=f'{REPLACED}, opts=ResourceOptions(aliases=[pulumi.Alias(name="a")])'))
    stack.up()
    stack.secret("sk", NEW)
    carried_out_late(stack, sandbox)
    assert "was there already" in stack.up().output
    assert set(stack.resources()) == {"b"}


@pytest.mark.full
def test_what_a_component_retains_is_taken_by_its_replacement(stack: Stack, sandbox: Sandbox) -> None:
    """The constructor cannot see an option that the engine passes down."""
    stack.program(
        "class Tools(pulumi.ComponentResource):\n"
        "    def __init__(self, name, opts=None):\n"
        '        super().__init__("my:Tools", name, None, opts)\n'
        f"        {stripe(more=REPLACED + ', opts=ResourceOptions(parent=self)')}"
        'Tools("tools", ResourceOptions(retain_on_delete=True))\n'
    )
    stack.up()
    stack.secret("sk", NEW)
    stack.up()
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})


@pytest.mark.full
@pytest.mark.parametrize("how", ["--replace", "taint"])
def test_a_forced_replacement_changes_nothing_and_says_so(stack: Stack, sandbox: Sandbox, how: str) -> None:
    """The engine creates first and asks no diff. What the message advises works."""
    stack.program(stripe())
    stack.up()
    urn = stack.resources()["stripe"]["urn"]
    before = held(sandbox)
    if how == "taint":
        stack.ok("state", "taint", urn, "--yes")
    command = UP if how == "taint" else (*UP, "--replace", urn)
    shown = stack.fails(*command).diagnostics
    assert "No credentials were applied." in shown
    assert "the connection is its own and stays as it is" in shown
    assert held(sandbox) == before
    if how == "taint":
        stack.ok("state", "untaint", urn, "--yes")
    assert_settled(stack, sandbox, stripe={"apiKey": SK})
    stack.program(stripe(more=", opts=ResourceOptions(delete_before_replace=True)"))
    stack.ok(*UP, "--replace", urn)
    assert held(sandbox) == {"stripe": "stripe-org_acme-2"}


# --- a rename that adopts and is cut short


def test_what_a_failed_create_was_to_take_over_is_not_disconnected(stack: Stack, sandbox: Sandbox) -> None:
    stack.program(stripe("old"))
    stack.up()
    before = held(sandbox)
    stack.program(stripe("new", more=", adopt_existing=True"))
    sandbox.fault("list", kind="html", times=None)
    shown = stack.fails(*UP, "--continue-on-error").diagnostics
    assert "Stripe was neither taken over nor connected" in shown
    assert "a create or a check of this provider failed in this run" in shown
    assert held(sandbox) == before
    sandbox.clear_faults()
    assert "was kept" in stack.up().output
    assert held(sandbox) == before


@pytest.mark.full
def test_what_a_failed_create_of_another_process_was_to_take_over_is_not_disconnected(
    stack: Stack, sandbox: Sandbox
) -> None:
    stack.secret("ws", sandbox.api_key)
    ws = 'ws = outlit.Provider("ws", api_key=config.require_secret("ws"))\n'
    stack.program(ws + stripe("old"))
    stack.up()
    before = held(sandbox)
    stack.program(ws + stripe("new", more=", adopt_existing=True, opts=ResourceOptions(provider=ws)"))
    sandbox.fault("list", kind="html", times=None)
    shown = stack.fails(*UP, "--continue-on-error").diagnostics
    assert "a create or a check of this provider failed in this run" in shown
    assert held(sandbox) == before


# --- answers and ids


def test_a_new_id_after_a_rotation_is_ours(stack: Stack, sandbox: Sandbox) -> None:
    sandbox.configure(new_id_on_force=True)
    stack.program(stripe() + "pulumi.export('connection', pulumi.Output.from_input(1))\n")
    stack.up()
    stack.secret("sk", NEW)
    assert "warning" not in stack.up().output
    assert stack.resources()["stripe"]["outputs"]["connection_id"] == "stripe-org_acme-2"
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})


def test_a_lost_rotation_that_left_a_new_id_is_taken_and_sent_again(stack: Stack, sandbox: Sandbox) -> None:
    sandbox.configure(new_id_on_force=True)
    stack.program(stripe())
    stack.up()
    stack.secret("sk", NEW)
    sandbox.fault("connect", kind="reset", after=True)
    assert "the connection has a new id since" in stack.up().output
    stack.up()
    stack.ok("refresh", "--yes", "--skip-preview")
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})


@pytest.mark.full
def test_a_server_that_hangs_up_after_each_answer_is_worked_with(stack: Stack, sandbox: Sandbox) -> None:
    sandbox.fault("*", kind="hang_up", times=None)
    stack.program(stripe())
    stack.up()
    stack.secret("sk", NEW)
    stack.up()
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.destroy()
    assert held(sandbox) == {}


@pytest.mark.full
@pytest.mark.parametrize("status", [402, 409, 413, 422, 451])
def test_a_final_answer_is_one_try_and_says_that_nothing_was_done(stack: Stack, sandbox: Sandbox, status: int) -> None:
    body = f'{{"error": "bad key {SK}", "details": [{{"path": "config.apiKey", "message": "expired"}}]}}'
    sandbox.fault("connect", status=status, body=body, times=None)
    stack.program(stripe())
    shown = stack.fails(*UP).diagnostics
    assert f"Stripe was not connected: Outlit answered {status}" in shown
    assert "config.apiKey: expired" in shown
    assert counted(sandbox)["connect"] == 1
    assert stack.leaks() == []
