"""The list of a workspace's integrations, shared by the operations of a run, and whose turn it is."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as GivenUp
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ..api.errors import ApiError, UnreachableError, UnreadableAnswerError
from ..api.redaction import plain
from ..api.retry import Budget, in_thread
from .ledger import Ledger
from .outputs import shows

if TYPE_CHECKING:
    from ..api.client import OutlitClient
    from ..api.models import IntegrationItem

_T = TypeVar("_T")

_GLANCE = 10.0
"""Seconds that a preview waits for the list, and everybody for whose the API key is."""

_RECENT = 30.0
"""Seconds for which a list is used. Changes that others make meanwhile are not in it."""

_PAUSE = 3.0
"""Seconds between a list that does not show a connection and a second one: the service's list may lag."""

_Entries = tuple[dict[str, list["IntegrationItem"]], frozenset[str | None]]
"""The entries that can be read, by provider, and the providers of those that cannot."""


@dataclass(frozen=True)
class _Listing:
    """A request for the list: when it was made, by the ledger and by the clock, its entries, and the one before."""

    tick: int
    asked: float
    answer: Future[_Entries]
    before: _Listing | None = None


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
        self._organization: Future[str | None] | None = None
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
        entries, _ = self._listed(self._listing(fresh=fresh), budget)
        return {provider: of_several(found) for provider, found in entries.items()}

    def offered(self, budget: Budget) -> Collection[str]:
        """The ids of every provider that the workspace offers."""
        return self._listed(self._listing(), budget)[0].keys()

    def item(
        self, provider: str, budget: Budget, *, held: str | None = None, fresh: bool = False
    ) -> IntegrationItem | None:
        """One provider's entry in the list, with what this run wrote since; None when the list does not name it.

        Of several entries of one provider, the one with the connection ``held`` counts, else one that is connected.
        With ``fresh`` the list is asked for now, and shows what this run wrote only where the service does.
        """
        listing = self._listing(fresh=fresh)
        item, readable = self._entry(listing, provider, held, budget)
        if not readable and not fresh:
            return self.item(provider, budget, held=held, fresh=True)
        if not readable:
            raise unreadable_entry(provider)
        written = self.ledger.written(provider, listing.tick, None if fresh else listing.asked)
        return item.after_write(*written) if item is not None and written is not None else item

    def second_item(self, provider: str, budget: Budget, held: str, *, believed: float = 0.0) -> IntegrationItem | None:
        """The entry in a second list, after one that does not show the connection ``held``; all resources share it.

        The second is asked for after a pause, and not within the next ``believed`` seconds, but a quarter of the time
        that an operation has is the longest wait.
        """
        clock = self.client.clock
        first = self._listing()
        due = max(first.asked + _PAUSE, clock.now() + believed)
        earlier = first.before
        if believed <= 0 and earlier and not self._useless(earlier) and first.asked >= earlier.asked + _PAUSE:
            seen, readable = self._entry(earlier, provider, held, budget)
            if readable and not shows(seen, held):
                return self.item(provider, budget, held=held)
        due = min(due, clock.now() + budget.seconds / 4)
        clock.sleep(max(0.0, due - clock.now()))
        self._listing(since=due)
        return self.item(provider, budget, held=held)

    def organization(self, budget: Budget) -> str | None:
        """The organization whose API key this is, asked once; None where the service does not tell such things.

        Raises:
            ApiError: there was no answer.
        """
        seconds = min(_GLANCE, budget.left() / 4)  # the rest is for what the operation is about
        return self._waited(self._owner(), seconds, "Outlit did not say in time whose the API key is. Run again.")

    def _owner(self) -> Future[str | None]:
        with self._lock:
            if self._organization is None:
                self._organization = in_thread(self.client.organization)
            return self._organization

    def glance(self, provider: str, held: str | None = None) -> IntegrationItem | None:
        """The provider's entry for a preview, which waits for the list once, and not for long."""
        with self._glancing:
            if self._blind is not None:
                raise self._blind
            budget = Budget(self.client.clock, _GLANCE)
            try:
                self.offered(budget)
            except ApiError as error:
                self._blind = error
                raise
        return self.item(provider, budget, held=held)

    def ahead(self, *, organization: bool) -> None:
        """Asks for the list, unless there is one, and whose the key is, for somebody who needs it in a moment."""
        self._listing()
        if organization:
            self._owner()

    def _listing(self, *, fresh: bool = False, since: float = -math.inf) -> _Listing:
        """The latest list, unless it is old, or older than ``since`` on the clock, or another one is wanted."""
        with self._lock:
            latest = self._latest
            if fresh or latest is None or latest.asked < since or self._useless(latest):
                # Its number comes first: what is written from here on may not be in the list.
                tick, asked = self.ledger.tick(), self.client.clock.now()
                before = replace(latest, before=None) if latest else None
                latest = self._latest = _Listing(tick, asked, in_thread(self._entries), before)
            return latest

    def _entries(self) -> _Entries:
        found = self.client.list_integrations()
        return by_provider(found.items), found.unreadable

    def _entry(
        self, listing: _Listing, provider: str, held: str | None, budget: Budget
    ) -> tuple[IntegrationItem | None, bool]:
        """The provider's entry in a list, and whether it could be read."""
        entries, unreadable = self._listed(listing, budget)
        found = entries.get(provider)
        odd = provider in unreadable or (not found and None in unreadable)
        return (of_several(found, held) if found else None), not odd

    def _useless(self, listing: _Listing) -> bool:
        if not listing.answer.done():
            return False
        error = listing.answer.exception()
        final = isinstance(error, ApiError) and not error.passes  # asking again would be refused again
        return (error is not None and not final) or self.client.clock.now() - listing.asked > _RECENT

    def _listed(self, listing: _Listing, budget: Budget) -> _Entries:
        late = "Outlit's list did not come within the time that outlit:timeout allows. Run again."
        return self._waited(listing.answer, budget.left(), late)

    @staticmethod
    def _waited(answer: Future[_T], seconds: float, late: str) -> _T:
        try:
            return answer.result(seconds)
        except GivenUp:
            raise UnreachableError(late, took_effect=None) from None


def by_provider(items: Iterable[IntegrationItem]) -> dict[str, list[IntegrationItem]]:
    """The entries that a list has of each provider, by id."""
    entries: dict[str, list[IntegrationItem]] = {}
    for item in items:
        entries.setdefault(item.id, []).append(item)
    return entries


def of_several(entries: Sequence[IntegrationItem], held: str | None = None) -> IntegrationItem:
    """The entry that counts, of those that a list has of one provider."""
    return max(entries, key=lambda item: (held is not None and shows(item, held), item.connected))
