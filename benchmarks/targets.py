"""What the provider must keep to, and whether measurements do. Pure.

Times are compared with a do-nothing resource in the same run, never with the clock.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from .contenders import FLOOR, OPERATIONS, OURS
from .deployment import Run, Shape
from .figures import Figure, exponent, figure, ratios, surely_above
from .startup import Start

FLOOR_RATIO = {1: 1.10, 6: 1.10, 60: 1.15, 600: 1.15}
"""Time over that of the floor, by number of integrations, with a service that answers at once."""

FLOOR_RATIO_OF_REFRESH = 1.15
"""The same for a refresh, whose floor is the lowest."""

KNOWN = {(600, "refresh"): 1.40}
"""Targets that are missed, which the page explains: how much of the floor's time it may be, by number and operation."""

ROUND_TRIPS = {
    (6, "up"): 3,
    (6, "refresh"): 3,
    (60, "refresh"): math.ceil(60 / 4) + 2,
}
"""With a slow service: time over that of the floor, in latencies. The engine makes four calls at a time to a provider process."""

START = {"up": 1.10}
"""The floor's time times this, where not once, is what `ROUND_TRIPS` is over. The list and two rounds of creates are three latencies
already, which leaves nothing to start with: that is `FLOOR_RATIO`'s tenth. A refresh asks for the list meanwhile."""

PROGRAM_IMPORT_SECONDS = 0.020
PROGRAM_IMPORT_RATIO = 1.10
PROVIDER_IMPORT_RATIO = 1.35

EXPONENT_OVER_FLOOR = 0.05
"""How much faster than the floor's the time may grow with the number of integrations, as a difference of exponents."""

MEMORY_RATIO = 1.25
"""Memory of a provider process with 600 integrations over that with 6."""

_LIST_IS_USED_FOR = 30.0
"""Seconds; an operation that takes longer may ask for the list again (`outlit_pulumi.workspace`)."""


@dataclass(frozen=True)
class Verdict:
    """What came of one target.

    Attributes:
        target: What it is about.
        found: What was measured.
        limit: What it must be, for people.
        holds: Whether it is met.
        surely: Whether it is certain that it is missed: a busy machine cannot be the reason.
        known: Whether it is missed as is known, and no further.
    """

    target: str
    found: str
    limit: str
    holds: bool
    surely: bool
    known: bool = False


Key = tuple[str, Shape, str]
"""Contender, shape, operation."""


def by_key(runs: Sequence[Run]) -> dict[Key, list[Run]]:
    """The runs of each contender, shape and operation, by repeat."""
    found: defaultdict[Key, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.repeat):
        found[run.contender, run.shape, run.operation].append(run)
    return dict(found)


def seconds(runs: Sequence[Run]) -> list[float]:
    """Their times."""
    return [run.seconds for run in runs]


def pairs(runs: Sequence[Run], contender: str = OURS.name) -> dict[tuple[Shape, str], list[float]]:
    """The contender's times over the floor's, pair by pair, by shape and operation."""
    keyed = by_key(runs)
    return {
        (shape, operation): ratios(seconds(found), seconds(keyed[FLOOR.name, shape, operation]))
        for (name, shape, operation), found in keyed.items()
        if name == contender and (FLOOR.name, shape, operation) in keyed
    }


def latencies(
    runs: Sequence[Run], start: Mapping[str, float] = MappingProxyType({})
) -> dict[tuple[Shape, str], list[float]]:
    """How many latencies of a slow service our times are over the floor's, pair by pair, by shape and operation.

    Args:
        runs: What was measured.
        start: By operation, what to multiply the floor's time with.
    """
    keyed = by_key(runs)
    return {
        (shape, operation): [
            (ours - start.get(operation, 1) * its) / shape.latency
            for ours, its in zip(seconds(found), seconds(keyed[FLOOR.name, shape, operation]), strict=True)
        ]
        for (name, shape, operation), found in keyed.items()
        if name == OURS.name and shape.latency and (FLOOR.name, shape, operation) in keyed
    }


