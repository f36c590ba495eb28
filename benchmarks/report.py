"""Results as tables in Markdown, for the screen and for the page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .targets import Verdict


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns line up in plain text, too; all but the first are aligned to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cells[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
        ]
        return f"| {' | '.join(padded)} |"

    return "\n".join([line(lines[0]), f"|{'|'.join(f' {cell} ' for cell in rule)}|", *map(line, lines[1:])])


def verdict_table(verdicts: Iterable[Verdict]) -> str:
    """The targets: what was found, and whether it is as it must be."""
    return table(
        ("Target", "Found", "At most", "Holds"),
        ((v.target, v.found, v.limit, _word(v)) for v in verdicts),
    )


def _word(verdict: Verdict) -> str:
    return "yes" if verdict.holds else "no, as is known" if verdict.known else "no"
