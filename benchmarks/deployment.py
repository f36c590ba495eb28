"""Two projects of one shape on a real engine: one of integrations, one of resources that do nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from outlit_pulumi.sandbox import Sandbox

from .memory import provider_memory

PROJECTS = ("floor", "ours")
"""The do-nothing resource, and `outlit_pulumi.Integration`."""

OPERATIONS = {"preview": "preview", "up": "up", "no-op up": "up", "refresh": "refresh", "destroy": "destroy"}
"""The life of a stack, with Pulumi's command for each operation."""

CATALOGUE = {
    "posthog": {"apiKey": "", "region": "us", "projectId": "1"},
    "stripe": {"apiKey": ""},
    "clerk": {"secretKey": ""},
    "fireflies": {"apiKey": ""},
    "granola": {"apiKey": ""},
    "supabase": {"projectUrl": "https://x.supabase.co", "serviceRoleKey": ""},
}
"""Six configs. An empty field is a credential; each integration gets its own."""

_PROGRAM = Path(__file__).parent / "projects"

_LONGEST = 600.0
"""Seconds after which a command is taken to hang, and is ended."""


class BenchmarkError(Exception):
    """A command failed, so there is nothing to measure."""


@dataclass(frozen=True)
class Shape:
    """How many integrations a program declares, of a service that takes ``latency`` seconds for each answer."""

    integrations: int
    latency: float = 0.0

    def __str__(self) -> str:
        return f"{self.integrations} at {1000 * self.latency:.0f} ms" if self.latency else f"{self.integrations}"

    def configs(self) -> dict[str, dict[str, str]]:
        """The first configs of the catalogue, or made-up ones if the catalogue has too few."""
        if self.integrations <= len(CATALOGUE):
            return dict(list(CATALOGUE.items())[: self.integrations])
        return {f"extra-{n:04}": {"token": ""} for n in range(1, self.integrations + 1)}


@dataclass(frozen=True)
class Run:
    """One command: its wall time, the peak of its largest provider process in MiB, and its calls of each route."""

    project: str
    shape: Shape
    operation: str
    seconds: float
    memory: float
    calls: Mapping[str, int]


def lives(shape: Shape, repeats: int) -> Iterator[Run]:
    """Runs both projects through their lives, with each operation of the one right before that of the other.

    The second has warm caches, so the order alternates. A first preview of each is not measured.

    Raises:
        BenchmarkError: a command failed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="outlit-benchmark-") as scratch,
        Sandbox(extra_providers=shape.integrations, process=True) as sandbox,
    ):
        deployments = [_Deployment(project, shape, Path(scratch), sandbox) for project in PROJECTS]
        for deployment in deployments:
            deployment.run("preview")
        if shape.latency:
            sandbox.fault("*", kind="delay", times=None, seconds=shape.latency)
        for repeat in range(repeats):
            for operation in OPERATIONS:
                for deployment in deployments if repeat % 2 else deployments[::-1]:
                    yield deployment.run(operation)


def environment() -> dict[str, str]:
    """Puts a Python and the engine first on the path, and drops what could slow down one of the projects.

    The Python is that of BENCH_BIN, where programs have what they need and no more, or else this one.
    """
    env = {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith(("OUTLIT_", "PULUMI_", "PYTHON")) or name.lower().endswith("_proxy"))
    }
    python = Path(os.environ.get("BENCH_BIN") or Path(sys.executable).parent)
    folders = (str(python.absolute()), os.environ.get("OUTLIT_ENGINE_BIN", ""), os.environ["PATH"])
    return env | {"PATH": os.pathsep.join(filter(None, folders)), "PULUMI_SKIP_UPDATE_CHECK": "true"}


class _Deployment:
    """One of the projects, with a stack and a workspace of its own."""

    def __init__(self, project: str, shape: Shape, scratch: Path, sandbox: Sandbox) -> None:
        self._project, self._shape, self._sandbox = project, shape, sandbox
        self._folder = scratch / project
        state = scratch / "state"
        state.mkdir(exist_ok=True)
        self._env = environment() | {
            "PULUMI_HOME": str(scratch / "home"),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "not a secret",
        }
        shutil.copytree(_PROGRAM, self._folder, ignore=shutil.ignore_patterns("__pycache__"))
        (self._folder / "plan.json").write_text(json.dumps({"project": project, "configs": shape.configs()}))
        (self._folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
        self._pulumi("stack", "init", "dev")
        self._pulumi("config", "set", "outlit:baseUrl", sandbox.url)
        self._pulumi("config", "set", "--secret", "outlit:apiKey", sandbox.add_workspace(project))
        self._pulumi("config", "set", "--secret", "secret", "sk_made_up_for_the_benchmark")

    def run(self, operation: str) -> Run:
        command = OPERATIONS[operation]
        confirmed = () if command == "preview" else ("--yes", "--skip-preview")
        self._sandbox.clear_calls()
        with provider_memory(self._folder) as peak:
            seconds = self._pulumi(command, *confirmed, "--non-interactive")
        calls = Counter(str(call["route"]) for call in self._sandbox.calls())
        return Run(self._project, self._shape, operation, seconds, peak.mib, calls)

    def _pulumi(self, *arguments: str) -> float:
        """Runs a command, and returns the seconds that it took."""
        with (self._folder / "output.log").open("w+") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                ["pulumi", *arguments],
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            # wait() with a timeout would look only every 50 ms whether the process has ended.
            overdue = threading.Timer(_LONGEST, _stop, (process,))
            overdue.start()
            try:
                failed = process.wait()
            except BaseException:
                _stop(process)
                raise
            finally:
                overdue.cancel()
            seconds = time.perf_counter() - started
            if failed:
                output.seek(0)
                what = f"pulumi {arguments[0]} of {self._project}"
                raise BenchmarkError(f"{what} failed after {seconds:.0f} seconds:\n{output.read()}")
        return seconds


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupts a command, so that the engine ends the processes that it started."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
