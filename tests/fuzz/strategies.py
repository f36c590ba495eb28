"""What can come in: any JSON, nearly right answers, any headers, any breakdown of a connection."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from hypothesis import settings
from hypothesis import strategies as st

from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.errors import InternalError, OutlitError
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.settings import Settings
from tests.clock import SkippingClock
from tests.conftest import LONG

PROVIDERS = ("stripe", "posthog", "supabase", "slack", "gmail", "made-up")
PATHS = ("", "/connect", "/connect/status", "/disconnect", "/sync-status")


def examples(number: int) -> settings:
    """That many examples, twenty times as many in a long run."""
    return settings(max_examples=20 * number if LONG else number)


texts = st.one_of(
    st.sampled_from(
        (
            "",
            " ",
            "not_connected",
            "connected",
            "stripe",
            "posthog",
            "\0",
            "\ud800",
            "\u202e",
            "é",
            "x" * 5000,
            "1",
            "nan",
        )
    ),
    st.text(max_size=12),
    st.text(st.characters(categories=("Cs", "Cc", "Nd", "Zs", "Lu")), max_size=6),
)
"""Any text, also with what JSON can spell and UTF-8 cannot."""

numbers = st.one_of(st.integers(), st.floats(), st.sampled_from((10**30, -1, 0, 2**63)))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
"""Any JSON-like value."""

ITEM = {
    "id": "stripe",
    "name": "Stripe",
    "category": "billing",
    "status": "connected",
    "connectionId": "stripe-org_1",
    "lastDataReceivedAt": "2026-04-10T18:22:11.000Z",
    "syncStatus": "SUCCESS",
    "errorMessage": None,
}
RIGHT: tuple[Any, ...] = (
    {"items": [ITEM]},
    {"items": [ITEM | {"status": "not_connected", "connectionId": None}]},
    {"items": [ITEM | {"connectionId": "stripe-org_2"}]},
    {"connected": True, "connectionId": "stripe-org_1", "alreadyConnected": False},
    {"connected": True, "connectionId": "stripe-org_1", "alreadyConnected": True},
    {"sessionId": "s", "connectUrl": "https://app.outlit.ai/integrations", "alreadyConnected": False},
    {"status": "pending", "provider": "slack"},
    {"success": True},
    {"success": False, "message": "Integration is not connected"},
    {
        "provider": "stripe",
        "name": "Stripe",
        "category": "billing",
        "status": "connected",
        "syncs": [{"model": "StripeCustomer", "status": "FAILED", "lastSyncedAt": None, "errorMessage": "no"}],
    },
    {
        "error": "Your plan has reached its integration connection limit.",
        "code": "plan_connection_limit_exceeded",
        "feature": "integration_connections",
        "plan": "free",
        "currentConnections": 3,
        "limit": 3,
    },
)
"""Answers as the API page has them."""


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in some JSON: the list or object that it is in, and its index or name there."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield value, name
        yield from _places(inner)


@st.composite
def near_misses(draw: st.DrawFn) -> bytes:
    """A right answer with up to three places changed, and sometimes cut off."""
    answer = copy.deepcopy(draw(st.sampled_from(RIGHT)))
    for _ in range(draw(st.integers(0, 3))):
        places = list(_places(answer))
        if not places:
            break
        parent, name = draw(st.sampled_from(places))
        match draw(st.sampled_from(("change", "take out", "add"))):
            case "change":
                parent[name] = draw(values)
            case "take out":
                del parent[name]
            case _ if isinstance(parent, dict):
                parent[draw(texts)] = draw(values)
            case _:
                parent.append(draw(values))
    body = json.dumps(answer).encode()
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 9)) == 0 else body


bodies = st.one_of(
    near_misses(),
    near_misses(),
    st.binary(max_size=40),
    values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from((b"", b"[" * 100_000, b'{"error":' * 5000, b"9" * 5000, b"\xff\xfe{}", b"<html>Sign in</html>")),
)

_times = st.sampled_from(
    (
        "Wed, 21 Oct 2125 07:28:00 GMT",
        "Wed, 21 Oct 1015 07:28:00 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Wed, 21 Oct 2015 25:61:61 GMT",
        "21 Oct 99999 07:28:00 +9999",
        "Wed, 21 Oct 2015 07:28:00 +99999999999999999",
        "1e400",
        "-5",
        "1_0",
        "0x10",
        "٣",
        "inf",
    )
)
_headers = st.lists(
    st.tuples(
        st.sampled_from(
            (b"Retry-After", b"Retry-After", b"Location", b"Content-Type", b"Content-Encoding", b"Set-Cookie", b"Date")
        ),
        st.one_of(
            _times.map(str.encode),
            st.binary(max_size=20),
            st.integers().map(lambda number: str(number).encode()),
            st.floats().map(lambda number: str(number).encode()),
            st.sampled_from(
                (
                    b"gzip",
                    b"deflate",
                    b"gzip, gzip",
                    b"br",
                    b"https://x.test:port/",
                    b"//[",
                    b"a=\xc3\xa9",
                    b"text/html; charset=x",
                )
            ),
        ),
    ),
    max_size=3,
)
_statuses = st.one_of(
    st.just(200),
    st.sampled_from((201, 204, 302, 307, 400, 401, 403, 404, 429, 500, 502, 503, 504)),
    st.integers(200, 599),
)


@dataclass(frozen=True)
class Reply:
    """What comes back from one request: an answer, or what the connection breaks with, before or within the body."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    broken: httpx.TransportError | None = None
    late: bool = False


