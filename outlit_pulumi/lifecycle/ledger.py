"""What the resources of one run did in a workspace so far."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field, replace

from .peers import Peers

BELIEVED = 15.0
"""Seconds for which a resource's own write is believed, and not a list that does not show it."""


@dataclass
class _Record:
    declared: bool = False
    met: set[str | None] = field(default_factory=set)
    tracked: set[str | None] = field(default_factory=set)
    moved: bool = False
    stays: bool = False
    written: tuple[int, float, str | None] | None = None
    """When a resource last wrote, by number and by the clock, and the connection that it left; None if none."""
    gone: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Facts:
    """What this run knows when it decides about a provider and a connection of it.

    Attributes:
        taken: A resource, in whichever process, connected, changed or took over the provider's connection.
        stays: A resource of the program has had the provider's connection since an earlier run, and stays.
        removed: A resource disconnected the provider, and none has connected it since.
        gone: The connections of the provider that resources disconnected.
        own: The state had the provider in the resource of the same name, as far as that was seen by now.
        predecessor: The same, where the engine compared that resource with the program.
        moved: A refresh within this run met another connection than the state's.
        held: A resource of the program, in whichever process, holds the connection, or the program reads it.
        elsewhere: A resource in another process holds it.
        failed: A create or a check of the provider failed in this run, in whichever process.
        refused: Another process of the run found that this connection is not to be touched.
    """

    taken: bool = False
    stays: bool = False
    removed: bool = False
    gone: frozenset[str] = frozenset()
    own: bool = False
    predecessor: bool = False
    moved: bool = False
    held: bool = False
    elsewhere: bool = False
    failed: bool = False
    refused: bool = False


class Ledger:
    """What this run made, changed, took over, read and removed. Safe to share between threads."""

    def __init__(self, peers: Peers | None = None) -> None:
        self.peers = peers or Peers()
        self._lock = threading.Lock()
        self._ticks = itertools.count(1)
        self._records: dict[str, _Record] = {}
        self._organizations: set[str] = set()
        self._said: set[str] = set()

    def tick(self) -> int:
        """A number that grows: of two events, the later one has the greater."""
        return next(self._ticks)

    def declare(self, provider: str) -> None:
        """Records that the program, which runs, declares this provider."""
        with self._lock:
            self._of(provider).declared = True

    def meet(self, provider: str, resource_name: str | None) -> None:
        """Records that the state has this provider in a resource of that name, which the program still has."""
        with self._lock:
            self._of(provider).met.add(resource_name)

    def track(self, provider: str, resource_name: str | None) -> None:
        """Records that the engine compared a resource of that name, which has this provider in the state."""
        with self._lock:
            self._of(provider).tracked.add(resource_name)

    def belong(self, organization: str | None) -> None:
        """Records the organization that a resource's state names."""
        with self._lock:
            if organization:
                self._organizations.add(organization)

    def organizations(self) -> frozenset[str]:
        """The organizations that the states of this workspace's resources name, as far as they were seen by now."""
        with self._lock:
            return frozenset(self._organizations)

    def first(self, text: str) -> bool:
        """Whether the text is said for the first time in this run; from now on it is not."""
        with self._lock:
            known = text in self._said
            self._said.add(text)
            return not known

    def move(self, provider: str) -> None:
        """Records that a refresh within this run met another connection than the state's."""
        with self._lock:
            self._of(provider).moved = True

    def read(self, provider: str, connection_id: str) -> None:
        """Records that the program reads this connection. It is kept, unless a resource of the program manages it."""
        self.peers.note(_connection(provider, connection_id), "read")

    def hold(self, provider: str, connection_id: str) -> None:
        """Records that a resource of the program holds this connection."""
        self.peers.note(_connection(provider, connection_id), "held")

    def claim(self, provider: str, organization: str | None) -> None:
        """Records that a resource is about to connect this provider, whose next connection is the program's.

        Other processes know it by the organization. Where that is not known, they know the connection once it is made.
        """
        self.peers.note(_place(provider, organization), "held")

    def keep(self, provider: str, connection_id: str) -> None:
        """Records that a resource stays with this connection, if the program runs and declares it.

        A refresh compares, too, but without the program; its findings say nothing of what stays.
        """
        with self._lock:
            record = self._of(provider)
            declared = record.stays = record.declared
        if declared:
            self.hold(provider, connection_id)

    def refuse(self, provider: str, connection_id: str) -> None:
        """Records that the connection is not to be touched, for the other processes of the run.

        Where a resource moves from one `Provider` to another, they compare it, refresh it and delete it.
        """
        self.peers.note(_connection(provider, connection_id), "refused")

    def fail(self, provider: str) -> None:
        """Records that a create or a check of this provider failed: what it was to take over must not be disconnected.

        The note for other processes counts in every workspace. A run that failed is repeated anyway.
        """
        self.peers.note(f"provider {provider}", "refused")

    def wrote(self, provider: str, connection_id: str, now: float) -> None:
        """Records that a resource connected, changed or took over this connection."""
        with self._lock:
            record = self._of(provider)
            record.written = (self.tick(), now, connection_id)
            record.gone.discard(connection_id)

    def removed(self, provider: str, connection_id: str | None, now: float) -> None:
        """Records that a resource disconnected the provider, and which connection, if that is known."""
        with self._lock:
            record = self._of(provider)
            record.written = (self.tick(), now, None)
            record.gone |= {connection_id} if connection_id else set()

    def written(self, provider: str, tick: int, asked: float | None) -> tuple[str | None] | None:
        """The connection that a resource left, in a tuple, where a list may not show it; else None.

        That is a list which was asked for at ``tick``, before that write, or at ``asked`` by the clock, soon after it.
        """
        with self._lock:
            written = self._of(provider).written
        if written is None:
            return None
        number, moment, connection_id = written
        late = number > tick or (asked is not None and asked < moment + BELIEVED)
        return (connection_id,) if late else None

    def facts(
        self,
        provider: str,
        connection_id: str | None = None,
        resource_name: str | None = None,
        organization: str | None = None,
    ) -> Facts:
        """All that decides about a provider and, where given, about a connection and a resource of it.

        What other processes do counts where a connection is given.
        """
        with self._lock:
            record = self._of(provider)
            left = record.written[2] if record.written else None
            declared = record.declared
            known = Facts(
                taken=left is not None,
                stays=record.stays,
                removed=record.written is not None and left is None,
                gone=frozenset(record.gone),
                own=resource_name in record.met | record.tracked,
                predecessor=resource_name is not None and resource_name in record.tracked,
                moved=record.moved,
            )
        if connection_id is None:
            return known
        notes = self.peers.notes()
        connection = _connection(provider, connection_id)
        read = not declared and notes.have(connection, "read")
        claimed = organization is not None and notes.have(_place(provider, organization), "held")
        return replace(
            known,
            taken=known.taken or claimed,
            held=connection_id == left or read or notes.have(connection, "held"),
            elsewhere=notes.have(connection, "held", elsewhere=True),
            failed=notes.have(f"provider {provider}", "refused"),
            refused=notes.have(connection, "refused", elsewhere=True),
        )

    def _of(self, provider: str) -> _Record:
        return self._records.setdefault(provider, _Record())


def _connection(provider: str, connection_id: str) -> str:
    return f"connection {connection_id} of {provider}"


def _place(provider: str, organization: str | None) -> str:
    return f"{provider} of organization {organization}"
