"""What is shown in a terminal or written to a pipe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

if TYPE_CHECKING:
    from ..api.redaction import Redactor

_PIPED_WIDTH = 100_000
"""Columns: what is piped is never folded."""

_GAP = 2
_NARROWEST = 24
"""Columns that running text gets at least, before other columns are left out."""

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
        dropped: Its turn in being left out where the screen is too narrow for all; 0 for one that stays.
        text: Whether its cells are running text, which may be cut. Only the last column is.
    """

    title: str
    dropped: int = 0
    text: bool = False


def table(screen: Console, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]]) -> RenderableType:
    """A table of one line a row. Where the screen is too narrow, columns are left out and running text is cut."""
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max([len(column.title), *(row[at].cell_len for row in cells)]) for at, column in enumerate(columns)]
    least = [min(width, _NARROWEST) if column.text else width for column, width in zip(columns, widths, strict=True)]
    kept = list(range(len(columns)))
    for at in sorted((at for at in kept if columns[at].dropped), key=lambda at: columns[at].dropped):
        if sum(least[one] + _GAP for one in kept) - _GAP <= screen.width:
            break
        kept.remove(at)
    heads = [Text(column.title, style="bold") for column in columns]
    return Group(*(_line([row[at] for at in kept], [widths[at] for at in kept]) for row in (heads, *cells)))


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    """Not Rich's table, which fills its lines up with blanks, also in a pipe."""
    made = Text(no_wrap=True, overflow="ellipsis")
    for cell, width in zip(cells, widths, strict=True):
        made.append_text(cell).append(" " * (width - cell.cell_len + _GAP))
    made.rstrip()
    return made