def judged(runs: Sequence[Run], starts: Sequence[Start]) -> list[Verdict]:
    """A verdict for each target that there are measurements for."""
    return [*_floor_ratios(runs), *_round_trips(runs), *_calls(runs), *_imports(starts), *_growth(runs), *_memory(runs)]


def calls_expected(shape: Shape, operation: str) -> Mapping[str, int]:
    """The calls of an operation that takes less than half a minute (DESIGN: N creates are N connects and one list)."""
    each = {"up": "connect", "refresh": "sync_status", "destroy": "disconnect"}
    expected = {each[operation]: shape.integrations} if operation in each else {}
    return expected if operation == "no-op up" else {"list": shape.workspaces, **expected}


def floor_limit(shape: Shape, operation: str) -> float | None:
    """How much of the floor's time an operation may take; None where there is no target."""
    limit = FLOOR_RATIO.get(shape.integrations)
    if limit is None or shape.workspaces > 1 or shape.latency:
        return None
    return max(limit, FLOOR_RATIO_OF_REFRESH) if operation == "refresh" else limit


def _floor_ratios(runs: Sequence[Run]) -> Iterator[Verdict]:
    for (shape, operation), values in pairs(runs).items():
        limit = floor_limit(shape, operation)
        if limit is not None:
            verdict = _at_most(f"{operation} of {shape.integrations}, time over the floor's", values, limit)
            known = KNOWN.get((shape.integrations, operation))
            if known is not None:
                found = not verdict.holds and figure(values).median <= known
                verdict = replace(verdict, limit=f"{verdict.limit}, or {known:.2f} for now", known=found)
            yield verdict


def _round_trips(runs: Sequence[Run]) -> Iterator[Verdict]:
    for (shape, operation), values in latencies(runs, START).items():
        limit = ROUND_TRIPS.get((shape.integrations, operation))
        if limit is not None and shape.workspaces == 1:
            over = f"{START[operation]:.2f} of the floor" if operation in START else "the floor"
            # A slow machine takes longer to start, which is no round trip: to be sure takes a whole one too many.
            yield _at_most(f"{operation} of {shape}, latencies over {over}", values, limit, sure=limit + 1)


def _calls(runs: Sequence[Run]) -> Iterator[Verdict]:
    wrong: defaultdict[Shape, list[str]] = defaultdict(list)
    for (name, shape, operation), found in by_key(runs).items():
        if name == OURS.name:
            expected = calls_expected(shape, operation)
            others = (run.calls for run in found if not _same_calls(run, expected))
            wrong[shape] += [f"{operation}: {told(calls)}, not {told(expected)}" for calls in others]
    for shape, differences in wrong.items():
        said = "; ".join(dict.fromkeys(differences)) or "as expected"
        yield Verdict(f"calls of {shape}", said, "exact", not differences, surely=bool(differences))


