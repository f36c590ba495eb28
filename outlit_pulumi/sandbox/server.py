"""The sandbox's server: uvicorn on a thread of this process."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from outlit_pulumi.sandbox.app import create_app
from outlit_pulumi.sandbox.state import SandboxStartError
from outlit_pulumi.sandbox.store import Store
from outlit_pulumi.sandbox.wire import Connection, Wire

HOST = "127.0.0.1"
"""Where the sandbox listens unless it is told otherwise: this machine only."""

_LOOPBACK_NAMES = ("127.0.0.1", "localhost")
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # only where somebody asks for it

_STOP_SECONDS = 5
_GRACE_SECONDS = 1
_LISTENER_SECONDS = 30


class Server:
    """Serves a store while its ``with`` block runs.

    A request whose Host header names anything but this machine or ``host`` is answered 400. Otherwise a website that is
    open in a browser here could point a name of its own at this address (DNS rebinding), and do what a client can do:
    the default key is published.

    Args:
        store: What to serve.
        port: The port; 0 for a free one.
        host: The IPv4 address or name to listen on.

    Raises:
        SandboxStartError: The port or the address cannot be used.

    Attributes:
        url: The base URL.
    """

    def __init__(self, store: Store, port: int = 0, host: str = HOST) -> None:
        self._socket = _bind(host, port)
        _, port = self._socket.getsockname()
        self.url = f"http://{HOST if host == _EVERY_ADDRESS else host}:{port}"
        app = Wire(create_app(store, self._refuse))
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                TrustedHostMiddleware(app, allowed_hosts=[*_LOOPBACK_NAMES, host], www_redirect=False),
                host=host,
                port=port,
                http=Connection,
                ws="none",
                loop="asyncio",
                lifespan="off",
                # Logging belongs to the host process. There is no access log, so that no URL is written anywhere.
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                # Longer than clients keep idle connections (5 s in httpx): else a call could meet the closing.
                timeout_keep_alive=60,
            )
        )
        self._thread = threading.Thread(target=self._run, name="outlit-sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._uvicorn.ready.wait()
        if not self._uvicorn.started:
            raise SandboxStartError("The server did not start.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uvicorn.stop()
        self._thread.join(_STOP_SECONDS)

    @property
    def running(self) -> bool:
        """Whether the server has neither stopped nor failed; it may be refusing connections."""
        return self._thread.is_alive()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuses connections while its block runs. Those there are end: idle ones at once, others after the answer."""
        self._do(self._uvicorn.close_listener())
        try:
            yield
        finally:
            self._do(self._uvicorn.open_listener())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._uvicorn.loop).result(_LISTENER_SECONDS)

    async def _refuse(self, seconds: float) -> None:
        await self._uvicorn.close_listener(seconds)

    def _run(self) -> None:
        try:
            self._uvicorn.run(sockets=[self._socket])
        finally:
            self._uvicorn.ready.set()  # nobody may wait for a server that failed
            self._socket.close()


class _Uvicorn(uvicorn.Server):
    """uvicorn that tells when it accepts connections, can stop doing so for a while, and ends at once.

    Its own loops sleep 0.1 s at a time, twice in a row at the end: too long for tests that start a sandbox each.
    """

    loop: asyncio.AbstractEventLoop

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._stopping = asyncio.Event()
        self._held: socket.socket | None = None
        self._reopening: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()

    def stop(self) -> None:
        """Ends it, from another thread."""
        self.should_exit = True
        with suppress(RuntimeError):  # it has ended by itself
            self.loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        seconds = 0
        while not await self.on_tick(10 * seconds):  # which sets the date of answers
            seconds += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes idle connections at once, and lets calls that are under way end in the time of grace."""
        self._stop_reopening()
        if self._held is not None:
            self._held.close()
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        connections = [one for one in self.server_state.connections if isinstance(one, Connection)]
        ends = [asyncio.create_task(connection.lost.wait()) for connection in connections]
        for connection in connections:
            connection.shutdown()
        if under_way := {*ends, *self.server_state.tasks}:
            await asyncio.wait(under_way, timeout=_GRACE_SECONDS)

    async def close_listener(self, seconds: float | None = None) -> None:
        """Refuses connections from its return on: for some seconds, or until `open_listener`."""
        self._stop_reopening()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0)  # the idle ones close in the loop's next round
        # Keeps the port from others. Elsewhere such a port may swallow connections rather than refuse them.
        if sys.platform == "linux" and self._held is None:
            self._held = _bind(self.config.host, self.config.port, listen=False)
        if seconds is not None:
            self._reopening = asyncio.create_task(self._open_after(seconds))

    async def open_listener(self) -> None:
        """Accepts connections again, on the same port, unless it does already."""
        self._stop_reopening()
        if any(server.is_serving() for server in self.servers):
            return
        bound, self._held = self._held or _bind(self.config.host, self.config.port), None
        await super().startup([bound])

    async def _open_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._reopening = None
        await self.open_listener()

    def _stop_reopening(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None


def _bind(host: str, port: int, *, listen: bool = True) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it every answer takes 40 ms.
    if not host:  # from a variable that is not set; to the system that is every address
        raise SandboxStartError("The host must not be empty.")
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # lets a restart take the port at once; on Windows it would share a port in use
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        if listen:
            bound.listen()  # without this two servers could bind one port
    except (OSError, OverflowError, UnicodeError) as problem:
        bound.close()
        reason = problem.strerror if isinstance(problem, OSError) else "a port is 0 to 65535, a name has no odd letters"
        raise SandboxStartError(f"Cannot use port {port} of {host}: {reason}.") from None
    return bound
