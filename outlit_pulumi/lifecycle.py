"""Create, read, update, delete and diff of an integration, as plain functions. Knows nothing of Pulumi.

Diff is a pure decision. The others look before they write, through a `Workspace`, and every call that one of them makes
comes out of one time budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import catalog, health
from .errors import (
    AlreadyConnectedError,
    ApiError,
    BrowserRequiredError,
    ConnectionChangedError,
    IntegrationError,
    NotAppliedError,
    NotConnectedError,
    StateError,
)
from .operation import UNCONFIRMED, Observed, Operation, Warn, outputs, plain
from .validation import REPLACE, UNKNOWN, Props, half_character

if TYPE_CHECKING:
    from .models import IntegrationItem, SyncStatus
    from .workspace import Workspace

# --- diff ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Whether something declared changed, and the inputs that force a replacement (delete first)."""

    changes: bool
    replaces: tuple[str, ...] = ()


def diff(olds: Props, news: Props) -> Difference:
    """Compares what is declared with what the state holds; everything volatile is ignored.

    Args:
        olds: The outputs in the state.
        news: The checked inputs.
    """
    provider, config = news.get("provider"), news.get("config")
    if provider is UNKNOWN or provider != olds.get("provider"):
        return Difference(True, ("provider",))
    if config is None:
        return Difference(False)
    if config == olds.get("config"):
        return Difference(bool(olds.get(UNCONFIRMED)))
    if news.get("on_config_change") == REPLACE and olds.get("config") is not None:
        return Difference(True, ("config",))
    return Difference(True)


# --- what the state names ---------------------------------------------------------------------------------------------


def _held(id_: str, state: Props) -> tuple[str, str]:
    """Provider and connection id that the state holds."""
    provider, connection_id = state.get("provider"), state.get("connection_id") or id_
    if (
        not isinstance(provider, str)
        or not provider
        or half_character(provider)
        or not isinstance(connection_id, str)
        or not connection_id
    ):
        raise StateError(
            "the state of this integration is damaged: it does not say which provider and connection it is. Restore an "
            "earlier state (pulumi stack import), or remove it from the state (pulumi state delete) and declare it "
            "with adopt_existing=True. Nothing was changed."
        )
    return provider, connection_id


# --- create ----------------------------------------------------------------------------------------------------------


def create(workspace: Workspace, props: Props, warn: Warn) -> Observed:
    """Connects, or takes over with ``adopt_existing``. Nothing raises after a successful connect.

    A connection that appeared while the answer to our request was lost may have been made by somebody else at that very
    moment. It is taken, with a warning, and its config counts as unconfirmed: the next update sends it in place.

    Raises:
        AlreadyConnectedError: connected already, and not by this resource.
        BrowserRequiredError: not connected, and nothing to connect with.
        ConnectionChangedError: the service does not say whether it is connected.
        NotAppliedError: the service answered, but did not connect.
        ApiError: the service refused or could not be reached.
    """
    operation = Operation(workspace, warn, props)
    provider, config, adopt = operation.provider, props.get("config"), props.get("adopt_existing") is True
    replacing = operation.run.removed(provider)
    failed = "was neither taken over nor connected" if adopt else "was not connected"
    if replacing:
        failed = (
            "is now disconnected: it was disconnected to be replaced, and connecting it again failed. The next pulumi "
            "up connects it. The cause"
        )
    item = operation.look(failed)
    name = operation.name
    if item is not None and item.connected:
        return _take_over(operation, props, item)
    if config is None:
        raise _nothing_to_adopt(provider, name, item)

    def send(again: bool) -> Observed:
        answer = operation.client.connect(provider, config, budget=operation.budget, hide=operation.hide)
        if answer.already_connected:
            if operation.run.taken(provider):
                raise _declared_twice(name)
            if again:
                return _appeared(operation, props, answer.connection_id, item)
            if not adopt:
                raise _conflict(name, replacing)
            operation.warn(
                "it was connected already. That connection was taken over, the declared config was not applied."
            )
        elif not answer.connected:
            raise NotAppliedError(f"{name} {failed}: Outlit answered without an error. Run pulumi up again.")
        return operation.made(props, answer.connection_id, item)

    def settled(seen: IntegrationItem) -> Observed | None:
        if not seen.connected or seen.connection_id is None:
            return None
        if operation.run.taken(provider):
            raise _declared_twice(name)
        return _appeared(operation, props, seen.connection_id, seen)

    where = ", after it was disconnected to be replaced" if replacing else ""
    return operation.write(
        send,
        settled,
        failed=f"{name} {failed}",
        unclear=f"{name} may or may not be connected{where}. Run pulumi up again; if that says that it is already "
        "connected, this attempt succeeded: set adopt_existing=True. The cause",
    )


