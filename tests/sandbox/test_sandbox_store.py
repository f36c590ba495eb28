"""The store without HTTP: exact times, and threads that reach it directly."""

from __future__ import annotations

import resource
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import SandboxStartError, Store
from outlit_pulumi.sandbox.store import PlanLimitReached, timestamp

CONFIG = {"apiKey": "sk_example"}


def states(store: Store) -> set[tuple[str, str | None]]:
    syncs = store.integration("123", "stripe").syncs
    return {(sync.status, timestamp(sync.last_synced_at) if sync.last_synced_at else None) for sync in syncs}


def test_a_sync_succeeds_after_two_seconds_and_then_every_minute(store: Store) -> None:
    store.connect("123", "stripe", CONFIG)
    assert states(store) == {("PENDING", None)}
    store.advance(1.999)
    assert states(store) == {("PENDING", None)}
    store.advance(0.001)
    assert states(store) == {("SUCCESS", "2026-04-10T18:22:13.000Z")}
    store.advance(59.999)
    assert states(store) == {("SUCCESS", "2026-04-10T18:22:13.000Z")}
    store.advance(0.001)
    assert states(store) == {("SUCCESS", "2026-04-10T18:23:13.000Z")}


def test_a_failed_sync_keeps_the_time_of_its_last_success(store: Store) -> None:
    store.connect("123", "stripe", CONFIG)
    store.advance(5)
    store.set_sync("123", "stripe", "FAILED")
    store.advance(600)
    assert states(store) == {("FAILED", "2026-04-10T18:22:13.000Z")}
    store.set_sync("123", "stripe", "SUCCESS")
    assert states(store) == {("SUCCESS", "2026-04-10T18:32:16.000Z")}


def test_a_session_expires_after_exactly_ten_minutes(store: Store) -> None:
    session_id = store.start_session("123", "slack").id
    store.advance(599.999)
    assert store.session("123", session_id).status == "pending"
    store.advance(0.001)
    assert store.session("123", session_id).status == "expired"


def test_limit_holds_for_threads_that_share_a_store() -> None:
    shared = Store(limit=7, extra_providers=64)
    start = threading.Barrier(8)

    def work(worker: int) -> int:
        start.wait()
        made = 0
        for number in range(worker * 8 + 1, worker * 8 + 9):
            try:
                made += not shared.connect("sandbox", f"extra-{number:04}", CONFIG).already_connected
            except PlanLimitReached as problem:
                assert problem.current == 7  # noqa: PT017  # only some of them fail
        return made

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 7
    shared.close()


def test_a_change_that_the_file_cannot_take_does_not_happen(tmp_path: Path) -> None:
    state = tmp_path / "state"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(Store(state)) as store:
        store.connect("sandbox", "stripe", CONFIG)
        before = store.connections("sandbox")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
        try:
            with pytest.raises(sqlite3.OperationalError):
                store.disconnect("sandbox", "stripe")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert store.connections("sandbox") == before
    with closing(Store(state)) as store:
        assert store.connections("sandbox") == before
        store.disconnect("sandbox", "stripe")


@pytest.mark.parametrize(
    "key", ["", "ok_", "ok_" + "a" * 31, "sk_" + "a" * 40, "ok_" + "a" * 31 + "!", "ok_" + "é" * 32]
)
def test_key_of_a_bad_shape(key: str) -> None:
    with pytest.raises(SandboxStartError, match="API key"):
        Store(api_key=key)


@pytest.mark.parametrize("name", ["", "-a", "a/b", "a b", "a" * 65, "ä"])
def test_workspace_of_a_bad_name(name: str) -> None:
    with pytest.raises(SandboxStartError, match="workspace name"):
        Store(workspace=name)
