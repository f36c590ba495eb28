"""No operation reaches a workspace that it was not meant for."""

from __future__ import annotations

import pytest

from outlit_pulumi.sandbox import Sandbox, fingerprint

from .conftest import PHX, SK, Stack, counted
from .programs import posthog, stripe


def writes(sandbox: Sandbox) -> int:
    """Connects and disconnects since the last look."""
    calls = counted(sandbox)
    return calls["connect"] + calls["disconnect"]


def test_another_workspace_is_neither_disconnected_nor_rotated(stack: Stack, sandbox: Sandbox) -> None:
    """With a key of another workspace, update and delete refuse and name the ways out."""
    other = sandbox.add_workspace("other")
    sandbox.connect("stripe", {"apiKey": "sk_theirs"}, api_key=other)
    stack.program(stripe())
    stack.up()
    counted(sandbox)
    wrong = {"OUTLIT_API_KEY": other}

    shown = stack.fails("destroy", "--yes", "--skip-preview", env=wrong).diagnostics
    assert "Stripe was not disconnected: the API key is of organization org_other, the state is of org_acme" in shown
    stack.secret("sk", SK + "new")
    shown = stack.fails("up", "--yes", "--skip-preview", "--diff", env=wrong).diagnostics
    assert "Stripe was not updated: the API key is of organization org_other, the state is of org_acme" in shown
    assert writes(sandbox) == 0
    theirs = sandbox.connections(other)
    assert [c["fingerprint"] for c in theirs] == [fingerprint({"apiKey": "sk_theirs"})]
    assert len(sandbox.connections()) == 1
    assert stack.leaks() == []


@pytest.mark.full
def test_destroy_with_refresh_does_not_accept_another_connection(stack: Stack, sandbox: Sandbox) -> None:
    """`--refresh` with the wrong key must not turn the guard off: acceptance takes a refresh of its own."""
    other = sandbox.add_workspace("other")
    sandbox.connect("stripe", {"apiKey": "sk_theirs"}, api_key=other)
    stack.program(stripe())
    stack.up()
    counted(sandbox)
    stack.fails("destroy", "--yes", "--skip-preview", "--refresh", env={"OUTLIT_API_KEY": other})
    assert writes(sandbox) == 0


@pytest.mark.full
def test_a_reconnection_is_accepted_by_a_refresh_of_its_own(stack: Stack, sandbox: Sandbox) -> None:
    """Refresh warns, takes the new id, and destroy then works."""
    stack.program(stripe())
    stack.up()
    sandbox.disconnect("stripe")
    sandbox.connect("stripe", {"apiKey": "sk_theirs"})
    stack.fails("destroy", "--yes", "--skip-preview")
    shown = stack.ok("refresh", "--yes", "--skip-preview").diagnostics
    assert "Stripe: the workspace holds connection" in shown
    assert stack.resources()["stripe"]["id"] == sandbox.connections()[0]["connectionId"]
    stack.ok("destroy", "--yes", "--skip-preview")
    assert sandbox.connections() == []


@pytest.mark.parametrize("in_environment", [pytest.param(False, marks=pytest.mark.full), True])
def test_two_explicit_providers_in_one_stack(stack: Stack, sandbox: Sandbox, in_environment: bool) -> None:
    """Each integration goes to the workspace of its Provider, whatever OUTLIT_API_KEY says."""
    keys = {name: sandbox.add_workspace(name) for name in ("emea", "apac")}
    env = {"OUTLIT_API_KEY": sandbox.api_key} if in_environment else {}
    program = ""
    for name, key in keys.items():
        stack.secret(name, key)
        program += f'{name} = outlit.Provider("{name}", api_key=config.require_secret("{name}"))\n'
        program += stripe(f"stripe-{name}", more=f", opts=ResourceOptions(provider={name})")
    stack.program(program)
    stack.up(env=env)
    for name, key in keys.items():
        assert [c["connectionId"] for c in sandbox.connections(key)] == [f"stripe-org_{name}"]
    assert sandbox.connections() == []
    stack.ok("refresh", "--yes", "--expect-no-changes", env=env)
    counted(sandbox)
    stack.up(env=env)
    assert counted(sandbox) == {}
    stack.ok("destroy", "--yes", "--skip-preview", env=env)
    assert [sandbox.connections(key) for key in keys.values()] == [[], []]
    assert stack.leaks() == []


