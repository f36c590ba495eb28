"""Faults on real connections: what a caller sees, and what the service holds afterwards."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Sandbox, SandboxRequestError, Store, create_app
from outlit_pulumi.sandbox.faults import HUGE_BYTES

CONFIG = {"apiKey": "sk_example"}
CONNECT = {"provider": "stripe", "config": CONFIG}
LONG = 3600.0
"""Seconds that no test waits for, against clients that wait for `SHORT`: which of the two ends first is no race."""
SHORT = httpx.Timeout(60, read=0.05)


@pytest.fixture(scope="module", params=["thread", "process"])
def running(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The sandbox in each of its modes, for all tests of this module."""
    with Sandbox("acme", process=request.param == "process") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """`running`, with nothing connected, planned or logged."""
    running.clear_faults()
    for item in running.connections():
        running.disconnect(item["provider"])
    running.clear_calls()
    return running


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A plain client of ``sandbox``."""
    with httpx.Client(base_url=sandbox.url, headers=headers(sandbox), timeout=60, trust_env=False) as api:
        yield api


def headers(sandbox: Sandbox) -> dict[str, str]:
    """What makes a request one of the first workspace."""
    return {"Authorization": f"Bearer {sandbox.api_key}"}


def connect(api: httpx.Client, timeout: httpx.Timeout | None = None) -> httpx.Response:
    """Connects stripe."""
    return api.post("/api/integrations/connect", json=CONNECT, timeout=timeout or api.timeout)


def held(sandbox: Sandbox) -> dict[str, bool]:
    """What is connected, and whether by credentials (rather than by a person in a browser)."""
    return {item["provider"]: item["fingerprint"] is not None for item in sandbox.connections()}


def until(happened: Callable[[], bool]) -> None:
    """Returns once something has happened that is about to."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline


def met(sandbox: Sandbox) -> list[tuple[str | None, int | None]]:
    """Fault and status of every call, once there is one and none is under way."""
    seen: list[tuple[str | None, int | None]] = []

    def answered() -> bool:
        seen[:] = [(call["fault"], call["status"]) for call in sandbox.calls()]
        return bool(seen) and all(status is not None or fault == "reset" for fault, status in seen)

    until(answered)
    return seen


# The connection


@pytest.mark.parametrize("after", [False, True])
def test_reset(sandbox: Sandbox, api: httpx.Client, after: bool) -> None:
    sandbox.fault("connect", kind="reset", after=after)
    with pytest.raises(httpx.ReadError):  # RST; an orderly end would be a RemoteProtocolError
        connect(api)
    assert met(sandbox) == [("reset", None)]
    assert held(sandbox) == ({"stripe": True} if after else {})
    assert connect(api).json()["alreadyConnected"] is after


@pytest.mark.parametrize("after", [False, True])
def test_delay_that_outlasts_the_caller(sandbox: Sandbox, api: httpx.Client, after: bool) -> None:
    sandbox.fault("connect", kind="delay", seconds=LONG, after=after)
    with pytest.raises(httpx.ReadTimeout):
        connect(api, SHORT)
    assert met(sandbox) == [("delay", 200)]  # the service does not know that nobody reads it
    assert held(sandbox) == {"stripe": True}


@pytest.mark.parametrize("after", [False, True])
def test_call_under_way_is_in_the_log(sandbox: Sandbox, after: bool) -> None:
    sandbox.fault("connect", kind="delay", seconds=LONG, after=after)
    with socket_with_request(sandbox):
        until(lambda: sandbox.calls() != [])
        assert [(call["provider"], call["status"], call["fault"]) for call in sandbox.calls()] == [
            ("stripe", None, "delay")
        ]
        assert held(sandbox) == ({"stripe": True} if after else {})
    assert met(sandbox) == [("delay", 200)]
    assert held(sandbox) == {"stripe": True}


@pytest.mark.parametrize("after", [False, True])
def test_short_delay(sandbox: Sandbox, api: httpx.Client, after: bool) -> None:
    sandbox.fault("connect", kind="delay", seconds=0.2, after=after)
    before = time.monotonic()
    assert connect(api).json()["connected"] is True
    assert time.monotonic() - before > 0.1
    assert held(sandbox) == {"stripe": True}


