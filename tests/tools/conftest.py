"""What the tests of the engine's bootstrap share: stand-in executables, and a place to hear what the user is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ENGINE_TOOL = Path(__file__).parents[2] / "tools" / "engine"
sys.path.insert(0, str(ENGINE_TOOL))  # `python tools/engine` puts it there too

Script = Callable[..., Path]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes an executable shell script, by default into the folder `bin`."""

    def write(name: str, body: str = "", folder: str = "bin") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def engine_scripts(script: Script) -> Callable[..., None]:
    """Writes all executables of an engine into a folder; its `pulumi` tells the given version."""

    def write(version: str = "3.259.0", folder: str = "bin") -> None:
        script("pulumi", f"echo v{version}", folder)
        for name in ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
            script(name, folder=folder)

    return write


@pytest.fixture
def only_bin(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH is the folder `bin` alone."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    return {**os.environ, "PATH": str(tmp_path / "bin")}
