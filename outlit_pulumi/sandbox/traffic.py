"""What goes over the sandbox's wire: the log of calls, and the faults that were asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

RouteName = Literal["list", "connect", "connect_status", "disconnect", "sync_status"]
"""The five routes of the API page, by short names."""


@dataclass(frozen=True)
class Call:
    """One call of one of the five routes. Holds nothing secret.

    Attributes:
        method: The HTTP method.
        route: Which route.
        provider: The provider that the call was about; None when there was none or it is not on offer.
        status: The HTTP status that was answered.
        force: The ``force`` member of a connect request; None where it has none.
        workspace: The workspace of the key; None when the key was missing or wrong.
    """

    method: str
    route: RouteName
    provider: str | None
    status: int
    force: bool | None
    workspace: str | None


@dataclass(frozen=True)
class Fault:
    """A canned answer for the next calls.

    Attributes:
        route: The route that it is for; ``*`` for any.
        status: The HTTP status.
        body: The body, as it is.
        content_type: The Content-Type header.
        headers: Further headers.
        times: How many more calls it answers.
        after: Whether the work is done before the answer is replaced, as when an answer is lost on its way.
    """

    route: RouteName | Literal["*"]
    status: int
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    after: bool = False


class Traffic:
    """The call log and the faults to come. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._faults: list[Fault] = []

    def record(self, call: Call) -> None:
        """Adds a call to the log."""
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[Call]:
        """Every call since the last `clear_calls`, in the order of their answers."""
        with self._lock:
            return list(self._calls)

    def clear_calls(self) -> None:
        """Empties the log."""
        with self._lock:
            self._calls.clear()

    def add_fault(self, fault: Fault) -> None:
        """Plans a fault, behind those that are planned already."""
        with self._lock:
            self._faults.append(fault)

    def take_fault(self, route: RouteName) -> Fault | None:
        """The fault that this call of ``route`` meets, used up by one; None when it meets none."""
        with self._lock:
            for position, fault in enumerate(self._faults):
                if fault.route in ("*", route):
                    rest = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._faults[position : position + 1] = rest
                    return fault
        return None

    def clear_faults(self) -> None:
        """Drops every planned fault."""
        with self._lock:
            self._faults.clear()