def test_drip_that_outlasts_the_caller(sandbox: Sandbox) -> None:
    sandbox.fault("connect", kind="drip", seconds=LONG)
    with socket_with_request(sandbox) as connection:
        response = connection.getresponse()
        assert (response.status, int(response.headers["Content-Length"]) > 0) == (200, True)
        assert held(sandbox) == {"stripe": True}
        connection.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            response.read()
    assert met(sandbox) == [("drip", 200)]


def test_drip_comes_to_an_end(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("list", kind="drip", seconds=0.2)
    before = time.monotonic()
    dripped = api.get("/api/integrations").content
    assert time.monotonic() - before > 0.1
    assert dripped == api.get("/api/integrations").content


@pytest.mark.parametrize("process", [False, True])
def test_waits_do_not_hold_up_the_end(tmp_path: Path, process: bool) -> None:
    state = tmp_path / "state.db"
    with ThreadPoolExecutor(2) as pool:
        with Sandbox("acme", state=state, process=process) as sandbox:
            url, key = f"{sandbox.url}/api/integrations", headers(sandbox)
            sandbox.fault("connect", kind="delay", seconds=LONG)
            sandbox.fault("list", kind="drip", seconds=LONG)
            answers = [
                pool.submit(httpx.post, f"{url}/connect", json=CONNECT, headers=key, timeout=60, trust_env=False),
                pool.submit(httpx.get, url, headers=key, timeout=60, trust_env=False),
            ]
            until(lambda: len(sandbox.calls()) == 2)
        # A wait that went on would be cut off when the grace is over, and its caller with it.
        assert [answer.result().status_code for answer in answers] == [200, 200]
        assert len(answers[1].result().json()["items"]) == 10
    with Sandbox("acme", state=state) as sandbox:
        assert held(sandbox) == {"stripe": True}


def socket_with_request(sandbox: Sandbox) -> closing[http.client.HTTPConnection]:
    """A connection of its own that has sent a connect request and read no answer."""
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=60)
    connection.request("POST", "/api/integrations/connect", json.dumps(CONNECT), headers(sandbox))
    return closing(connection)


# Answers


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("kind", "content_type"), [("html", "text/html; charset=utf-8"), ("empty", "application/json")]
)
def test_answer_of_something_else(
    sandbox: Sandbox, api: httpx.Client, kind: Any, content_type: str, after: bool
) -> None:
    sandbox.fault("connect", kind=kind, after=after)
    response = connect(api)
    assert (response.status_code, response.headers["content-type"]) == (200, content_type)
    assert ("Sign in" in response.text) if kind == "html" else (response.content == b"")
    assert held(sandbox) == ({"stripe": True} if after else {})
    assert met(sandbox) == [(kind, 200)]