def _take_over(operation: Operation, props: Props, item: IntegrationItem) -> Observed:
    """What is connected already: with ``adopt_existing`` it is taken as it is, without it that is a conflict."""
    name = operation.name
    if operation.run.taken(operation.provider) or (item.connection_id and operation.run.holds(item.connection_id)):
        raise _declared_twice(name)
    if props.get("adopt_existing") is not True:
        raise _conflict(name, operation.run.removed(operation.provider))
    if item.connection_id is None:
        raise ConnectionChangedError(
            f"{name} was not taken over: Outlit's list gives no connection id for it. Run pulumi up again."
        )
    operation.workspace.connected(operation.provider, item.connection_id)
    observed = outputs(props, item.connection_id, item, operation.hide, _details(operation, item))
    operation.complain(observed)
    return Observed(item.connection_id, observed)


def _details(operation: Operation, item: IntegrationItem) -> SyncStatus | None:
    """The syncs of a connection that the list calls failing; None where all is well, and where there is no answer."""
    if not health.failing(item.sync_status, item.error_message):
        return None
    try:
        sync = operation.client.sync_status(operation.provider, budget=operation.budget)
    except ApiError:
        return None
    return sync if sync.connected else None


def _appeared(operation: Operation, props: Props, connection_id: str, item: IntegrationItem | None) -> Observed:
    """A connection that was not there before our request, whose answer was lost."""
    operation.warn(
        "the answer to the connect request was lost. The workspace had no connection before and has one now, which is "
        "taken as made by that request. To be sure that the declared config is the one in use, the next pulumi up "
        "sends it again."
    )
    return operation.made({**props, UNCONFIRMED: True}, connection_id, item)


def _declared_twice(name: str) -> AlreadyConnectedError:
    return AlreadyConnectedError(
        f"{name} is declared twice for this workspace, which holds one connection per provider. Remove one."
    )


def _conflict(name: str, replacing: bool) -> AlreadyConnectedError:
    if replacing:
        return AlreadyConnectedError(
            f"{name} was disconnected to be replaced, and somebody else connected it before this run did. No "
            "credentials were applied. To take that connection over, set adopt_existing=True and drop "
            'on_config_change="replace".'
        )
    return AlreadyConnectedError(
        f"{name} is already connected in this workspace, and not by this resource. No credentials were applied.\n"
        '  If the resource was renamed, add opts=ResourceOptions(aliases=[Alias(name="<old name>")]).\n'
        "  If it is to be replaced (--replace), add opts=ResourceOptions(delete_before_replace=True).\n"
        "  If the connection was made outside this program, or by a run of it that was interrupted, "
        "set adopt_existing=True to\n"
        "  take it over."
    )


def _nothing_to_adopt(provider: str, name: str, item: IntegrationItem | None) -> IntegrationError:
    if item is None:
        return ConnectionChangedError(
            f"{name} was not taken over: Outlit's list does not name it at all, so whether it is connected is not "
            "known. Run pulumi up again."
        )
    spec = catalog.find(provider)
    if spec is not None and not spec.browser:
        return BrowserRequiredError(
            f"{name} is not connected, so there is nothing to adopt. Declare its config to have Pulumi connect it."
        )
    return BrowserRequiredError(
        f"{name} is not connected, so there is nothing to adopt. Connect it once in the browser, at the integrations "
        "page of Outlit, then run pulumi up again."
    )


# --- read ------------------------------------------------------------------------------------------------------------


def read(workspace: Workspace, id_: str, state: Props, warn: Warn) -> Observed | None:
    """Looks at the connection; None, with a warning, only when the service says that it is not connected.

    Raises:
        StateError: the state does not say what to look at.
        ApiError: nothing is known; the state stays as it is.
    """
    provider, held = _held(id_, state)
    operation = Operation(workspace, warn, state)
    failed = "was not read and its state is unchanged"
    workspace.ahead(operation.budget)
    try:
        sync = operation.client.sync_status(provider, budget=operation.budget)
    except ApiError as error:
        raise error.during(f"{operation.name} {failed}") from None
    item = operation.look(failed) if sync.connected else None
    if item is not None and not item.connected:
        # The list, which the run shares, may be older than the sync status.
        item = operation.look(failed, fresh=True)
    if not sync.connected or (item is not None and not item.connected):
        operation.warn(
            f"connection {plain(held)} is not connected any more in this workspace, and leaves the state. If the API "
            "key is another workspace's, the connection is still there."
        )
        return None
    found = item.connection_id if item and item.connection_id else held
    if found != held:
        operation.run.saw_replacement(provider)
        operation.warn(
            f"the workspace holds connection {plain(found)}, the state held {plain(held)}. It was reconnected outside "
            "Pulumi, perhaps with other credentials, or the API key is another workspace's. The state now follows the "
            "workspace."
        )
    observed = outputs(state, found, item, operation.hide, sync)
    operation.complain(observed)
    return Observed(found, observed)


