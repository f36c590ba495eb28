"""The shared list, asked for in the background."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

import outlit_pulumi as outlit
from outlit_pulumi import lifecycle
from outlit_pulumi.client import OutlitClient, Retries
from outlit_pulumi.operation import Observed
from outlit_pulumi.settings import Settings
from outlit_pulumi.workspace import Workspace

STATE = {"provider": "stripe", "config": None, "adopt_existing": True, "connection_id": "conn_1"}
SYNC = {"provider": "stripe", "status": "connected", "syncs": []}
LIST = {"items": [{"id": "stripe", "status": "connected", "connectionId": "conn_1", "category": "billing"}]}


def in_background(work: Callable[[], None]) -> None:
    """Does it on a thread."""
    threading.Thread(target=work, daemon=True).start()


@contextmanager
def workspace(handler: Callable[[httpx.Request], httpx.Response], *, timeout: float = 60) -> Iterator[Workspace]:
    """A workspace whose service is a function."""
    settings = Settings("ok_CANARY0123456789", "https://outlit.test", timeout)
    with OutlitClient(settings, transport=httpx.MockTransport(handler), retries=Retries(attempts=1)) as client:
        yield Workspace(client, background=in_background)


def test_the_list_comes_out_of_the_time_of_the_read() -> None:
    seconds: list[float] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/integrations":
            seconds.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json=LIST if request.url.path == "/api/integrations" else SYNC)

    with workspace(handler, timeout=10) as found:
        read(found)
    assert [second <= 5 for second in seconds] == [True]  # a call takes half of what is left


def read(found: Workspace) -> Observed | None:
    return lifecycle.read(found, "conn_1", STATE, pytest.fail)


def test_a_read_asks_for_list_and_sync_status_at_once() -> None:
    """Each answer waits for the other request, so that one after the other would never end."""
    both = threading.Barrier(2, timeout=30)

    def handler(request: httpx.Request) -> httpx.Response:
        both.wait()
        return httpx.Response(200, json=LIST if request.url.path == "/api/integrations" else SYNC)

    with workspace(handler) as found:
        observed = read(found)
    assert observed is not None
    assert observed.outputs["category"] == "billing"


def test_many_reads_ask_for_one_list() -> None:
    calls: Counter[str] = Counter()

    def handler(request: httpx.Request) -> httpx.Response:
        calls[request.url.path] += 1
        return httpx.Response(200, json=LIST if request.url.path == "/api/integrations" else SYNC)

    with workspace(handler) as found:
        for _ in range(5):
            assert read(found) is not None
    assert calls == {"/api/integrations": 1, "/api/integrations/sync-status": 5}


def test_a_list_that_is_refused_fails_the_read_that_needs_it() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/integrations":
            return httpx.Response(401, json={})
        return httpx.Response(200, json=SYNC)

    with (
        workspace(handler) as found,
        pytest.raises(outlit.AuthenticationError, match="was not read and its state is unchanged"),
    ):
        read(found)


def test_a_list_that_is_not_needed_may_fail() -> None:
    asked = threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/integrations":
            asked.set()
            return httpx.Response(500)
        assert asked.wait(30)
        return httpx.Response(200, json=SYNC | {"status": "not_connected"})

    warnings: list[str] = []
    with workspace(handler) as found:
        assert lifecycle.read(found, "conn_1", STATE, warnings.append) is None
    assert len(warnings) == 1
