"""What is shown in a terminal or written to a pipe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..operation import plain

if TYPE_CHECKING:
    from ..redaction import Redactor

_PIPED_WIDTH = 100_000
"""Columns: what is piped is never folded."""

_GAP = 2
_NARROWEST = 24
"""Columns that a cell of running text gets at least, before a table is laid out in another way."""

_IDS = ("id", "provider", "connectionId")

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z")


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(
    file: IO[str], environ: Mapping[str, str], *, terminal: bool | None = None, width: int | None = None
) -> Console:
    """A console that shows text as it is, without colour when piped or with NO_COLOR.

    Args:
        file: Where it writes.
        environ: The environment, for NO_COLOR, TERM and the like.
        terminal: Whether it writes to a terminal; by default it finds out.
        width: Columns; by default the terminal's, or without end where there is none.
    """
    made = _Screen(
        file=file, force_terminal=terminal, width=width, markup=False, emoji=False, highlight=False, _environ=environ
    )
    if width is None and not made.is_terminal:
        made.width = _PIPED_WIDTH
    return made


def animated(screen: Console) -> bool:
    """Whether what it shows can be replaced."""
    return screen.is_terminal and not screen.is_dumb_terminal


def moment(text: str) -> str:
    """A time of the API, to the minute; as it is where it has another form."""
    found = _TIME.fullmatch(text)
    return f"{found[1]} {found[2]} UTC" if found else text


def clean(data: Mapping[str, Any], hide: Redactor) -> dict[str, Any]:
    """What the service said, fit to be shown. Ids stay whole: one that has letters in common with the key is no leak."""

    def shown(name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return plain(value) if name in _IDS else hide(value)

    return {name: shown(name, value) for name, value in data.items()}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        detail: Whether it goes below the others where the screen is too narrow for all.
        folds: Whether its cells are running text, which may be folded.
    """

    title: str
    detail: bool = False
    folds: bool = False


def table(screen: Console, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]]) -> RenderableType:
    """A table where the screen is wide enough; else each row with its details on lines below it."""
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [
        max([len(column.title), *(row[number].cell_len for row in cells)]) for number, column in enumerate(columns)
    ]
    gaps = _GAP * (len(columns) - 1)
    if sum(widths) + gaps <= screen.width:
        heads = [Text(column.title, style="bold") for column in columns]
        return Group(*(_line(row, widths) for row in (heads, *cells)))
    least = [min(width, _NARROWEST) if column.folds else width for column, width in zip(columns, widths, strict=True)]
    if sum(least) + gaps > screen.width:
        return _stacked(columns, widths, cells)
    made = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column.title, no_wrap=not column.folds, overflow="fold")
    for row in cells:
        made.add_row(*row)
    return made


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    made = Text()
    for cell, width in zip(cells, widths, strict=True):
        made.append_text(cell).append(" " * (width - cell.cell_len + _GAP))
    made.rstrip()
    return made


def _stacked(columns: Sequence[Column], widths: Sequence[int], rows: Sequence[Sequence[Text]]) -> RenderableType:
    heads = [number for number, column in enumerate(columns) if not column.detail]
    narrow = [widths[number] for number in heads]
    lines: list[RenderableType] = [_line([Text(columns[number].title, style="bold") for number in heads], narrow)]
    for row in rows:
        lines.append(_line([row[number] for number in heads], narrow))
        details = [
            (column.folds, Text(f"{column.title.lower()}: ").append_text(cell))
            for column, cell in zip(columns, row, strict=True)
            if column.detail and cell.plain
        ]
        short = Text("; ").join(text for folds, text in details if not folds)
        lines += [Padding(text, (0, 0, 0, 2)) for text in (short, *(text for folds, text in details if folds)) if text]
    return Group(*lines)
