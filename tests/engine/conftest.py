"""Stacks on the real engine: the `pulumi` command, a local file backend, and a sandbox as the service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.sandbox import Sandbox

PHX = "phx_CANARYposthog0123456789"
SK = "sk_CANARYstripe0123456789"
CLERK = "sk_CANARYclerk0123456789"
CANARY = "CANARY"
"""Part of every planted credential: found in plain text anywhere, it is a leak."""


@dataclass
class Result:
    """What one pulumi command printed, and its exit code."""

    code: int
    output: str

    @property
    def diagnostics(self) -> str:
        """The output from the diagnostics on; with `--diff`, which has no such section, all of it."""
        return self.output.partition("Diagnostics:")[2] or self.output


@dataclass
class Stack:
    """A project with one stack, run as a user runs it."""

    folder: Path
    env: dict[str, str]
    outputs: list[str] = field(default_factory=list)

    def run(self, *arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Result:
        """Runs pulumi; every output is kept for `leaks`."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.env | (env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        self.outputs.append(done.stdout + done.stderr)
        return Result(done.returncode, done.stdout + done.stderr)

    def ok(self, *arguments: str, **options: Any) -> Result:
        """Runs pulumi and requires success."""
        result = self.run(*arguments, **options)
        assert result.code == 0, result.output
        return result

    def fails(self, *arguments: str, **options: Any) -> Result:
        """Runs pulumi and requires a failure without a traceback."""
        result = self.run(*arguments, **options)
        assert result.code != 0, result.output
        assert "Traceback" not in result.output, result.output
        return result

    def program(self, text: str) -> None:
        """Replaces the program."""
        head = "import pulumi\nimport outlit_pulumi as outlit\nfrom pulumi import Alias, ResourceOptions\n"
        head += "config = pulumi.Config()\n"
        (self.folder / "__main__.py").write_text(head + text + "\n")

    def secret(self, key: str, value: str) -> None:
        """Sets a secret of the stack's configuration."""
        self.ok("config", "set", "--secret", key, stdin=value)

    def up(self, **options: Any) -> Result:
        """`pulumi up`, which must succeed."""
        return self.ok("up", "--yes", "--skip-preview", "--diff", **options)

    def resources(self) -> dict[str, dict[str, Any]]:
        """The integrations in the exported state, by name."""
        exported = json.loads(self.ok("stack", "export").output)
        return {
            r["urn"].rpartition("::")[2]: r
            for r in exported["deployment"].get("resources", [])
            if r["type"] == "pulumi-python:dynamic/outlit:Integration"
        }

    def leaks(self) -> list[str]:
        """Where a planted credential shows: outputs of commands, the export, every file of the backend and project."""
        self.ok("stack", "export")
        places = [f"output {i}: {text}" for i, text in enumerate(self.outputs) if CANARY in text]
        for path in sorted(self.folder.parent.rglob("*")):
            if path.is_file() and CANARY.encode() in path.read_bytes():
                places.append(str(path))
        return places


def counted(sandbox: Sandbox) -> Counter[str]:
    """The calls that the sandbox served since the last look, by route."""
    calls = Counter(str(call["route"]) for call in sandbox.calls())
    sandbox.clear_calls()
    return calls


@pytest.fixture(scope="session")
def engine_path() -> str:
    """The PATH with this interpreter's folder, then the engine's, first."""
    folder = os.environ.get("OUTLIT_ENGINE_BIN")
    if not folder:
        pytest.fail("OUTLIT_ENGINE_BIN is not set. Run `make test`, or set it to the folder that `make engine` prints.")
    return os.pathsep.join([str(Path(sys.executable).parent), folder, os.environ["PATH"]])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A service of its own for each test."""
    with Sandbox(workspace="acme") as running:
        yield running


@pytest.fixture
def stack(tmp_path: Path, engine_path: str, sandbox: Sandbox) -> Stack:
    """A stack whose configuration points at the sandbox."""
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "state").mkdir()
    (folder / "Pulumi.yaml").write_text("name: trial\nruntime: python\n")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OUTLIT_", "PULUMI_"))}
    env |= {
        "PATH": engine_path,
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_CONFIG_PASSPHRASE": "not a secret",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    made = Stack(folder, env)
    made.ok("stack", "init", "dev")
    made.secret("outlit:apiKey", sandbox.api_key)
    made.ok("config", "set", "outlit:baseUrl", sandbox.url)
    made.secret("phx", PHX)
    made.secret("sk", SK)
    return made


Program = Callable[[str], None]
