"""What docs/move-between-stacks.md tells: an integration moves to another project's stack, unnoticed by Outlit."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox
from tests.engine.conftest import Stack, counted

from .projects import configure, create

pytestmark = pytest.mark.full

OLD, NEW = "organization/old/dev", "organization/new/dev"
OPTION = 'config=outlit.StripeConfigArgs(api_key=config.require_secret("stripeApiKey")),'


class Project:
    """A project whose program declares Stripe, or does not."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._program = stack.folder / "__main__.py"
        self._declared = self._program.read_text()

    def declares(self, more: str = "") -> None:
        """Declares it, with more arguments."""
        assert OPTION in self._declared
        self._program.write_text(self._declared.replace(OPTION, OPTION + more))

    def declares_nothing(self) -> None:
        """Takes it out of the program."""
        self._program.write_text(self._declared.partition("stripe = ")[0])


@pytest.fixture
def both(tmp_path: Path, env: dict[str, str], sandbox: Sandbox) -> tuple[Project, Project]:
    """The old project, which has connected Stripe, and the new one, which has nothing."""
    projects = []
    for name in ("old", "new"):
        stack = create("rotate-key", tmp_path / name, env, "--name", name)
        stack.ok("stack", "init", "dev")
        configure(stack, "rotate-key", sandbox)
        projects.append(Project(stack))
    old, new = projects
    old.stack.up()
    new.declares_nothing()
    return old, new


def settled(sandbox: Sandbox, old: Project, new: Project) -> None:
    """The new stack has it, the old one does not; neither has anything to do, and there is no drift."""
    held = sandbox.connections()[0]["connectionId"]
    assert {name: item["id"] for name, item in new.stack.resources().items()} == {"stripe": held}
    assert old.stack.resources() == {}
    counted(sandbox)
    for project in (old, new):
        project.stack.ok("preview", "--expect-no-changes")
    new.stack.ok("refresh", "--preview-only", "--expect-no-changes")
    calls = counted(sandbox)
    assert not calls["connect"]
    assert not calls["disconnect"]


def test_the_state_is_moved(both: tuple[Project, Project], sandbox: Sandbox) -> None:
    """Also to a stack that never had an up; the new stack disconnects it in the end."""
    old, new = both
    before = sandbox.connections()
    urn = old.stack.resources()["stripe"]["urn"]
    old.stack.ok("state", "move", "--yes", "--source", OLD, "--dest", NEW, urn)
    assert "already connected" in old.stack.fails("up", "--yes", "--skip-preview").output
    old.declares_nothing()
    old.stack.up()
    new.declares()
    new.stack.up()
    assert sandbox.connections() == before
    settled(sandbox, old, new)
    new.stack.destroy()
    assert sandbox.connections() == []


@pytest.mark.parametrize("forget", [False, True], ids=["retain_on_delete", "state delete"])
def test_it_is_let_go_and_adopted(both: tuple[Project, Project], sandbox: Sandbox, forget: bool) -> None:
    """Nothing is sent; without adopt_existing, in the end, the new stack disconnects it."""
    old, new = both
    before = sandbox.connections()
    if forget:
        old.stack.ok("state", "delete", "--yes", old.stack.resources()["stripe"]["urn"])
    else:
        old.declares("opts=pulumi.ResourceOptions(retain_on_delete=True),")
        old.stack.up()
    old.declares_nothing()
    old.stack.up()
    new.declares("adopt_existing=True,")
    new.stack.up()
    new.declares()
    new.stack.up()
    assert sandbox.connections() == before
    settled(sandbox, old, new)
    new.stack.destroy()
    assert sandbox.connections() == []
