"""``docs/performance.md``, made from results. Pure but for its template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from .contenders import ALL, CALLS, FLOOR, OPERATIONS, OURS
from .deployment import SLOW, Run, Shape
from .figures import figure
from .report import table, verdict_table
from .results import Results
from .targets import by_key, growth, judged, latencies, memory, pairs, seconds, told

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

_PROFILED = """\
Seconds that each package takes itself in an `up` of 600, by pyinstrument. In the provider process the calls on its threads are added up,
so that waiting for Outlit counts once for each. The call trees are in `benchmarks/results/profile-program.txt` and
`profile-provider.txt`."""

_LARGEST = 10
"""How many packages a profile names."""


def page(results: Results) -> str:
    """The page as it should be."""
    runs = results.runs
    of = pairs(runs)
    trips = latencies(runs)
    six, slow = Shape(6), Shape(6, latency=SLOW)
    return Template(Path(__file__).with_name("page.md").read_text(encoding="utf-8")).substitute(
        taken=", ".join(
            value if name in ("when", "machine") else f"{name} {value}" for name, value in results.taken.items()
        ),
        up_6=f"{figure(of[six, 'up']).median:.2f}",
        refresh_6=f"{figure(of[six, 'refresh']).median:.2f}",
        noop_6=f"{figure(of[six, 'no-op up']).median:.2f}",
        trips_up=f"{figure(trips[slow, 'up']).median:.1f}",
        trips_refresh=f"{figure(trips[slow, 'refresh']).median:.1f}",
        floor=_by_operation(runs, of, latency=False),
        slow=_by_operation(runs, of, latency=True),
        largest=_largest(runs),
        calls=_calls(runs),
        alternatives=_alternatives(runs),
        starts=str(len(results.starts) // 3),
        startup=_startup(results),
        growth=_growth(runs),
        memory=_memory(runs),
        profile=_profile(results),
        targets=verdict_table(judged(runs, results.starts)),
    )


def _shapes(runs: Iterable[Run]) -> list[Shape]:
    return list(dict.fromkeys(run.shape for run in runs))


def _by_operation(runs: Sequence[Run], of: dict[tuple[Shape, str], list[float]], *, latency: bool) -> str:
    shapes = [shape for shape in _shapes(runs) if bool(shape.latency) is latency]
    return table(
        ("Integrations", *OPERATIONS, "Repeats"),
        (
            (
                _name(shape),
                *(str(figure(of[shape, operation])) for operation in OPERATIONS),
                str(len(of[shape, "up"])),
            )
            for shape in shapes
        ),
    )


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
            for shape in _shapes(runs)
            if not shape.latency
        ),
    )


def _largest(runs: Sequence[Run]) -> str:
    """The refresh of the largest shape, by latency and contender."""
    keyed = by_key(runs)
    size = max(run.shape.integrations for run in runs)
    rows = []
    for shape in (shape for shape in _shapes(runs) if shape.integrations == size):
        cells = [seconds(keyed[contender.name, shape, "refresh"]) for contender in (FLOOR, CALLS, OURS)]
        floor, calls, ours = (figure(values).median for values in cells)
        rows.append(
            (str(shape), f"{floor:.2f}", f"{calls:.2f}", f"{ours:.2f}", f"{ours / floor:.2f}", f"{ours / calls:.2f}")
        )
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
    for shape in _shapes(runs):
        if (CALLS.name, shape, "up") not in keyed:
            continue
        for contender in (contender for contender in ALL if (contender.name, shape, "up") in keyed):
            cells = (
                f"{figure(seconds(keyed[contender.name, shape, operation])).median:.2f}"
                if (contender.name, shape, operation) in keyed
                else "–"
                for operation in OPERATIONS
            )
            rows.append((f"{shape}: {contender.title}", *cells))
    return table(("Integrations, latency, contender", *OPERATIONS), rows)


def _startup(results: Results) -> str:
    sides: dict[str, list[float]] = {}
    for start in results.starts:
        sides.setdefault(start.side, []).append(start.cpu)
    base = sides.pop("base")
    return table(
        ("Side", "Milliseconds over pulumi", "Ratio", "Largest by -X importtime"),
        (
            (
                side,
                f"{1000 * figure([ours - its for ours, its in zip(cpu, base, strict=True)]).median:.0f}",
                str(figure([ours / its for ours, its in zip(cpu, base, strict=True)])),
                ", ".join(f"{name} {1000 * s:.0f} ms" for name, s in list(results.contributors[side].items())[:5]),
            )
            for side, cpu in sides.items()
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
    if not results.profile:
        return "Not measured yet: the run that this page is made from ended before."
    columns = {side: list(packages.items())[:_LARGEST] for side, packages in results.profile.items()}
    cells = {side: [f"{name} {s:.2f}" for name, s in packages] for side, packages in columns.items()}
    rows = [tuple(column[line] if line < len(column) else "" for column in cells.values()) for line in range(_LARGEST)]
    return f"{_PROFILED}\n\n{table(tuple(side.capitalize() for side in cells), rows)}"
