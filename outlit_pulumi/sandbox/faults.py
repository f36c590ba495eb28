"""How the sandbox misbehaves on demand: what a fault is, which call meets which, and what it does to an answer.

Knows neither FastAPI nor sockets. What only a transport can do, the app asks of whoever runs it: it sends messages of
the types `WAIT` and `RESET`, which ASGI does not have.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

RouteName = Literal["list", "connect", "connect_status", "disconnect", "sync_status", "validate_key"]
"""The five routes of the API page and the one that says whose a key is, by short names."""

Kind = Literal[
    "answer",
    "delay",
    "drip",
    "reset",
    "truncated",
    "html",
    "empty",
    "content_type",
    "huge",
    "unknown_members",
    "unknown_values",
    "missing_members",
    "null_members",
    "connected_by_others",
    "disconnected_by_others",
    "reconnected_by_others",
    "says_not_connected",
    "duplicate_entries",
    "died",
    "drip_head",
    "hang_up",
]
"""What can go wrong; `Fault` says what each means."""

WAIT = "outlit.sandbox.wait"
"""Type of the message ``{"type": WAIT, "seconds": 1.5}``: let that much time pass, then go on."""

RESET = "outlit.sandbox.reset"
"""Type of the message ``{"type": RESET}``: break the connection now; nothing follows."""

RAW = "outlit.sandbox.raw"
"""Type of the message ``{"type": RAW, "data": b"..."}``: write these bytes as they are."""

CLOSE = "outlit.sandbox.close"
"""Type of the message ``{"type": CLOSE}``: close the connection, without a word, after what was written."""

HUGE_BYTES = 17 * 2**20
"""Size of the body of a fault of kind ``huge``: 17 MiB."""

_INSTEAD: tuple[Kind, ...] = ("answer", "reset", "html", "empty", "huge")
_SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>"
_MOST_PIECES = 50


@dataclass(frozen=True)
class Fault:
    """What goes wrong with some calls.

    The kinds:

    - ``answer``: the answer of ``status``, ``body``, ``content_type`` and ``headers``; instead of the work, or after
      it.
    - ``delay``: ``seconds`` pass, then the call is served as usual; with ``after`` they pass between work and answer.
      The work is done even for a caller that did not wait.
    - ``drip``: the head of the real answer at once, its body in small pieces spread over ``seconds``.
    - ``reset``: the connection breaks, before the work or after it.
    - ``html``, ``empty``, ``huge``: 200 with a sign-in page, with no body, with 17 MiB of JSON white space; instead of
      the work, or after it.
    - ``truncated``, ``content_type``: the real answer cut in half, or labelled ``text/html``.
    - ``unknown_members``: the real answer with made-up members in every object.
    - ``unknown_values``: the real answer with statuses, sync statuses and categories that nobody has heard of.
    - ``missing_members``, ``null_members``: the real answer without ``members``, or with null for them.
    - ``says_not_connected``: the real answer, but what is connected is called not connected, ids kept.
    - ``duplicate_entries``: the real list with every connected entry twice, the second one as not connected.
    - ``died``: the real answer, but what is connected has the status ``error``.
    - ``drip_head``: the head of the real answer in small pieces spread over ``seconds``, then its body. The connection
      is closed, as the head says.
    - ``hang_up``: the real answer, after which the connection is closed without a word.
    - ``connected_by_others``, ``disconnected_by_others``, ``reconnected_by_others``: just before the work somebody else
      connects, disconnects or reconnects (which makes a new connection) the provider of the call. Only a call about a
      provider in a workspace meets these.

    Attributes:
        route: The route that it is for; ``*`` for any.
        kind: What goes wrong.
        times: How many calls meet it; None for all until the faults are cleared.
        skip: How many calls that could have met it pass by first.
        probability: The chance, 0 to 1, that a call which could meet it does.
        seed: Where the draws for ``probability`` start: the same seed, the same draws.
        after: Whether the work is done before the answer is lost, late or replaced.
        provider: Only calls about this provider; None for any call.
        workspace: Only calls with a key of this workspace; None for any call.
        seconds: How long it takes (``delay``, ``drip``, ``drip_head``).
        status: The HTTP status (``answer``).
        body: The body, as it is (``answer``).
        content_type: The Content-Type header (``answer``).
        headers: Further headers (``answer``).
        members: Which members, in objects at any depth (``missing_members``, ``null_members``); none for all members.
    """

    route: RouteName | Literal["*"]
    kind: Kind = "answer"
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    after: bool = False
    provider: str | None = None
    workspace: str | None = None
    seconds: float = 0.0
    status: int = 500
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()

    @property
    def others_connect(self) -> bool:
        """Whether somebody else connects the provider of the call."""
        return self.kind in ("connected_by_others", "reconnected_by_others")

    @property
    def others_disconnect(self) -> bool:
        """Whether somebody else disconnects the provider of the call (first, where they connect it, too)."""
        return self.kind in ("disconnected_by_others", "reconnected_by_others")

    @property
    def spares_the_work(self) -> bool:
        """Whether a call that meets it changes nothing."""
        return self.kind in _INSTEAD and not self.after

    def is_for(self, route: RouteName, provider: str | None, workspace: str | None) -> bool:
        """Whether such a call could meet it."""
        return (
            self.route in ("*", route)
            and self.provider in (None, provider)
            and self.workspace in (None, workspace)
            and (not (self.others_connect or self.others_disconnect) or None not in (provider, workspace))
        )


class Faults:
    """The faults to come. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    def add(self, fault: Fault) -> None:
        """Plans a fault, behind those that are planned already."""
        with self._lock:
            self._planned.append(_Planned(fault))

    def take(self, route: RouteName, provider: str | None, workspace: str | None) -> Fault | None:
        """The fault that this call meets: the first that is for it, has not passed it by and whose draw hits.

        That fault is used up by one. Those behind it do not count the call, neither in ``skip`` nor with a draw.
        """
        with self._lock:
            for planned in self._planned:
                if planned.fault.is_for(route, provider, workspace) and planned.hits():
                    if planned.left == 0:
                        self._planned.remove(planned)
                    return planned.fault
        return None

    def clear(self) -> None:
        """Drops every planned fault."""
        with self._lock:
            self._planned.clear()


