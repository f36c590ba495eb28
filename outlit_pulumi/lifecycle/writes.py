"""How an operation writes: a lost answer is settled by looking, and nothing is repeated blindly.

A write whose answer was lost is settled by looking at the workspace's list anew: only what changed since the look
before it proves anything, as the list may lag. Otherwise the write is sent once more, and never a third time. It is not
sent again while the service may be working on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeVar

from .. import catalog
from ..api.errors import ApiError, NotConnectedError
from ..api.redaction import plain
from ..errors import ConfigurationError, ConnectionChangedError, NotAppliedError
from .check import Props
from .ledger import BELIEVED, Facts
from .outputs import UNCONFIRMED, Observed, complaints, display_name, outputs, shows

if TYPE_CHECKING:
    from ..api.models import IntegrationItem
    from ..api.retry import Clock
    from .workspace import Workspace

Warn = Callable[[str], None]
_T = TypeVar("_T")


class Target:
    """The integration that one operation is about: its time, its name, and its credentials, which are hidden."""

    def __init__(
        self, workspace: Workspace, warn: Warn, declared: Props, *also: Props, again: str = "Run pulumi up again"
    ) -> None:
        self.workspace, self.client, self.ledger = workspace, workspace.client, workspace.ledger
        self.provider: str = declared["provider"]
        self.budget = self.client.budget()
        self.hide = self.client.hide
        self.again = again
        for props in (declared, *also):
            self.hide.add(catalog.secret_values(props.get("provider"), props.get("config")))
        self._label = declared.get("resource_name")
        self.seen: IntegrationItem | None = None
        self._warn = warn

    @property
    def name(self) -> str:
        """The integration's name, as it may be shown."""
        return self.hide(display_name(self.provider, self.seen), limit=60)

    def warn(self, text: str) -> None:
        """Shows a warning about the integration, which Pulumi shows without the resource."""
        label = f" ({plain(self._label)})" if self._label and self._label != self.provider else ""
        self._warn(f"{self.name}{label}: {text}")

    def storable(self, connection_id: str | None) -> str | None:
        """The id, if there is one and a state may show it: None where it holds a credential."""
        return None if connection_id and self.hide.in_data(connection_id) else connection_id

    def complain(self, outputs: Props) -> None:
        """Warns of each failing sync in the integration's outputs."""
        for text in complaints(outputs):
            self.warn(text)

    @contextmanager
    def doing(self, failed: str) -> Iterator[None]:
        """Has an error within the block say that the integration ``failed`` ("was not connected")."""
        try:
            yield
        except (ApiError, ConfigurationError) as error:
            raise error.during(f"{self.name} {failed}") from None

    def look(self, failed: str, *, held: str | None = None, fresh: bool = False) -> IntegrationItem | None:
        """The provider's entry in the workspace's list; without a list, an error of what ``failed``."""
        with self.doing(failed):
            self.seen = self.workspace.item(self.provider, self.budget, held=held, fresh=fresh)
        return self.seen

    def look_twice(self, failed: str, held: str, state: Props) -> IntegrationItem | None:
        """The entry with the connection of the ``state``, from a second list where the first does not show it."""
        item = self.look(failed, held=held)
        if not shows(item, held):
            with self.doing(failed):
                believed = min(BELIEVED, BELIEVED - age(state.get("written_at"), self.client.clock))
                self.seen = self.workspace.second_item(self.provider, self.budget, held, believed=believed)
        return self.seen

    def facts(self, failed: str, connection_id: str | None = None, organization: str | None = None) -> Facts:
        """The run's knowledge of the provider; where notes cannot be read, an error of what ``failed``."""
        with self.doing(failed):
            return self.ledger.facts(self.provider, connection_id, self._label, organization)

    def wrote(self, connection_id: str) -> None:
        """Records that the provider has this connection now."""
        self.ledger.wrote(self.provider, connection_id, self.client.clock.now())

    def removed(self, connection_id: str | None) -> None:
        """Records that the provider has no connection now, and which one it had, if that is known."""
        self.ledger.removed(self.provider, connection_id, self.client.clock.now())

    def hold(self, failed: str, connection_id: str) -> None:
        """Tells the other processes of the run whose the connection is, or is an error of what ``failed``."""
        with self.doing(failed):
            self.ledger.hold(self.provider, connection_id)

    def claim(self, failed: str, organization: str | None) -> None:
        """Tells the other processes whose the provider's next connection is, or is an error of what ``failed``."""
        with self.doing(failed):
            self.ledger.claim(self.provider, organization)

    def turn(self) -> AbstractContextManager[None]:
        """Keeps others from working on the integration within the block."""
        return self.workspace.turn(self.provider, self.budget)

    def written(
        self, declared: Props, done: Connected, item: IntegrationItem | None, organization: str | None
    ) -> Observed:
        """The resource with the connection that our own write left just now."""
        after = item.after_write(done.connection_id) if item else None
        moment = self.client.clock.date().isoformat(timespec="seconds").replace("+00:00", "Z")
        unconfirmed = done.how == "appeared"
        declared = {**declared, "organization_id": organization, "written_at": moment, UNCONFIRMED: unconfirmed}
        return Observed(done.connection_id, outputs(declared, done.connection_id, after, self.hide))


