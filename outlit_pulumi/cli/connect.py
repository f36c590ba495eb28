"""``outlit-pulumi connect``: through a browser session, or with credentials that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .. import catalog
from ..errors import ApiError, NotAppliedError
from ..operation import Operation, plain
from ..redaction import whole_id
from ..workspace import Workspace
from . import exits, snippets
from .asking import fields
from .browser import Waiting, browser_session
from .choice import provider_id
from .context import Command, Json, Stack, command
from .exits import UsageError

if TYPE_CHECKING:
    from ..catalog import ProviderSpec
    from ..models import IntegrationItem


@dataclass(frozen=True)
class Outcome:
    """How connecting ended.

    Attributes:
        status: ``connected``, ``failed``, ``expired`` or ``timed_out``.
        already: Whether it was connected before, so that nothing was changed.
        connection_id: The service's id of the connection, where it is known.
        error: Why it is not connected.
    """

    status: str
    already: bool = False
    connection_id: str | None = None
    error: str | None = None


def connect(
    ctx: typer.Context,
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Its id, such as slack; `list` shows them.")],
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the link and do not open it.")] = False,
    timeout: Annotated[float, typer.Option(min=1, max=3600, help="Seconds to wait for a person in the browser.")] = 300,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Connect an integration.

    A person completes it in the browser; where the integration takes credentials, the terminal asks for them. The link
    and all questions are on standard error.

    JSON: provider, name, status (connected, failed, expired or timed_out), alreadyConnected, connectionId (null where
    it is not known) and, unless connected, error.

    Exit codes: 0 connected, now or before; 1 failed, expired or timed out; 2 wrong usage, also credentials to ask for
    and nobody at a terminal; 3 no answer; 130 Ctrl-C.
    """
    with command(ctx, stack=stack, as_json=as_json) as run, run.client() as client:
        workspace = Workspace(client)
        id_ = provider_id(provider, workspace.items)
        operation = Operation(workspace, run.warn, {"provider": id_})
        item = operation.look("was not connected")
        spec = catalog.find(id_)
        if item is not None and item.connected:
            ended = Outcome("connected", already=True, connection_id=item.connection_id)
        elif spec is None or spec.browser:
            ended = _in_browser(operation, Waiting(run, operation.name, timeout, open_it=not no_browser))
        else:
            ended = _with_credentials(run, workspace, spec)
        _tell(run, id_, operation.name, ended)


def _in_browser(operation: Operation, waiting: Waiting) -> Outcome:
    name = operation.name
    try:
        session = operation.client.start_session(operation.provider, budget=operation.budget)
    except ApiError as error:
        raise error.during(f"{name} was not connected") from None
    if session.already_connected:
        return Outcome("connected", already=True, connection_id=_connection_id(operation))
    end = browser_session(operation.client, session, waiting)
    said = operation.hide(end.error or "")
    if end.status == "connected":
        return Outcome("connected", connection_id=_connection_id(operation))
    errors = {
        "failed": said or "Outlit gives no reason",
        "expired": "the browser session expired before it was completed. Run the command again",
    }
    late = (
        f"nobody completed the browser session within {waiting.limit}. It may still be completed in the browser; "
        "`outlit-pulumi list --connected` then shows it"
    )
    return Outcome(end.status, error=errors.get(end.status, late))


def _connection_id(operation: Operation) -> str | None:
    """Of a connection that is there; None where the list does not tell."""
    try:
        item = operation.workspace.item(operation.provider, fresh=True)
    except ApiError:
        return None
    return item.connection_id if item else None


def _with_credentials(run: Command, workspace: Workspace, spec: ProviderSpec) -> Outcome:
    if run.outside.ask is None:
        raise UsageError(
            f"{spec.name} connects with credentials, which are asked for in a terminal, and there is none. Nothing was "
            "done. In a Pulumi program:\n\n"
            f"{snippets.declaration(spec)}\n\n"
            "with these settings of the stack:\n\n"
            f"{snippets.settings(spec)}"
        )
    config = fields(spec, run.outside.ask, run.note)
    operation = Operation(workspace, run.warn, {"provider": spec.id, "config": config})
    failed = f"{spec.name} was not connected"

    def send(again: bool) -> Outcome:
        answer = operation.client.connect(spec.id, config, budget=operation.budget, hide=operation.hide)
        if not answer.connected:
            raise NotAppliedError(f"{failed}: Outlit answered without an error. Run the command again.")
        return Outcome("connected", already=answer.already_connected and not again, connection_id=answer.connection_id)

    def settled(seen: IntegrationItem) -> Outcome | None:
        if not seen.connected:
            return None
        operation.warn(
            "the answer was lost. It was not connected before and is now, which is taken as done by this command."
        )
        return Outcome("connected", connection_id=seen.connection_id)

    return operation.write(
        send,
        settled,
        failed=failed,
        unclear=f"{spec.name} may or may not be connected. `outlit-pulumi list` tells. The cause",
    )


def _tell(run: Command, provider: str, name: str, ended: Outcome) -> None:
    id_ = None if ended.connection_id is None else plain(ended.connection_id)
    data = {
        "provider": provider,
        "name": name,
        "status": ended.status,
        "alreadyConnected": ended.already,
        "connectionId": None if ended.connection_id is None else whole_id(ended.connection_id),
    }
    if ended.error is not None:
        run.note(f"outlit-pulumi: {name} was not connected: {ended.error.rstrip('.')}.")
        if run.json:
            run.document({**data, "error": ended.error})
        raise typer.Exit(exits.NO)
    connection = f" (connection {id_})" if id_ else ""
    what = "is connected already" if ended.already else "is connected"
    unchanged = " Nothing was changed." if ended.already else ""
    run.result(
        data,
        f"{name} {what}{connection}.{unchanged}\nTo have Pulumi track it, declare:\n\n{snippets.adoption(provider)}",
    )
