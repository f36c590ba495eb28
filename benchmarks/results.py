"""The numbers that were measured: medians and spreads, the JSON file that keeps them, and the targets."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from .deployment import OPERATIONS, PROJECTS, Run, Shape

FILE = Path(__file__).parent / "results.json"

RATIOS = {
    6: {"preview": 1.10, "up": 1.10, "no-op up": 1.10, "refresh": 1.15, "destroy": 1.15},
    600: {"up": 1.15, "refresh": 1.70, "destroy": 1.15},
}
"""The most that an operation may take, in times of the do-nothing resource, by number of integrations.

A do-nothing refresh takes 2 ms for each of 600 resources, and a call in Python takes about as long.
"""

TOLERANCE = 0.05
"""How far over its target a ratio of times may be before it is missed: as much as chance makes of it."""

ANSWERS = {"preview": 1, "up": 3, "no-op up": 0, "refresh": 2, "destroy": 3}
"""How many answers of a slow service six may wait for on top: the list with whose the key is, others four at a time."""

IMPORTS = {"program": 1.10, "provider": 2.00}
"""The most processor time that the imports of a side may take, in times of pulumi's."""

PROGRAM_MS = 20
"""Milliseconds over pulumi's that the imports of a program may take on any machine."""

MEMORY = 1.25
"""The most memory that a provider process of 600 may take, in times of one of 6."""

_LIST_IS_CACHED_FOR = 30
"""Seconds. A longer operation fetches the list again."""


class Figure(NamedTuple):
    """A median with its quartiles, or with the extremes of fewer than four values."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Comparison:
    """One operation of one shape: seconds of both projects, and their ratio, pair by pair.

    ``mib`` is the largest provider process of floor and ours. ``calls`` are those of all runs of ours, equal ones once.
    """

    integrations: int
    latency: float
    operation: str
    repeats: int
    floor: Figure
    ours: Figure
    ratio: Figure
    mib: tuple[float, float]
    calls: list[str]
    as_expected: bool

    @property
    def shape(self) -> Shape:
        """What the programs declare."""
        return Shape(self.integrations, self.latency)


@dataclass(frozen=True)
class Import:
    """The imports of one side: milliseconds of processor time over pulumi's, and their ratio, pair by pair."""

    repeats: int
    base_ms: float
    over_ms: float
    ratio: Figure


@dataclass(frozen=True)
class Results:
    """All that was measured, with the date, machine and versions."""

    taken: dict[str, str]
    imports: dict[str, Import]
    comparisons: list[Comparison]


@dataclass(frozen=True)
class Verdict:
    """Whether a target holds, and whether it is missed by more than chance makes of it."""

    target: str
    found: str
    limit: str
    holds: bool
    missed: bool


def results(runs: Sequence[Run], starts: Mapping[str, Sequence[float]], engine: str) -> Results:
    """Sums up what was measured here and now."""
    taken = {
        "on": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Pulumi engine": engine,
        **{name: version(name) for name in ("pulumi", "httpx", "pydantic", "outlit-pulumi")},
    }
    imports = {side: _import(starts[side], starts["base"]) for side in IMPORTS}
    shapes = dict.fromkeys(run.shape for run in runs)
    return Results(taken, imports, [_comparison(runs, shape, name) for shape in shapes for name in OPERATIONS])


def _import(seconds: Sequence[float], base: Sequence[float]) -> Import:
    pairs = list(zip(seconds, base, strict=True))
    over_ms = statistics.median(1000 * (ours - its) for ours, its in pairs)
    return Import(len(pairs), 1000 * statistics.median(base), over_ms, _figure([ours / its for ours, its in pairs]))


def _comparison(runs: Sequence[Run], shape: Shape, operation: str) -> Comparison:
    floor, ours = (
        [run for run in runs if (run.project, run.shape, run.operation) == (project, shape, operation)]
        for project in PROJECTS
    )
    return Comparison(
        integrations=shape.integrations,
        latency=shape.latency,
        operation=operation,
        repeats=len(ours),
        floor=_figure([run.seconds for run in floor]),
        ours=_figure([run.seconds for run in ours]),
        ratio=_figure([run.seconds / its.seconds for run, its in zip(ours, floor, strict=True)]),
        mib=(max(run.memory for run in floor), max(run.memory for run in ours)),
        calls=list(dict.fromkeys(_told(run.calls) for run in ours)),
        as_expected=all(_as_expected(run) for run in ours),
    )


