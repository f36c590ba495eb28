"""One contender's project on a real engine, with a sandbox as the service, and what its operations took."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from outlit_pulumi.sandbox import Sandbox

from .contenders import Contender
from .environment import environment
from .memory import provider_memory

_SECRET = "sk_made_up_for_the_benchmark"

CATALOGUE = {
    "posthog": {"apiKey": "", "region": "us", "projectId": "1"},
    "stripe": {"apiKey": ""},
    "clerk": {"secretKey": ""},
    "fireflies": {"apiKey": ""},
    "granola": {"apiKey": ""},
    "supabase": {"projectUrl": "https://x.supabase.co", "serviceRoleKey": ""},
}
"""Their configs; an empty field is a credential, each its own."""


_LONGEST = 900.0
"""Seconds after which a command is taken to hang."""

SLOW = 0.2
"""Seconds that each answer of a slow service takes."""


class BenchmarkError(Exception):
    """A command failed, so there is nothing to measure."""


@dataclass(frozen=True)
class Shape:
    """What a program declares.

    Attributes:
        integrations: How many, over all workspaces.
        workspaces: How many; with one, it is that of the stack's configuration.
        latency: Seconds that the service takes for each answer, over what it takes anyway.
    """

    integrations: int
    workspaces: int = 1
    latency: float = 0.0

    def __str__(self) -> str:
        spread = f" over {self.workspaces} workspaces" if self.workspaces > 1 else ""
        return f"{self.integrations}{spread} at {1000 * self.latency:.0f} ms"

    def configs(self) -> dict[str, dict[str, str]]:
        """What each workspace has: up to six are the catalogue's, more are made up."""
        number = self.integrations // self.workspaces
        if number <= len(CATALOGUE):
            return dict(list(CATALOGUE.items())[:number])
        return {f"extra-{n:04}": {"token": ""} for n in range(1, number + 1)}


@dataclass(frozen=True)
class Run:
    """One operation of one contender.

    Attributes:
        contender: Its name.
        shape: What its program declares.
        operation: Of `OPERATIONS`.
        repeat: Which of the repeats, from 0.
        seconds: Wall time of the command.
        memory: The most that one of its provider processes was seen to take, in MiB; 0 where there was none, or it is not known.
        calls: How often it called each route of the service.
    """

    contender: str
    shape: Shape
    operation: str
    repeat: int
    seconds: float
    memory: float
    calls: Mapping[str, int]


class Deployment:
    """A contender's project.

    Args:
        contender: Whose.
        shape: What its program declares.
        scratch: The folder that all projects of a benchmark share: Pulumi's home and state.
        sandbox: The service.
    """

    def __init__(self, contender: Contender, shape: Shape, scratch: Path, sandbox: Sandbox) -> None:
        self.contender, self._shape, self._sandbox = contender, shape, sandbox
        self.folder = scratch / f"{contender.name}-{shape.integrations}-{shape.workspaces}-{shape.latency}"
        self.env = environment() | {
            "PULUMI_HOME": str(scratch / "home"),
            "PULUMI_BACKEND_URL": f"file://{scratch}/state",
            "PULUMI_CONFIG_PASSPHRASE": "not a secret",
        }
        (scratch / "state").mkdir(exist_ok=True)
        shutil.copytree(contender.project, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        # One workspace of the service for each contender: they take turns with each operation.
        several = shape.workspaces > 1
        keys = {f"w{n}-": sandbox.add_workspace(f"{contender.name}-{n}") for n in range(shape.workspaces)}
        key = next(iter(keys.values()))
        configs = shape.configs()
        plan = {"workspaces": keys if several else {"": None}, "integrations": configs}
        (self.folder / "plan.json").write_text(json.dumps(plan))
        if contender.pulumi:
            (self.folder / "Pulumi.yaml").write_text(f"name: {self.folder.name.replace('.', '-')}\nruntime: python\n")
            self._run("pulumi", "stack", "init", "dev")
            self._run("pulumi", "config", "set", "outlit:baseUrl", sandbox.url)
            for name, secret in (("outlit:apiKey", key), ("secret", _SECRET)):
                self._run("pulumi", "config", "set", "--secret", name, secret)
        else:
            rows = {name: {k: v or f"{_SECRET}_{name}" for k, v in fields.items()} for name, fields in configs.items()}
            lines = (f"{name}\t{json.dumps(row)}\n" for name, row in rows.items())
            (self.folder / "integrations.tsv").write_text("".join(lines))
        if contender.needs_environment:
            self.env |= {"OUTLIT_API_KEY": key, "OUTLIT_API_URL": sandbox.url}

    def knows(self, operation: str) -> bool:
        """Whether the contender has that operation."""
        return operation in self.contender.commands

    def run(self, operation: str, repeat: int) -> Run:
        """Runs an operation.

        Raises:
            BenchmarkError: it failed.
        """
        self._sandbox.clear_calls()
        with provider_memory(self.folder) as peak:
            seconds = self._run(*self.contender.commands[operation])
        calls = Counter(str(call["route"]) for call in self._sandbox.calls())
        return Run(self.contender.name, self._shape, operation, repeat, seconds, peak.mib, dict(calls))

    def _run(self, *command: str) -> float:
        """Runs a command; returns the seconds that it took."""
        what = f"{' '.join(command[:2])} of {self.contender.name}"
        with (self.folder / "output.log").open("w+") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            # Not with a timeout: that looks every 50 ms whether the process has ended, which is half of what a script takes.
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
            if seconds > _LONGEST:
                raise BenchmarkError(f"{what} did not end within {_LONGEST / 60:.0f} minutes.")
            if failed:
                output.seek(0)
                raise BenchmarkError(f"{what} failed:\n{output.read()}")
        return seconds


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a command as a person would, so that the engine ends the processes that it started."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
