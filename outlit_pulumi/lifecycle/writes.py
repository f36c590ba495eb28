"""How an operation writes: a lost answer is settled by looking, and nothing is repeated blindly.

A write whose answer was lost is settled by looking at the workspace's list anew. If the list shows that it was not
carried out, it is sent once more, and never a third time. It is not sent again while the service may be working on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .. import catalog
from ..errors import ApiError, ConfigurationError, NotAppliedError, NotConnectedError
from .ledger import Facts
from .outputs import Observed, complaints, display_name, outputs
from .peers import Word

if TYPE_CHECKING:
    from ..api.models import DirectConnection, IntegrationItem
    from .workspace import Workspace

Props = Mapping[str, Any]
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
        self._item: IntegrationItem | None = None
        self._warn = warn

    @property
    def name(self) -> str:
        """The integration's name, as it may be shown."""
        return self.hide(display_name(self.provider, self._item), limit=60)

    def warn(self, text: str) -> None:
        """Shows a warning about the integration."""
        self._warn(f"{self.name}: {text}")

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

    def look(self, failed: str, *, fresh: bool = False) -> IntegrationItem | None:
        """The provider's entry in the workspace's list; without a list, an error of what ``failed``."""
        with self.doing(failed):
            self._item = self.workspace.item(self.provider, self.budget, fresh=fresh)
        return self._item

    def facts(self, failed: str, connection_id: str | None = None) -> Facts:
        """The run's knowledge of the provider; where notes cannot be read, an error of what ``failed``."""
        with self.doing(failed):
            return self.ledger.facts(self.provider, connection_id)

    def note(self, failed: str, connection_id: str, word: Word) -> None:
        """Tells the other processes of the run about a connection, or is an error of what ``failed``."""
        with self.doing(failed):
            self.ledger.peers.note(connection_id, word)

    def turn(self) -> AbstractContextManager[None]:
        """Keeps others from working on the integration within the block."""
        return self.workspace.turn(self.provider, self.budget)

    def written(self, declared: Props, connection_id: str, item: IntegrationItem | None) -> Observed:
        """The resource with the connection that our own write left."""
        after = item.after_write(connection_id) if item else None
        return Observed(connection_id, outputs(declared, connection_id, after, self.hide))


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
        answer = target.client.connect(target.provider, config, budget=target.budget)
        if answer.already_connected:
            return Connected(answer.connection_id, "appeared" if again else "there")
        if not answer.connected:
            raise NotAppliedError(f"{failed}: Outlit answered without an error. {target.again}.")
        return Connected(answer.connection_id, "made")

    def settled(seen: IntegrationItem) -> Connected | None:
        if not seen.connected or seen.connection_id is None:
            return None
        return Connected(seen.connection_id, "appeared")

    outcome = _write(target, send, settled, failed=failed, unclear=unclear)
    if outcome.how != "there":
        target.ledger.wrote(target.provider, outcome.connection_id)
    return outcome


def rotate(
    target: Target,
    config: Mapping[str, str],
    still_ours: Callable[[IntegrationItem], object],
    *,
    failed: str,
    unclear: str,
) -> str:
    """Sends other credentials to the connection in place, and returns its id. Messages begin as those of `connect`.

    The list does not show which credentials are in use: after a lost answer they are sent again, unless ``still_ours``
    raises because the list shows another connection.
    """

    def send(_: bool) -> DirectConnection:
        return target.client.connect(target.provider, config, force=True, budget=target.budget)

    def settled(seen: IntegrationItem) -> None:
        still_ours(seen)

    answer = _write(target, send, settled, failed=failed, unclear=unclear, shows=False)
    if answer.already_connected or not answer.connected:
        raise NotAppliedError(
            f"{failed}: Outlit kept the old config. {target.again}; if it goes on, set "
            'on_config_change="replace", which disconnects first and so deletes what was synced.'
        )
    target.ledger.wrote(target.provider, answer.connection_id)
    return answer.connection_id


def disconnect(target: Target, held: str | None, *, failed: str, unclear: str) -> bool:
    """Disconnects, where the last look showed the connection ``held``. Messages begin as those of `connect`.

    Returns:
        Whether this did it; False if it was gone by then.
    """

    def send(again: bool) -> bool:
        try:
            target.client.disconnect(target.provider, budget=target.budget)
            done = True
        except NotConnectedError:
            done = again
        target.ledger.wrote(target.provider, None)
        return done

    def settled(seen: IntegrationItem) -> bool | None:
        if seen.connected and seen.connection_id == held:
            return None
        if not seen.connected:
            target.ledger.wrote(target.provider, None)
        return True

    return _write(target, send, settled, failed=failed, unclear=unclear)


def _write(
    target: Target,
    send: Callable[[bool], _T],
    settled: Callable[[IntegrationItem], _T | None],
    *,
    failed: str,
    unclear: str,
    shows: bool = True,
) -> _T:
    """Sends a write, settles a lost answer by looking, and sends the write once more if it was not carried out."""
    again = False
    while True:
        try:
            return send(again)
        except ApiError as error:
            if error.took_effect is False:
                raise error.during(failed if shows or not again else unclear) from None
            outcome = settled(_look_again(target, error, unclear))
            if outcome is not None:
                return outcome
            if again or error.under_way:
                raise error.during(unclear if error.under_way or not shows else failed) from None
            again = True


def _look_again(target: Target, lost: ApiError, unclear: str) -> IntegrationItem:
    """The list's word on a write whose answer was lost. Where it has none, that is the error ``lost``."""
    try:
        seen = target.workspace.item(target.provider, target.budget, fresh=True)
    except ApiError:
        raise lost.during(unclear) from None
    if seen is None or (seen.connected and seen.connection_id is None):
        raise lost.during(unclear) from None
    return seen