WS = 'ws = outlit.Provider("ws", api_key=config.require_secret("ws"))\n'
TO_WS = "opts=ResourceOptions(provider=ws)"


@pytest.mark.full
@pytest.mark.parametrize("option", ["provider=ws", "providers=[ws]"])
def test_a_component_hands_its_provider_down(stack: Stack, sandbox: Sandbox, option: str) -> None:
    """What it declares, and a component in it, goes to its workspace, and what is beside it to the stack's own."""
    key = sandbox.add_workspace("emea")
    stack.secret("ws", key)
    stack.program(
        "class Inner(pulumi.ComponentResource):\n"
        "    def __init__(self, name, opts):\n"
        '        super().__init__("test:index:Inner", name, None, opts)\n'
        f"        {stripe('inner', more=', opts=ResourceOptions(parent=self)')}\n"
        "class Outer(pulumi.ComponentResource):\n"
        "    def __init__(self, name, opts):\n"
        '        super().__init__("test:index:Outer", name, None, opts)\n'
        f"        {posthog('outer', more=', opts=ResourceOptions(parent=self)')}"
        '        Inner(f"{name}-inner", ResourceOptions(parent=self))\n\n'
        f'{WS}Outer("team", ResourceOptions({option}))\n{stripe("beside")}'
    )
    stack.up()
    assert {c["connectionId"] for c in sandbox.connections(key)} == {"posthog-org_emea", "stripe-org_emea"}
    (beside,) = sandbox.connections()
    stack.ok("refresh", "--yes", "--expect-no-changes")
    stack.ok("destroy", "--yes", "--skip-preview", "--target", "**Outer**", "--target-dependents")
    assert (sandbox.connections(key), sandbox.connections()) == ([], [beside])


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "more", "left"),
    [
        ("stripe", f", {TO_WS}", 0),
        ("renamed", ', opts=ResourceOptions(provider=ws, aliases=[Alias(name="stripe")])', 0),
        ("stripe", f", adopt_existing=True, {TO_WS}", 1),
    ],
    ids=["as it is", "renamed with an alias", "adopted from now on"],
)
def test_a_move_to_a_provider_of_the_same_workspace_touches_nothing(
    stack: Stack, sandbox: Sandbox, name: str, more: str, left: int
) -> None:
    """The engine replaces nothing: the state gets another provider, which later disconnects or keeps the connection."""
    stack.program(stripe())
    stack.up()
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + stripe(name, more=more))
    counted(sandbox)
    stack.up()
    assert "::ws::" in stack.resources()[name]["provider"]
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert writes(sandbox) == 0
    stack.destroy()
    assert len(sandbox.connections()) == left


@pytest.mark.full
def test_a_move_with_a_new_name_and_no_alias_is_refused(stack: Stack, sandbox: Sandbox) -> None:
    """To the engine that is a new resource and an old one: the new one fails first, so the old one is kept."""
    stack.program(stripe())
    stack.up()
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + stripe("renamed", more=f", {TO_WS}"))
    counted(sandbox)
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not created: it is already connected" in shown
    assert "aliases" in shown
    assert writes(sandbox) == 0
    assert set(stack.resources()) == {"stripe"}


@pytest.mark.parametrize(
    "back",
    [
        pytest.param(False, id="to an explicit Provider"),
        pytest.param(True, id="back to the stack's own", marks=pytest.mark.full),
    ],
)
def test_a_move_with_a_new_name_that_adopts_keeps_the_connection(stack: Stack, sandbox: Sandbox, back: bool) -> None:
    """One provider process takes it over, and another deletes the old resource: that must not disconnect it."""
    programs = [stripe(), stripe("moved", more=f", adopt_existing=True, {TO_WS}")]
    if back:
        programs = [stripe(more=f", {TO_WS}"), stripe("moved", more=", adopt_existing=True")]
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + programs[0])
    stack.up()
    before = sandbox.connections()
    counted(sandbox)
    stack.program(WS + programs[1])
    shown = stack.up().output
    assert "now belongs to another resource of this program and was kept" in shown
    assert writes(sandbox) == 0
    assert sandbox.connections() == before
    assert {name: r["id"] for name, r in stack.resources().items()} == {"moved": before[0]["connectionId"]}