def _same_calls(run: Run, expected: Mapping[str, int]) -> bool:
    lists, listed = expected.get("list", 0), run.calls.get("list", 0)
    again = lists * int(run.seconds // _LIST_IS_USED_FOR)
    others = {route: number for route, number in run.calls.items() if route != "list"}
    return lists <= listed <= lists + again and others == {k: v for k, v in expected.items() if k != "list"}


def told(calls: Mapping[str, int]) -> str:
    """The calls of an operation, for people."""
    return " + ".join(f"{number} {route.replace('_', ' ')}" for route, number in sorted(calls.items())) or "none"


def _imports(starts: Sequence[Start]) -> Iterator[Verdict]:
    if not starts:
        return
    cpu = by_side(starts, "cpu")
    over = [ours - base for ours, base in zip(cpu["program"], cpu["base"], strict=True)]
    program = ratios(cpu["program"], cpu["base"])
    if figure(over).median <= PROGRAM_IMPORT_SECONDS:
        found = f"{1000 * figure(over).median:.0f} ms"
        yield Verdict("import of the program side over pulumi's", found, "20 ms, or 1.10", holds=True, surely=False)
    else:
        yield _at_most("import of the program side over pulumi's", program, PROGRAM_IMPORT_RATIO)
    provider = ratios(cpu["provider"], cpu["base"])
    yield _at_most("import of the provider side over pulumi's", provider, PROVIDER_IMPORT_RATIO)


def by_side(starts: Sequence[Start], measure: Literal["cpu", "wall"]) -> dict[str, list[float]]:
    """Seconds of the starts of each side, by repeat."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for start in sorted(starts, key=lambda start: start.repeat):
        found[start.side].append(start.cpu if measure == "cpu" else start.wall)
    return dict(found)


def unevenness(runs: Sequence[Run]) -> float:
    """How much the floor's own times vary: the distance of their quartiles over their median, for most of what was measured.

    Only what was repeated four times or more tells; 0 if nothing was.
    """
    spreads = [
        (found.high - found.low) / found.median
        for (name, _, _), of in by_key(runs).items()
        if name == FLOOR.name and (found := figure(seconds(of))).count >= 4
    ]
    return figure(spreads).median if spreads else 0.0


def shapes(runs: Iterable[Run]) -> list[Shape]:
    """What was measured, in that order."""
    return list(dict.fromkeys(run.shape for run in runs))


def further(runs: Sequence[Run]) -> dict[tuple[str, str], float]:
    """Seconds for each integration from 60 on up to 600, with a service that answers at once, by contender and operation.

    The start, which most of the time of a small stack goes to, is not in it.
    """
    keyed = by_key(runs)
    less, more = Shape(60), Shape(600)
    number = more.integrations - less.integrations
    return {
        (name, operation): (figure(seconds(found)).median - figure(seconds(keyed[name, less, operation])).median)
        / number
        for (name, shape, operation), found in keyed.items()
        if shape == more and (name, less, operation) in keyed
    }


def growth(runs: Sequence[Run]) -> dict[tuple[str, str], float]:
    """The exponent of time over the number of integrations, with a service that answers at once, by contender and operation."""
    sizes: defaultdict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for (name, shape, operation), found in by_key(runs).items():
        if shape.workspaces == 1 and not shape.latency:
            sizes[name, operation][shape.integrations] = figure(seconds(found)).median
    return {key: exponent(by_size) for key, by_size in sizes.items() if {6, 600} <= set(by_size)}


def memory(runs: Sequence[Run], contender: str = OURS.name) -> dict[int, Figure]:
    """The largest provider process of a life, in MiB, by number of integrations in one workspace."""
    lives: defaultdict[int, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    for run in runs:
        if run.contender == contender and run.shape.workspaces == 1 and run.memory and not run.shape.latency:
            sizes = lives[run.shape.integrations]
            sizes[run.repeat] = max(sizes[run.repeat], run.memory)
    return {size: figure(list(peaks.values())) for size, peaks in sorted(lives.items())}


def _growth(runs: Sequence[Run]) -> Iterator[Verdict]:
    found = growth(runs)
    for operation in OPERATIONS:
        if (OURS.name, operation) in found:
            ours, floor = found[OURS.name, operation], found[FLOOR.name, operation]
            holds = ours - floor <= EXPONENT_OVER_FLOOR
            limit = f"{EXPONENT_OVER_FLOOR} over {floor:.2f}"
            yield Verdict(f"{operation}, exponent of growth", f"{ours:.2f}", limit, holds, surely=not holds)


def _memory(runs: Sequence[Run]) -> Iterator[Verdict]:
    peaks = memory(runs)
    if {6, 600} <= set(peaks):
        found = peaks[600].median / peaks[6].median
        holds = found <= MEMORY_RATIO
        yield Verdict("memory for 600 over that for 6", f"{found:.2f}", f"{MEMORY_RATIO:.2f}", holds, surely=not holds)


def _at_most(target: str, values: Sequence[float], limit: float, *, sure: float | None = None) -> Verdict:
    """Whether most values are at most the limit, and whether they are surely above ``sure`` (the limit, too, by default)."""
    found = figure(values)
    surely = surely_above(values, limit if sure is None else sure)
    return Verdict(target, str(found), f"{limit:.2f}", found.median <= limit, surely=surely)
