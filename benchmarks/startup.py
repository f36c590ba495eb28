"""How long imports take: those of a program, and those of the provider process once it talks to the service."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from .environment import environment
from .figures import largest_first

BASE = "import pulumi"
"""What both sides load anyway, dynamic providers included."""

SIDES = {
    "base": BASE,
    "program": f"{BASE}, outlit_pulumi",
    "provider": f"""{BASE}
from outlit_pulumi.imports import undisturbed
with undisturbed():
    import outlit_pulumi.provider, outlit_pulumi.lifecycle, outlit_pulumi.run, outlit_pulumi.handover
    import outlit_pulumi.trust, outlit_pulumi.client, outlit_pulumi.workspace, outlit_pulumi.preflight
    import httpcore, certifi
    certifi.where()
""",
}
"""The imports by side. The provider side's are those of a provider process that has made its first call, httpx's transport and what
it takes to find the certificates included."""


@dataclass(frozen=True)
class Start:
    """One start of Python with the imports of a side.

    Attributes:
        side: Of `SIDES`.
        repeat: Which of the repeats, from 0.
        wall: Seconds from start to end of the process.
        cpu: Seconds that its processors worked, which a busy machine changes less.
    """

    side: str
    repeat: int
    wall: float
    cpu: float


def starts(repeats: int) -> list[Start]:
    """Starts Python with each side's imports, in turns, forwards and backwards."""
    for code in SIDES.values():
        _python(code)  # caches
    turns = (list(SIDES), list(SIDES)[::-1])
    return [_start(side, repeat) for repeat in range(repeats) for side in turns[repeat % 2]]


def contributors(side: str) -> dict[str, float]:
    """Seconds that each package took over the base, by ``-X importtime``, the largest first."""
    base, ours = (_imports(code) for code in (BASE, SIDES[side]))
    packages: defaultdict[str, float] = defaultdict(float)
    for module, seconds in ours.items():
        if module not in base:
            packages[module.split(".")[0]] += seconds
    return largest_first(packages)


def _start(side: str, repeat: int) -> Start:
    before, started = getrusage(RUSAGE_CHILDREN), perf_counter()
    _python(SIDES[side])
    wall, after = perf_counter() - started, getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Start(side, repeat, wall, cpu)


def _imports(code: str) -> dict[str, float]:
    seconds = {}
    for line in _python(code, "-X", "importtime").splitlines():
        if line.startswith("import time:") and "imported package" not in line:
            itself, _, module = line.removeprefix("import time:").split("|")
            seconds[module.strip()] = int(itself) / 1e6
    return seconds


def _python(code: str, *options: str) -> str:
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stderr
