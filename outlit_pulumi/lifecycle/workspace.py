"""The list of a workspace's integrations, shared by the operations of a run, and whose turn it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as GivenUp
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..api.redaction import plain
from ..api.retry import Budget, in_thread
from ..errors import ApiError, UnreachableError, UnreadableAnswerError
from .ledger import Ledger

if TYPE_CHECKING:
    from ..api.client import OutlitClient
    from ..api.models import IntegrationItem

_GLANCE = 10.0
"""Seconds that a preview waits for the list."""

_RECENT = 30.0
"""Seconds for which a list is used. Changes that others make meanwhile are not in it."""


@dataclass(frozen=True)
class _Listing:
    """A request for the list: when it was made, by the ledger and by the clock, and its entries."""

    tick: int
    asked: float
    answer: Future[tuple[dict[str, IntegrationItem], frozenset[str | None]]]


def unreadable_entry(provider: str) -> UnreadableAnswerError:
    """The error for whoever needs the entry of a provider that cannot be read."""
    return UnreadableAnswerError(
        f"Outlit's list has an entry of {plain(provider)} that is not what Outlit's API documents. Run again; if it "
        "goes on, tell Outlit's support.",
        took_effect=None,
    )


class Workspace:
    """A client with the list of the workspace's integrations and the ledger of the run. Safe to share between threads.

    The engine starts one process per run and workspace, which serves up to four calls at once. They share one list for
    30 seconds, and work on one provider one after another.
    """

    def __init__(self, client: OutlitClient, ledger: Ledger | None = None) -> None:
        self.client = client
        self.ledger = ledger or Ledger()
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._latest: _Listing | None = None
        self._glancing = threading.Lock()
        self._blind: ApiError | None = None

    @contextmanager
    def turn(self, provider: str, budget: Budget) -> Iterator[None]:
        """Waits until no other operation works on the provider, and keeps others out within the block."""
        with self._lock:
            lock = self._turns.setdefault(provider, threading.Lock())
        if not lock.acquire(timeout=budget.left()):
            raise UnreachableError(
                f"another resource of this run was still at work on {plain(provider)} after the time that "
                "outlit:timeout allows. This one did nothing. Run again."
            )
        try:
            yield
        finally:
            lock.release()

    def items(self, budget: Budget, *, fresh: bool = False) -> dict[str, IntegrationItem]:
        """Every provider that the workspace offers, by id, as the service listed them."""
        return self._listed(self._listing(fresh=fresh), budget)[0]

    def item(self, provider: str, budget: Budget, *, fresh: bool = False) -> IntegrationItem | None:
        """One provider's entry in the list, with what this run wrote since; None when the list does not name it."""
        listing = self._listing(fresh=fresh)
        items, unreadable = self._listed(listing, budget)
        if provider in unreadable or (provider not in items and None in unreadable):
            if not fresh:
                return self.item(provider, budget, fresh=True)
            raise unreadable_entry(provider)
        item = items.get(provider)
        written = self.ledger.written(provider, since=listing.tick)
        return item.after_write(*written) if item is not None and written is not None else item

    def glance(self, provider: str) -> IntegrationItem | None:
        """The provider's entry for a preview, which waits for the list once, and not for long."""
        with self._glancing:
            if self._blind is not None:
                raise self._blind
            budget = Budget(self.client.clock, _GLANCE)
            try:
                self.items(budget)
            except ApiError as error:
                self._blind = error
                raise
        return self.item(provider, budget)

    def ahead(self) -> None:
        """Asks for the list, unless there is one, for somebody who needs it in a moment."""
        self._listing(fresh=False)

    def _listing(self, *, fresh: bool) -> _Listing:
        with self._lock:
            latest = self._latest
            if fresh or latest is None or self._useless(latest):
                # Its number comes first: what is written from here on may not be in the list.
                tick, asked = self.ledger.tick(), self.client.clock.now()
                latest = self._latest = _Listing(tick, asked, in_thread(self._entries))
            return latest

    def _entries(self) -> tuple[dict[str, IntegrationItem], frozenset[str | None]]:
        found = self.client.list_integrations()
        return {item.id: item for item in found.items}, found.unreadable

    def _useless(self, listing: _Listing) -> bool:
        if not listing.answer.done():
            return False
        return listing.answer.exception() is not None or self.client.clock.now() - listing.asked > _RECENT

    @staticmethod
    def _listed(listing: _Listing, budget: Budget) -> tuple[dict[str, IntegrationItem], frozenset[str | None]]:
        try:
            return listing.answer.result(budget.left())
        except GivenUp:
            raise UnreachableError(
                "Outlit's list did not come within the time that outlit:timeout allows. Run again.", took_effect=None
            ) from None
