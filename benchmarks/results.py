"""The results of a benchmark, and the JSON that keeps them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .deployment import Run, Shape
from .startup import Start
from .targets import judged

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Results:
    """All that was measured.

    Attributes:
        taken: When, and on what.
        runs: Every operation.
        starts: Every start of Python.
        contributors: What each package adds to the imports of a side, in seconds.
        profile: What each package took itself in the processes of an up of 600, in seconds.
    """

    taken: Mapping[str, str]
    runs: Sequence[Run]
    starts: Sequence[Start]
    contributors: Mapping[str, Mapping[str, float]]
    profile: Mapping[str, Mapping[str, float]]


def surroundings(engine: str) -> dict[str, str]:
    """What results are taken on: nothing that names the machine."""
    return {
        "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Pulumi engine": engine,
        **{name: version(name) for name in ("pulumi", "httpx", "msgspec", "outlit-pulumi")},
    }


def write(results: Results, file: Path) -> None:
    """Writes results, with the verdicts on them."""
    data = asdict(results)
    data["verdicts"] = [asdict(verdict) for verdict in judged(results.runs, results.starts)]
    file.write_text(_rounded(data), encoding="utf-8")


def read(file: Path) -> Results:
    """Reads what `write` wrote."""
    data = json.loads(file.read_text(encoding="utf-8"))
    runs = [Run(**{**run, "shape": Shape(**run["shape"])}) for run in data["runs"]]
    starts = [Start(**start) for start in data["starts"]]
    return Results(data["taken"], runs, starts, data["contributors"], data["profile"])


def _rounded(data: dict[str, Any]) -> str:
    """JSON with a line for each run, and times to the millisecond."""

    def short(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 4)
        if isinstance(value, dict):
            return {key: short(item) for key, item in value.items()}
        return [short(item) for item in value] if isinstance(value, list) else value

    parts = []
    for key, value in short(data).items():
        if isinstance(value, list):
            lines = ",\n    ".join(json.dumps(item) for item in value)
            parts.append(f"  {json.dumps(key)}: [\n    {lines}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
