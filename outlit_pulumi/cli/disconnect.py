"""``outlit-pulumi disconnect``: with all that was synced, and so only after asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..api.redaction import plain
from ..errors import ConnectionChangedError
from ..lifecycle import writes
from ..lifecycle.workspace import Workspace
from ..lifecycle.writes import Target
from . import exits
from .connect import AGAIN
from .context import Command, command
from .exits import UsageError
from .options import Json, Provider, Stack, provider_id

if TYPE_CHECKING:
    from ..api.models import IntegrationItem


def disconnect(
    ctx: typer.Context,
    provider: Provider,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Disconnect an integration, and so delete its data.

    Everything that Outlit synced from it is deleted permanently.

    JSON: provider, name, connectionId (null if it was not connected) and disconnected (whether this command did it).

    Exit codes: 0 not connected, now or before; 1 the answer was no; 2 wrong usage, also nobody at a terminal and no
    --yes; 3 no answer; 130 Ctrl-C.
    """
    with command(ctx, stack=stack, as_json=as_json) as run, run.client() as client:
        if not yes and run.outside.ask is None:
            raise UsageError(
                "disconnecting deletes data and must be confirmed, and there is no terminal to ask in. Nothing was "
                "done. In a script, use --yes."
            )
        workspace = Workspace(client)
        id_ = provider_id(provider, lambda: workspace.offered(client.budget()))
        target = Target(workspace, run.warn, {"provider": id_}, again=AGAIN)
        item = _entry(target)
        data = {"provider": id_, "name": target.name, "connectionId": None, "disconnected": False}
        if not item.connected:
            run.result(data, f"{target.name} is not connected. Nothing was done.")
            return
        held = item.connection_id
        data["connectionId"] = shown = held and target.hide.data(held)
        owner = run.organization(client)
        run.note(
            f"This disconnects {target.name} (connection {plain(shown) if shown else 'unknown'}) from the workspace"
            f"{f' of organization {plain(owner)}' if owner else ''} at {target.hide(run.settings.base_url)}.\n"
            f"It permanently deletes everything that Outlit synced from {target.name}."
        )
        if not yes and not _agreed(run, target.name):
            run.note("Nothing was done.")
            if run.json:
                run.document(data)
            raise typer.Exit(exits.NO)
        # Its time starts now: a person may have thought for long, and somebody else may have acted.
        target = Target(workspace, run.warn, {"provider": id_}, again=AGAIN)
        item = _entry(target, fresh=not yes)
        _same(target, held, item)
        # What is not there any more is not disconnected: that could meet a connection that nobody was asked about.
        unclear = f"{target.name} may or may not be disconnected. `outlit-pulumi list` tells"
        with run.writing(unclear):
            done = item.connected and writes.disconnect(
                target, held, failed=f"{target.name} was not disconnected", unclear=f"{unclear}. The cause"
            )
        gone = "is disconnected." if done else "was not connected any more. Nothing was done."
        run.result({**data, "disconnected": done}, f"{target.name} {gone}")


def _agreed(run: Command, name: str) -> bool:
    assert run.outside.ask is not None
    try:
        return run.outside.ask(f"Disconnect {name}? [y/N] ", False).strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def _entry(target: Target, *, fresh: bool = False) -> IntegrationItem:
    item = target.look("was not disconnected", fresh=fresh)
    if item is None or (item.connection_id is not None and not item.connected):
        said = "does not name it" if item is None else "calls it not connected and has its connection"
        raise ConnectionChangedError(
            f"{target.name} was not disconnected: Outlit's list {said}, so whether it is connected is not known."
        )
    return item


def _same(target: Target, held: str | None, item: IntegrationItem) -> None:
    if item.connected and item.connection_id != held:
        raise ConnectionChangedError(
            f"{target.name} was not disconnected: the workspace has another connection of it by now. Run the "
            "command again."
        )
