"""What one provider process knows of its workspace: the shared list, and what this run has done so far."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import Budget, OutlitClient
    from .handover import Handover
    from .models import IntegrationItem

_Items = dict[str, "IntegrationItem"]


class Workspace:
    """A client with the list of the workspace's integrations, fetched once for the run and kept current by our own writes.

    The engine starts one process per run and workspace, which serves up to four calls at once: they share one list, and
    at most one request for it is under way.

    Args:
        client: Reaches the service.
        handover: What the other provider processes of the run take over; None where there are none.
    """

    def __init__(self, client: OutlitClient, handover: Handover | None = None) -> None:
        self.client = client
        self._handover = handover
        self._lock = threading.Lock()
        self._listing: Future[_Items] | None = None
        self._written: dict[str, str | None] = {}
        self._taken: dict[str, str] = {}
        self._removed: set[str] = set()
        self._replaced: set[str] = set()

    def items(self, *, fresh: bool = False, budget: Budget | None = None) -> _Items:
        """Every provider that the workspace offers, by id, with what this run wrote since.

        With ``fresh``, the list is one that was asked for after this call began: a request that is under way may have left
        before our last write, and is waited for. Raises what `OutlitClient.list_integrations` raises; a failure reaches
        everybody who waits for that request, and is not kept.
        """
        with self._lock:
            stale = self._listing if fresh else None
        if stale is not None:
            wait([stale])
        with self._lock:
            listing = self._listing
            mine = listing is None or listing is stale
            if listing is None or mine:
                listing = self._listing = Future()
                self._written.clear()
        if mine:
            self._fetch(listing, budget)
        items = dict(listing.result())
        with self._lock:
            for provider, connection_id in self._written.items():
                if provider in items:
                    items[provider] = items[provider].after_write(connection_id)
        return items

    def _fetch(self, listing: Future[_Items], budget: Budget | None) -> None:
        try:
            listing.set_result({item.id: item for item in self.client.list_integrations(budget=budget)})
        except BaseException as error:  # noqa: BLE001  # whoever waits for this list must be woken
            with self._lock:
                if self._listing is listing:
                    self._listing = None
            listing.set_exception(error)

    def item(self, provider: str, *, fresh: bool = False, budget: Budget | None = None) -> IntegrationItem | None:
        """One provider's entry in the list; None when the list does not name it."""
        return self.items(fresh=fresh, budget=budget).get(provider)

    def connected(self, provider: str, connection_id: str) -> None:
        """Records that a resource of this run created, updated or took over this connection."""
        with self._lock:
            self._written[provider] = self._taken[provider] = connection_id
            self._removed.discard(provider)
        if self._handover is not None:
            self._handover.note(connection_id)

    def disconnected(self, provider: str) -> None:
        """Records that a resource of this run disconnected the provider."""
        with self._lock:
            self._written[provider] = None
            self._removed.add(provider)

    def taken(self, provider: str) -> str | None:
        """The connection that a resource of this run created, updated or took over."""
        with self._lock:
            return self._taken.get(provider)

    def taken_over(self, provider: str, connection_id: str) -> bool:
        """Whether a resource of this run has this connection, in this process or in that of another `Provider`."""
        if self.taken(provider) == connection_id:
            return True
        return self._handover is not None and self._handover.noted(connection_id)

    def removed(self, provider: str) -> bool:
        """Whether a resource of this run disconnected the provider, and none has connected it since."""
        with self._lock:
            return provider in self._removed

    def saw_replacement(self, provider: str) -> None:
        """Records that this run's own refresh met another connection than the state's."""
        with self._lock:
            self._replaced.add(provider)

    def replaced(self, provider: str) -> bool:
        """Whether this run's own refresh met another connection than the state's."""
        with self._lock:
            return provider in self._replaced
