"""The results as pictures, PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatter

from .contenders import ALL, CALLS, CURL, FLOOR, HANDWRITTEN, OPERATIONS, OURS
from .deployment import Run, Shape
from .figures import figure
from .targets import by_key, floor_limit, growth, memory, pairs, seconds, shapes

_COLOURS = {
    FLOOR.name: "#9aa5b1",
    CALLS.name: "#64748b",
    OURS.name: "#4f46e5",
    HANDWRITTEN.name: "#d97706",
    CURL.name: "#0f766e",
}
_NAMES = {contender.name: contender.title for contender in ALL}


def draw(runs: Sequence[Run], contributors: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    """Draws every plot that there are results for."""
    mpl.rcParams["svg.hashsalt"] = "outlit"
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    for name, plot in {
        "floor": _floor(runs),
        "growth": _growth(runs),
        "alternatives": _alternatives(runs),
        "startup": _startup(contributors),
    }.items():
        plot.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plot.savefig(folder / f"{name}.png", dpi=144)


def _floor(runs: Sequence[Run]) -> Figure:
    """Time over the floor's by operation, a panel for each number of integrations."""
    found = pairs(runs)
    fast = [shape for shape in shapes(runs) if not shape.latency]
    plot = Figure(figsize=(2.1 * len(fast), 3.2), layout="constrained")
    panels = plot.subplots(1, len(fast), sharey=True, squeeze=False)[0]
    for axes, shape in zip(panels, fast, strict=True):
        for column, operation in enumerate(OPERATIONS):
            values = figure(found[shape, operation])
            axes.errorbar(
                [column],
                [values.median],
                yerr=[[values.median - values.low], [values.high - values.median]],
                fmt="o",
                color=_COLOURS[OURS.name],
                capsize=3,
            )
            limit = floor_limit(shape, operation)
            if limit is not None:
                axes.hlines(limit, column - 0.4, column + 0.4, color="#b91c1c", linewidth=1.2)
        axes.axhline(1, color=_COLOURS[FLOOR.name], linewidth=1)
        axes.set_xticks(range(len(OPERATIONS)), OPERATIONS, rotation=60)
        axes.set_title(_title(shape))
    panels[0].set_ylabel("time / time of a do-nothing resource")
    plot.suptitle(
        "Median and quartiles (extremes of fewer than four) of ratios pair by pair; red: the most that it may be"
    )
    return plot


def _growth(runs: Sequence[Run]) -> Figure:
    """Time and memory against the number of integrations."""
    keyed, exponents = by_key(runs), growth(runs)
    plot = Figure(figsize=(13, 3.2), layout="constrained")
    panels = plot.subplots(1, len(OPERATIONS) + 1)
    for axes, operation in zip(panels, OPERATIONS, strict=False):
        for name in (FLOOR.name, OURS.name):
            sizes = {
                shape.integrations: figure(seconds(found)).median
                for (contender, shape, step), found in sorted(keyed.items(), key=lambda item: item[0][1].integrations)
                if (contender, step) == (name, operation) and shape.workspaces == 1 and not shape.latency
            }
            axes.loglog(list(sizes), list(sizes.values()), "o-", color=_COLOURS[name], label=_NAMES[name], markersize=4)
        powers = [exponents.get((name, operation), float("nan")) for name in (FLOOR.name, OURS.name)]
        axes.set_title(f"{operation}\nexponents {powers[0]:.2f}, {powers[1]:.2f}")
        _plain(axes.xaxis)
        _plain(axes.yaxis)
        axes.set_xlabel("integrations")
    panels[0].set_ylabel("seconds")
    for name in (FLOOR.name, OURS.name):
        peaks = {size: peak.median for size, peak in memory(runs, name).items()}
        panels[-1].semilogx(list(peaks), list(peaks.values()), "o-", color=_COLOURS[name], markersize=4)
    plot.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    _plain(panels[-1].xaxis)
    panels[-1].set_ylim(0, 1.1 * panels[-1].get_ylim()[1])
    panels[-1].set_title("provider process")
    panels[-1].set_xlabel("integrations")
    panels[-1].set_ylabel("MiB at most")
    return plot


def _alternatives(runs: Sequence[Run]) -> Figure:
    """Seconds by operation of all that a user might pick."""
    keyed = by_key(runs)
    all_of = [shape for shape in shapes(runs) if (CURL.name, shape, "up") in keyed]
    plot = Figure(figsize=(3.6 * len(all_of), 3.2), layout="constrained")
    for axes, shape in zip(plot.subplots(1, len(all_of), squeeze=False)[0], all_of, strict=True):
        for position, (name, colour) in enumerate(_COLOURS.items()):
            bars = {
                column: figure(seconds(keyed[name, shape, operation])).median
                for column, operation in enumerate(OPERATIONS)
                if (name, shape, operation) in keyed
            }
            at = [column + 0.17 * (position - 2) for column in bars]
            axes.bar(at, list(bars.values()), width=0.16, color=colour)
        axes.set_xticks(range(len(OPERATIONS)), OPERATIONS)
        axes.set_title(_title(shape))
    plot.axes[0].set_ylabel("seconds (median)")
    legend = [Patch(color=colour, label=_NAMES[name]) for name, colour in _COLOURS.items()]
    plot.legend(handles=legend, loc="outside lower center", ncols=len(ALL))
    return plot


def _startup(contributors: Mapping[str, Mapping[str, float]]) -> Figure:
    """What each package adds to the imports of pulumi."""
    plot = Figure(figsize=(8, 3), layout="constrained")
    for axes, (side, packages) in zip(plot.subplots(1, len(contributors)), contributors.items(), strict=True):
        largest = list(packages.items())[:8][::-1]
        axes.barh([name for name, _ in largest], [1000 * value for _, value in largest], color=_COLOURS[OURS.name])
        axes.set_title(f"{side} side: {1000 * sum(packages.values()):.0f} ms")
        axes.set_xlabel("milliseconds over import pulumi")
    return plot


def _plain(axis: Axis) -> None:
    """Has a logarithmic axis say 60, and not 6 times ten to the first."""
    axis.set_major_formatter(LogFormatter())
    axis.set_minor_formatter(LogFormatter())


def _title(shape: Shape) -> str:
    spread = f"\n{shape.workspaces} workspaces" if shape.workspaces > 1 else ""
    slow = f", {1000 * shape.latency:.0f} ms each" if shape.latency else ""
    return f"{shape.integrations}{slow}{spread}"
