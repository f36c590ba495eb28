"""``outlit-pulumi connect``: through a browser session, or with credentials that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .. import catalog
from ..api.errors import ApiError
from ..api.redaction import plain
from ..lifecycle import writes
from ..lifecycle.workspace import Workspace
from ..lifecycle.writes import Target
from . import exits, snippets
from .asking import fields
from .browser import Waiting, browser_session
from .choice import complete, provider_id
from .context import Command, Json, Stack, command
from .exits import UsageError

if TYPE_CHECKING:
    from ..catalog import ProviderSpec


AGAIN = "Run the command again"


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
    provider: Annotated[
        str,
        typer.Argument(metavar="PROVIDER", help="Its id, such as slack; `list` shows them.", autocompletion=complete),
    ],
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
        id_ = provider_id(provider, lambda: workspace.items(client.budget()))
        target = Target(workspace, run.warn, {"provider": id_}, again=AGAIN)
        item = target.look("was not connected")
        spec = catalog.find(id_)
        if item is not None and item.connected:
            ended = Outcome("connected", already=True, connection_id=item.connection_id)
        elif spec is None or spec.browser:
            ended = _in_browser(target, Waiting(run, target.name, timeout, open_it=not no_browser))
        else:
            ended = _with_credentials(run, workspace, spec)
        _tell(run, id_, target, ended)


def _in_browser(target: Target, waiting: Waiting) -> Outcome:
    with target.doing("was not connected"):
        session = target.client.start_session(target.provider, budget=target.budget)
    if session.already_connected:
        return Outcome("connected", already=True, connection_id=_connection_id(target))
    end = browser_session(target.client, target.provider, session, waiting)
    said = target.hide(end.error or "")
    if end.status == "connected":
        return Outcome("connected", connection_id=_connection_id(target))
    errors = {
        "failed": said or "Outlit gives no reason",
        "expired": "the browser session expired before it was completed. Run the command again",
    }
    late = (
        f"nobody completed the browser session within {waiting.limit}. It may still be completed in the browser; "
        "`outlit-pulumi list --connected` then shows it"
    )
    return Outcome(end.status, error=errors.get(end.status, late))


def _connection_id(target: Target) -> str | None:
    """Of a connection that is there; None where the list does not tell."""
    try:
        item = target.workspace.item(target.provider, target.client.budget(), fresh=True)
    except ApiError:
        return None
    return item.connection_id if item else None


def _with_credentials(run: Command, workspace: Workspace, spec: ProviderSpec) -> Outcome:
    if run.outside.ask is None:
        raise UsageError(
            f"{spec.name} connects with credentials, which are asked for in a terminal, and there is none. Nothing was "
            "done. In a Pulumi program:\n\n"
            f"{snippets.integration(spec.id, spec.id, config=spec)}\n\n"
            "with these settings of the stack:\n\n" + "\n".join(snippets.setting(spec, item) for item in spec.fields)
        )
    config = fields(spec, run.outside.ask, run.note)
    target = Target(workspace, run.warn, {"provider": spec.id, "config": config}, again=AGAIN)
    done = writes.connect(
        target,
        config,
        failed=f"{spec.name} was not connected",
        unclear=f"{spec.name} may or may not be connected. `outlit-pulumi list` tells. The cause",
    )
    if done.how == "appeared":
        target.warn(
            "the answer was lost. It was not connected before and is now, which is taken as done by this command."
        )
    return Outcome("connected", already=done.how == "there", connection_id=done.connection_id)


def _tell(run: Command, provider: str, target: Target, ended: Outcome) -> None:
    name, connection_id = target.name, ended.connection_id and target.hide.data(ended.connection_id)
    data = {
        "provider": provider,
        "name": name,
        "status": ended.status,
        "alreadyConnected": ended.already,
        "connectionId": connection_id,
    }
    if ended.error is not None:
        run.note(f"outlit-pulumi: {name} was not connected: {ended.error.rstrip('.')}.")
        if run.json:
            run.document({**data, "error": ended.error})
        raise typer.Exit(exits.NO)
    connection = f" (connection {plain(connection_id)})" if connection_id else ""
    what = "is connected already" if ended.already else "is connected"
    unchanged = " Nothing was changed." if ended.already else ""
    adoption = snippets.integration(provider, provider, adopt=True)
    run.result(data, f"{name} {what}{connection}.{unchanged}\nTo have Pulumi track it, declare:\n\n{adoption}")
