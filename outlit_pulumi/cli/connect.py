"""``outlit-pulumi connect``: through a browser session, or with credentials that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from .. import catalog
from ..api.errors import ApiError
from ..api.redaction import plain
from ..lifecycle import writes
from ..lifecycle.check import UNKNOWN, check
from ..lifecycle.workspace import Workspace
from ..lifecycle.writes import Target
from . import exits, snippets
from .browser import ENDS, send_person, wait_for_person
from .context import Command, command
from .exits import UsageError
from .options import Json, Provider, Stack, provider_id

if TYPE_CHECKING:
    from ..catalog import ConfigField, ProviderSpec
    from .surroundings import Ask

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
    provider: Provider,
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
        id_ = provider_id(provider, lambda: workspace.offered(client.budget()))
        target = Target(workspace, run.warn, {"provider": id_}, again=AGAIN)
        item = target.look("was not connected")
        spec = catalog.find(id_)
        if item is not None and item.connected:
            ended = Outcome("connected", already=True, connection_id=item.connection_id)
        elif spec is None or spec.browser:
            ended = _in_browser(run, target, timeout, open_it=not no_browser)
        else:
            ended = _with_credentials(run, workspace, spec)
        _tell(run, id_, target, ended)


def _in_browser(run: Command, target: Target, seconds: float, *, open_it: bool) -> Outcome:
    with target.doing("was not connected"):
        session = target.client.start_session(target.provider, budget=target.budget)
    if session.already_connected:
        return Outcome("connected", already=True, connection_id=_connection_id(target))
    url = session.connect_url or f"{run.settings.base_url}/integrations"
    send_person(run, target, url, open_it=open_it)
    end = wait_for_person(run, target, session, seconds)
    if isinstance(end, ApiError) or end.status not in ENDS:
        failed = f". The last look failed: {exits.told(end)}" if isinstance(end, ApiError) else ""
        error = (
            f"nobody completed the browser session within {seconds:g} s. It may still be completed in the browser; "
            f"`outlit-pulumi list --connected` then shows it{failed}"
        )
        return Outcome("timed_out", error=error)
    if end.status == "expired":
        error = "the browser session expired before it was completed. Run the command again"
        return Outcome("expired", error=error)
    if end.status == "failed":
        return Outcome("failed", error=target.hide(end.error or "") or "Outlit gives no reason")
    return Outcome("connected", connection_id=_connection_id(target))


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
    config = _asked(spec, run.outside.ask, run)
    target = Target(workspace, run.warn, {"provider": spec.id, "config": config}, again=AGAIN)
    unclear = f"{spec.name} may or may not be connected. `outlit-pulumi list` tells"
    with run.writing(unclear):
        done = writes.connect(target, config, failed=f"{spec.name} was not connected", unclear=f"{unclear}. The cause")
    if done.how == "appeared":
        target.warn(
            "the answer was lost. It was not connected before and is now, which is taken as done by this command."
        )
    return Outcome("connected", already=done.how == "there", connection_id=done.connection_id)


def _asked(spec: ProviderSpec, ask: Ask, run: Command) -> dict[str, str]:
    """A valid config of the provider, field by field; what the resource would refuse is asked for again."""
    config: dict[str, str] = {}
    for item in spec.fields:
        while item.name not in config:
            try:
                value = ask(_question(item), item.secret)
            except EOFError:
                raise UsageError(f"{spec.name} was not connected: the input ended.") from None
            # The fields to come count as not known yet.
            whole = {other.name: UNKNOWN for other in spec.fields} | config | {item.name: value}
            failures = check({}, {"provider": spec.id, "config": whole}, offered=dict).failures
            if failures:
                run.note("\n".join(failures))
            else:
                config[item.name] = value
    return config


def _question(item: ConfigField) -> str:
    what = item.doc.rstrip(".").replace("`", "").partition(", as text")[0]  # what is typed is text in any case
    choices = f" ({' or '.join(item.choices)})" if item.choices else ""
    return f"{what}{choices}{', not shown' if item.secret else ''}: "


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
