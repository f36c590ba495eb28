"""Two stacks with one workspace."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import SK, Stack
from .programs import stripe
from .test_engine_replacement import held

DOWN = ("destroy", "--yes", "--skip-preview")


@pytest.fixture
def two(stack: Stack, tmp_path: Path, sandbox: Sandbox) -> Stack:
    """Another stack, of a program in another folder."""
    folder = tmp_path / "two"
    shutil.copytree(stack.folder, folder)
    service = {"OUTLIT_API_KEY": sandbox.api_key, "OUTLIT_API_URL": sandbox.url}
    made = Stack(folder, stack.env | service | {"PULUMI_STACK": "two"})
    made.ok("stack", "init", "two")
    made.secret("sk", SK)
    return made


@pytest.mark.full
def test_a_destroy_of_what_is_long_gone_spares_what_another_stack_connected(
    stack: Stack, two: Stack, sandbox: Sandbox
) -> None:
    """Somebody disconnected it, another stack connected it, and the list shows neither yet: there is no connection."""
    stack.program(stripe())
    stack.up()
    exported = json.loads(stack.ok("stack", "export").output)
    exported["deployment"]["resources"][-1]["outputs"]["written_at"] = "2026-01-01T00:00:00Z"
    (stack.folder / "old.json").write_text(json.dumps(exported))
    stack.ok("stack", "import", "--file", "old.json")
    sandbox.disconnect("stripe")
    sandbox.lag("list")
    two.program(stripe("theirs"))
    two.up()
    theirs = held(sandbox)
    shown = stack.fails(*DOWN).diagnostics
    assert "Stripe was not disconnected: Outlit's list says that it is not connected, and its sync status says" in shown
    assert held(sandbox) == theirs
    sandbox.lag("list", "sync_status", seconds=0)
    assert "this workspace holds another connection of it than the state" in stack.fails(*DOWN).diagnostics
    assert held(sandbox) == theirs
    stack.ok("state", "delete", stack.resources()["stripe"]["urn"], "--yes")
    stack.destroy()
    two.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert held(sandbox) == theirs
