"""Create, read, update and delete of an integration.

Each looks before it writes, and `decide` says what is to be done. Its calls share one time budget. From the look to the
end of the write no other operation of this process works on the provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..api.errors import ApiError
from ..api.redaction import plain
from ..errors import ConfigurationError, ConnectionChangedError, OutlitError, StateError
from . import decide, writes
from .check import REPLACE, Props, half_character
from .decide import Owner, Refusal
from .outputs import Observed, failing, outputs, shows
from .writes import Target, Warn

if TYPE_CHECKING:
    from ..api.models import IntegrationItem, SyncStatus
    from ..api.retry import Budget
    from .workspace import Workspace

_LAG = 300.0
"""Seconds after a write of its own for which a delete does not take a list's word that there is no connection."""


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


def owner_of(workspace: Workspace, recorded: str | None, budget: Budget) -> Owner:
    """Whose the API key is, next to whose the state says that the integration is, or else the others of the run."""
    workspace.ledger.belong(recorded)
    known = frozenset([recorded]) if recorded else workspace.ledger.organizations()
    try:
        return Owner(known, workspace.organization(budget))
    except ApiError:
        return Owner(known, silent=True)


def create(workspace: Workspace, props: Props, warn: Warn) -> Observed:
    """Connects, or takes over with ``adopt_existing``. Nothing raises after a successful connect.

    A connection that appeared while the answer to our request was lost may have been made by somebody else at that very
    moment. It is taken, with a warning, and its config counts as unconfirmed: the next update sends it in place. A
    connection that an earlier attempt of the same resource left is taken, and the config is sent to it.
    """
    target = Target(workspace, warn, props)
    try:
        with target.turn():
            return _create(target, props)
    except OutlitError as error:
        try:
            target.ledger.fail(target.provider)
        except ConfigurationError as untold:
            if not isinstance(error, ConfigurationError):
                raise untold.during(str(error)) from None
        raise


def _create(target: Target, props: Props) -> Observed:
    facts = target.ledger.facts(target.provider, None, props.get("resource_name"))
    replacing = facts.removed
    adopts = props.get("adopt_existing") is True
    failed = "was neither taken over nor connected" if adopts else "was not connected"
    if replacing:
        failed = (
            "is now disconnected: it was disconnected to be replaced, and connecting it again failed. The next "
            "pulumi up connects it. The cause"
        )
    target.workspace.ahead(organization=True)
    # Another Provider of the run may have disconnected it to be replaced, since the diff looked.
    item = target.look(failed, fresh=facts.predecessor and not replacing)
    owner = owner_of(target.workspace, None, target.budget)
    met = item.connection_id if item is not None and item.connected else None
    decision = decide.create(props, item, target.facts(failed, met), owner)
    if isinstance(decision, Refusal):
        raise decision.raised(f"{target.name} was not {'taken over' if adopts else 'created'}")
    # Whoever deletes a connection of the provider later in the run, in whichever process, must know of this create.
    if item is None or met is None:
        target.claim(failed, owner.key)
        return _connect(target, props, item, failed, owner, replacing=replacing)
    _shown(target, met, "was not taken over")
    target.hold(failed, met)
    if decision == "resume":
        return _resume(target, props, item, met, owner)
    return _take_over(target, {**props, "organization_id": owner.key}, item, met)


def _shown(target: Target, connection_id: str, failed: str) -> str:
    """The id, which a message and the state may show."""
    if target.storable(connection_id) is None:
        raise ConnectionChangedError(
            f"{target.name} {failed}: its connection id holds a credential, which the state must not show. Tell "
            "Outlit's support."
        )
    return connection_id


def _take_over(target: Target, props: Props, item: IntegrationItem, connection_id: str) -> Observed:
    """The connection as it is; declared credentials are recorded as the ones in use."""
    target.wrote(connection_id)
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


