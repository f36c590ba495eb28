"""What is shown in a terminal or written to a pipe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..api.redaction import Redactor

_PIPED_WIDTH = 100_000
"""Columns: what is piped is never folded."""

_GAP = 2
_NARROWEST = 24
"""Columns that a cell of running text gets at least, before a table is laid out in another way."""

_SENTENCES = ("errorMessage", "error")

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z")


class Unwritable(OSError):
    """What was to be shown cannot be written: the disk is full, say."""


class Screen(Console):
    """A console that raises what goes wrong with its writing.

    Args:
        terminal: Whether it writes to a terminal.
        options: Those of `Console`.
    """

    def __init__(self, *, terminal: bool, **options: Any) -> None:
        super().__init__(**options)
        self._on_terminal = terminal

    @property
    def on_terminal(self) -> bool:
        """Whether it writes to a terminal. ``is_terminal`` also holds for a pipe that FORCE_COLOR wants colours in."""
        return self._on_terminal

    def __exit__(self, *raised: object) -> None:
        """Writes what was printed. ``print`` and all else that shows something come through here."""
        try:
            super().__exit__(*raised)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unwritable(error.errno, error.strerror) from None

    def on_broken_pipe(self) -> None:
        """Leaves it to the command to end."""
        raise BrokenPipeError


def console(
    file: IO[str], environ: Mapping[str, str], *, terminal: bool | None = None, width: int | None = None
) -> Screen:
    """A console that shows text as it is, without colour when piped (unless with FORCE_COLOR) or with NO_COLOR.

    Args:
        file: Where it writes.
        environ: The environment, for NO_COLOR, FORCE_COLOR, TERM and the like.
        terminal: Whether it writes to a terminal; by default it finds out.
        width: Columns; by default the terminal's, or without end where there is none.
    """
    on_terminal = file.isatty() if terminal is None else terminal
    made = Screen(
        terminal=on_terminal,
        file=file,
        force_terminal=terminal,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
        _environ=environ,
    )
    if width is None and not on_terminal:
        made.width = _PIPED_WIDTH
    return made


def animated(screen: Screen) -> bool:
    """Whether what it shows can be replaced."""
    return screen.on_terminal and screen.is_terminal and not screen.is_dumb_terminal


@dataclass(frozen=True)
class Fitted:
    """What fits a screen of few lines.

    Attributes:
        first: What is shown in any case.
        rest: What is below it, as far as there are lines left; how many more there are is the last one then.
    """

    first: RenderableType
    rest: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self.first, options, pad=False)
        below = console.render_lines(self.rest, options, pad=False)
        room = max(1, options.size.height - len(lines))
        cut = len(below) > room
        for line in (*lines, *(below[: room - 1] if cut else below)):
            yield from line
            yield Segment.line()
        if cut:
            yield Text(f"{len(below) - room + 1} more lines do not fit.", style="dim")


def moment(text: str) -> str:
    """A time of the API, to the minute; as it is where it has another form."""
    found = _TIME.fullmatch(text)
    return f"{found[1]} {found[2]} UTC" if found else text


def clean(data: Mapping[str, Any], hide: Redactor) -> dict[str, Any]:
    """What the service said without credentials: data as it is, sentences on one line."""

    def shown(name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return hide(value) if name in _SENTENCES else hide.data(value)

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