_broken = st.builds(
    lambda kind, text: kind(text),
    st.sampled_from(
        (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.ReadError,
            httpx.ReadTimeout,
            httpx.WriteError,
            httpx.WriteTimeout,
            httpx.PoolTimeout,
            httpx.CloseError,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.RemoteProtocolError,
            httpx.LocalProtocolError,
        )
    ),
    texts,
)
replies = st.one_of(
    st.builds(Reply, _statuses, _headers, bodies),
    st.builds(Reply, _statuses, _headers, bodies),
    st.builds(Reply, _statuses, _headers, bodies, _broken, st.booleans()),
)


class _Stream(httpx.SyncByteStream):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        half = len(self._reply.body) // 2
        yield self._reply.body[:half]
        if self._reply.broken is not None:
            raise self._reply.broken
        yield self._reply.body[half:]


class Replying(httpx.BaseTransport):
    """Gives one reply after the other, the last one from then on.

    Args:
        given: The replies.
        lists: Those to requests for the list, which may be made at the same time as others; by default also ``given``.
        owner: That to the question whose the key is, which is asked at the same time, too.
    """

    def __init__(self, given: list[Reply], lists: list[Reply] | None = None, owner: Reply | None = None) -> None:
        self._given = given
        self._lists = lists or given
        self._owner = [owner or right({"valid": True, "organizationId": "org_1"})]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        special = {"/api/integrations": self._lists, "/api/validate-api-key": self._owner}
        replies = special.get(request.url.path, self._given)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply.broken is not None and not reply.late:
            raise reply.broken
        return httpx.Response(reply.status, headers=reply.headers, stream=_Stream(reply))


def client(
    given: list[Reply],
    settings: Settings | None = None,
    lists: list[Reply] | None = None,
    owner: Reply | None = None,
) -> tuple[OutlitClient, SkippingClock]:
    """A client that gets these replies, and its clock."""
    clock = SkippingClock()
    held = settings or Settings("ok_fuzz", "https://outlit.test")
    return OutlitClient(held, transport=Replying(given, lists, owner), clock=clock), clock


@contextmanager
def workspace(given: list[Reply], lists: list[Reply] | None = None, owner: Reply | None = None) -> Iterator[Workspace]:
    """A workspace that gets these replies.

    What is asked for ahead is waited for: its thread must not reach into the next example.
    """
    made = Workspace(client(given, lists=lists, owner=owner)[0])
    try:
        yield made
    finally:
        with suppress(OutlitError):
            made.items(made.client.budget())
        with suppress(OutlitError):
            made.organization(made.client.budget())
        made.client.close()


def right(answer: Any) -> Reply:
    """The reply of a service that works."""
    return Reply(body=json.dumps(answer).encode())


def anticipated(error: OutlitError) -> None:
    """What every error that comes out has to be like: one of the documented ones, with something to read."""
    assert not isinstance(error, InternalError)
    message = str(error)
    assert message.strip()
    assert len(error.args) == 1
    assert len(message) < 12_000
    message.encode()
