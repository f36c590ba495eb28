"""Create, read, update, delete and diff of an integration, as plain functions. Knows nothing of Pulumi.

Diff is a pure decision. The others look before they write, through a `Workspace`, and every call that one of them makes
comes out of one time budget.

A write whose answer was lost is settled by looking at the workspace's list anew. If that shows that it was not carried out,
it is sent once more, and never a third time. It is not sent again while the service may still be working on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import catalog
from .errors import (
    AlreadyConnectedError,
    ApiError,
    BrowserRequiredError,
    ConnectionChangedError,
    NotAppliedError,
    NotConnectedError,
    StateError,
)
from .redaction import Redactor
from .validation import REPLACE, UNKNOWN, Props, half_character

if TYPE_CHECKING:
    from .client import Budget
    from .models import IntegrationItem, SyncStatus
    from .workspace import Workspace

Warn = Callable[[str], None]

_FAILING = ("FAILED", "FAILURE", "ERROR")

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
    if config is None or config == olds.get("config"):
        return Difference(False)
    if news.get("on_config_change") == REPLACE and olds.get("config") is not None:
        return Difference(True, ("config",))
    return Difference(True)


# --- what the state holds --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Observed:
    """What is known of a connection after looking: the resource's id and outputs."""

    id: str
    outputs: dict[str, Any]


def _hiding(workspace: Workspace, *declared: Props) -> Redactor:
    """Hides the API key and the credentials that these declare."""
    return workspace.client.hiding(
        secret for props in declared for secret in catalog.secret_values(props.get("provider"), props.get("config"))
    )


def outputs(
    declared: Props, connection_id: str, item: IntegrationItem | None, hide: Redactor, sync: SyncStatus | None = None
) -> dict[str, Any]:
    """The one mapping from the service's answers to what the state holds, none of which quotes a credential."""

    def clean(text: str | None) -> str | None:
        return None if text is None else hide(text)

    return {
        **{k: declared.get(k) for k in ("provider", "config", "adopt_existing", "on_config_change")},
        "connection_id": connection_id,
        "display_name": clean(sync.name if sync else None) or _label(declared, hide, item),
        "category": clean((sync.category if sync else None) or (item.category if item else None)),
        "status": clean(sync.status if sync else item.status if item else "connected"),
        "sync_status": clean(item.sync_status if item else None),
        "last_data_received_at": clean(item.last_data_received_at if item else None),
        "error_message": clean(item.error_message if item else None),
        "syncs": [
            {
                "model": clean(s.model),
                "status": clean(s.status),
                "last_synced_at": clean(s.last_synced_at),
                "error_message": clean(s.error_message),
            }
            for s in (sync.syncs if sync else ())
        ],
    }


def _label(declared: Props, hide: Redactor, item: IntegrationItem | None = None) -> str:
    provider: str = declared["provider"]
    spec = catalog.find(provider)
    if spec:
        return spec.name
    return hide(item.name if item and item.name else provider, limit=60)


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
            "the state of this integration is damaged: it does not say which provider and connection it is. Restore an earlier "
            "state (pulumi stack import), or remove it from the state (pulumi state delete) and declare it with "
            "adopt_existing=True. Nothing was changed."
        )
    return provider, connection_id


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        raise error.during(what) from None


# --- create ----------------------------------------------------------------------------------------------------------


