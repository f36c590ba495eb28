"""Create, read, update and delete of an integration.

Each looks before it writes, and `decide` says what is to be done. Its calls share one time budget. From the look to the
end of the write no other operation of this process works on the provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api.redaction import plain
from ..errors import ApiError, ConnectionChangedError, StateError
from . import decide, writes
from .check import Props, half_character
from .decide import Refusal
from .outputs import UNCONFIRMED, Observed, failing, outputs
from .writes import Target, Warn

if TYPE_CHECKING:
    from ..api.models import IntegrationItem, SyncStatus
    from .workspace import Workspace


def held_by(id_: str, state: Props) -> tuple[str, str]:
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


def create(workspace: Workspace, props: Props, warn: Warn) -> Observed:
    """Connects, or takes over with ``adopt_existing``. Nothing raises after a successful connect.

    A connection that appeared while the answer to our request was lost may have been made by somebody else at that very
    moment. It is taken, with a warning, and its config counts as unconfirmed: the next update sends it in place.
    """
    target = Target(workspace, warn, props)
    with target.turn():
        replacing = target.ledger.facts(target.provider).removed
        adopts = props.get("adopt_existing") is True
        failed = "was neither taken over nor connected" if adopts else "was not connected"
        if replacing:
            failed = (
                "is now disconnected: it was disconnected to be replaced, and connecting it again failed. The next "
                "pulumi up connects it. The cause"
            )
        item = target.look(failed)
        met = item.connection_id if item is not None and item.connected else None
        decision = decide.create(props, item, target.facts(failed, met))
        if decision == "adopt" and met is not None and target.hide.data(met) != met:
            raise ConnectionChangedError(
                f"{target.name} was not taken over: its connection id holds a credential, which the state must not "
                "show."
            )
        if met is not None:
            # Whoever deletes this connection later in the run, in whichever process, must know of this create.
            target.note(failed, met, "held" if decision == "adopt" else "refused")
        if isinstance(decision, Refusal):
            raise decision.raised(f"{target.name} was not {'taken over' if adopts else 'created'}")
        if item is not None and met is not None:
            return _take_over(target, props, item, met)
        return _connect(target, props, item, failed, replacing=replacing)


def _take_over(target: Target, props: Props, item: IntegrationItem, connection_id: str) -> Observed:
    """The connection as it is; declared credentials are recorded as the ones in use."""
    target.ledger.wrote(target.provider, connection_id)
    observed = outputs(props, connection_id, item, target.hide, _details(target, item))
    target.complain(observed)
    return Observed(connection_id, observed)


def _details(target: Target, item: IntegrationItem) -> SyncStatus | None:
    """The syncs of a connection that the list calls failing; None where all is well, and where there is no answer."""
    if not failing(item.sync_status, item.error_message):
        return None
    try:
        sync = target.client.sync_status(target.provider, budget=target.budget)
    except ApiError:
        return None
    return sync if sync.connected else None


def _connect(target: Target, props: Props, item: IntegrationItem | None, failed: str, *, replacing: bool) -> Observed:
    name, where = target.name, ", after it was disconnected to be replaced" if replacing else ""
    done = writes.connect(
        target,
        props["config"],
        failed=f"{name} {failed}",
        unclear=f"{name} may or may not be connected{where}. Run pulumi up again; if that says that it is already "
        "connected, this attempt succeeded: set adopt_existing=True. The cause",
    )
    if done.how == "there":
        adopts = props.get("adopt_existing") is True
        target.note(failed, done.connection_id, "held" if adopts else "refused")
        if not adopts:
            raise decide.conflict(target.ledger.facts(target.provider)).raised(f"{name} was not created")
        target.ledger.wrote(target.provider, done.connection_id)
        target.warn("it was connected already. That connection was taken over, the declared config was not applied.")
    if done.how == "appeared":
        target.warn(
            "the answer to the connect request was lost. The workspace had no connection before and has one now, which "
            "is taken as made by that request. To be sure that the declared config is the one in use, the next pulumi "
            "up sends it again."
        )
        props = {**props, UNCONFIRMED: True}
    return target.written(props, done.connection_id, item)


def read(workspace: Workspace, id_: str, state: Props, warn: Warn) -> Observed | None:
    """Looks at the connection; None, with a warning, only when the service says that it is not connected."""
    provider, held = held_by(id_, state)
    target = Target(workspace, warn, state)
    failed = "was not read and its state is unchanged"
    with target.turn():
        workspace.ahead()
        with target.doing(failed):
            sync = target.client.sync_status(provider, budget=target.budget)
        item = target.look(failed) if sync.connected else None
        if item is not None and not item.connected:
            # The list, which the run shares, may be older than the sync status.
            item = target.look(failed, fresh=True)
        if not sync.connected or (item is not None and not item.connected):
            target.warn(
                f"connection {plain(held)} is not connected any more in this workspace, and leaves the state. If the "
                "API key is another workspace's, the connection is still there."
            )
            return None
        found = item.connection_id if item and item.connection_id else held
        if found != held:
            target.ledger.move(provider)
            target.warn(
                f"the workspace holds connection {plain(found)}, the state held {plain(held)}. It was reconnected "
                "outside Pulumi, perhaps with other credentials, or the API key is another workspace's. The state now "
                "follows the workspace."
            )
        observed = outputs(state, found, item, target.hide, sync)
        target.complain(observed)
        return Observed(found, observed)


def update(workspace: Workspace, id_: str, state: Props, props: Props, warn: Warn) -> Observed:
    """Sends changed credentials in place, which keeps the synced data."""
    provider, held = held_by(id_, state)
    target = Target(workspace, warn, props, state)

    def ours(item: IntegrationItem | None, failed: str) -> None:
        decision = decide.change(held, item, target.ledger.facts(provider))
        if isinstance(decision, Refusal):
            raise decision.raised(f"{target.name} {failed}")

    with target.turn():
        item = target.look("was not updated")
        ours(item, "was not updated")
        connection_id = writes.rotate(
            target,
            props["config"],
            lambda seen: ours(seen, "may or may not have been updated"),
            failed=f"{target.name} was not updated",
            unclear=f"{target.name} may or may not use the new config. Run pulumi up again: it sends the config once "
            "more. The cause",
        )
        if connection_id != held:
            target.warn(
                f"the config was applied to connection {plain(connection_id)}, the state held {plain(held)}. It was "
                "disconnected or reconnected outside Pulumi just before. The state now follows the workspace."
            )
        return target.written(props, connection_id, item)


def delete(workspace: Workspace, id_: str, state: Props, warn: Warn) -> None:
    """Disconnects the connection that the state holds, and no other. If it is gone already, a warning is all."""
    _, held = held_by(id_, state)
    target = Target(workspace, warn, state)
    gone = (
        f"connection {plain(held)} was not connected any more in this workspace, so nothing was disconnected. If the "
        "API key is another workspace's, the connection is still there."
    )
    with target.turn():
        facts = target.facts("was not disconnected", held)
        # Where another resource holds the connection there is nothing to ask the service.
        item = None if facts.held or facts.refused else target.look("was not disconnected")
        decision = decide.remove(held, item, facts)
        if isinstance(decision, Refusal):
            raise decision.raised(f"{target.name} was not disconnected")
        if decision == "keep":
            target.warn(f"connection {plain(held)} now belongs to another resource of this program and was kept.")
        elif decision == "gone" or not writes.disconnect(
            target,
            held,
            failed=f"{target.name} was not disconnected",
            unclear=f"{target.name} may or may not be disconnected. Run again to settle it. The cause",
        ):
            target.warn(gone)