def _figure(values: Sequence[float]) -> Figure:
    if len(values) < 4:
        return Figure(statistics.median(values), min(values), max(values))
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Figure(median, low, high)


def _as_expected(run: Run) -> bool:
    each = {"up": "connect", "refresh": "sync_status", "destroy": "disconnect"}
    expected = {each[run.operation]: run.shape.integrations} if run.operation in each else {}
    if run.operation in ("preview", "up", "destroy"):
        expected["validate_key"] = 1
    calls = {route: number for route, number in run.calls.items() if route != "list"}
    lists = 0 if run.operation == "no-op up" else 1
    again = lists * int(run.seconds // _LIST_IS_CACHED_FOR)
    return calls == expected and lists <= run.calls.get("list", 0) <= lists + again


def _told(calls: Mapping[str, int]) -> str:
    return " + ".join(f"{number} {route.replace('_', ' ')}" for route, number in sorted(calls.items())) or "none"


def write(measured: Results, file: Path) -> None:
    """Writes results as JSON, with a line for each comparison and four decimals."""

    def line(value: object) -> str:
        plain = TypeAdapter(type(value)).dump_json(value)
        return json.dumps(json.loads(plain, parse_float=lambda number: round(float(number), 4)))

    rows = ",\n".join(map(line, measured.comparisons))
    head = f'{{"taken": {line(measured.taken)},\n"imports": {line(measured.imports)},\n"comparisons": [\n'
    file.write_text(f"{head}{rows}\n]}}\n", encoding="utf-8")


def read(file: Path) -> Results:
    """Reads what `write` wrote."""
    return TypeAdapter(Results).validate_json(file.read_bytes())


def by_shape(measured: Results) -> dict[Shape, list[Comparison]]:
    """The comparisons of each shape, in the order of `OPERATIONS`."""
    shapes: dict[Shape, list[Comparison]] = {}
    for row in measured.comparisons:
        shapes.setdefault(row.shape, []).append(row)
    return shapes


def peak(rows: Sequence[Comparison], project: str) -> float:
    """The largest provider process of a project in MiB."""
    return max(row.mib[PROJECTS.index(project)] for row in rows)


def verdicts(measured: Results) -> Iterator[Verdict]:
    """A verdict for each target that there are measurements for."""
    shapes = by_shape(measured)
    for shape, rows in shapes.items():
        for row in rows:
            if ratio := RATIOS.get(shape.integrations, {}).get(row.operation):
                answer = shape.latency / row.floor.median
                limit = ratio + ANSWERS[row.operation] * answer
                # A slow service is there to find an answer too many, and is measured less often.
                yield _at_most(f"{row.operation} of {shape}", row.ratio, limit, TOLERANCE + answer / 2)
        wrong = "; ".join(f"{row.operation}: {' or '.join(row.calls)}" for row in rows if not row.as_expected)
        yield Verdict(f"calls of {shape}", wrong or "as expected", "exact", holds=not wrong, missed=bool(wrong))
    for side, found in measured.imports.items():
        least = 1 + PROGRAM_MS / found.base_ms if side == "program" else 1
        yield _at_most(f"imports of the {side}", found.ratio, max(IMPORTS[side], least))
    if {Shape(6), Shape(600)} <= set(shapes) and peak(shapes[Shape(6)], "ours"):
        value = peak(shapes[Shape(600)], "ours") / peak(shapes[Shape(6)], "ours")
        yield _at_most("memory of 600, over 6", Figure(value, value, value), MEMORY)


def _at_most(target: str, found: Figure, limit: float, tolerance: float = 0.0) -> Verdict:
    value = found.median
    return Verdict(target, str(found), f"{limit:.2f}", holds=value <= limit, missed=value > limit + tolerance)
