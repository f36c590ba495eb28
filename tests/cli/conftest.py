"""A sandbox, a command line that talks to it, and a stand-in for `pulumi`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox

from .terminal import KEY, Cli


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A workspace `acme` whose key has a canary in it."""
    with Sandbox(workspace="acme", api_key=KEY, extra_providers=1, frozen=True) as running:
        yield running


@pytest.fixture
def cli(sandbox: Sandbox) -> Cli:
    """Runs `outlit-pulumi` in that workspace."""
    return Cli(sandbox)


@pytest.fixture
def pulumi(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Makes a `pulumi` that answers as told and notes how it was called, and returns a PATH with it alone.

    `pulumi config` answers with ``out``, ``err`` and ``code``; `pulumi stack` with what is ``selected``, if anything;
    `pulumi version` with ``version``.
    """

    def make(
        out: str = "{}", err: str = "", code: int = 0, *, selected: str = "", version: str = "v3.276.0"
    ) -> dict[str, str]:
        (tmp_path / "out").write_text(out)
        (tmp_path / "err").write_text(err)
        program = (
            "import json, os, pathlib, sys; here = pathlib.Path(sys.argv[1]); "
            "(here / 'called').write_text(json.dumps(sys.argv[2:])); "
            "sys.stdout.write((here / 'out').read_text()); sys.stderr.write((here / 'err').read_text())"
        )
        script = tmp_path / "bin" / "pulumi"
        script.parent.mkdir(exist_ok=True)
        command = shlex.join([sys.executable, "-I", "-c", program, str(tmp_path)])
        script.write_text(
            "#!/bin/sh\n"
            f"case $1 in\n"
            f"version) echo {shlex.quote(version)} ;;\n"
            f"stack) [ -n {shlex.quote(selected)} ] && echo {shlex.quote(selected)} ;;\n"
            f'*) {command} "$@"; exit {code} ;;\n'
            "esac\n"
        )
        script.chmod(0o755)
        return {"PATH": str(script.parent)}

    return make
