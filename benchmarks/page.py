"""``docs/performance.md``, made from results. Pure but for its template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

from .contenders import ALL, CALLS, FLOOR, OPERATIONS, OURS
from .deployment import SLOW, Run, Shape
from .figures import figure, ratios
from .report import table, verdict_table
from .results import Results
from .targets import (
    by_key,
    by_side,
    further,
    growth,
    judged,
    latencies,
    memory,
    pairs,
    seconds,
    shapes,
    told,
    unevenness,
)

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

_PROFILED = """\
Seconds that each package takes itself in an `up` and in a refresh of 600, by pyinstrument, which takes time, too. In the provider
process the calls on its threads are added up, so that waiting for Outlit, or for another thread, counts once for each; what runs beside
the calls is not seen. The call trees are in `benchmarks/results/profile-*.txt`."""

_LARGEST = 10
"""How many packages a profile names."""


def page(results: Results) -> str:
    """The page as it should be."""
    runs = results.runs
    of = pairs(runs)
    trips = latencies(runs)
    six, slow = Shape(6), Shape(6, latency=SLOW)
    each = further(runs)
    return Template(Path(__file__).with_name("page.md").read_text(encoding="utf-8")).substitute(
        taken=", ".join(
            value if name in ("when", "machine") else f"{name} {value}" for name, value in results.taken.items()
        ),
        uneven=f"{unevenness(runs):.0%}",
        up_6=f"{figure(of[six, 'up']).median:.2f}",
        refresh_6=f"{figure(of[six, 'refresh']).median:.2f}",
        noop_6=f"{figure(of[six, 'no-op up']).median:.2f}",
        trips_up=f"{figure(trips[slow, 'up']).median:.1f}",
        trips_refresh=f"{figure(trips[slow, 'refresh']).median:.1f}",
        floor=_by_operation(runs, of, latency=False),
        slow=_by_operation(runs, of, latency=True),
        each_floor=f"{1000 * each[FLOOR.name, 'refresh']:.1f}",
        each_ours=f"{1000 * each[OURS.name, 'refresh']:.1f}",
        largest=_largest(runs),
        calls=_calls(runs),
        alternatives=_alternatives(runs),
        starts=str(len(results.starts) // 3),
        startup=_startup(results),
        growth=_growth(runs),
        further=_further(each),
        memory=_memory(runs),
        profile=_profile(results),
        targets=verdict_table(judged(runs, results.starts)),
    )


def _by_operation(runs: Sequence[Run], of: dict[tuple[Shape, str], list[float]], *, latency: bool) -> str:
    return table(
        ("Integrations", *OPERATIONS, "Repeats"),
        (
            (
                _name(shape),
                *(str(figure(of[shape, operation])) for operation in OPERATIONS),
                _repeats(of, shape),
            )
            for shape in shapes(runs)
            if bool(shape.latency) is latency
        ),
    )


def _repeats(of: dict[tuple[Shape, str], list[float]], shape: Shape) -> str:
    number = {operation: len(of[shape, operation]) for operation in OPERATIONS}
    least = min(number.values())
    return ", ".join((str(least), *(f"{operation} {n}" for operation, n in number.items() if n > least)))


def _name(shape: Shape) -> str:
    return (
        f"{shape.integrations} over {shape.workspaces} workspaces" if shape.workspaces > 1 else f"{shape.integrations}"
    )


def _calls(runs: Sequence[Run]) -> str:
    keyed = by_key(runs)
    return table(
        ("Integrations", *OPERATIONS),
        (
            (_name(shape), *(told(keyed[OURS.name, shape, operation][-1].calls) for operation in OPERATIONS))
            for shape in shapes(runs)
            if not shape.latency
        ),
    )


def _largest(runs: Sequence[Run]) -> str:
    """The refresh of the largest shape next to one that makes the calls, by latency and contender."""
    keyed = by_key(runs)
    size = max(run.shape.integrations for run in runs)
    rows = []
    for shape in shapes(runs):
        if shape.integrations != size or (CALLS.name, shape, "refresh") not in keyed:
            continue
        floor, calls, ours = (seconds(keyed[contender.name, shape, "refresh"]) for contender in (FLOOR, CALLS, OURS))
        over = (figure(ratios(ours, others)) for others in (floor, calls))
        rows.append((str(shape), *(f"{figure(values).median:.2f}" for values in (floor, calls, ours)), *map(str, over)))
    head = (
        "Integrations, latency",
        FLOOR.title,
        "that makes the calls",
        OURS.title,
        "over the first",
        "over the second",
    )
    return table(head, rows)


def _alternatives(runs: Sequence[Run]) -> str:
    keyed = by_key(runs)
    rows = []
    for shape in shapes(runs):
        measured = [contender for contender in ALL if (contender.name, shape, "up") in keyed]
        if measured == [FLOOR, OURS]:
            continue
        for contender in measured:
            cells = (
                f"{figure(seconds(keyed[contender.name, shape, operation])).median:.2f}"
                if (contender.name, shape, operation) in keyed
                else "–"
                for operation in OPERATIONS
            )
            repeats = str(len(keyed[contender.name, shape, "up"]))
            rows.append((f"{shape}: {contender.title}", *cells, repeats))
    return table(("Integrations, latency, contender", *OPERATIONS, "Repeats"), rows)


def _startup(results: Results) -> str:
    cpu, wall = by_side(results.starts, "cpu"), by_side(results.starts, "wall")
    return table(
        ("Side", "Milliseconds over pulumi", "Ratio", "Ratio of wall time", "Largest by -X importtime"),
        (
            (
                side,
                f"{1000 * figure([ours - its for ours, its in zip(cpu[side], cpu['base'], strict=True)]).median:.0f}",
                *(str(figure(ratios(times[side], times["base"]))) for times in (cpu, wall)),
                ", ".join(f"{name} {1000 * s:.0f} ms" for name, s in list(packages.items())[:6]),
            )
            for side, packages in results.contributors.items()
        ),
    )


def _growth(runs: Sequence[Run]) -> str:
    found = growth(runs)
    return table(
        ("", *OPERATIONS),
        (
            (name, *(f"{found[contender, operation]:.2f}" for operation in OPERATIONS))
            for name, contender in ((FLOOR.title, FLOOR.name), (OURS.title, OURS.name))
        ),
    )


def _further(found: dict[tuple[str, str], float]) -> str:
    return table(
        ("", *OPERATIONS),
        (
            (contender.title, *(f"{1000 * found[contender.name, operation]:.1f}" for operation in OPERATIONS))
            for contender in (FLOOR, CALLS, OURS)
        ),
    )


def _memory(runs: Sequence[Run]) -> str:
    peaks = {contender.name: memory(runs, contender.name) for contender in (FLOOR, OURS)}
    sizes = sorted(peaks[OURS.name])
    return table(
        ("Integrations", *map(str, sizes)),
        (
            (name, *(f"{peaks[contender][size].median:.0f}" for size in sizes))
            for name, contender in ((FLOOR.title, FLOOR.name), (OURS.title, OURS.name))
        ),
    )


def _profile(results: Results) -> str:
    columns = {side: list(packages.items())[:_LARGEST] for side, packages in results.profile.items()}
    cells = {side: [f"{name} {s:.2f}" for name, s in packages] for side, packages in columns.items()}
    rows = [tuple(column[line] if line < len(column) else "" for column in cells.values()) for line in range(_LARGEST)]
    head = tuple(name.replace("-", ", ") for name in cells)
    return f"{_PROFILED}\n\n{table(head, rows)}"