def _resume(target: Target, props: Props, item: IntegrationItem | None, met: str, owner: Owner) -> Observed:
    """The connection that an earlier attempt made late, or that Pulumi kept: the declared config is sent to it."""
    target.warn(
        f"connection {plain(met)} was there already: an earlier attempt to replace it was carried out late, or Pulumi "
        "kept it. It is taken, and the declared config is sent to it."
    )
    done = writes.rotate(
        target,
        props["config"],
        met,
        failed=f"{target.name} was not created, and connection {plain(met)} is as it was",
        unclear=f"{target.name} may or may not use the declared config. Run pulumi up again. The cause",
        cure='set adopt_existing=True and drop on_config_change="replace", which takes the connection as it is.',
    )
    return target.written(props, done, item, owner.key)


def _connect(
    target: Target, props: Props, item: IntegrationItem | None, failed: str, owner: Owner, *, replacing: bool
) -> Observed:
    name, where = target.name, ", after it was disconnected to be replaced" if replacing else ""
    later = (
        "Run pulumi up again, which goes on with what it finds"
        if replacing
        else "Run pulumi up again; if that says that it is already connected, this attempt succeeded: set "
        "adopt_existing=True"
    )
    done = writes.connect(
        target,
        props["config"],
        failed=f"{name} {failed}",
        unclear=f"{name} may or may not be connected{where}. {later}. The cause",
    )
    if done.how == "there":
        facts = target.ledger.facts(target.provider, None, props.get("resource_name"))
        if facts.predecessor and not facts.removed:
            return _resume(target, props, item, done.connection_id, owner)
        if props.get("adopt_existing") is not True:
            raise decide.conflict(facts).raised(f"{name} was not created")
        target.hold(failed, done.connection_id)
        target.wrote(done.connection_id)
        target.warn("it was connected already. That connection was taken over, the declared config was not applied.")
    else:
        try:
            target.ledger.hold(target.provider, done.connection_id)
        except ConfigurationError as error:  # only now: a moment ago the claim could be left
            target.warn(str(error))
    if done.how == "appeared":
        target.warn(
            "the answer to the connect request was lost. The workspace had no connection before and has one now, which "
            "is taken as made by that request. To be sure that the declared config is the one in use, the next pulumi "
            "up sends it again."
        )
    return target.written(props, done, item, owner.key)


def read(workspace: Workspace, id_: str, state: Props, warn: Warn) -> Observed | None:
    """Looks at the connection; None, with a warning, only when it is certain that it is not connected.

    Its own id in the list is enough. Otherwise the list is asked a second time, and the key whose it is.
    """
    provider, held = held_by(id_, state)
    target = Target(workspace, warn, state)
    failed = "was not read and its state is unchanged"
    organization = state.get("organization_id")
    target.ledger.belong(organization)
    with target.turn():
        workspace.ahead(organization=False)
        with target.doing(failed):
            sync = target.client.sync_status(provider, budget=target.budget)
        item = target.look(failed, held=held)
        found = held
        if not shows(item, held):
            owner = owner_of(target.workspace, organization, target.budget)
            if owner.unproven(held) is None:
                item = target.look_twice(failed, held, state)
                if item is not None and not item.connected:  # the status, of before the pause, may have lagged, too
                    with target.doing(failed):
                        sync = target.client.sync_status(provider, budget=target.budget)
            decision = decide.find(held, item, sync.connected, owner)
            if isinstance(decision, Refusal):
                raise decision.raised(f"{target.name} {failed}")
            if decision == "gone":
                also = "" if owner.key else " If the API key is another workspace's, the connection is still there."
                target.warn(f"connection {plain(held)} is not connected any more, and leaves the state.{also}")
                return None
            if decision == "moved" and item is not None and item.connection_id is not None:
                found = _shown(target, item.connection_id, failed)
                also = "" if owner.key else ", or the API key is another workspace's"
                target.ledger.move(provider)
                with target.doing(failed):
                    target.ledger.refuse(provider, found)
                target.warn(
                    f"the workspace holds connection {plain(found)}, the state held {plain(held)}. It was reconnected "
                    f"outside Pulumi, perhaps with other credentials{also}. The state now follows the workspace."
                )
        if found == held and not (sync.connected and item is not None and item.connected):
            target.warn(
                "Outlit contradicts itself: connection is in its list, but not connected. It stays in the state."
            )
        if organization is None:
            organization = owner_of(target.workspace, None, target.budget).key
        observed = outputs(
            {**state, "organization_id": organization}, found, item, target.hide, sync if sync.connected else None
        )
        target.complain(observed)
        return Observed(found, observed)


