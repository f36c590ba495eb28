"""Transports with which a test decides when a call goes on."""

from __future__ import annotations

import threading

import httpx

PATIENCE = 30.0
"""Seconds after which a test that hangs fails instead."""


class Gate(httpx.BaseTransport):
    """Passes requests on to the network, and holds one of them back until it is opened.

    Args:
        path: How the path of the request to hold ends.
        skip: How many such requests pass first.
        answered: Whether the request is carried out, and its answer held, rather than the request itself.
        inner: Where requests go; by default the network.

    Attributes:
        reached: Is set once the request is held.
        seen: How many such requests have come.
    """

    def __init__(
        self, path: str, *, skip: int = 0, answered: bool = False, inner: httpx.BaseTransport | None = None
    ) -> None:
        self._inner = inner or httpx.HTTPTransport()
        self._path, self._skip, self._answered = path, skip, answered
        self._lock = threading.Lock()
        self._open = threading.Event()
        self.reached = threading.Event()
        self.seen = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends it, now or when the gate is open."""
        held = False
        if request.url.path.endswith(self._path):
            with self._lock:
                held = self.seen == self._skip
                self.seen += 1
        if held and not self._answered:
            self._hold()
        response = self._inner.handle_request(request)
        if held and self._answered:
            self._hold()
        return response

    def wait(self) -> None:
        """Waits until the request is held."""
        assert self.reached.wait(PATIENCE), "the request did not come"

    def open(self) -> None:
        """Lets the request, or its answer, go on."""
        self._open.set()

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()

    def _hold(self) -> None:
        self.reached.set()
        assert self._open.wait(PATIENCE), "the gate was not opened"
