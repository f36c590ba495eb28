"""What one provider process knows of its workspace: the shared list, and what this run has done so far."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import OutlitClient
    from .models import IntegrationItem


class Workspace:
    """A client with the list of the workspace's integrations, fetched once for the run and kept current by our own writes.

    The engine starts one process per run and workspace, which serves up to four calls at once: they share one list, and
    at most one request for it is under way.

    Args:
        client: Reaches the service.
    """

    def __init__(self, client: OutlitClient) -> None:
        self.client = client
        self._lock = threading.Lock()
        self._listing: Future[dict[str, IntegrationItem]] | None = None
        self._written: dict[str, tuple[str | None, str | None]] = {}
        self._taken: dict[str, str] = {}
        self._replaced: set[str] = set()

    def items(self, *, fresh: bool = False) -> dict[str, IntegrationItem]:
        """Every provider that the workspace offers, by id, with what this run wrote since.

        With ``fresh``, asks the service again, even if a request is under way: that one may have left before our last
        write. Raises what `OutlitClient.list_integrations` raises; a failure is not kept.
        """
        with self._lock:
            if fresh:
                self._listing = None
                self._written.clear()
            listing = self._listing
            mine = listing is None
            if listing is None:
                listing = self._listing = Future()
        if mine:
            try:
                listing.set_result({item.id: item for item in self.client.list_integrations()})
            except BaseException as error:  # noqa: BLE001  # whoever waits for this list must be woken
                with self._lock:
                    if self._listing is listing:
                        self._listing = None
                listing.set_exception(error)
        items = dict(listing.result())
        with self._lock:
            for provider, (connection_id, status) in self._written.items():
                if provider in items:
                    changed = {"connection_id": connection_id, "status": status, "sync_status": None}
                    items[provider] = items[provider].model_copy(
                        update=changed | {"last_data_received_at": None, "error_message": None}
                    )
        return items

    def item(self, provider: str, *, fresh: bool = False) -> IntegrationItem | None:
        """One provider's entry in the list; None when the workspace does not offer it."""
        return self.items(fresh=fresh).get(provider)

    def wrote(self, provider: str, connection_id: str | None) -> None:
        """Records our own write: connected under this id, or disconnected when None."""
        with self._lock:
            self._written[provider] = (connection_id, "connected" if connection_id else "not_connected")

    def take(self, provider: str, connection_id: str) -> None:
        """Records that a resource of this run created or took over this connection."""
        with self._lock:
            self._taken[provider] = connection_id

    def taken(self, provider: str) -> str | None:
        """The connection that a resource of this run created or took over."""
        with self._lock:
            return self._taken.get(provider)

    def saw_replacement(self, provider: str) -> None:
        """Records that this run's own refresh met another connection than the state's."""
        with self._lock:
            self._replaced.add(provider)

    def replaced(self, provider: str) -> bool:
        """Whether this run's own refresh met another connection than the state's."""
        with self._lock:
            return provider in self._replaced
