"""Carries out on real connections what the app asks of its transport: that time passes, that a connection breaks."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from outlit_pulumi.sandbox.faults import CLOSE, RAW, RESET, WAIT

_CONNECTION = "outlit.sandbox.connection"
# On, with no time to linger: closing then sends RST rather than FIN.
_BREAK = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Connection(HttpToolsProtocol):
    """One connection of a client, which `Wire` finds in the scope's state. It carries one request at a time.

    Attributes:
        lost: Set once it is closed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.app_state = {**self.app_state, _CONNECTION: self}
        self.lost = asyncio.Event()
        self._ending = False
        self._wait: asyncio.Future[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends a wait: the client is gone."""
        super().connection_lost(exc)
        self.lost.set()
        self._end()

    def shutdown(self) -> None:
        """Closes the connection: at once when idle, else after the answer, and a wait before that ends."""
        super().shutdown()
        self._end()

    async def wait(self, seconds: float) -> None:
        """Lets time pass: fewer seconds when the client goes away or the server stops."""
        if self._ending:
            return
        self._wait = self.loop.create_future()
        timer = self.loop.call_later(seconds, self._end_wait)
        try:
            await self._wait
        finally:
            timer.cancel()

    async def reset(self) -> None:
        """Breaks the connection."""
        if not self.lost.is_set():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BREAK)
            self.transport.abort()
            # Only then does uvicorn know that no answer is to come.
            await self.lost.wait()

    def write(self, data: bytes) -> None:
        """Writes bytes as they are."""
        if not self.lost.is_set():
            self.transport.write(data)

    async def close(self) -> None:
        """Closes the connection after what was written."""
        if not self.lost.is_set():
            self.transport.close()
            await self.lost.wait()

    def _end(self) -> None:
        self._ending = True
        self._end_wait()

    def _end_wait(self) -> None:
        if self._wait is not None and not self._wait.done():
            self._wait.set_result(None)


class Wire:
    """The ASGI application that uvicorn runs: the app, and the messages `WAIT`, `RESET`, `RAW` and `CLOSE` carried out.

    Args:
        app: The app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request of a `Connection`."""
        connection: Connection = scope["state"][_CONNECTION]

        async def carry_out(message: Message) -> None:
            if message["type"] == WAIT:
                await connection.wait(message["seconds"])
            elif message["type"] == RESET:
                await connection.reset()
            elif message["type"] == RAW:
                connection.write(message["data"])
            elif message["type"] == CLOSE:
                await connection.close()
            else:
                await send(message)

        await self._app(scope, receive, carry_out)
