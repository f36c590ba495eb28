"""How the sandbox misbehaves on demand: what a fault is, which call meets which, and what it does to an answer.

Knows neither FastAPI nor sockets. What only a transport can do, the app asks of whoever runs it: it sends messages of
the types `WAIT`, `RESET`, `RAW` and `CLOSE`, which ASGI does not have.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from outlit_pulumi.sandbox.bodies import Request, Seconds, Text, Whole
from outlit_pulumi.sandbox.store import InvalidRequest

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
_NO_BODY = (204, 205, 304)
_FRAMING_HEADERS = frozenset({"connection", "content-length", "content-type", "transfer-encoding"})
_KINDS_OF = {
    "status": ("answer",),
    "body": ("answer",),
    "contentType": ("answer",),
    "headers": ("answer",),
    "seconds": ("delay", "drip", "drip_head"),
    "members": ("missing_members", "null_members"),
}

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
"""The name of an HTTP header (RFC 9110)."""

HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$")]
"""The value of an HTTP header: printable ASCII, no space at either end."""


@dataclass
class Call:
    """One call of one of the API's routes. Holds nothing secret.

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


class Fault(Request):
    """What goes wrong with some calls: the body of the control route that plans it.

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
        status: The HTTP status (``answer``, which needs one).
        body: The body, as it is (``answer``).
        contentType: The Content-Type header (``answer``).
        headers: Further headers (``answer``).
        members: Which members, in objects at any depth (``missing_members``, ``null_members``); none for all members.
    """

    route: RouteName | Literal["*"]
    kind: Kind = "answer"
    times: Annotated[int, Field(ge=1)] | None = 1
    skip: Annotated[int, Field(ge=0)] = 0
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    seed: int = 0
    after: bool = False
    provider: Text | None = None
    workspace: Text | None = None
    seconds: Seconds = 0.0
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    body: Whole = ""
    contentType: HeaderValue = "application/json"
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    members: list[Text] = Field(default_factory=list)

    @model_validator(mode="after")
    def _judge(self) -> Self:
        for name, kinds in _KINDS_OF.items():
            if name in self.model_fields_set and self.kind not in kinds:
                raise InvalidRequest(f"A fault of kind {self.kind} has no {name}.")
        if self.kind == "answer" and self.status is None:
            raise InvalidRequest("A fault of kind answer needs a status.")
        if _FRAMING_HEADERS & {name.lower() for name in self.headers}:
            raise InvalidRequest("headers must not have those that frame the body; contentType sets its type.")
        if self.status in _NO_BODY and self.body:
            raise InvalidRequest("A response of that status has no body.")
        return self

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

    def is_for(self, call: Call) -> bool:
        """Whether such a call could meet it."""
        return (
            self.route in ("*", call.route)
            and self.provider in (None, call.provider)
            and self.workspace in (None, call.workspace)
            and (not (self.others_connect or self.others_disconnect) or None not in (call.provider, call.workspace))
        )


class Faults:
    """The faults to come."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, fault: Fault) -> None:
        """Plans a fault, behind those that are planned already."""
        self._planned.append(_Planned(fault, fault.times, fault.skip, random.Random(fault.seed)))

    def take(self, call: Call) -> Fault | None:
        """The fault that this call meets: the first that is for it, has not passed it by and whose draw hits.

        That fault is used up by one. Those behind it do not count the call, neither in ``skip`` nor with a draw.
        """
        for planned in self._planned:
            if planned.fault.is_for(call) and planned.hits():
                if planned.left == 0:
                    self._planned.remove(planned)
                return planned.fault
        return None

    def clear(self) -> None:
        """Drops every planned fault."""
        self._planned.clear()


@dataclass(eq=False)
class _Planned:
    """A fault with what is left of its counts and draws."""

    fault: Fault
    left: int | None
    skip: int
    draws: random.Random

    def hits(self) -> bool:
        """Whether a call that could meet the fault does; counts it."""
        if self.skip:
            self.skip -= 1
            return False
        if self.draws.random() >= self.fault.probability:
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
        assert fault.status is not None
        return Answer(fault.status, fault.body.encode(), fault.contentType, fault.headers)
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
