"""``docs/performance.md`` with its plot, made from results alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from string import Template

from .deployment import OPERATIONS, PROJECTS, Shape
from .results import TOLERANCE, Comparison, Results, Verdict, by_shape, peak, verdicts

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

_SHOWN = {"floor": ("do-nothing resource", "#9aa5b1"), "ours": ("outlit-pulumi", "#7c74ff")}
"""Name and colour of each project."""

_GREY = "#808080"
"""The colour of all else, which can be read on a light page and on a dark one."""


def page(measured: Results) -> str:
    """The text of the page."""
    shapes = by_shape(measured)
    fast = {shape: rows for shape, rows in shapes.items() if not shape.latency}
    (less, fewer), (most, largest) = list(fast.items())[-2:]
    further = {
        project: [
            1000 * (_seconds(row, project) - _seconds(other, project)) / (most.integrations - less.integrations)
            for row, other in zip(largest, fewer, strict=True)
        ]
        for project in PROJECTS
    }

    def ratio(shape: Shape, operation: str) -> str:
        (found,) = (row.ratio for row in shapes[shape] if row.operation == operation)
        return f"{found.median:.2f}"

    return Template(Path(__file__).with_name("page.md").read_text(encoding="utf-8")).substitute(
        taken=", ".join(f"{name} {value}" for name, value in measured.taken.items()),
        up_6=ratio(Shape(6), "up"),
        refresh_6=ratio(Shape(6), "refresh"),
        noop_6=ratio(Shape(6), "no-op up"),
        up_most=ratio(most, "up"),
        refresh_most=ratio(most, "refresh"),
        less=less,
        most=most,
        ratios=_by_operation(shapes, lambda row: str(row.ratio)),
        growth=table(
            ("", *OPERATIONS, "MiB"),
            (
                (_SHOWN[project][0], *(f"{ms:.1f}" for ms in line), f"{peak(largest, project):.0f}")
                for project, line in further.items()
            ),
        ),
        calls=_by_operation(fast, lambda row: " or ".join(row.calls)),
        starts=measured.imports["program"].repeats,
        imports=table(
            ("Side", "Milliseconds over pulumi", "Ratio"),
            ((side, f"{found.over_ms:.0f}", str(found.ratio)) for side, found in measured.imports.items()),
        ),
        tolerance=TOLERANCE,
        targets=verdict_table(verdicts(measured)),
    )


def verdict_table(found: Iterable[Verdict]) -> str:
    """The targets, and whether they hold."""
    head = ("Target", "Found", "At most", "Holds")
    return table(head, ((v.target, v.found, v.limit, "yes" if v.holds else "no") for v in found))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown whose columns line up in plain text, too; all but the first are aligned to the right."""
    lines = [head, *rows]
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    text = [[line[0].ljust(first), *map(str.rjust, line[1:], others)] for line in lines]
    text.insert(1, ["-" * first, *("-" * (width - 1) + ":" for width in others)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in text)


def draw(measured: Results, file: Path) -> None:
    """Draws time by number of integrations. A plot of the same results is the same file."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    mpl.rcParams.update({"svg.hashsalt": "outlit", "svg.fonttype": "none", "font.size": 9})
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})
    for part in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"):
        mpl.rcParams[part] = _GREY
    sizes = {shape.integrations: rows for shape, rows in by_shape(measured).items() if not shape.latency}
    plot = Figure(figsize=(11, 3.2), layout="constrained")
    panels = plot.subplots(1, len(OPERATIONS), sharey=True)
    for column, (axes, operation) in enumerate(zip(panels, OPERATIONS, strict=True)):
        for project, (name, colour) in _SHOWN.items():
            seconds = [_seconds(rows[column], project) for rows in sizes.values()]
            axes.loglog(list(sizes), seconds, "o-", color=colour, label=name, markersize=4)
        axes.set_title(operation)
        axes.set_xlabel("integrations")
        axes.set_xticks(list(sizes), map(str, sizes))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
    panels[0].set_ylabel("seconds (median)")
    plot.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(PROJECTS))
    plot.savefig(file, metadata={"Date": None}, transparent=True)


def _seconds(row: Comparison, project: str) -> float:
    return (row.floor if project == "floor" else row.ours).median


def _by_operation(shapes: Mapping[Shape, Sequence[Comparison]], cell: Callable[[Comparison], str]) -> str:
    lines = ((f"{shape} ({rows[0].repeats})", *map(cell, rows)) for shape, rows in shapes.items())
    return table(("Integrations (repeats)", *OPERATIONS), lines)
