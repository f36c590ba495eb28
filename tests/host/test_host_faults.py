"""Refusals, a service that hangs and several processes, through the provider process: what the engine is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from outlit_pulumi.sandbox import Sandbox, fingerprint

from .hosting import OTHER, STRIPE, Host, declared, hosting, refused, served

TIMEOUT = 6
"""Seconds (``outlit:timeout``); a service that hangs takes far longer than that."""


def configured(sandbox: Sandbox) -> dict[str, Any]:
    return {"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url, "outlit:timeout": TIMEOUT}


@pytest.fixture
def host(sandbox: Sandbox) -> Iterator[Host]:
    """The run that meets the faults."""
    with hosting(configured(sandbox)) as host:
        yield host


@pytest.fixture
def state(sandbox: Sandbox) -> dict[str, Any]:
    """The state of an integration that an earlier run connected with `STRIPE`."""
    id_ = sandbox.connect("stripe", STRIPE)["connectionId"]
    sandbox.clear_calls()
    return {**declared("stripe", STRIPE), "connection_id": id_}


def used(sandbox: Sandbox) -> list[str | None]:
    """The fingerprints of the configs in use."""
    return [connection["fingerprint"] for connection in sandbox.connections()]


def test_a_refused_update_is_one_clean_line(sandbox: Sandbox, host: Host, state: dict[str, Any]) -> None:
    sandbox.fault("connect", status=400, body=f'{{"error": "bad key {OTHER["apiKey"]}"}}')
    message = refused(lambda: host.update(state["connection_id"], state, declared("stripe", OTHER)))
    assert "Stripe was not updated: Outlit does not accept its config" in message
    assert len(message.splitlines()) == 1
    assert used(sandbox) == [fingerprint(STRIPE)]


def test_a_refused_delete_is_one_clean_line(sandbox: Sandbox, host: Host, state: dict[str, Any]) -> None:
    sandbox.fault("disconnect", status=403, body=f'{{"error": "no", "code": "read_only {STRIPE["apiKey"]}"}}')
    message = refused(lambda: host.delete(state["connection_id"], state))
    assert "Stripe was not disconnected: Outlit does not allow it" in message
    assert len(message.splitlines()) == 1
    assert used(sandbox) == [fingerprint(STRIPE)]


@pytest.mark.parametrize(
    "operation", ["create", *(pytest.param(name, marks=pytest.mark.full) for name in ("update", "delete"))]
)
def test_a_service_that_hangs_holds_nobody_longer_than_the_timeout(
    sandbox: Sandbox, operation: str, request: pytest.FixtureRequest
) -> None:
    """The first look is answered; the write, and the look that should settle it, are not."""
    state = {} if operation == "create" else request.getfixturevalue("state")
    for route in ("connect", "disconnect"):
        sandbox.fault(route, kind="delay", seconds=120, times=None)
    sandbox.fault("list", kind="delay", seconds=120, times=None, skip=1)
    with hosting({**configured(sandbox), "outlit:timeout": 4}) as host:
        calls = {
            "create": lambda: host.create(declared("stripe", STRIPE)),
            "update": lambda: host.update(state["connection_id"], state, declared("stripe", OTHER)),
            "delete": lambda: host.delete(state["connection_id"], state),
        }
        started = time.monotonic()
        message = refused(calls[operation])
        took = time.monotonic() - started
    assert "Stripe may or may not " in message
    assert "(timed out)" in message
    assert len(message.splitlines()) == 1
    assert took < 30  # it is 4; a slow machine may take longer, a lost bound takes 60


def test_four_creates_at_once_share_one_list(sandbox: Sandbox, host: Host) -> None:
    """The delay keeps the list under way until the others have asked for it, or would have."""
    sandbox.fault("list", kind="delay", seconds=1)
    inputs = [
        declared("stripe", STRIPE),
        declared("clerk", {"secretKey": "sk_CANARYclerk0123456789"}),
        declared("fireflies", {"apiKey": "ff_CANARY0123456789"}),
        declared("granola", {"apiKey": "gr_CANARY0123456789"}),
    ]
    with ThreadPoolExecutor(4) as pool:
        made = [id_ for id_, _ in pool.map(host.create, inputs)]
    assert sorted(made) == sorted(connection["connectionId"] for connection in sandbox.connections())
    assert served(sandbox) == {"list": 1, "connect": 4}


def test_what_another_process_of_the_run_took_over_is_kept(sandbox: Sandbox, state: dict[str, Any]) -> None:
    """An integration moved to another Provider under a new name: one process adopts it, another deletes the old one."""
    id_ = state["connection_id"]
    with hosting(configured(sandbox), run=50_000) as mine, hosting(configured(sandbox), run=50_000) as others:
        others.create(declared("stripe", adopt_existing=True))
        mine.delete(id_, state)
        assert "now belongs to another resource of this program and was kept" in mine.warnings()[0]
    assert [item["connectionId"] for item in sandbox.connections()] == [id_]


def test_what_a_process_of_another_run_took_over_is_not_kept(sandbox: Sandbox, state: dict[str, Any]) -> None:
    """Neither one that has ended, though the engine may have its address again, nor one that runs at the same time."""
    id_ = state["connection_id"]
    with hosting(configured(sandbox), run=50_001) as ended:
        ended.create(declared("stripe", adopt_existing=True))
    with hosting(configured(sandbox), run=50_002) as other, hosting(configured(sandbox), run=50_001) as mine:
        other.create(declared("stripe", adopt_existing=True))
        mine.delete(id_, state)
    assert sandbox.connections() == []
