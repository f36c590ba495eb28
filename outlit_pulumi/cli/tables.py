"""What the service said, as tables for people and as data for programs, without credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from ..api.models import NOT_CONNECTED
from ..lifecycle.outputs import failing

if TYPE_CHECKING:
    from ..api.models import IntegrationItem
    from ..api.redaction import Redactor

CONNECTED = "connected"
"""The status of a connection when all is well."""

_GAP = 2
_NARROWEST = 24
"""Columns that running text gets at least, before other columns are left out."""

_SENTENCES = ("errorMessage", "error")

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z")


def clean(data: Mapping[str, Any], hide: Redactor) -> dict[str, Any]:
    """What the service said without credentials: data as it is, sentences on one line."""

    def shown(name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return hide(value) if name in _SENTENCES else hide.data(value)

    return {name: shown(name, value) for name, value in data.items()}


def moment(text: str | None, hide: Redactor) -> str:
    """A time of the API, to the minute; as it is where it has another form."""
    found = _TIME.fullmatch(text or "")
    return f"{found[1]} {found[2]} UTC" if found else hide(text or "", limit=60)


def mishap(text: str | None, hide: Redactor) -> Text:
    """What the service says of a failure, if anything."""
    return Text(hide(text or ""), style="red")


def judged(text: str, hide: Redactor, *, bad: bool, good: bool) -> Text:
    """A status in the colour of what it means."""
    return Text(hide(text, limit=120), style="red" if bad else "green" if good else "yellow")


def connection_status(status: str, item: IntegrationItem | None, hide: Redactor) -> Text:
    """A connection's status for people: with that of its syncs, unless those are well."""
    if status == NOT_CONNECTED:
        return Text("not connected", style="dim")
    sync, error = (item.sync_status, item.error_message) if item else (None, None)
    well = sync is None or sync.upper() == "SUCCESS"
    bad = failing(status, None) or failing(sync, error)
    return judged(status if well else f"{status}, sync {sync}", hide, bad=bad, good=well and status == CONNECTED)


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
