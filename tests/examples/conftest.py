"""A sandbox as a reader of the examples starts it, and projects made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox
from tests.engine.conftest import Stack, engine_path, environment

from .projects import configure, create

__all__ = ["Make", "engine_path", "env", "make", "sandbox"]

Make = Callable[..., Stack]
"""Makes a project of an example, with a configured stack ``dev``: ``make(name, *options of pulumi new)``."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A service whose ids are those that the READMEs show."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def env(tmp_path: Path, engine_path: str) -> dict[str, str]:
    """The environment of Pulumi: nothing of this machine's, and everything in a temporary folder."""
    (tmp_path / "state").mkdir()
    return environment(tmp_path, engine_path)


@pytest.fixture
def make(tmp_path: Path, env: dict[str, str], sandbox: Sandbox) -> Make:
    """See `Make`."""

    def made(name: str, *options: str) -> Stack:
        stack = create(name, tmp_path, env, *options)
        stack.ok("stack", "init", "dev")
        configure(stack, name, sandbox)
        return stack

    return made