class _Planned:
    """A fault with what is left of its counts and draws."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times
        self._skip = fault.skip
        self._draws = random.Random(fault.seed)

    def hits(self) -> bool:
        """Whether a call that could meet the fault does; counts it."""
        if self._skip:
            self._skip -= 1
            return False
        if self._draws.random() >= self.fault.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes:
        status: The HTTP status.
        body: The body.
        content_type: The Content-Type header.
        headers: Further headers.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def spoil(fault: Fault, real: Answer | None) -> Answer:
    """What a call that met ``fault`` is answered. ``real`` is what it would have been; None if no work was done."""
    if fault.kind == "answer":
        return Answer(fault.status, fault.body.encode(), fault.content_type, fault.headers)
    if fault.kind == "html":
        return Answer(200, _SIGN_IN.encode(), "text/html; charset=utf-8")
    if fault.kind == "empty":
        return Answer(200, b"")
    if fault.kind == "huge":
        return Answer(200, b" " * HUGE_BYTES)
    assert real is not None, "the other kinds do the work"
    if fault.kind == "truncated":
        return replace(real, body=real.body[: len(real.body) // 2])
    if fault.kind == "content_type":
        return replace(real, content_type="text/html; charset=utf-8")
    change = _CHANGES.get(fault.kind)
    if change is None:
        return real
    changed = _changed(json.loads(real.body), lambda members: change(fault, members))
    return replace(real, body=json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode())


def pieces(body: bytes) -> Iterator[bytes]:
    """A body in small pieces, at least one, for a fault of kind ``drip``."""
    size = -(-len(body) // _MOST_PIECES) or 1
    for start in range(0, len(body) or 1, size):
        yield body[start : start + size]


_Members = dict[str, object]


def _changed(value: object, change: Callable[[_Members], _Members]) -> object:
    """Any JSON with every object changed, the outer ones first."""
    if isinstance(value, list):
        return [_changed(item, change) for item in value]
    if isinstance(value, dict):
        return {name: _changed(item, change) for name, item in change(value).items()}
    return value


def _unknown_members(_fault: Fault, members: _Members) -> _Members:
    return {"_new": 1, **members, "futureMember": ["made", "up"]}


def _unknown_values(_fault: Fault, members: _Members) -> _Members:
    changed = dict(members)
    if "model" in members:  # the sync of one model
        changed["status"] = "PAUSED"
    elif members.get("status") == "connected":
        changed["status"] = "degraded"
    if members.get("syncStatus") is not None:
        changed["syncStatus"] = "PAUSED"
    if "category" in members:
        changed["category"] = "quantum"
    return changed


def _missing_members(fault: Fault, members: _Members) -> _Members:
    return {name: value for name, value in members.items() if fault.members and name not in fault.members}


def _null_members(fault: Fault, members: _Members) -> _Members:
    return {name: None if not fault.members or name in fault.members else value for name, value in members.items()}


def _says(status: str) -> Callable[[Fault, _Members], _Members]:
    def change(_fault: Fault, members: _Members) -> _Members:
        # Of the answers with a status, only the list's and the sync status have a category.
        changes = members.get("status") == "connected" and "category" in members
        return {**members, "status": status} if changes else members

    return change


def _duplicate_entries(_fault: Fault, members: _Members) -> _Members:
    items = members.get("items")
    if not isinstance(items, list):
        return members
    absent = {"status": "not_connected", "connectionId": None}
    return {**members, "items": [*items, *({**item, **absent} for item in items if item["connectionId"])]}


_CHANGES: Mapping[Kind, Callable[[Fault, _Members], _Members]] = {
    "unknown_members": _unknown_members,
    "unknown_values": _unknown_values,
    "missing_members": _missing_members,
    "null_members": _null_members,
    "says_not_connected": _says("not_connected"),
    "duplicate_entries": _duplicate_entries,
    "died": _says("error"),
}
