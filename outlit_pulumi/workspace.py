"""The list of a workspace's integrations, shared by the operations of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

from .run import Run

if TYPE_CHECKING:
    from .client import Budget, OutlitClient
    from .models import IntegrationItem

_Items = dict[str, "IntegrationItem"]

_RECENT = 30.0
"""Seconds for which a list is used. What somebody else did since is not in it."""


class Workspace:
    """A client with the list of the workspace's integrations, which our own writes keep current.

    The engine starts one process per run and workspace, which serves up to four calls at once: they share one list for
    half a minute, and at most one request for it is under way.

    Args:
        client: Reaches the service.
        run: What the resources of the run did so far; by default nothing.
        background: Does what it is given while the caller goes on; by default nothing is done that way.
    """

    def __init__(
        self,
        client: OutlitClient,
        run: Run | None = None,
        background: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self.client = client
        self.run = run or Run()
        self._background = background
        self._lock = threading.Lock()
        self._listing: Future[_Items] | None = None
        self._asked = 0.0
        self._written: dict[str, str | None] = {}

    def items(self, *, fresh: bool = False, budget: Budget | None = None) -> _Items:
        """Every provider that the workspace offers, by id, as the service listed them.

        With ``fresh``, the list is one that was asked for after this call began: a request that is under way may have
        left before our last write, and is waited for. Raises what `OutlitClient.list_integrations` raises; a failure
        reaches everybody who waits for that request, and is not kept.
        """
        with self._lock:
            stale = self._listing if fresh or self._old() else None
        if stale is not None:
            wait([stale])
        with self._lock:
            listing = self._listing
            mine = listing is None or listing is stale
            if listing is None or mine:
                listing = self._new()
        if mine:
            self._fetch(listing, budget)
        return listing.result()

    def ahead(self, budget: Budget) -> None:
        """Asks for the list in the background, unless there is one, as somebody is about to need it."""
        if self._background is None:
            return
        with self._lock:
            if self._listing is not None and not self._old():
                return
            listing = self._new()
        self._background(lambda: self._fetch(listing, budget))

    def item(self, provider: str, *, fresh: bool = False, budget: Budget | None = None) -> IntegrationItem | None:
        """One provider's entry in the list, with what this run wrote since; None when the list does not name it."""
        item = self.items(fresh=fresh, budget=budget).get(provider)
        with self._lock:
            if item is None or provider not in self._written:
                return item
            return item.after_write(self._written[provider])

    def connected(self, provider: str, connection_id: str) -> None:
        """Records that a resource of this run created, updated or took over this connection."""
        with self._lock:
            self._written[provider] = connection_id
        self.run.connected(provider, connection_id)

    def disconnected(self, provider: str) -> None:
        """Records that a resource of this run disconnected the provider."""
        with self._lock:
            self._written[provider] = None
        self.run.disconnected(provider)

    def _now(self) -> float:
        return self.client.clock.now()

    def _old(self) -> bool:
        return self._listing is not None and self._listing.done() and self._now() - self._asked > _RECENT

    def _new(self) -> Future[_Items]:
        self._listing = Future()
        self._asked = self._now()
        self._written.clear()
        return self._listing

    def _fetch(self, listing: Future[_Items], budget: Budget | None) -> None:
        try:
            listing.set_result({item.id: item for item in self.client.list_integrations(budget=budget)})
        except BaseException as error:  # noqa: BLE001  # whoever waits for this list must be woken
            with self._lock:
                if self._listing is listing:
                    self._listing = None
            listing.set_exception(error)
