"""The sandbox without sockets and without waiting: its app driven by hand, on a clock that only moves when told.

What a transport has to do for a fault (let time pass, break the connection) is done here on that clock. A request that
its caller gave up on stays under way, and is carried out when its time has come.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from starlette.types import ASGIApp, Message

from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.models import IntegrationList
from outlit_pulumi.api.retry import Budget, Retries
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.sandbox import DEFAULT_API_KEY, Store, create_app
from outlit_pulumi.sandbox.faults import RESET, WAIT
from outlit_pulumi.settings import Settings
from tests.clock import SkippingClock

URL = "https://outlit.test"

_T = TypeVar("_T")


class _Wait(Budget):
    """The time that somebody waits for one call, all of it."""

    def deadline(self) -> float:
        return self._ends


class _Client(OutlitClient):
    """Gives up on the list, and on whose the key is, when the operation that waits for it does.

    Its caller waits in time that passes by itself: it takes ``outlit:timeout`` from the real clock, and would wait for
    a virtual answer of any length.
    """

    operation: Budget | None = None

    def budget(self) -> Budget:
        self.operation = super().budget()
        return self.operation

    def list_integrations(self, *, connected_only: bool = False, budget: Budget | None = None) -> IntegrationList:
        return super().list_integrations(connected_only=connected_only, budget=budget or self._wait(1, math.inf))

    def organization(self, *, budget: Budget | None = None) -> str | None:
        return super().organization(budget=budget or self._wait(4, 10.0))

    def _send(self, method: str, path: str, deadline: float, content: dict[str, Any], *, fresh: bool) -> bytes:
        """Without the thread that bounds a call, whose caller waits in time that passes by itself, too."""
        left = deadline - self.clock.now()
        if left <= 0:
            return super()._send(method, path, deadline, content, fresh=fresh)
        return self._exchange(method, path, deadline, left, content, fresh)

    def _wait(self, part: int, most: float) -> Budget | None:
        return _Wait(self.clock, min(most, self.operation.left() / part)) if self.operation is not None else None


class _InTurn(Workspace):
    """Makes one call after another: two at once would both move the clock, each for itself."""

    def ahead(self, *, organization: bool) -> None:
        """Does without."""

    @staticmethod
    def _waited(answer: Future[_T], seconds: float, late: str) -> _T:
        """Leaves it to the call, which gives up on the virtual clock, to end in time."""
        return Workspace._waited(answer, max(seconds, 60.0), late)


def workspace(
    settings: Settings, transport: httpx.BaseTransport, clock: SkippingClock, retries: Retries | None = None
) -> Workspace:
    """What a provider process holds during one run of the engine, on a virtual clock."""
    return _InTurn(_Client(settings, transport=transport, clock=clock, retries=retries))


@contextmanager
def aside(run: Workspace) -> Iterator[None]:
    """Within the block an operation of the run waits while another one is carried out."""
    client = run.client
    assert isinstance(client, _Client)
    waiting = client.operation
    try:
        yield
    finally:
        client.operation = waiting


class _Reset(BaseException):
    """The connection broke. Not an Exception, so that the app does not answer it."""


class _Pause:
    """Awaited by the app's ``send``; gives the seconds to the driver."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self.seconds


@dataclass
class _Exchange:
    """One request under way."""

    run: Coroutine[Any, Any, None]
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    due: float = 0.0