def test_huge_answer(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("connect", kind="huge", after=True)
    response = connect(api)
    assert (response.status_code, len(response.content), response.content.strip()) == (200, HUGE_BYTES, b"")
    assert held(sandbox) == {"stripe": True}


def test_redirect_and_retry_after(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("list", status=307, headers={"Location": "https://elsewhere.example/"})
    sandbox.fault("list", status=429, headers={"Retry-After": "Fri, 10 Apr 2026 18:22:11 GMT"})
    assert api.get("/api/integrations").headers["location"] == "https://elsewhere.example/"
    assert api.get("/api/integrations").headers["retry-after"] == "Fri, 10 Apr 2026 18:22:11 GMT"


def test_truncated_answer(sandbox: Sandbox, api: httpx.Client) -> None:
    real = api.get("/api/integrations").content
    sandbox.fault("*", kind="truncated", times=2)
    assert api.get("/api/integrations").content == real[: len(real) // 2]
    connect(api)
    assert held(sandbox) == {"stripe": True}


def test_wrong_content_type(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("connect", kind="content_type")
    response = connect(api)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.json()["connected"] is True
    assert held(sandbox) == {"stripe": True}


def test_unknown_members(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", CONFIG)
    real = sandbox.sync_status("stripe")
    sandbox.fault("sync_status", kind="unknown_members")
    spoiled = sandbox.sync_status("stripe")
    for known, seen in zip([real, *real["syncs"]], [spoiled, *spoiled["syncs"]], strict=True):
        assert seen.keys() - known.keys() == {"_new", "futureMember"}
        assert known.keys() <= seen.keys()


def test_unknown_values(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", CONFIG)
    sandbox.fault("*", kind="unknown_values", times=2)
    items = {item["id"]: item for item in sandbox.list()}
    stripe = sandbox.sync_status("stripe")
    assert [items["stripe"][name] for name in ("status", "syncStatus", "category")] == ["degraded", "PAUSED", "quantum"]
    assert [items["slack"][name] for name in ("status", "syncStatus")] == ["not_connected", None]
    assert (stripe["status"], stripe["category"]) == ("degraded", "quantum")
    assert {sync["status"] for sync in stripe["syncs"]} == {"PAUSED"}


def test_missing_and_null_members(sandbox: Sandbox, api: httpx.Client) -> None:
    real = sandbox.list()
    sandbox.fault("list", kind="missing_members", members=["id", "status"])
    assert sandbox.list() == [{k: v for k, v in item.items() if k not in ("id", "status")} for item in real]
    sandbox.fault("list", kind="null_members", members=["id"])
    assert sandbox.list() == [{**item, "id": None} for item in real]
    sandbox.fault("connect", kind="missing_members")
    assert connect(api).json() == {}
    sandbox.fault("connect", kind="null_members")
    assert connect(api).json() == {"connected": None, "connectionId": None, "alreadyConnected": None}
    assert held(sandbox) == {"stripe": True}


def test_real_errors_are_spoiled_too(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("disconnect", kind="missing_members", members=["message"])
    response = api.post("/api/integrations/disconnect", json={"provider": "stripe"})
    assert (response.status_code, response.json()) == (404, {"success": False})


# What others do meanwhile


def test_others_connect_first(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("connect", kind="connected_by_others")
    assert connect(api).json()["alreadyConnected"] is True
    assert held(sandbox) == {"stripe": False}
    sandbox.fault("connect", kind="connected_by_others")
    assert sandbox.connect("stripe", CONFIG, force=True)["alreadyConnected"] is False
    assert held(sandbox) == {"stripe": True}


def test_others_disconnect_first(sandbox: Sandbox, api: httpx.Client) -> None:
    first = sandbox.connect("stripe", CONFIG)["connectionId"]
    sandbox.fault("disconnect", kind="disconnected_by_others", times=2)
    for _ in range(2):
        assert api.post("/api/integrations/disconnect", json={"provider": "stripe"}).status_code == 404
    sandbox.connect("stripe", CONFIG)
    sandbox.fault("connect", kind="disconnected_by_others")
    answer = sandbox.connect("stripe", CONFIG, force=True)
    assert (answer["alreadyConnected"], answer["connectionId"] == first) == (False, False)


def test_others_reconnect_first(sandbox: Sandbox) -> None:
    first = sandbox.connect("stripe", CONFIG)["connectionId"]
    sandbox.fault("sync_status", kind="reconnected_by_others")
    assert sandbox.sync_status("stripe")["status"] == "connected"
    assert [item["connectionId"] == first for item in sandbox.connections()] == [False]
    assert held(sandbox) == {"stripe": False}


def test_others_use_a_browser(sandbox: Sandbox) -> None:
    sandbox.fault("sync_status", kind="connected_by_others")
    assert sandbox.sync_status("slack")["status"] == "connected"
    sandbox.fault("sync_status", kind="reconnected_by_others")
    assert sandbox.sync_status("pylon")["status"] == "connected"
    assert held(sandbox) == {"slack": False, "pylon": False}


def test_others_are_held_to_the_plan(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.configure(limit=0)
    sandbox.fault("connect", kind="connected_by_others")
    assert connect(api).status_code == 403
    sandbox.configure(limit=None)
    assert held(sandbox) == {}


def test_calls_about_no_provider_do_not_use_up_what_others_do(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("*", kind="connected_by_others")
    sandbox.list()
    api.get("/api/integrations/sync-status", params={"provider": "stripe"}, headers={"Authorization": "Bearer wrong"})
    assert held(sandbox) == {}
    assert sandbox.sync_status("stripe")["status"] == "connected"


# Which calls


def statuses(api: httpx.Client, count: int) -> list[int]:
    return [api.get("/api/integrations").status_code for _ in range(count)]


def test_count_and_skip(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("list", status=500, times=2)
    sandbox.fault("list", status=401, times=None, skip=2)  # the two that get 500 do not count
    assert statuses(api, 6) == [500, 500, 200, 200, 401, 401]
    sandbox.clear_faults()
    assert statuses(api, 1) == [200]


def test_probability_follows_the_seed(sandbox: Sandbox, api: httpx.Client) -> None:
    seen = []
    for seed in (1, 1, 2):
        sandbox.fault("list", status=500, times=None, probability=0.5, seed=seed)
        seen.append(statuses(api, 40))
        sandbox.clear_faults()
    assert seen[0] == seen[1] != seen[2]
    assert all(10 < one.count(500) < 30 for one in seen)


def test_certain_and_impossible(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("list", status=500, times=None, probability=0.0)
    sandbox.fault("list", status=501, times=None, probability=1.0)
    assert set(statuses(api, 20)) == {501}


def test_only_calls_about_a_provider_or_in_a_workspace(sandbox: Sandbox) -> None:
    globex = sandbox.add_workspace("globex")
    sandbox.fault("*", status=500, provider="stripe", workspace="globex")
    sandbox.list(api_key=globex)
    sandbox.sync_status("stripe")
    sandbox.sync_status("clerk", api_key=globex)
    with pytest.raises(SandboxRequestError) as caught:
        sandbox.sync_status("stripe", api_key=globex)
    assert caught.value.status == 500
    sandbox.sync_status("stripe", api_key=globex)


def test_count_holds_for_calls_at_once(sandbox: Sandbox, api: httpx.Client) -> None:
    sandbox.fault("list", status=500, times=10)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.get("/api/integrations").status_code, range(40)))
    assert answers.count(500) == 10


def test_control_routes_meet_no_fault(sandbox: Sandbox) -> None:
    sandbox.fault("*", kind="reset", times=None)
    sandbox.advance(0)
    assert (sandbox.connections(), sandbox.calls()) == ([], [])
    sandbox.clear_faults()
    sandbox.list()


# Refusing connections


def test_refusing() -> None:
    with Sandbox("acme") as sandbox, httpx.Client(headers=headers(sandbox), trust_env=False) as api:
        url = f"{sandbox.url}/api/integrations"
        sandbox.connect("stripe", CONFIG)
        for _ in range(2):
            assert api.get(url).status_code == 200  # leaves an idle connection, which ends as well
            with sandbox.refusing():
                for path in (url, f"{sandbox.url}/sandbox/calls"):
                    with pytest.raises(httpx.ConnectError):
                        api.get(path)
        assert api.get(url).status_code == 200
        assert held(sandbox) == {"stripe": True}


@pytest.mark.parametrize("process", [False, True])
def test_refuse_for_a_while(process: bool) -> None:
    with Sandbox("acme", process=process) as sandbox, httpx.Client(headers=headers(sandbox), trust_env=False) as api:
        url = f"{sandbox.url}/api/integrations"

        def answers() -> bool:
            try:
                return api.get(url).status_code == 200
            except httpx.ConnectError:
                return False

        assert answers()
        sandbox.refuse(0.01)
        until(answers)
        sandbox.refuse(LONG)
        assert not answers()
        with pytest.raises(OSError, match="refused"):
            sandbox.list()


def test_refusing_takes_over_from_refuse() -> None:
    with Sandbox("acme") as sandbox:
        sandbox.refuse(0.1)
        with sandbox.refusing():
            time.sleep(0.3)  # when the listener would be back
            with pytest.raises(OSError, match="refused"):
                sandbox.list()
        assert len(sandbox.list()) == 10
        sandbox.refuse(LONG)
        with sandbox.refusing():
            pass
        assert len(sandbox.list()) == 10


def test_refusing_needs_the_server_in_this_process() -> None:
    with Sandbox("acme", process=True) as sandbox:
        with pytest.raises(RuntimeError, match=r"use refuse\(seconds\)"), sandbox.refusing():
            pass
        assert len(sandbox.list()) == 10


# Bad requests, and an app without a server


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "explode"},
        {"kind": None},
        {"kind": "answer"},
        {"kind": "reset", "status": 500},
        {"kind": "html", "body": "x"},
        {"kind": "empty", "contentType": "text/html"},
        {"kind": "huge", "headers": {"a": "b"}},
        {"kind": "reset", "seconds": 1},
        {"kind": "truncated", "members": ["id"]},
        {"kind": "missing_members", "members": "id"},
        {"kind": "missing_members", "members": [""]},
        {"kind": "delay", "seconds": -1},
        {"kind": "delay", "seconds": "1"},
        {"kind": "drip", "seconds": 1e9},
        {"kind": "hang_up", "seconds": 1},
        {"kind": "reset", "probability": 1.5},
        {"kind": "reset", "probability": -0.5},
        {"kind": "reset", "times": 0},
        {"kind": "reset", "skip": -1},
        {"kind": "reset", "seed": 1.5},
        {"kind": "reset", "after": "yes"},
        {"kind": "reset", "provider": "canary-4711"},
        {"kind": "reset", "canary-4711": 1},
    ],
    ids=repr,
)
def test_bad_fault(shared: httpx.Client, wanted: dict[str, object]) -> None:
    response = shared.post("/sandbox/faults", json={"route": "*", **wanted})
    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert "canary" not in response.text
    assert shared.get("/api/integrations").status_code == 200


@pytest.mark.parametrize("wanted", [{}, {"seconds": -1}, {"seconds": "1"}, {"seconds": None}, {"seconds": 1e9}])
def test_bad_refuse(shared: httpx.Client, wanted: dict[str, object]) -> None:
    assert shared.post("/sandbox/refuse", json=wanted).status_code == 400
    wrong = shared.post("/sandbox/refuse", json={"seconds": 1}, headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    assert shared.get("/api/integrations").status_code == 200


def run_by_hand(store: Store, requests: list[tuple[str, str, object]]) -> list[list[Message]]:
    """What one app sends to each request. No event loop runs it, so it may not wait for anything."""
    app = create_app(store)
    sent: list[list[Message]] = []
    for method, path, body in requests:
        sent.append([])

        async def receive(content: bytes = json.dumps(body).encode()) -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message, answer: list[Message] = sent[-1]) -> None:
            answer.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {DEFAULT_API_KEY}".encode())],
        }
        with pytest.raises(StopIteration):
            app(scope, receive, send).send(None)
    return sent


def test_app_runs_without_an_event_loop(store: Store) -> None:
    listed, _, reset, _, dripped, _, slow, refused = run_by_hand(
        store,
        [
            ("GET", "/api/integrations", None),
            ("POST", "/sandbox/faults", {"route": "connect", "kind": "reset", "after": True}),
            ("POST", "/api/integrations/connect", CONNECT),
            ("POST", "/sandbox/faults", {"route": "disconnect", "kind": "drip", "seconds": 16}),
            ("POST", "/api/integrations/disconnect", {"provider": "stripe"}),
            ("POST", "/sandbox/faults", {"route": "list", "kind": "drip_head", "seconds": 16}),
            ("GET", "/api/integrations", None),
            ("POST", "/sandbox/refuse", {"seconds": 1}),
        ],
    )
    assert listed[0]["status"] == 200
    assert len(json.loads(listed[1]["body"])["items"]) == 10
    assert reset == [{"type": "outlit.sandbox.reset"}]
    body = b'{"success":true}'
    assert dripped[0]["status"] == 200
    assert dripped[1::2] == [{"type": "outlit.sandbox.wait", "seconds": 1.0}] * len(body)
    assert b"".join(message["body"] for message in dripped[2::2]) == body
    assert [message["more_body"] for message in dripped[2::2]] == [True] * (len(body) - 1) + [False]
    waits, written = slow[:-2:2], slow[1:-2:2]
    assert sum(message["seconds"] for message in waits) == pytest.approx(16)
    assert b"".join(message["data"] for message in written).startswith(b"HTTP/1.1 200 OK\r\nconnection: close\r\n")
    assert slow[-2]["data"] == b"\r\n\r\n" + listed[1]["body"]
    assert slow[-1] == {"type": "outlit.sandbox.close"}
    assert refused[0]["status"] == 400  # there is no server
    assert store.connections("123") == []
