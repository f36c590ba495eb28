"""The sandbox's server: uvicorn on a thread of this process."""

from __future__ import annotations

import os
import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING

import uvicorn

from outlit_pulumi.sandbox.app import create_app
from outlit_pulumi.sandbox.store import SandboxStartError, Store

if TYPE_CHECKING:
    from typing_extensions import Self

HOST = "127.0.0.1"
"""The sandbox serves this machine only."""

_STOP_SECONDS = 5


class Server:
    """Serves a store while its ``with`` block runs.

    Args:
        store: What to serve.
        port: The port on ``127.0.0.1``; 0 for a free one.

    Raises:
        SandboxStartError: The port cannot be used.

    Attributes:
        url: The base URL.
    """

    def __init__(self, store: Store, port: int = 0) -> None:
        self._socket = _bind(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                create_app(store),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                # Logging belongs to the host process. There is no access log, so that no URL is written anywhere.
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                # Calls that are under way at the end get this many seconds; idle connections are closed at once.
                timeout_graceful_shutdown=1,
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
        self._uvicorn.should_exit = True
        self._thread.join(_STOP_SECONDS)

    @property
    def running(self) -> bool:
        """Whether calls are being answered."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._uvicorn.run(sockets=[self._socket])
        finally:
            self._uvicorn.ready.set()  # nobody may wait for a server that failed
            self._socket.close()


class _Uvicorn(uvicorn.Server):
    """uvicorn that tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _bind(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it every answer takes 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # lets a restart take the port at once; on Windows it would share a port in use
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        bound.listen()  # without this two servers could bind one port
    except (OSError, OverflowError) as problem:
        bound.close()
        reason = problem.strerror if isinstance(problem, OSError) else "it must be 0 to 65535"
        raise SandboxStartError(f"Cannot use port {port}: {reason}.") from None
    return bound