class InProcess(httpx.BaseTransport):
    """Calls an ASGI app directly.

    Attributes:
        refused: How many more connections are refused.
    """

    def __init__(self, app: ASGIApp, clock: SkippingClock) -> None:
        self._app = app
        self._clock = clock
        self._under_way: list[_Exchange] = []
        self.refused = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.carry_out_what_is_due()
        if self.refused:
            self.refused -= 1
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        # The client bounds the whole of a call, and says so by the longest silence that it allows.
        ends: float = self._clock.now() + request.extensions["timeout"]["read"]
        exchange = self._start(request)
        while (pause := self._advance(exchange)) is not None:
            if self._clock.now() + pause > ends and not exchange.status:
                exchange.due = self._clock.now() + pause
                self._under_way.append(exchange)
                self._clock.sleep(ends - self._clock.now())
                raise httpx.ReadTimeout("timed out", request=request)
            if exchange.status:
                exchange.chunks.append((pause, b""))  # the caller reads on its own time
            else:
                self._clock.sleep(pause)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=_Body(exchange, self._clock, ends))

    def carry_out_what_is_due(self) -> None:
        """Finishes requests whose caller has given up, and whose time has come."""
        for exchange in [e for e in self._under_way if e.due <= self._clock.now()]:
            self._under_way.remove(exchange)
            while self._advance(exchange) is not None:
                pass

    def _start(self, request: httpx.Request) -> _Exchange:
        body = request.read()
        exchange: _Exchange

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == WAIT:
                await _Pause(message["seconds"])
            elif message["type"] == RESET:
                raise _Reset
            elif message["type"] == "http.response.start":
                exchange.status, exchange.headers = message["status"], message["headers"]
            else:
                exchange.chunks.append((0.0, message.get("body", b"")))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        exchange = _Exchange(self._app(scope, receive, send))  # type: ignore[arg-type]  # an ASGI app is a coroutine
        return exchange

    @staticmethod
    def _advance(exchange: _Exchange) -> float | None:
        """Runs the app until it lets time pass, and returns how much; None once it has ended."""
        try:
            pause: float = exchange.run.send(None)
            return pause
        except StopIteration:
            return None
        except _Reset:
            raise httpx.ReadError("[Errno 104] Connection reset by peer") from None


class _Body(httpx.SyncByteStream):
    """The body as its reader sees it come in."""

    def __init__(self, exchange: _Exchange, clock: SkippingClock, ends: float) -> None:
        self._exchange = exchange
        self._clock = clock
        self._ends = ends

    def __iter__(self) -> Any:
        for pause, chunk in self._exchange.chunks:
            if self._clock.now() + pause > self._ends:
                self._clock.sleep(self._ends - self._clock.now())
                raise httpx.ReadTimeout("timed out")
            self._clock.sleep(pause)
            yield chunk


@dataclass(frozen=True)
class Tenant:
    """A workspace of the service, and a key for it."""

    name: str
    api_key: str


class Service:
    """The sandbox's service, in this process. One serves any number of tests: each takes a workspace of its own.

    Args:
        extra_providers: As the sandbox has them.
        same_as: The one that this is another way to; each way has faults and calls of its own.
    """

    def __init__(self, extra_providers: int = 0, *, same_as: Service | None = None) -> None:
        self.clock: SkippingClock = same_as.clock if same_as else SkippingClock(1_775_845_331.0)
        self.store: Store = same_as.store if same_as else Store(clock=self.clock.now, extra_providers=extra_providers)
        self.transport = InProcess(create_app(self.store), self.clock)
        self._control = httpx.Client(
            transport=self.transport, base_url=URL, headers={"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        )
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """Closes the store."""
        self._control.close()
        self.store.close()

    def tenant(self) -> Tenant:
        """A new, empty workspace."""
        name = f"w{next(self._numbers)}"
        return Tenant(name, self.store.add_workspace(name))

    def run(self, api_key: str, *, timeout: float = 60.0, attempts: int = 5) -> Workspace:
        """What a provider process holds during one run of the engine."""
        settings = Settings(api_key, URL, timeout)
        return workspace(settings, self.transport, self.clock, Retries(attempts=attempts))

    def fault(self, route: str, kind: str = "answer", **members: Any) -> None:
        """Plans a fault, by the members of the control route."""
        self._control.post("/sandbox/faults", json={"route": route, "kind": kind, **members}).raise_for_status()

    def refuse(self, connections: int) -> None:
        """Refuses that many connections."""
        self.transport.refused = connections

    def clear_faults(self) -> None:
        """Drops what is planned and has not happened."""
        self.transport.refused = 0
        self._control.delete("/sandbox/faults").raise_for_status()

    def later(self, seconds: float = 3600.0) -> None:
        """Lets time pass, in which requests that are still under way are carried out."""
        self.clock.sleep(seconds)
        self.transport.carry_out_what_is_due()

    def calls(self) -> list[dict[str, Any]]:
        """The calls since the last `clear_calls`, of all workspaces."""
        calls: list[dict[str, Any]] = self._control.get("/sandbox/calls").json()["calls"]
        return calls

    def clear_calls(self) -> None:
        """Empties the call log."""
        self._control.delete("/sandbox/calls").raise_for_status()

    def held(self, tenant: Tenant) -> dict[str, tuple[str, str | None]]:
        """Connection id and fingerprint of the config in use, by provider."""
        return {c.provider: (c.connection_id, c.fingerprint) for c in self.store.connections(tenant.name)}
