"""An operation on one integration: what it looks at, how it writes, what it hides, and what it leaves in the state.

A write whose answer was lost is settled by looking at the workspace's list anew. If that shows that it was not carried
out, it is sent once more, and never a third time. It is not sent again while the service may still be working on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from . import catalog, health
from .errors import ApiError
from .redaction import Redactor, redact
from .validation import Props

if TYPE_CHECKING:
    from .models import IntegrationItem, SyncStatus
    from .workspace import Workspace

Warn = Callable[[str], None]
_T = TypeVar("_T")

UNCONFIRMED = "config_unconfirmed"
"""An output: true while the declared config may not be the one in use, else absent. The next update sends it again."""


@dataclass(frozen=True)
class Observed:
    """What is known of a connection after looking: the resource's id and outputs."""

    id: str
    outputs: dict[str, Any]


def outputs(
    declared: Props, connection_id: str, item: IntegrationItem | None, hide: Redactor, sync: SyncStatus | None = None
) -> dict[str, Any]:
    """The one mapping from the service's answers to what the state holds, none of which quotes a credential."""
    provider: str = declared["provider"]
    syncs = sync.syncs if sync else []
    name, category, status, sync_status, received, error_message, *models = hide.each(
        (
            (sync.name if sync else None) or _listed(provider, item),
            (sync.category if sync else None) or (item.category if item else None),
            sync.status if sync else item.status if item else "connected",
            item.sync_status if item else None,
            item.last_data_received_at if item else None,
            item.error_message if item else None,
            *itertools.chain.from_iterable((s.model, s.status, s.last_synced_at, s.error_message) for s in syncs),
        )
    )
    return {
        **{k: declared.get(k) for k in ("provider", "config", "adopt_existing", "on_config_change")},
        **({UNCONFIRMED: True} if declared.get(UNCONFIRMED) else {}),
        "connection_id": connection_id,
        "display_name": name,
        "category": category,
        "status": status,
        "sync_status": sync_status,
        "last_data_received_at": received,
        "error_message": error_message,
        "syncs": [
            dict(zip(("model", "status", "last_synced_at", "error_message"), models[start : start + 4]))  # noqa: B905  # four each
            for start in range(0, len(models), 4)
        ],
    }


def _listed(provider: str, item: IntegrationItem | None) -> str:
    """What the integration is called: by our catalog, else by the workspace's list."""
    spec = catalog.find(provider)
    return spec.name if spec else (item.name if item else None) or provider


def plain(connection_id: str) -> str:
    """A connection id as it may be shown."""
    return redact(connection_id, (), limit=80)


class Operation:
    """A create, read, update or delete under way: its time, what it must hide, and what it calls the integration.

    Args:
        workspace: The workspace.
        warn: Shows a warning.
        declared: Inputs or outputs that name the provider.
        also: Further ones whose credentials must not be shown.
    """

    def __init__(self, workspace: Workspace, warn: Warn, declared: Props, *also: Props) -> None:
        self.workspace = workspace
        self.client = workspace.client
        self.run = workspace.run
        self.provider: str = declared["provider"]
        self.budget = self.client.budget()
        credentials = (catalog.secret_values(props.get("provider"), props.get("config")) for props in (declared, *also))
        self.hide = self.client.hiding(self.provider, itertools.chain.from_iterable(credentials))
        self._item: IntegrationItem | None = None
        self._warn = warn

    @property
    def name(self) -> str:
        """What the integration is called, as it may be shown."""
        return self.hide(_listed(self.provider, self._item), limit=60)

    def warn(self, text: str) -> None:
        """Shows a warning about the integration."""
        self._warn(f"{self.name}: {text}")

    def complain(self, outputs: Mapping[str, Any]) -> None:
        """Warns of each failing sync in the integration's outputs."""
        for text in health.complaints(outputs):
            self.warn(text)

    def look(self, failed: str, *, fresh: bool = False) -> IntegrationItem | None:
        """The provider's entry in the workspace's list; where there is no list, that is an error of what ``failed``."""
        try:
            item = self.workspace.item(self.provider, fresh=fresh, budget=self.budget)
        except ApiError as error:
            raise error.during(f"{self.name} {failed}") from None
        self._item = item
        return item

    def write(
        self,
        send: Callable[[bool], _T],
        settled: Callable[[IntegrationItem], _T | None],
        *,
        failed: str,
        unclear: str,
        shows: bool = True,
    ) -> _T:
        """Sends a write, settles a lost answer by looking, and sends the write once more if it was not carried out.

        Args:
            send: Sends it; is told whether it was sent before.
            settled: What comes of it, by what the list shows after a lost answer; None if it was not carried out.
            failed: What to say when it certainly was not carried out.
            unclear: What to say when it may have been.
            shows: Whether the list shows if it was carried out.
        """
        again = False
        while True:
            try:
                return send(again)
            except ApiError as error:
                if error.took_effect is False:
                    raise error.during(failed if shows or not again else unclear) from None
                outcome = settled(self._look_again(error, unclear))
                if outcome is not None:
                    return outcome
                if again or error.under_way:
                    raise error.during(unclear if error.under_way or not shows else failed) from None
                again = True

    def _look_again(self, lost: ApiError, unclear: str) -> IntegrationItem:
        """The list's word on a write whose answer was lost. Where it has none, that is the error ``lost``."""
        try:
            seen = self.workspace.item(self.provider, fresh=True, budget=self.budget)
        except ApiError:
            raise lost.during(unclear) from None
        if seen is None or (seen.connected and seen.connection_id is None):
            raise lost.during(unclear) from None
        return seen

    def made(self, declared: Props, connection_id: str, item: IntegrationItem | None) -> Observed:
        """Records that the resource has this connection now."""
        self.workspace.connected(self.provider, connection_id)
        written = item.after_write(connection_id) if item else None
        return Observed(connection_id, outputs(declared, connection_id, written, self.hide))
