"""A sandbox as a reader of the examples starts it, and projects made of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox
from tests.engine.conftest import Stack, engine_path

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
    return {name: value for name, value in os.environ.items() if not name.startswith(("OUTLIT_", "PULUMI_"))} | {
        "PATH": engine_path,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_CONFIG_PASSPHRASE": "not a secret",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture
def make(tmp_path: Path, env: dict[str, str], sandbox: Sandbox) -> Make:
    """See `Make`."""

    def made(name: str, *options: str) -> Stack:
        stack = create(name, tmp_path, env, *options)
        stack.ok("stack", "init", "dev")
        configure(stack, name, sandbox)
        return stack

    return made
