"""The log of what was called. Holds nothing secret."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from outlit_pulumi.sandbox.faults import Kind, RouteName


@dataclass(frozen=True)
class Call:
    """One call of one of the API's routes.

    Attributes:
        method: The HTTP method.
        route: Which route.
        provider: The provider that the call was about; None when there was none or it is not on offer.
        status: The HTTP status that was answered; None while there is no answer, and after a reset.
        force: The ``force`` member of a connect request; None where it has none.
        workspace: The workspace of the key; None when the key was missing or wrong.
        fault: The kind of the fault that the call met; None when it met none.
    """

    method: str
    route: RouteName
    provider: str | None
    status: int | None
    force: bool | None
    workspace: str | None
    fault: Kind | None = None


class Traffic:
    """The call log. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[int, Call] = {}
        self._last = 0

    def begin(self, call: Call) -> int:
        """Adds a call, read and not answered yet, and returns its number."""
        with self._lock:
            self._last += 1
            self._calls[self._last] = call
            return self._last

    def answer(self, number: int, status: int) -> None:
        """Notes what a call was answered, unless the log was emptied since it began."""
        with self._lock:
            if number in self._calls:
                self._calls[number] = replace(self._calls[number], status=status)

    def calls(self) -> list[Call]:
        """Every call since the last `clear_calls`, in the order in which they were read."""
        with self._lock:
            return list(self._calls.values())

    def clear_calls(self) -> None:
        """Empties the log."""
        with self._lock:
            self._calls.clear()
