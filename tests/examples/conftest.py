"""A sandbox as a reader of the examples starts it, and projects made of them, in an environment as users have it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox
from tests.engine.conftest import Stack, engine_path, environment

from .projects import ROOT, configure, create

__all__ = ["Make", "engine_path", "env", "make", "sandbox", "venv"]

Make = Callable[..., Stack]
"""Makes a project of an example, with a configured stack ``dev``: ``make(name, *options of pulumi new)``."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A service whose ids are those that the READMEs show."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in which the package comes from a wheel, and nothing from the clone.

    What the package depends on is borrowed from the environment that runs this, so that no test needs a network.
    """
    folder = tmp_path_factory.mktemp("installed")
    wheels, made = folder / "wheels", folder / "venv"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    commands: list[list[str | Path]] = [
        [*pip, "wheel", "--no-index", "--no-build-isolation", "--no-deps", "--wheel-dir", wheels, ROOT],
        [sys.executable, "-m", "venv", "--without-pip", made],
        [*pip, "--python", made, "install", "--no-index", "--no-deps", "--find-links", wheels, "outlit-pulumi"],
    ]
    for command in commands:
        subprocess.run(command, check=True, timeout=300)
    lib = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(made)}))
    # A folder that such a file names is searched last. Its own such files are not read: one of them leads to the clone.
    (lib / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = [str(made / "bin" / "python"), "-c", "import outlit_pulumi; print(outlit_pulumi.__file__)"]
    assert Path(subprocess.check_output(where, cwd=folder, text=True)).is_relative_to(made)
    return made


@pytest.fixture
def env(tmp_path: Path, engine_path: str, venv: Path) -> dict[str, str]:
    """The environment of Pulumi: nothing of this machine's, and everything in a temporary folder."""
    (tmp_path / "state").mkdir()
    path = os.pathsep.join([str(venv / "bin"), engine_path])
    return environment(tmp_path, path) | {"VIRTUAL_ENV": str(venv)}


@pytest.fixture
def make(tmp_path: Path, env: dict[str, str], sandbox: Sandbox) -> Make:
    """See `Make`."""

    def made(name: str, *options: str) -> Stack:
        stack = create(name, tmp_path, env, *options)
        stack.ok("stack", "init", "dev")
        configure(stack, name, sandbox)
        return stack

    return made
