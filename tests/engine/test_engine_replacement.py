"""Nothing is disconnected for what fails, and nothing that another resource of the program holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import Stack, counted
from .programs import posthog, stripe

WS = 'ws = outlit.Provider("ws", api_key=config.require_secret("ws"))\n'
TO_WS = "opts=ResourceOptions(provider=ws)"


def clerk(name: str) -> str:
    """A Clerk integration."""
    config = 'outlit.ClerkConfigArgs(secret_key=config.require_secret("sk"))'
    return f'outlit.Integration("{name}", provider="clerk", config={config})\n'


def held(sandbox: Sandbox) -> dict[str, str]:
    """The connections of the workspace, by provider."""
    return {str(c["provider"]): str(c["connectionId"]) for c in sandbox.connections()}


def test_a_changed_provider_that_somebody_connected_disconnects_nothing(stack: Stack, sandbox: Sandbox) -> None:
    """The new connection is created first; its create is refused, so the old one stays in service and state."""
    stack.program(clerk("a"))
    stack.up()
    sandbox.connect("stripe", {"apiKey": "sk_theirs"})
    before = held(sandbox)
    counted(sandbox)
    stack.program(stripe("a"))
    assert "creating Stripe will fail: it is already connected" in stack.ok("preview").output
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not created: it is already connected in this workspace" in shown
    assert held(sandbox) == before
    assert counted(sandbox)["disconnect"] == 0
    assert stack.resources()["a"]["outputs"]["provider"] == "clerk"


@pytest.mark.full
def test_a_changed_provider_that_the_plan_has_no_room_for_disconnects_nothing(stack: Stack, sandbox: Sandbox) -> None:
    """The message names the ways on, and the one that deletes works."""
    sandbox.configure(limit=1)
    stack.program(clerk("a"))
    stack.up()
    before = held(sandbox)
    stack.program(stripe("a"))
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "delete_before_replace=True" in shown
    assert held(sandbox) == before
    stack.program(stripe("a", more=", opts=ResourceOptions(delete_before_replace=True)"))
    stack.up()
    assert list(held(sandbox)) == ["stripe"]


@pytest.mark.full
def test_a_dependent_is_not_replaced_for_what_is_not_known(stack: Stack, sandbox: Sandbox) -> None:
    """Its provider and config come from a resource that is replaced."""
    a = "a = " + posthog("a", more=', on_config_change="replace"')
    known = "a.connection_id.apply(lambda _: 'granola')"
    stack.program(a + f'outlit.Integration("b", {known}, {{"apiKey": a.status}}, on_config_change="replace")\n')
    stack.up()
    stack.secret("phx", "phx_CANARYposthog0123456789new")
    before = held(sandbox)["granola"]
    stack.up()
    assert held(sandbox)["granola"] == before


def test_two_resources_that_swap_providers_disconnect_nothing(stack: Stack, sandbox: Sandbox) -> None:
    stack.program(clerk("a") + stripe("b"))
    stack.up()
    before = held(sandbox)
    counted(sandbox)
    stack.program(stripe("a") + clerk("b"))
    stack.fails("up", "--yes", "--skip-preview", "--parallel", "1")
    assert held(sandbox) == before
    assert counted(sandbox)["disconnect"] == 0
    stack.program(clerk("a") + stripe("b"))
    stack.up()
    assert held(sandbox) == before


@pytest.mark.parametrize("parallel", ["1", pytest.param("16", marks=pytest.mark.full)])
def test_a_connection_that_another_resource_adopts_in_the_same_run_is_kept(
    stack: Stack, sandbox: Sandbox, parallel: str
) -> None:
    """`a` turns from Stripe to PostHog while `b` adopts Stripe: whichever comes first, Stripe is not disconnected."""
    stack.program(stripe("a"))
    stack.up()
    before = held(sandbox)["stripe"]
    counted(sandbox)
    stack.program(posthog("a") + stripe("b", more=", adopt_existing=True"))
    shown = stack.ok("up", "--yes", "--skip-preview", "--parallel", parallel).output
    assert "was kept" in shown
    assert held(sandbox)["stripe"] == before
    assert counted(sandbox)["disconnect"] == 0
    assert {name: r["outputs"]["provider"] for name, r in stack.resources().items()} == {"a": "posthog", "b": "stripe"}


def test_a_provider_declared_twice_is_refused_by_the_program(stack: Stack, sandbox: Sandbox) -> None:
    """In one line, in the preview already; the second is never registered."""
    stack.program(stripe("one") + stripe("two"))
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        shown = stack.fails(*command).output
        assert "'two' declares Stripe once more: 'one' declares it" in shown
        assert "Traceback" not in shown
    assert counted(sandbox)["connect"] <= 1
    assert set(stack.resources()) <= {"one"}


@pytest.mark.full
def test_two_of_one_name_under_different_parents_are_two(stack: Stack, sandbox: Sandbox) -> None:
    """Pulumi allows that name twice; the workspace holds one connection all the same."""
    tools = (
        (
            "class {0}(pulumi.ComponentResource):\n"
            "    def __init__(self, name):\n"
            '        super().__init__("my:{0}", name)\n'
            f"        {stripe(more=', opts=ResourceOptions(parent=self)')}"
            '{0}("{0}")\n'
        )
        .replace('{"apiKey"', '{{"apiKey"')
        .replace('"sk")}', '"sk")}}')
    )
    stack.program(tools.format("A"))
    stack.up()
    before = held(sandbox)
    stack.program(tools.format("A") + tools.format("B"))
    shown = stack.fails("up", "--yes", "--skip-preview").output
    assert "'B/stripe' declares Stripe once more: 'A/stripe' declares it" in shown
    assert held(sandbox) == before


def test_a_provider_declared_for_two_workspaces_is_connected_in_both(stack: Stack, sandbox: Sandbox) -> None:
    key = sandbox.add_workspace("emea")
    stack.secret("ws", key)
    stack.program(WS + stripe("one") + stripe("two", more=f", {TO_WS}"))
    stack.up()
    assert [len(sandbox.connections()), len(sandbox.connections(key))] == [1, 1]


@pytest.fixture
def moving(stack: Stack, sandbox: Sandbox) -> Stack:
    """Stripe is connected by the stack's Provider, and declared under a new name for another one of its workspace."""
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + stripe("old"))
    stack.up()
    counted(sandbox)
    stack.program(WS + stripe("new", more=f", adopt_existing=True, {TO_WS}"))
    return stack


