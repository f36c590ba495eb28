"""``outlit-pulumi status``: how the syncs stand, once or for as long as somebody watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from .. import catalog
from ..api.errors import ApiError, AuthenticationError
from ..api.models import NOT_CONNECTED
from ..api.redaction import plain
from ..lifecycle.outputs import failing
from ..lifecycle.workspace import unreadable_entry
from . import exits
from .choice import complete, provider_id
from .context import Command, Json, Stack, command
from .listing import status_text
from .polling import watch
from .screen import Column, animated, clean, moment, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..api.client import OutlitClient
    from ..api.models import IntegrationItem, SyncStatus
    from ..api.redaction import Redactor

_COLUMNS = (
    Column("PROVIDER"),
    Column("MODEL"),
    Column("STATUS"),
    Column("LAST SYNCED", dropped=1),
    Column("ERROR", text=True),
)
_CONNECTED = "connected"
"""The status of a connection when all is well."""


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
    def failing(self) -> bool:
        """Whether the connection or one of its syncs fails."""
        return self.connected and (
            failing(self.status, None)
            or self.failing_as_a_whole
            or any(failing(model.status, model.error_message) for model in (self.sync.syncs if self.sync else ()))
        )

    @property
    def unheard_of(self) -> bool:
        """Whether its status is one that this version does not know. It may well be a good one, so it is no failure."""
        return self.connected and self.status != _CONNECTED and not failing(self.status, None)

    @property
    def failing_as_a_whole(self) -> bool:
        """Whether the list says so of the connection, whatever its models do."""
        return self.item is not None and failing(self.item.sync_status, self.item.error_message)


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
        looks = look(client, provider)
        organization = run.organization(client)
        run.result({"organizationId": organization} | _data(looks, client), _shown(run, looks, client.hide))
        run.say_whose(organization)
        if any(found.problem for found in looks):
            raise typer.Exit(exits.ERROR)
        if any(found.failing for found in looks) or (provider is not None and not looks[0].connected):
            raise typer.Exit(exits.NO)


def look(client: OutlitClient, wanted: str | None) -> list[Look]:
    """How one integration stands, or each that is connected. All calls come out of one time budget.

    Raises:
        UsageError: there is no such provider.
        ApiError: the list could not be had, or the key was refused. Any other error belongs to its integration.
    """
    budget = client.budget()
    listed = client.list_integrations(connected_only=wanted is None, budget=budget)
    items = {item.id: item for item in listed.items}
    chosen = list(items) if wanted is None else [provider_id(wanted, lambda: items)]
    odd = [id_ or "(unknown)" for id_ in listed.unreadable if wanted in (None, id_)]
    found = [Look(id_, None, problem=unreadable_entry(id_)) for id_ in odd]
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
    screen = run.outside.out
    hide = client.hide

    def document(looks: list[Look] | None, problem: ApiError | None, _: float) -> None:
        if problem is not None:
            run.fail(problem, indent=None)
        elif looks is not None:
            run.document(_data(looks, client), indent=None)

    def remarks(problem: ApiError | None, wait: float) -> list[Text]:
        failed = [] if problem is None else [Text(f"The last look failed: {exits.told(problem)}", style="red")]
        when = run.outside.now().strftime("%H:%M:%S")
        again = f"again every {interval:g} s" if wait == interval else f"again in {wait:g} s, as Outlit asks"
        return [*failed, Text(f"{when}, {again}. Ctrl-C ends it.", style="dim")]

    def page(looks: list[Look] | None, problem: ApiError | None, wait: float) -> RenderableType:
        parts = [_shown(run, looks, hide)] if looks is not None else []
        return Group(*parts, *remarks(problem, wait))

    def screenful(looks: list[Look] | None, problem: ApiError | None, wait: float) -> RenderableType:
        summary = [_summary(looks, hide)] if looks is not None else []
        first = Group(*remarks(problem, wait), *summary)
        if not looks:
            return first
        worst_first = sorted(looks, key=lambda found: (not found.problem, not found.failing, not found.unheard_of))
        return Group(first, Text(), _table(run, worst_first, hide))

    if run.json:
        watch(lambda: look(client, provider), document, run.outside.clock, every=interval)
    elif not animated(screen):
        watch(
            lambda: look(client, provider), lambda *seen: screen.print(page(*seen)), run.outside.clock, every=interval
        )
    with Live(console=screen, auto_refresh=False) as live:
        watch(
            lambda: look(client, provider),
            lambda *seen: live.update(screenful(*seen), refresh=True),
            run.outside.clock,
            every=interval,
        )


def _shown(run: Command, looks: Sequence[Look], hide: Redactor) -> RenderableType:
    summary = _summary(looks, hide)
    return Group(_table(run, looks, hide), Text(), summary) if looks else summary


def _table(run: Command, looks: Sequence[Look], hide: Redactor) -> RenderableType:
    return table(run.outside.out, _COLUMNS, [row for found in looks for row in _rows(found, hide)])


def _summary(looks: Sequence[Look], hide: Redactor) -> Text:
    unread = sum(found.problem is not None for found in looks)
    failing = sum(found.failing for found in looks)
    said = []
    if unread:
        said.append(f"{unread} of {len(looks)} integrations could not be read.")
    if failing:
        said.append(f"{failing} of {len(looks)} integrations failing.")
    if said:
        shown = Text(" ".join(said), style="red")
    elif not looks:
        shown = Text("Nothing is connected.")
    elif any(found.connected for found in looks):
        shown = Text("Nothing is failing.", style="green")
    else:
        shown = Text("Not connected.", style="red")
    unheard_of = [found.status for found in looks if found.unheard_of]
    if unheard_of:
        words = ", ".join(hide(status, limit=60) for status in dict.fromkeys(unheard_of))
        has = "has" if len(unheard_of) == 1 else "have"
        shown.append(f" {len(unheard_of)} {has} a status that this version does not know: {words}.", style="yellow")
    return shown


def _rows(found: Look, hide: Redactor) -> list[list[str | Text]]:
    provider = plain(found.provider)
    if found.problem is not None:
        return [[provider, "", Text("unknown", style="red"), "", exits.told(found.problem)]]
    item, syncs = found.item, found.sync.syncs if found.sync else ()
    rows: list[list[str | Text]] = [
        [
            provider,
            hide(model.model, limit=60),
            Text(
                hide(model.status, limit=60),
                style="red"
                if failing(model.status, model.error_message)
                else "green"
                if model.status.upper() == "SUCCESS"
                else "yellow",
            ),
            moment(hide(model.last_synced_at or "", limit=60)),
            Text(hide(model.error_message or ""), style="red"),
        ]
        for model in syncs
    ]
    named = any(failing(model.status, model.error_message) for model in syncs)
    if not rows or (found.failing and not named):
        whole = status_text(
            hide(found.status, limit=60), hide(item.sync_status, limit=60) if item and item.sync_status else None
        )
        said = hide(item.error_message or "") if item and found.connected else ""
        rows.insert(0, [provider, "", whole, "", Text(said, style="red")])
    return rows


def _data(looks: Sequence[Look], client: OutlitClient) -> dict[str, Any]:
    hide = client.hide
    return {"failing": any(found.failing for found in looks), "items": [_item(found, hide) for found in looks]}


def _item(found: Look, hide: Redactor) -> dict[str, Any]:
    item, sync, spec = found.item, found.sync, catalog.find(found.provider)
    data: dict[str, Any] = clean(
        {
            "provider": found.provider,
            "name": (sync.name if sync else None) or (item.name if item else None) or (spec.name if spec else None),
            "category": (sync.category if sync else None) or (item.category if item else None),
            "status": found.status,
            "connectionId": item.connection_id if item else None,
            "syncStatus": item.sync_status if item else None,
            "lastDataReceivedAt": item.last_data_received_at if item else None,
            "errorMessage": item.error_message if item else None,
        },
        hide,
    )
    data["failing"] = found.failing
    data["syncs"] = [clean(model.members(), hide) for model in (sync.syncs if sync else ())]
    if found.problem is not None:
        data["error"] = exits.told(found.problem)
    return data
