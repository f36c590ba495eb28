"""What the service leaves open: whose a key is, which ids there are, and how far behind an answer is."""

from __future__ import annotations

import json
import socket
from typing import Literal
from urllib.parse import urlsplit

import httpx
import pytest

from outlit_pulumi.sandbox import Sandbox, Store

CONFIG = {"apiKey": "sk_example"}
KEY_CHECK = "/api/validate-api-key"


def entry(sandbox: Sandbox, provider: str = "stripe") -> tuple[str, str | None]:
    (found,) = [item for item in sandbox.list() if item["id"] == provider]
    return found["status"], found["connectionId"]


def test_it_tells_whose_a_key_is(api: httpx.Client) -> None:
    assert api.post(KEY_CHECK).json() == {"valid": True, "organizationId": "org_123", "createdById": "user_sandbox"}
    refused = api.post(KEY_CHECK, headers={"Authorization": "Bearer ok_other"})
    assert (refused.status_code, refused.json()) == (401, {"valid": False, "error": "Invalid credentials"})
    api.post("/sandbox/faults", json={"route": "*", "status": 503})
    assert api.post(KEY_CHECK).status_code == 503
    calls = api.get("/sandbox/calls").json()["calls"]
    assert [(call["route"], call["workspace"], call["status"]) for call in calls] == [
        ("validate_key", "123", 200),
        ("validate_key", None, 401),
        ("validate_key", "123", 503),
    ]


def test_an_older_service_does_not_tell(api: httpx.Client) -> None:
    api.post("/sandbox/settings", json={"keyCheck": False})
    refused, unknown = api.post(KEY_CHECK), api.post("/api/no-such-route")
    assert (refused.status_code, refused.json()) == (unknown.status_code, unknown.json())
    assert unknown.status_code == 404
    assert api.get("/sandbox/calls").json() == {"calls": []}


def test_ids_are_stable_when_told(sandbox: Sandbox) -> None:
    ids = []
    for stable in (False, False, True, True):
        sandbox.configure(stable_ids=stable)
        ids.append(sandbox.connect("stripe", CONFIG)["connectionId"])
        sandbox.disconnect("stripe")
    assert ids == ["stripe-org_acme", "stripe-org_acme-2", "stripe-org_acme", "stripe-org_acme"]


def test_a_forced_reconnect_leaves_a_new_id_when_told(sandbox: Sandbox) -> None:
    first = sandbox.connect("stripe", CONFIG)["connectionId"]
    assert sandbox.connect("stripe", CONFIG, force=True)["connectionId"] == first
    sandbox.configure(new_id_on_force=True)
    second = sandbox.connect("stripe", CONFIG, force=True)["connectionId"]
    assert second != first
    assert entry(sandbox) == ("connected", second)
    assert sandbox.sync_status("stripe")["syncs"]


def shown(store: Store, route: str) -> list[object]:
    """What a route shows of stripe: whether it is connected, and how its syncs stand."""
    found = store.integration("123", "stripe", route)
    assert found in store.integrations("123", route)
    return [found.connection is not None, found.sync_status]


def test_a_route_lags_by_seconds(store: Store) -> None:
    store.connect("123", "stripe", CONFIG)
    store.lag(["list"], 5)
    store.disconnect("123", "stripe")
    assert shown(store, "list") == [True, "PENDING"]
    assert shown(store, "sync_status") == [False, None]
    store.advance(4.999)
    assert shown(store, "list") == [True, "PENDING"]
    store.advance(0.001)
    assert shown(store, "list") == [False, None]
    store.connect("123", "stripe", CONFIG)
    store.advance(6.999)
    assert shown(store, "list") == [True, "PENDING"]
    store.advance(0.001)
    assert shown(store, "list") == [True, "SUCCESS"]  # as of then, two seconds after it was connected
    store.disconnect("123", "stripe")
    store.lag(["list"], 5)
    assert shown(store, "list") == [False, None]  # nothing from before the call
    store.connect("123", "stripe", CONFIG)
    store.lag(["list"], 0)
    assert shown(store, "list") == [True, "PENDING"]


def test_routes_lag_until_they_are_told_otherwise(sandbox: Sandbox) -> None:
    sandbox.lag("list", "sync_status")
    held = sandbox.connect("stripe", CONFIG)["connectionId"]
    sandbox.advance(3600)
    assert entry(sandbox) == ("not_connected", None)
    assert sandbox.sync_status("stripe")["status"] == "not_connected"
    sandbox.lag("list", seconds=0)
    assert entry(sandbox) == ("connected", held)
    assert sandbox.sync_status("stripe")["status"] == "not_connected"
    later = sandbox.add_workspace("later")
    sandbox.connect("stripe", CONFIG, api_key=later)
    assert sandbox.sync_status("stripe", api_key=later)["status"] == "not_connected"


def test_answers_contradict_one_another(sandbox: Sandbox) -> None:
    held = sandbox.connect("stripe", CONFIG)["connectionId"]
    sandbox.fault("list", kind="says_not_connected")
    assert entry(sandbox) == ("not_connected", held)
    sandbox.fault("sync_status", kind="says_not_connected")
    assert sandbox.sync_status("stripe")["status"] == "not_connected"
    sandbox.fault("list", kind="died")
    assert entry(sandbox) == ("error", held)
    sandbox.fault("list", kind="duplicate_entries")
    twice = [(item["status"], item["connectionId"]) for item in sandbox.list() if item["id"] == "stripe"]
    assert twice == [("connected", held), ("not_connected", None)]
    assert entry(sandbox) == ("connected", held)


@pytest.mark.parametrize("kind", ["says_not_connected", "duplicate_entries", "died"])
def test_contradictions_leave_other_answers_alone(
    sandbox: Sandbox, kind: Literal["says_not_connected", "duplicate_entries", "died"]
) -> None:
    session = sandbox.connect("slack")["sessionId"]
    ended = sandbox.complete_session(session)
    sandbox.fault("*", kind=kind, times=2)
    assert sandbox.connect_status(session) == ended
    assert sandbox.connect("stripe", CONFIG)["connected"] is True


def raw(sandbox: Sandbox, request: bytes) -> bytes:
    """All that comes back on a connection of one request, until the server closes it."""
    parts = urlsplit(sandbox.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("kind", ["hang_up", "drip_head"])
def test_a_connection_ends_after_a_whole_answer(sandbox: Sandbox, kind: Literal["hang_up", "drip_head"]) -> None:
    sandbox.fault("list", kind=kind)
    request = f"GET /api/integrations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {sandbox.api_key}\r\n\r\n"
    head, _, body = raw(sandbox, request.encode()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (b"connection: close" in head.lower()) == (kind == "drip_head")  # the other comes without a word
    assert len(json.loads(body)["items"]) == 10