def notes(stack: Stack) -> Path:
    """The folder of the notes that provider processes of a run leave each other."""
    return Path(stack.env["PULUMI_HOME"]) / "outlit-notes"


@pytest.mark.parametrize("obstacle", ["file", pytest.param("link", marks=pytest.mark.full)])
def test_a_move_that_cannot_tell_the_other_process_is_refused(moving: Stack, sandbox: Sandbox, obstacle: str) -> None:
    """The process that deletes the old resource would not know of the take-over, and disconnect."""
    before = held(sandbox)
    notes(moving).rmdir()  # the create left it empty
    if obstacle == "file":
        notes(moving).write_text("somebody's")
    else:
        (moving.folder / "elsewhere").mkdir()
        notes(moving).symlink_to(moving.folder / "elsewhere")
    shown = moving.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not taken over" in shown or "Stripe was neither taken over nor connected" in shown
    assert "outlit-notes" in shown
    assert held(sandbox) == before
    assert counted(sandbox)["disconnect"] == 0
    assert set(moving.resources()) == {"old"}


def test_a_move_reads_and_removes_nothing_but_notes(moving: Stack, sandbox: Sandbox) -> None:
    """Files of others stay, also in a folder that happens to have the name of an older one; no note is left behind."""
    theirs = [notes(moving) / "keep.txt", notes(moving).parent / "outlit" / "mine.txt"]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    before = held(sandbox)
    moving.ok("preview")
    assert [path.name for path in notes(moving).iterdir()] == ["keep.txt"]
    assert "was kept" in moving.ok("up", "--yes", "--skip-preview").output
    assert held(sandbox) == before
    assert [path.name for path in notes(moving).iterdir()] == ["keep.txt"]
    assert all(path.read_text() == "mine" for path in theirs)
    moving.ok("destroy", "--yes", "--skip-preview")
    assert held(sandbox) == before  # what is adopted is kept


def test_a_move_between_two_spellings_of_an_address_keeps_the_connection(stack: Stack, sandbox: Sandbox) -> None:
    """What decides is the connection, not the text of a URL."""
    stack.secret("ws", sandbox.api_key)
    local = sandbox.url.replace("127.0.0.1", "localhost")
    ws = WS.replace('ws"))', f'ws"), base_url="{local}")')
    stack.program(ws + stripe("old"))
    stack.up()
    before = held(sandbox)
    stack.program(ws + stripe("new", more=f", adopt_existing=True, {TO_WS}"))
    assert "was kept" in stack.ok("up", "--yes", "--skip-preview").output
    assert held(sandbox) == before


def test_no_connection_is_left_open(stack: Stack, sandbox: Sandbox) -> None:
    """Python's development mode reports a socket that nobody closed."""
    stack.program(stripe())
    for command in (["up", "--yes", "--skip-preview"], ["refresh", "--yes"], ["destroy", "--yes", "--skip-preview"]):
        assert "ResourceWarning" not in stack.ok(*command, env={"PYTHONDEVMODE": "1"}).output