@pytest.mark.full
def test_what_another_provider_connects_anew_is_kept(stack: Stack, sandbox: Sandbox) -> None:
    """Somebody disconnected it, and its new owner got the id that the old resource's state still holds."""
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + stripe("old"))
    stack.up()
    sandbox.configure(stable_ids=True)
    sandbox.disconnect("stripe")
    stack.program(WS + stripe("new", more=f", {TO_WS}"))
    stack.up()
    assert [c["connectionId"] for c in sandbox.connections()] == [stack.resources()["new"]["id"]]


def test_what_another_provider_reads_is_kept(stack: Stack, sandbox: Sandbox) -> None:
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + stripe())
    stack.up()
    counted(sandbox)
    stack.program(WS + f'outlit.Integration.get("read", "stripe", {TO_WS})\n')
    assert "now belongs to another resource of this program and was kept" in stack.up().output
    assert writes(sandbox) == 0


@pytest.mark.full
def test_a_move_to_another_workspace(stack: Stack, sandbox: Sandbox) -> None:
    """A new name is connected there and disconnected here. With the old name, new credentials do not get there."""
    other = sandbox.add_workspace("other")
    stack.program(stripe())
    stack.up()
    stack.secret("ws", other)
    stack.secret("sk", SK + "new")
    counted(sandbox)
    stack.program(WS + stripe(more=f", {TO_WS}"))
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not updated: the API key is of organization org_other, the state is of org_acme" in shown
    assert writes(sandbox) == 0
    stack.program(WS + stripe("moved", more=f", {TO_WS}"))
    stack.up()
    assert sandbox.connections() == []
    assert [c["fingerprint"] for c in sandbox.connections(other)] == [fingerprint({"apiKey": SK + "new"})]
    assert set(stack.resources()) == {"moved"}


@pytest.mark.full
def test_a_revoked_key_of_an_explicit_provider(stack: Stack, sandbox: Sandbox) -> None:
    """What the error advises works: the program's key for a refresh, and the Provider declared anew for a removal."""
    bad, good = "ok_" + "x" * 40, sandbox.api_key
    stack.secret("ws", good)
    stack.program(WS + stripe(more=f", {TO_WS}"))
    stack.up()
    stack.secret("ws", bad)
    stack.up()  # changes the key in the state, and asks nothing
    stack.secret("ws", good)
    shown = stack.fails("refresh", "--yes", "--skip-preview", env={"OUTLIT_API_KEY": good}).diagnostics
    assert "Check the Provider's api_key" in shown
    assert "add --run-program" in shown
    stack.ok("refresh", "--yes", "--skip-preview", "--run-program")
    stack.secret("ws", bad)
    stack.up()
    stack.program("")
    shown = stack.fails("up", "--yes", "--skip-preview", env={"OUTLIT_API_KEY": good}).diagnostics
    assert "declare it once more, with the new key" in shown
    stack.secret("ws", good)
    stack.program(WS)
    stack.up()
    assert sandbox.connections() == []


@pytest.mark.full
def test_the_environment_wins_over_the_stack_for_refresh_and_destroy(stack: Stack, sandbox: Sandbox) -> None:
    """After a key rotation the state still has the old key: OUTLIT_API_KEY gets refresh and destroy through."""
    stack.program(posthog())
    good = {"OUTLIT_API_KEY": sandbox.api_key}
    stack.secret("outlit:apiKey", "ok_" + "x" * 40)
    stack.up(env=good)
    shown = stack.fails("refresh", "--yes", "--skip-preview").diagnostics
    assert "does not accept the API key" in shown
    assert set(stack.resources()) == {"posthog"}
    stack.ok("refresh", "--yes", "--skip-preview", env=good)
    stack.ok("destroy", "--yes", "--skip-preview", env=good)
    assert sandbox.connections() == []
    assert PHX not in "".join(stack.outputs)
