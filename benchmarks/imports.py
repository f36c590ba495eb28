"""How much processor time the imports of a program take, and those of a provider process that calls Outlit."""

from __future__ import annotations

import subprocess
from resource import RUSAGE_CHILDREN, getrusage

from .deployment import environment

SIDES = {
    "base": "import pulumi",
    "program": "import pulumi, outlit_pulumi",
    "provider": "import pulumi, httpcore, outlit_pulumi.api.client\n"
    "import outlit_pulumi.lifecycle.operations, outlit_pulumi.lifecycle.workspace\n"
    "from outlit_pulumi.api.models import IntegrationList, parse\n"
    "parse(b'{\"items\": []}', IntegrationList)",
}
"""The imports of each side; a provider also builds its models. The base is what every program and provider loads."""


def starts(repeats: int) -> dict[str, list[float]]:
    """Starts Python with each side's imports in turns, forwards and backwards; processor seconds by side."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for code in SIDES.values():
        _start(code)  # fills caches
    for repeat in range(repeats):
        for side in SIDES if repeat % 2 else reversed(SIDES):
            seconds[side].append(_start(SIDES[side]))
    return seconds


def _start(code: str) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(["python", "-c", code], env=environment(), check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
