"""Stacks on the real engine: the `pulumi` command, a local file backend, and a sandbox as the service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Sandbox, fingerprint

PHX = "phx_CANARYposthog0123456789"
SK = "sk_CANARYstripe0123456789"
CLERK = "sk_CANARYclerk0123456789"
CANARY = "CANARY"
"""Part of every planted credential: found in plain text anywhere, it is a leak."""


def provider_tracebacks(output: str) -> list[str]:
    """The tracebacks in what a command printed, without those of the language host.

    When the engine ends a failed run, some language hosts print a traceback of the program, which waits for the engine.
    All its frames are the host's, the SDK's runtime's and Python's own; one of the provider goes through
    ``pulumi.dynamic`` or this package. Tracebacks of exceptions that led to one another are one.
    """
    joint = re.compile(r"During handling of the above exception|The above exception was the direct cause")
    groups: list[str] = []
    for block in output.split("Traceback (most recent call last):")[1:]:
        if groups and joint.search(groups[-1].rpartition("File ")[2]):
            groups[-1] += block
        else:
            groups.append(block)
    ours = re.compile(r"(outlit_pulumi|pulumi[/\\]dynamic)[/\\]")
    theirs = re.compile(r"site-packages[/\\](pulumi|grpc)[/\\]|lib[/\\]python3\.\d+[/\\](?!site-packages)|^<frozen")

    def of_the_host(frames: list[str]) -> bool:
        named = any("pulumi-language-python-exec" in frame for frame in frames) or all(map(theirs.search, frames))
        return named and not any(map(ours.search, frames))

    return [group for group in groups if not of_the_host(re.findall(r'File "([^"]+)", line', group))]


@dataclass
class Result:
    """What one pulumi command printed, and its exit code."""

    code: int
    output: str

    @property
    def diagnostics(self) -> str:
        """The output from the diagnostics on; with `--diff`, which has no such section, all of it."""
        return self.output.partition("Diagnostics:")[2] or self.output


class Running:
    """A pulumi command that is under way, in a process group of its own, as a terminal has it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The process id, which is also the group's."""
        return self._process.pid

    def shown(self) -> str:
        """What it printed so far."""
        return self._log.read_text()

    def result(self) -> Result:
        """What it printed, once it ended."""
        return Result(self._process.wait(120), self.shown())


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
        assert provider_tracebacks(result.output) == [], result.output
        return result

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        """Runs pulumi while the block does something else; the block waits for the result."""
        log = self.folder.parent / "running.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["pulumi", *arguments, "--non-interactive"],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with process:
            try:
                yield Running(process, log)
            finally:
                process.kill()
                self.outputs.append(log.read_text())

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

    def destroy(self, **options: Any) -> Result:
        """`pulumi destroy`, which must succeed."""
        return self.ok("destroy", "--yes", "--skip-preview", **options)

    def deployment(self) -> dict[str, Any]:
        """The exported state."""
        exported: dict[str, Any] = json.loads(self.ok("stack", "export").output)["deployment"]
        return exported

    def resources(self) -> dict[str, dict[str, Any]]:
        """The integrations in the exported state, by name."""
        return {
            r["urn"].rpartition("::")[2]: r
            for r in self.deployment().get("resources", [])
            if r["type"] == "pulumi-python:dynamic/outlit:Integration"
        }

    def pending(self) -> list[str]:
        """The operations that the state does not know the end of, such as ``creating``."""
        return [operation["type"] for operation in self.deployment().get("pending_operations", [])]

    def leaks(self) -> list[str]:
        """Where a planted credential shows: outputs of commands, the export, every file of the backend and project."""
        self.ok("stack", "export")
        places = [f"output {i}: {text}" for i, text in enumerate(self.outputs) if CANARY in text]
        files = (path for path in sorted(self.folder.parent.rglob("*")) if path.is_file())
        return places + [str(path) for path in files if CANARY.encode() in path.read_bytes()]


def counted(sandbox: Sandbox, *, whose: bool = False) -> Counter[str]:
    """The calls that the sandbox served since the last look, by route; with ``whose``, also whose the key is."""
    calls = Counter(str(call["route"]) for call in sandbox.calls() if whose or call["route"] != "validate_key")
    sandbox.clear_calls()
    return calls


def until(condition: Callable[[], object], what: str) -> None:
    """Waits for something that is sure to happen; the bound only ends a test that is broken."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def assert_settled(stack: Stack, sandbox: Sandbox, **configs: dict[str, str] | None) -> None:
    """State and service agree on the connections, a further up has nothing to do, and nothing leaked.

    ``configs`` are what each connected provider uses; None where somebody else connected it.
    """
    connections = sandbox.connections()
    expected = {provider: None if config is None else fingerprint(config) for provider, config in configs.items()}
    assert {c["provider"]: c["fingerprint"] for c in connections} == expected
    known = {r["outputs"]["provider"]: r["id"] for r in stack.resources().values()}
    assert known == {c["provider"]: c["connectionId"] for c in connections}
    counted(sandbox)
    stack.up()
    assert counted(sandbox) == {}
    assert CANARY not in "".join(stack.outputs)


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


def environment(folder: Path, engine_path: str) -> dict[str, str]:
    """The environment of Pulumi: nothing of this machine's, and everything in a folder."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OUTLIT_", "PULUMI_"))}
    return env | {
        "PATH": engine_path,
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder}/state",
        "PULUMI_CONFIG_PASSPHRASE": "not a secret",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


UNSET_URL = "http://127.0.0.1:1"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, engine_path: str) -> Path:
    """A project with one configured stack, for each test to copy: making one takes longer than most commands."""
    folder = tmp_path_factory.mktemp("prepared")
    project = folder / "project"
    project.mkdir()
    (folder / "state").mkdir()
    (project / "Pulumi.yaml").write_text("name: trial\nruntime: python\n")
    made = Stack(project, environment(folder, engine_path))
    made.ok("stack", "init", "dev")
    for key, value in {"outlit:apiKey": DEFAULT_API_KEY, "phx": PHX, "sk": SK}.items():
        made.secret(key, value)
    made.ok("config", "set", "outlit:baseUrl", UNSET_URL)
    shutil.rmtree(folder / "home")
    return folder


@pytest.fixture
def stack(tmp_path: Path, engine_path: str, prepared: Path, sandbox: Sandbox) -> Stack:
    """A stack whose configuration points at the sandbox."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    settings = tmp_path / "project" / "Pulumi.dev.yaml"
    settings.write_text(settings.read_text().replace(UNSET_URL, sandbox.url))
    made = Stack(tmp_path / "project", environment(tmp_path, engine_path) | {"PULUMI_STACK": "dev"})
    if sandbox.api_key != DEFAULT_API_KEY:
        made.secret("outlit:apiKey", sandbox.api_key)
    return made
