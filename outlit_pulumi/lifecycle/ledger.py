"""What the resources of one run did in a workspace so far."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, replace

from .peers import Peers


@dataclass
class _Record:
    declared: bool = False
    tracked: bool = False
    moved: bool = False
    read: str | None = None
    written: tuple[int, str | None] | None = None
    """When a resource last wrote, and the connection that it left; None for a disconnect."""


@dataclass(frozen=True)
class Facts:
    """What this run knows when it decides about a provider and a connection of it.

    Attributes:
        taken: A resource connected, changed or took over the provider's connection.
        removed: A resource disconnected the provider, and none has connected it since.
        tracked: The state had the provider when the run began, as far as its resources were compared by now.
        moved: A refresh within this run met another connection than the state's.
        held: A resource of the program, in whichever process, holds the connection.
        refused: A create of this run, in whichever process, met the connection and failed.
    """

    taken: bool = False
    removed: bool = False
    tracked: bool = False
    moved: bool = False
    held: bool = False
    refused: bool = False


class Ledger:
    """What this run made, changed, took over, read and removed. Safe to share between threads."""

    def __init__(self, peers: Peers | None = None) -> None:
        self.peers = peers or Peers()
        self._lock = threading.Lock()
        self._ticks = itertools.count(1)
        self._records: dict[str, _Record] = {}

    def tick(self) -> int:
        """A number that grows: of two events, the later one has the greater."""
        return next(self._ticks)

    def declare(self, provider: str) -> None:
        """Records that the program, which runs, declares this provider."""
        with self._lock:
            self._of(provider).declared = True

    def track(self, provider: str) -> None:
        """Records that the state had this provider when the run began."""
        with self._lock:
            self._of(provider).tracked = True

    def move(self, provider: str) -> None:
        """Records that a refresh within this run met another connection than the state's."""
        with self._lock:
            self._of(provider).moved = True

    def read(self, provider: str, connection_id: str) -> None:
        """Records that the program reads this connection. It is kept, unless a resource of the program manages it."""
        with self._lock:
            self._of(provider).read = connection_id

    def keep(self, provider: str, connection_id: str) -> None:
        """Records that a resource which stays holds this connection, if the program runs and declares it.

        A refresh compares, too, but without the program; its findings say nothing of what stays.
        """
        with self._lock:
            declared = self._of(provider).declared
        if declared:
            self.peers.note(connection_id, "held")

    def wrote(self, provider: str, connection_id: str | None) -> None:
        """Records that a resource connected, changed or took over this connection; None if it disconnected it."""
        with self._lock:
            self._of(provider).written = (self.tick(), connection_id)

    def written(self, provider: str, since: int) -> tuple[str | None] | None:
        """The connection that a resource left after the tick ``since``, in a tuple; None if none wrote after it."""
        with self._lock:
            written = self._of(provider).written
        return (written[1],) if written is not None and written[0] > since else None

    def facts(self, provider: str, connection_id: str | None = None) -> Facts:
        """All that decides about a provider and, where given, about a connection of it."""
        with self._lock:
            record = self._of(provider)
            left = record.written[1] if record.written else None
            read = None if record.declared else record.read
            known = Facts(left is not None, record.written is not None and left is None, record.tracked, record.moved)
        if connection_id is None:
            return known
        held = connection_id in (left, read) or self.peers.noted(connection_id, "held")
        return replace(known, held=held, refused=self.peers.noted(connection_id, "refused"))

    def _of(self, provider: str) -> _Record:
        return self._records.setdefault(provider, _Record())
