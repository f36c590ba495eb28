"""``outlit-pulumi disconnect``: with all that was synced, and so only after asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConnectionChangedError, NotConnectedError
from ..operation import Operation, plain
from ..redaction import whole_id
from ..workspace import Workspace
from . import exits
from .choice import provider_id
from .context import Command, Json, Stack, command
from .exits import UsageError

if TYPE_CHECKING:
    from ..models import IntegrationItem


def disconnect(
    ctx: typer.Context,
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Its id, such as stripe.")],
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
        operation = Operation(workspace, run.warn, {"provider": provider_id(provider, workspace.items)})
        item = operation.look("was not disconnected")
        data = {"provider": operation.provider, "name": operation.name, "connectionId": None, "disconnected": False}
        if item is None:
            raise ConnectionChangedError(
                f"{operation.name} was not disconnected: Outlit's list does not name it, so whether it is connected is "
                "not known."
            )
        if not item.connected:
            run.result(data, f"{operation.name} is not connected. Nothing was done.")
            return
        held = item.connection_id
        shown = plain(held) if held else "unknown"
        where = operation.hide(run.settings.base_url)
        run.note(
            f"This disconnects {operation.name} (connection {shown}) from the workspace at {where}.\n"
            f"It permanently deletes everything that Outlit synced from {operation.name}."
        )
        if not yes and not _agreed(run, operation.name):
            run.note("Nothing was done.")
            if run.json:
                run.document({**data, "connectionId": held and whole_id(held)})
            raise typer.Exit(exits.NO)
        # Its time starts now: a person may have thought for long, and somebody else may have acted.
        operation = Operation(workspace, run.warn, {"provider": operation.provider})
        if not yes:
            _same(operation, held, operation.look("was not disconnected", fresh=True))
        done = _disconnect(operation, held)
        gone = "is disconnected." if done else "was not connected any more. Nothing was done."
        run.result({**data, "connectionId": held and whole_id(held), "disconnected": done}, f"{operation.name} {gone}")


def _agreed(run: Command, name: str) -> bool:
    assert run.outside.ask is not None
    try:
        return run.outside.ask(f"Disconnect {name}? [y/N] ", False).strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def _same(operation: Operation, held: str | None, item: IntegrationItem | None) -> None:
    if item is not None and item.connected and item.connection_id != held:
        raise ConnectionChangedError(
            f"{operation.name} was not disconnected: the workspace has another connection of it by now. Run the "
            "command again."
        )


def _disconnect(operation: Operation, held: str | None) -> bool:
    """Whether this command did it; False if somebody else had."""

    def send(again: bool) -> bool:
        try:
            operation.client.disconnect(operation.provider, budget=operation.budget)
        except NotConnectedError:
            return again
        return True

    def settled(seen: IntegrationItem) -> bool | None:
        if seen.connected and seen.connection_id == held:
            return None
        return True

    return operation.write(
        send,
        settled,
        failed=f"{operation.name} was not disconnected",
        unclear=f"{operation.name} may or may not be disconnected. `outlit-pulumi list` tells. The cause",
    )
