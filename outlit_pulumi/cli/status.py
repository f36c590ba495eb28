"""``outlit-pulumi status``: how the syncs stand, once or for as long as somebody watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from .. import catalog
from ..api.errors import ApiError, AuthenticationError
from ..api.models import NOT_CONNECTED
from ..api.redaction import plain
from ..lifecycle.outputs import failing
from ..lifecycle.workspace import by_provider, of_several, unreadable_entry
from . import exits
from .context import Command, command
from .options import Json, Stack, complete, provider_id
from .polling import looks
from .tables import CONNECTED, Column, clean, connection_status, judged, mishap, moment, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..api.client import OutlitClient
    from ..api.models import IntegrationItem, ModelSync, SyncStatus
    from ..api.redaction import Redactor

_COLUMNS = (
    Column("PROVIDER"),
    Column("MODEL"),
    Column("STATUS"),
    Column("LAST SYNCED", dropped=1),
    Column("ERROR", text=True),
)


@dataclass(frozen=True)
class Look:
    """How one integration stands.

    Attributes:
        provider: Its id.
        item: Its entry in the workspace's list; None where that does not name it.
        sync: Its syncs; None where they were not asked for or not told.
        problem: Why the syncs are not known, if they should be.
    """

    provider: str
    item: IntegrationItem | None
    sync: SyncStatus | None = None
    problem: ApiError | None = None

    @property
    def status(self) -> str:
        """The connection's status, by the later of the two answers."""
        return self.sync.status if self.sync else self.item.status if self.item else NOT_CONNECTED

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not."""
        told = self.sync or self.item
        return told is not None and told.connected

    @property
    def models(self) -> Sequence[ModelSync]:
        """The sync of each model."""
        return self.sync.syncs if self.sync else ()

    @property
    def failing_model(self) -> bool:
        """Whether the sync of a model fails."""
        return any(failing(model.status, model.error_message) for model in self.models)

    @property
    def failing(self) -> bool:
        """Whether the connection or one of its syncs fails; the list may say so of all of it, whatever models do."""
        whole = self.item is not None and failing(self.item.sync_status, self.item.error_message)
        return self.connected and (failing(self.status, None) or whole or self.failing_model)

    @property
    def unheard_of(self) -> bool:
        """Whether its status is one that this version does not know. It may well be a good one, so it is no failure."""
        return self.connected and self.status != CONNECTED and not failing(self.status, None)


def status(
    ctx: typer.Context,
    provider: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROVIDER]",
            help="Its id, such as stripe; without, all that are connected.",
            autocompletion=complete,
        ),
    ] = None,
    watching: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=1, max=3600, help="Seconds between two looks of --watch.")] = 5,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Show the sync status of each model.

    JSON: {"failing": true or false, "organizationId", "items": [...]}, each with provider, name, category, status,
    connectionId, syncStatus, lastDataReceivedAt, errorMessage and syncs (model, status, lastSyncedAt, errorMessage) as
    the API has them, and failing; also error, where its syncs could not be had. With --watch one such document per
    line, without organizationId, and {"error", "type"} for a look that failed.

    Exit codes: 0 nothing is failing, nor is what has a status that this version does not know; 1 something is, or
    PROVIDER is not connected; 2 wrong usage; 3 no answer, also for one of several; 130 Ctrl-C.
    """
    with command(ctx, stack=stack, as_json=as_json, reads=True) as run, run.client() as client:
        if watching:
            _watch(run, client, provider, interval)
            return
        found = look(client, provider)
        organization = run.organization(client)
        run.result({"organizationId": organization} | _data(found, client.hide), _shown(run, found, client.hide))
        run.say_whose(organization)
        if any(one.problem for one in found):
            raise typer.Exit(exits.ERROR)
        if any(one.failing for one in found) or (provider is not None and not found[0].connected):
            raise typer.Exit(exits.NO)


def look(client: OutlitClient, wanted: str | None) -> list[Look]:
    """How one integration stands, or each that is connected. All calls come out of one time budget.

    Raises:
        UsageError: there is no such provider.
        ApiError: the list could not be had, or the key was refused. Any other error belongs to its integration.
    """
    budget = client.budget()
    listed = client.list_integrations(connected_only=wanted is None, budget=budget)
    items = {provider: of_several(entries) for provider, entries in by_provider(listed.items).items()}
    chosen = list(items) if wanted is None else [provider_id(wanted, lambda: items)]
    odd = [id_ or "(unknown)" for id_ in listed.unreadable if wanted in (None, id_)]
    found = [Look(id_, None, problem=unreadable_entry(client.hide.data(id_))) for id_ in odd]
    for provider in (id_ for id_ in chosen if id_ not in odd):
        item = items.get(provider)
        if item is not None and not item.connected:
            found.append(Look(provider, item))
            continue
        try:
            found.append(Look(provider, item, client.sync_status(provider, budget=budget)))
        except AuthenticationError:
            raise
        except ApiError as error:
            found.append(Look(provider, item, problem=error))
    return found