def create(workspace: Workspace, props: Props, warn: Warn) -> Observed:
    """Connects, or takes over with ``adopt_existing``. Nothing raises after a successful connect.

    A connection that appeared while the answer to our request was lost may have been made by somebody else at that very
    moment. It is taken, with a warning, but its config is not recorded as the one in use: the next update sends it in place.

    Raises:
        AlreadyConnectedError: connected already, and not by this resource.
        BrowserRequiredError: not connected, and nothing to connect with.
        NotAppliedError: the service answered, but did not connect.
        ApiError: the service refused or could not be reached.
    """
    budget = workspace.client.budget()
    hide = _hiding(workspace, props)
    provider, config, adopt = props["provider"], props.get("config"), props.get("adopt_existing") is True
    with _told(_not_connected(workspace, props, _label(props, hide))):
        item = workspace.item(provider, budget=budget)
    name = _label(props, hide, item)
    if item is not None and item.connected:
        return _take_over(workspace, props, name, item, hide)
    if config is None:
        raise _nothing_to_adopt(provider, name)
    failed = _not_connected(workspace, props, name)
    lost = False
    while True:
        try:
            answer = workspace.client.connect(provider, config, budget=budget)
        except ApiError as error:
            if error.took_effect is False:
                raise error.during(failed) from None
            replaced = ", after it was disconnected to be replaced" if workspace.removed(provider) else ""
            unclear = (
                f"{name} may or may not be connected{replaced}. Run pulumi up again; if that says that it is already connected, "
                "this attempt succeeded: set adopt_existing=True. The cause"
            )
            seen = _look_again(workspace, provider, budget, error, unclear)
            if seen.connection_id is not None and seen.connected:
                return _appeared(workspace, props, name, seen.connection_id, seen, hide, warn)
            if lost or error.under_way:
                raise error.during(unclear if error.under_way else failed) from None
            lost = True
            continue
        if answer.already_connected and lost:
            return _appeared(workspace, props, name, answer.connection_id, item, hide, warn)
        if answer.already_connected and not adopt:
            raise _conflict(workspace, provider, name)
        if answer.already_connected:
            warn(
                f"{name}: it was connected already. That connection was taken over, the declared config was not applied."
            )
        elif not answer.connected:
            raise NotAppliedError(f"{failed}: Outlit answered without an error. Run pulumi up again.")
        workspace.connected(provider, answer.connection_id)
        return Observed(
            answer.connection_id, outputs(props, answer.connection_id, _written(item, answer.connection_id), hide)
        )


def _not_connected(workspace: Workspace, props: Props, name: str) -> str:
    """How the error of a failed create begins."""
    if workspace.removed(props["provider"]):
        return (
            f"{name} is now disconnected: it was disconnected to be replaced, and connecting it again failed. The next pulumi up "
            "connects it. The cause"
        )
    if props.get("adopt_existing") is True:
        return f"{name} was neither taken over nor connected"
    return f"{name} was not connected"


def _take_over(workspace: Workspace, props: Props, name: str, item: IntegrationItem, hide: Redactor) -> Observed:
    """What is connected already: with ``adopt_existing`` it is taken as it is, without it that is a conflict."""
    provider = props["provider"]
    if workspace.taken(provider) is not None:
        raise AlreadyConnectedError(
            f"{name} is declared twice for this workspace, which holds one connection per provider. Remove one."
        )
    if props.get("adopt_existing") is not True:
        raise _conflict(workspace, provider, name)
    if item.connection_id is None:
        raise ConnectionChangedError(
            f"{name} was not taken over: Outlit's list gives no connection id for it. Run pulumi up again."
        )
    workspace.connected(provider, item.connection_id)
    return Observed(item.connection_id, outputs(props, item.connection_id, item, hide))


def _appeared(
    workspace: Workspace,
    props: Props,
    name: str,
    connection_id: str,
    item: IntegrationItem | None,
    hide: Redactor,
    warn: Warn,
) -> Observed:
    """A connection that was not there before our request, whose answer was lost."""
    workspace.connected(props["provider"], connection_id)
    warn(
        f"{name}: the answer to the connect request was lost. The workspace had no connection before and has one now, which is "
        "taken as made by that request. To be sure that the declared config is the one in use, the next pulumi up sends it again."
    )
    known = outputs(props, connection_id, _written(item, connection_id), hide)
    return Observed(connection_id, {**known, "config": None})


def _written(item: IntegrationItem | None, connection_id: str) -> IntegrationItem | None:
    return item.after_write(connection_id) if item else None


