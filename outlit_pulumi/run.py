"""What the resources of one run did in a workspace so far, as far as the provider process knows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .handover import Handover


class Run:
    """Which connections belong to a resource of the program, and which are gone. Safe to share between threads.

    The engine deletes last. What another resource holds by then must not be disconnected.

    Args:
        handover: Tells the other provider processes of the run, and is told by them; None where there are none.
    """

    def __init__(self, handover: Handover | None = None) -> None:
        self._handover = handover
        self._lock = threading.Lock()
        self._declared: set[str] = set()
        self._tracked: set[str] = set()
        self._kept: set[str] = set()
        self._read: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        self._removed: set[str] = set()
        self._replaced: set[str] = set()

    def declare(self, provider: str) -> None:
        """Records that the program, which runs, declares this provider."""
        with self._lock:
            self._declared.add(provider)

    def track(self, provider: str) -> None:
        """Records that the state had this provider when the run began."""
        with self._lock:
            self._tracked.add(provider)

    def tracked(self, provider: str) -> bool:
        """Whether the state had this provider when the run began, as far as its resources were compared by now."""
        with self._lock:
            return provider in self._tracked

    def keep(self, provider: str, connection_id: str) -> None:
        """Records that a resource which stays holds this connection, if the program runs and declares it.

        A refresh compares, too, but without the program; what it finds says nothing of what stays.
        """
        with self._lock:
            if provider not in self._declared:
                return
            self._kept.add(connection_id)
        self._note(connection_id)

    def read(self, provider: str, connection_id: str) -> None:
        """Records that the program reads this connection. It is kept, unless a resource of the program manages it."""
        with self._lock:
            self._read[provider] = connection_id

    def connected(self, provider: str, connection_id: str) -> None:
        """Records that a resource created, updated or took over this connection."""
        with self._lock:
            self._taken[provider] = connection_id
            self._removed.discard(provider)
        self._note(connection_id)

    def disconnected(self, provider: str) -> None:
        """Records that a resource disconnected the provider."""
        with self._lock:
            self._removed.add(provider)

    def taken(self, provider: str) -> bool:
        """Whether a resource created, updated or took over a connection of the provider."""
        with self._lock:
            return provider in self._taken

    def holds(self, connection_id: str) -> bool:
        """Whether a resource has this connection that stays, or was made, updated or read in this run.

        The resource may be in any process.
        """
        with self._lock:
            read = {held for provider, held in self._read.items() if provider not in self._declared}
            if connection_id in self._kept or connection_id in self._taken.values() or connection_id in read:
                return True
        return self._handover is not None and self._handover.noted(connection_id)

    def removed(self, provider: str) -> bool:
        """Whether a resource disconnected the provider, and none has connected it since."""
        with self._lock:
            return provider in self._removed

    def saw_replacement(self, provider: str) -> None:
        """Records that a refresh within this run met another connection than the state's."""
        with self._lock:
            self._replaced.add(provider)

    def replaced(self, provider: str) -> bool:
        """Whether a refresh within this run met another connection than the state's."""
        with self._lock:
            return provider in self._replaced

    def _note(self, connection_id: str) -> None:
        if self._handover is not None:
            self._handover.note(connection_id)