def _watch(run: Command, client: OutlitClient, provider: str | None, interval: float) -> None:
    """Shows each look, in a terminal in place of the one before. Where a look fails, the last answer stays."""
    screen, clock = run.outside.out, run.outside.clock
    page: RenderableType = ""
    for found, wait in looks(lambda: look(client, provider), clock, every=interval):
        if run.json:
            if isinstance(found, ApiError):
                run.fail(found, indent=None)
            else:
                run.document(_data(found, client.hide), indent=None)
            continue
        screen.clear()
        if isinstance(found, ApiError):
            screen.print(page, Text(f"The last look failed: {exits.told(found)}", style="red"), sep="\n")
        else:
            page = _shown(run, found, client.hide)
            screen.print(page)
        now = clock.date().astimezone()
        screen.print(Text(f"{now:%H:%M:%S}, again in {wait:g} s. Ctrl-C ends it.", style="dim"))


def _shown(run: Command, found: Sequence[Look], hide: Redactor) -> RenderableType:
    """What went wrong is last: in a terminal that is too low for all, the beginning is what scrolls away."""
    worst_last = sorted(found, key=lambda one: (one.problem is not None, one.failing, one.unheard_of))
    rows = [row for one in worst_last for row in _rows(one, hide)]
    summary = _summary(found, hide)
    return Group(table(run.outside.out, _COLUMNS, rows), Text(), summary) if rows else summary


def _summary(found: Sequence[Look], hide: Redactor) -> Text:
    unread = sum(one.problem is not None for one in found)
    failing = sum(one.failing for one in found)
    said = []
    if unread:
        said.append(f"{unread} of {len(found)} integrations could not be read.")
    if failing:
        said.append(f"{failing} of {len(found)} integrations failing.")
    if said:
        shown = Text(" ".join(said), style="red")
    elif not found:
        shown = Text("Nothing is connected.")
    elif any(one.connected for one in found):
        shown = Text("Nothing is failing.", style="green")
    else:
        shown = Text("Not connected.", style="red")
    unheard_of = [one.status for one in found if one.unheard_of]
    if unheard_of:
        words = ", ".join(hide(status, limit=60) for status in dict.fromkeys(unheard_of))
        has = "has" if len(unheard_of) == 1 else "have"
        shown.append(f" {len(unheard_of)} {has} a status that this version does not know: {words}.", style="yellow")
    return shown


def _rows(one: Look, hide: Redactor) -> list[list[str | Text]]:
    provider = plain(hide.data(one.provider))
    if one.problem is not None:
        return [[provider, "", Text("unknown", style="red"), "", exits.told(one.problem)]]
    rows: list[list[str | Text]] = [
        [
            provider,
            hide(model.model, limit=60),
            judged(
                model.status,
                hide,
                bad=failing(model.status, model.error_message),
                good=model.status.upper() == "SUCCESS",
            ),
            moment(model.last_synced_at, hide),
            mishap(model.error_message, hide),
        ]
        for model in one.models
    ]
    if not rows or (one.failing and not one.failing_model):
        said = one.item.error_message if one.item and one.connected else None
        rows.insert(0, [provider, "", connection_status(one.status, one.item, hide), "", mishap(said, hide)])
    return rows


def _data(found: Sequence[Look], hide: Redactor) -> dict[str, Any]:
    return {"failing": any(one.failing for one in found), "items": [_item(one, hide) for one in found]}


def _item(one: Look, hide: Redactor) -> dict[str, Any]:
    item, sync, spec = one.item, one.sync, catalog.find(one.provider)
    data: dict[str, Any] = clean(
        {
            "provider": one.provider,
            "name": (sync and sync.name) or (item and item.name) or (spec and spec.name),
            "category": (sync and sync.category) or (item and item.category),
            "status": one.status,
            "connectionId": item and item.connection_id,
            "syncStatus": item and item.sync_status,
            "lastDataReceivedAt": item and item.last_data_received_at,
            "errorMessage": item and item.error_message,
        },
        hide,
    )
    data["failing"] = one.failing
    data["syncs"] = [clean(model.members(), hide) for model in one.models]
    if one.problem is not None:
        data["error"] = exits.told(one.problem)
    return data