def update(workspace: Workspace, id_: str, state: Props, props: Props, warn: Warn) -> Observed:
    """Sends changed credentials in place, which keeps the synced data."""
    _, held = held_by(id_, state)
    target = Target(workspace, warn, props, state)
    with target.turn():
        workspace.ahead(organization=True)
        item = target.look_twice("was not updated", held, state)
        owner = owner_of(target.workspace, state.get("organization_id"), target.budget)
        decision = decide.change(held, item, target.facts("was not updated", held), owner)
        if isinstance(decision, Refusal):
            raise decision.raised(f"{target.name} was not updated")
        done = writes.rotate(
            target,
            props["config"],
            held,
            failed=f"{target.name} was not updated",
            unclear=f"{target.name} may or may not use the new config. Run pulumi up again: it sends the config once "
            "more, or asks for a refresh first. The cause",
            cure=_cure(state, props),
        )
        if done.how == "appeared":
            target.warn(
                "the answer to the request was lost, and the connection has a new id since. To be sure that the new "
                "config is the one in use, the next pulumi up sends it again."
            )
        organization = owner.key or state.get("organization_id")
        return target.written(props, done, item, organization)


def _cure(state: Props, props: Props) -> str:
    """What helps where Outlit does not change credentials in place."""
    if decide.difference(state, {**props, "on_config_change": REPLACE}).replaces:
        return 'set on_config_change="replace", which disconnects first and so deletes what was synced.'
    if state.get("config") is None:
        return "leave config out, so that its credentials are not managed."
    return (
        "take it out of the state (pulumi state delete) and declare it with adopt_existing=True, which records the "
        "declared config as the one in use."
    )


def delete(workspace: Workspace, id_: str, state: Props, warn: Warn) -> None:
    """Disconnects the connection that the state holds, and no other. If it is gone already, a warning is all."""
    _, held = held_by(id_, state)
    target = Target(workspace, warn, state)
    failed = "was not disconnected"
    with target.turn():
        # Where another resource holds the connection there is nothing to ask the service. Else others may take it, or
        # connect anew, while it is asked.
        facts = target.facts(failed, held)
        owner, item = decide.Owner(), None
        if decide.keeps(facts) is None:
            workspace.ahead(organization=True)
            item = target.look(failed, held=held)
            owner = owner_of(target.workspace, state.get("organization_id"), target.budget)
            if not shows(item, held) and owner.unproven(held) is None:
                item = target.look_twice(failed, held, state)
            facts = target.facts(failed, held, owner.key or state.get("organization_id"))
        shown = item.connection_id if item is not None else None
        shown_kept = shown is not None and shown != held and target.facts(failed, shown).held
        decision = decide.remove(held, item, facts, owner, shown_kept=shown_kept)
        if decision == "disconnect" and not shows(item, held):
            decision = _doubt(target, failed, held, item, state, owner)
        if isinstance(decision, Refusal):
            raise decision.raised(f"{target.name} {failed}")
        if decision == "keep":
            target.warn(f"connection {plain(held)} now belongs to another resource of this program and was kept.")
        elif decision == "gone" or not writes.disconnect(
            target,
            held,
            failed=f"{target.name} {failed}",
            unclear=f"{target.name} may or may not be disconnected. Run again to settle it. The cause",
        ):
            also = "" if owner.key else " If the API key is another workspace's, the connection is still there."
            target.warn(f"connection {plain(held)} was not connected any more, so nothing was disconnected.{also}")


def _doubt(
    target: Target, failed: str, held: str, item: IntegrationItem | None, state: Props, owner: Owner
) -> Literal["disconnect", "gone"] | Refusal:
    """Whether to disconnect what two lists do not show: only where they may lag behind a write of the resource itself.

    Else what a disconnect would meet, if anything, is what somebody connected since.
    """
    if writes.age(state.get("written_at"), target.client.clock) < _LAG:
        return "disconnect"
    with target.doing(failed):
        sync = target.client.sync_status(target.provider, budget=target.budget)
    found = decide.find(held, item, sync.connected, owner)
    if isinstance(found, Refusal):
        return found
    target.removed(held)
    return "gone"