# --- update ----------------------------------------------------------------------------------------------------------


def update(workspace: Workspace, id_: str, state: Props, props: Props, warn: Warn) -> Observed:
    """Sends changed credentials in place, which keeps the synced data.

    Raises:
        StateError: the state does not say which connection it is.
        ConnectionChangedError: the workspace holds another connection than the state; nothing was sent to it.
        NotAppliedError: the service kept the old credentials.
        ApiError: the service refused, or whether it took is unknown; the next up sends again.
    """
    provider, held = _held(id_, state)
    operation = Operation(workspace, warn, props, state)
    config = props["config"]
    item = operation.look("was not updated")
    name = operation.name
    _ours(operation, held, item, f"{name} was not updated")

    def settled(seen: IntegrationItem) -> None:
        # The list does not show which config is in use. Sending it again is right where the connection is still ours.
        _ours(operation, held, seen, f"{name} may or may not have been updated")

    answer = operation.write(
        lambda _: operation.client.connect(provider, config, force=True, budget=operation.budget, hide=operation.hide),
        settled,
        failed=f"{name} was not updated",
        unclear=f"{name} may or may not use the new config. Run pulumi up again: it sends the config once more. "
        "The cause",
        shows=False,
    )
    if answer.already_connected or not answer.connected:
        raise NotAppliedError(
            f"{name} was not updated: Outlit kept the old config. Run pulumi up again; if it goes on, set "
            'on_config_change="replace", which disconnects first and so deletes what was synced.'
        )
    if answer.connection_id != held:
        operation.warn(
            f"the config was applied to connection {plain(answer.connection_id)}, the state held {plain(held)}. It was "
            "disconnected or reconnected outside Pulumi just before. The state now follows the workspace."
        )
    return operation.made(props, answer.connection_id, item)


def _ours(operation: Operation, held: str, item: IntegrationItem | None, refused: str) -> None:
    """Refuses to touch a connection that is not the one in the state."""
    if item is None:
        raise ConnectionChangedError(
            f"{refused}: Outlit's list does not name it at all, so whether it is connected is not known. Run again; if "
            "Outlit no longer offers it, take it out of the state with pulumi state delete."
        )
    if not item.connected:
        raise ConnectionChangedError(
            f"{refused}: it is not connected in this workspace. If the API key is the right one, run pulumi refresh, "
            "then pulumi up to connect it again."
        )
    if item.connection_id is None:
        raise ConnectionChangedError(
            f"{refused}: Outlit's list gives no connection id for it, so whether it is the one in the state is not "
            "known. Run again."
        )
    if item.connection_id != held or operation.run.replaced(operation.provider):
        raise ConnectionChangedError(
            f"{refused}: this workspace holds another connection of it than the state ({plain(held)}).\n"
            "  Either the API key is another workspace's: check outlit:apiKey and OUTLIT_API_KEY.\n"
            "  Or it was reconnected outside Pulumi: run pulumi refresh by itself to accept that, then run again."
        )


# --- delete ----------------------------------------------------------------------------------------------------------


def delete(workspace: Workspace, id_: str, state: Props, warn: Warn) -> None:
    """Disconnects the connection that the state holds, and no other. If it is gone already, a warning is all.

    Raises:
        StateError: the state does not say which connection it is.
        ConnectionChangedError: the workspace holds another connection; nothing was disconnected.
        ApiError: the service refused or could not be reached.
    """
    provider, held = _held(id_, state)
    operation = Operation(workspace, warn, state)
    gone = (
        f"connection {plain(held)} was not connected any more in this workspace, so nothing was disconnected. If the "
        "API key is another workspace's, the connection is still there."
    )
    if operation.run.holds(held):
        operation.warn(f"connection {plain(held)} now belongs to another resource of this program and was kept.")
        return
    item = operation.look("was not disconnected")
    if item is not None and not item.connected:
        operation.warn(gone)
        return
    name = operation.name
    _ours(operation, held, item, f"{name} was not disconnected")

    def send(again: bool) -> bool:
        try:
            operation.client.disconnect(provider, budget=operation.budget)
        except NotConnectedError:
            if not again:
                operation.warn(gone)
        return True

    def settled(seen: IntegrationItem) -> bool | None:
        if seen.connected and seen.connection_id == held:
            return None
        return not seen.connected

    if operation.write(
        send,
        settled,
        failed=f"{name} was not disconnected",
        unclear=f"{name} may or may not be disconnected. Run again to settle it. The cause",
    ):
        workspace.disconnected(provider)