def age(written_at: object, clock: Clock) -> float:
    """Seconds since that time, which may be another machine's; infinite where there is none."""
    try:
        return (clock.date() - datetime.fromisoformat(str(written_at))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return math.inf  # it was taken over, or written by hand


@dataclass(frozen=True)
class Connected:
    """How a connect request ended.

    Attributes:
        connection_id: The connection.
        how: ``made`` by the request; ``there`` before it, and unchanged; or it ``appeared`` while the answer was lost,
            probably made by the request.
    """

    connection_id: str
    how: Literal["made", "there", "appeared"]


def connect(target: Target, config: Mapping[str, str], *, failed: str, unclear: str) -> Connected:
    """Connects, where the last look showed no connection. Messages begin with ``failed`` or, in doubt, ``unclear``."""

    def send(again: bool) -> Connected:
        answer = target.client.connect(target.provider, config, again=again, budget=target.budget)
        if not answer.already_connected and not answer.connected:
            raise NotAppliedError(f"{failed}: Outlit answered without an error. {target.again}.")
        connection_id = _storable(target, answer.connection_id)
        return Connected(connection_id, "made" if not answer.already_connected else "appeared" if again else "there")

    def settled(seen: IntegrationItem) -> Connected | None:
        if not seen.connected or seen.connection_id is None or seen.connection_id in _gone(target):
            return None
        return Connected(_storable(target, seen.connection_id), "appeared")

    outcome = _write(target, send, settled, None, failed=failed, unclear=unclear)
    if outcome.how != "there":
        target.wrote(outcome.connection_id)
    return outcome


def _gone(target: Target) -> frozenset[str]:
    """What this run disconnected: a list that shows it lags."""
    return target.ledger.facts(target.provider).gone


def _storable(target: Target, connection_id: str | None, held: str | None = None) -> str:
    """The id of an answer, or the list's, or ``held`` where none can be stored: the connection must not be lost."""
    if (found := target.storable(connection_id)) is not None:
        return found
    with suppress(ApiError):  # the connection is there, whatever the list says
        seen = target.workspace.item(target.provider, target.budget, held=held, fresh=True)
        found = target.storable(seen.connection_id if seen else None)
    found = found if found is not None and found not in _gone(target) else held
    if found is not None:
        return found
    target.warn("it is connected, and Outlit gave no usable connection id. The next pulumi refresh looks it up.")
    return f"{target.provider}-unknown"


def rotate(target: Target, config: Mapping[str, str], held: str, *, failed: str, unclear: str, cure: str) -> Connected:
    """Sends other credentials to the connection ``held``, in place, which may leave it with another id.

    Messages begin as those of `connect`; ``cure`` says what to do if Outlit keeps the old credentials again. The list
    does not show which are in use: after a lost answer they are sent again where it still shows ``held``. Another id by
    then is what the lost request left: it ``appeared``.
    """

    def send(again: bool) -> Connected:
        answer = target.client.connect(target.provider, config, force=True, again=again, budget=target.budget)
        if answer.already_connected or not answer.connected:
            raise NotAppliedError(f"{failed}: Outlit kept the old config. {target.again}; if it goes on, {cure}")
        return Connected(_storable(target, answer.connection_id, held), "made")

    def settled(seen: IntegrationItem) -> Connected | None:
        if seen.connection_id == held:
            return None
        if not seen.connected or seen.connection_id is None:
            raise ConnectionChangedError(
                f"{unclear}: the answer was lost, and Outlit's list does not show the connection any more."
            )
        return Connected(_storable(target, seen.connection_id, held), "appeared")

    outcome = _write(target, send, settled, held, failed=failed, unclear=unclear)
    target.wrote(outcome.connection_id)
    return outcome


def disconnect(target: Target, held: str | None, *, failed: str, unclear: str) -> bool:
    """Disconnects ``held``, after a look, whose list may have lagged. Messages begin as those of `connect`.

    Returns:
        Whether this did it; False if it was gone by then.
    """

    def send(again: bool) -> bool:
        try:
            target.client.disconnect(target.provider, again=again, budget=target.budget)
            done = True
        except NotConnectedError:
            done = again
        target.removed(held)
        return done

    before = target.seen

    def settled(seen: IntegrationItem) -> bool | None:
        if _state(seen) in (_state(before), (True, held)):
            return None
        if not seen.connected:
            target.removed(held)
        return True

    return _write(target, send, settled, held, failed=failed, unclear=unclear)


def _state(item: IntegrationItem | None) -> tuple[bool, str | None] | None:
    return None if item is None else (item.connected, item.connection_id)


def _write(
    target: Target,
    send: Callable[[bool], _T],
    settled: Callable[[IntegrationItem], _T | None],
    held: str | None,
    *,
    failed: str,
    unclear: str,
) -> _T:
    """Sends a write, settles a lost answer by looking, and sends the write once more if it was not carried out."""
    again = False
    while True:
        try:
            return send(again)
        except ApiError as error:
            # After a first try whose outcome is not known, a refusal proves nothing either.
            if error.took_effect is False and not again:
                raise error.during(failed) from None
            outcome = settled(_look_again(target, error, unclear, held))
            if outcome is not None:
                return outcome
            if again or error.under_way:  # a list that does not show it may lag
                raise error.during(unclear) from None
            again = True


def _look_again(target: Target, lost: ApiError, unclear: str, held: str | None) -> IntegrationItem:
    """The list's word on a write whose answer was lost. Where it has none, that is the error ``lost``."""
    try:
        seen = target.workspace.item(target.provider, target.budget, held=held, fresh=True)
    except ApiError:
        raise lost.during(unclear) from None
    if seen is None or (seen.connected and seen.connection_id is None):
        raise lost.during(unclear) from None
    return seen