def _conflict(workspace: Workspace, provider: str, name: str) -> AlreadyConnectedError:
    if workspace.removed(provider):
        return AlreadyConnectedError(
            f"{name} was disconnected to be replaced, and somebody else connected it before this run did. No credentials were "
            'applied. To take that connection over, set adopt_existing=True and drop on_config_change="replace".'
        )
    return AlreadyConnectedError(
        f"{name} is already connected in this workspace, and not by this resource. No credentials were applied.\n"
        '  If the resource was renamed, add opts=ResourceOptions(aliases=[Alias(name="<old name>")]).\n'
        "  If the connection was made outside this program, or by a run of it that was interrupted, set adopt_existing=True to\n"
        "  take it over."
    )


def _nothing_to_adopt(provider: str, name: str) -> BrowserRequiredError:
    spec = catalog.find(provider)
    if spec is not None and not spec.browser:
        return BrowserRequiredError(
            f"{name} is not connected, so there is nothing to adopt. Declare its config to have Pulumi connect it."
        )
    return BrowserRequiredError(
        f"{name} is not connected, so there is nothing to adopt. Connect it once in the browser, at the integrations page "
        "of Outlit, then run pulumi up again."
    )


def _look_again(workspace: Workspace, provider: str, budget: Budget, error: ApiError, unclear: str) -> IntegrationItem:
    """The list's word on a write whose answer was lost. Where it has none, that is the ``error``, told as ``unclear``."""
    try:
        seen = workspace.item(provider, fresh=True, budget=budget)
    except ApiError:
        raise error.during(unclear) from None
    if seen is None or (seen.connected and seen.connection_id is None):
        raise error.during(unclear) from None
    return seen


# --- read ------------------------------------------------------------------------------------------------------------


def read(workspace: Workspace, id_: str, state: Props, warn: Warn) -> Observed | None:
    """Looks at the connection; None only when the service says that it is not connected.

    Raises:
        StateError: the state does not say what to look at.
        ApiError: nothing is known; the state stays as it is.
    """
    provider, held = _held(id_, state)
    budget = workspace.client.budget()
    hide = _hiding(workspace, state)
    name = _label(state, hide)
    with _told(f"{name} was not read and its state is unchanged"):
        sync = workspace.client.sync_status(provider, budget=budget)
        if not sync.connected:
            return None
        item = workspace.item(provider, budget=budget)
        if item is not None and not item.connected:
            # The list, which the run shares, may be older than the sync status.
            item = workspace.item(provider, fresh=True, budget=budget)
            if item is not None and not item.connected:
                return None
    name = _label(state, hide, item)
    found = item.connection_id if item and item.connection_id else held
    if found != held:
        workspace.saw_replacement(provider)
        warn(
            f"{name}: the workspace holds connection {found}, the state held {held}. It was reconnected outside Pulumi, perhaps "
            "with other credentials, or the API key is another workspace's. The state now follows the workspace."
        )
    observed = outputs(state, found, item, hide, sync)
    for model in observed["syncs"]:
        if model["error_message"] or model["status"].upper() in _FAILING:
            since = f", last synced {model['last_synced_at']}" if model["last_synced_at"] else ""
            said = f': "{model["error_message"]}"' if model["error_message"] else "."
            warn(f"{name}: the sync of {model['model']} is {model['status']}{since}{said}")
    return Observed(found, observed)


# --- update ----------------------------------------------------------------------------------------------------------


def update(workspace: Workspace, id_: str, state: Props, props: Props, warn: Warn) -> Observed:
    """Sends changed credentials in place, which keeps the synced data.

    Raises:
        StateError: the state does not say which connection it is.
        ConnectionChangedError: the workspace holds another connection than the state; nothing was sent.
        NotAppliedError: the service kept the old credentials.
        ApiError: the service refused, or whether it took is unknown; the next up sends again.
    """
    provider, held = _held(id_, state)
    budget = workspace.client.budget()
    hide = _hiding(workspace, state, props)
    config = props.get("config")
    with _told(f"{_label(props, hide)} was not updated"):
        item = workspace.item(provider, budget=budget)
    name = _label(props, hide, item)
    if config is None:
        return Observed(held, outputs(props, held, item, hide))
    lost = False
    while True:
        _ours(workspace, provider, name, held, item, "updated")
        try:
            answer = workspace.client.connect(provider, config, force=True, budget=budget)
            break
        except ApiError as error:
            unclear = f"{name} may or may not use the new config. Run pulumi up again: it sends the config once more. The cause"
            if error.took_effect is False:
                raise error.during(unclear if lost else f"{name} was not updated") from None
            item = _look_again(workspace, provider, budget, error, unclear)
            if lost or error.under_way:
                raise error.during(unclear) from None
            lost = True
    if answer.already_connected or not answer.connected:
        raise NotAppliedError(
            f"{name} was not updated: Outlit kept the old config. Run pulumi up again; if it goes on, set "
            'on_config_change="replace", which disconnects first and so deletes what was synced.'
        )
    if answer.connection_id != held:
        warn(
            f"{name}: the config was applied to connection {answer.connection_id}, the state held {held}. It was disconnected or "
            "reconnected outside Pulumi just before. The state now follows the workspace."
        )
    workspace.connected(provider, answer.connection_id)
    return Observed(
        answer.connection_id, outputs(props, answer.connection_id, _written(item, answer.connection_id), hide)
    )


def _ours(workspace: Workspace, provider: str, name: str, held: str, item: IntegrationItem | None, done: str) -> None:
    """Refuses to touch a connection that is not the one in the state."""
    if item is None:
        raise ConnectionChangedError(
            f"{name} was not {done}: Outlit's list does not name it at all, so whether it is connected is not known. Run again; "
            "if Outlit no longer offers it, take it out of the state with pulumi state delete."
        )
    if not item.connected:
        raise ConnectionChangedError(
            f"{name} was not {done}: it is not connected in this workspace. If the API key is the right one, run pulumi refresh, "
            "then pulumi up to connect it again."
        )
    if item.connection_id is None:
        raise ConnectionChangedError(
            f"{name} was not {done}: Outlit's list gives no connection id for it, so whether it is the one in the state is not "
            "known. Run again."
        )
    if item.connection_id != held or workspace.replaced(provider):
        raise ConnectionChangedError(
            f"{name} was not {done}: this workspace holds another connection of it than the state ({held}).\n"
            "  Either the API key is another workspace's: check outlit:apiKey and OUTLIT_API_KEY.\n"
            "  Or it was reconnected outside Pulumi: run pulumi refresh by itself to accept that, then run again."
        )


# --- delete ----------------------------------------------------------------------------------------------------------


def delete(workspace: Workspace, id_: str, state: Props, warn: Warn) -> None:
    """Disconnects the connection that the state holds, and no other. One that is gone already is success, with a warning.

    Raises:
        StateError: the state does not say which connection it is.
        ConnectionChangedError: the workspace holds another connection; nothing was disconnected.
        ApiError: the service refused or could not be reached.
    """
    provider, held = _held(id_, state)
    budget = workspace.client.budget()
    hide = _hiding(workspace, state)
    name = _label(state, hide)
    if workspace.taken_over(provider, held):
        warn(f"{name}: connection {held} now belongs to another resource of this program and was kept.")
        return
    with _told(f"{name} was not disconnected"):
        item = workspace.item(provider, budget=budget)
    name = _label(state, hide, item)
    if item is not None and not item.connected:
        warn(
            f"{name}: connection {held} was not connected any more in this workspace, so nothing was disconnected. If the API "
            "key is another workspace's, the connection is still there."
        )
        return
    _ours(workspace, provider, name, held, item, "disconnected")
    lost = False
    while True:
        try:
            workspace.client.disconnect(provider, budget=budget)
            break
        except NotConnectedError:
            break
        except ApiError as error:
            if error.took_effect is False:
                raise error.during(f"{name} was not disconnected") from None
            unclear = f"{name} may or may not be disconnected. Run again to settle it. The cause"
            seen = _look_again(workspace, provider, budget, error, unclear)
            if not seen.connected or seen.connection_id != held:
                break
            if lost or error.under_way:
                raise error.during(unclear if error.under_way else f"{name} was not disconnected") from None
            lost = True
    workspace.disconnected(provider)
