"""The call log, and the faults that are plain answers."""

from __future__ import annotations

import json

import httpx
import pytest

from outlit_pulumi.sandbox import Sandbox, SandboxRequestError

CONFIG = {"apiKey": "sk_example"}


def log(sandbox: Sandbox) -> list[tuple[object, ...]]:
    return [tuple(call.values()) for call in sandbox.calls()]


def test_calls_are_logged_in_order(sandbox: Sandbox) -> None:
    sandbox.list()
    sandbox.connect("stripe", CONFIG)
    sandbox.connect("stripe", CONFIG, force=True)
    session_id = sandbox.connect("slack")["sessionId"]
    sandbox.connect_status(session_id)
    sandbox.sync_status("stripe", sandbox.add_workspace("globex"))
    sandbox.disconnect("stripe")
    assert list(sandbox.calls()[0]) == ["method", "route", "provider", "status", "force", "workspace", "fault"]
    assert log(sandbox) == [
        ("GET", "list", None, 200, None, "acme", None),
        ("POST", "connect", "stripe", 200, None, "acme", None),
        ("POST", "connect", "stripe", 200, True, "acme", None),
        ("POST", "connect", "slack", 200, None, "acme", None),
        ("GET", "connect_status", "slack", 200, None, "acme", None),
        ("GET", "sync_status", "stripe", 200, None, "globex", None),
        ("POST", "disconnect", "stripe", 200, None, "acme", None),
    ]
    sandbox.clear_calls()
    assert sandbox.calls() == []


def test_refused_calls_are_logged_without_what_was_sent(sandbox: Sandbox) -> None:
    for provider in ("canary-provider", "slack"):
        with pytest.raises(SandboxRequestError):
            sandbox.connect(provider, {"apiKey": "canary-key"})
    with pytest.raises(SandboxRequestError):
        sandbox.sync_status("stripe", api_key="canary-key")
    with pytest.raises(SandboxRequestError):
        sandbox.connect_status("canary-session")
    with pytest.raises(SandboxRequestError):
        sandbox.disconnect("stripe")
    assert log(sandbox) == [
        ("POST", "connect", None, 400, None, "acme", None),
        ("POST", "connect", "slack", 400, None, "acme", None),
        ("GET", "sync_status", "stripe", 401, None, None, None),
        ("GET", "connect_status", None, 400, None, "acme", None),
        ("POST", "disconnect", "stripe", 404, None, "acme", None),
    ]
    assert "canary" not in json.dumps(sandbox.calls())


def test_fault_comes_instead_of_the_work(sandbox: Sandbox) -> None:
    sandbox.fault("connect", status=503, body="<html>", content_type="text/html", headers={"Retry-After": "7"}, times=2)
    for _ in range(2):
        response = httpx.post(
            f"{sandbox.url}/api/integrations/connect",
            json={"provider": "stripe", "config": CONFIG},
            headers={"Authorization": f"Bearer {sandbox.api_key}"},
            trust_env=False,
        )
        assert (response.status_code, response.text) == (503, "<html>")
        assert (response.headers["content-type"], response.headers["retry-after"]) == ("text/html", "7")
    assert sandbox.connections() == []
    assert sandbox.connect("stripe", CONFIG)["alreadyConnected"] is False
    assert [(call["provider"], call["status"], call["fault"]) for call in sandbox.calls()] == [
        ("stripe", 503, "answer"),
        ("stripe", 503, "answer"),
        ("stripe", 200, None),
    ]


def test_fault_after_the_work(sandbox: Sandbox) -> None:
    sandbox.fault("connect", status=502, body="lost", after=True)
    with pytest.raises(SandboxRequestError) as caught:
        sandbox.connect("stripe", CONFIG)
    assert (caught.value.status, caught.value.body) == (502, "lost")
    assert [item["provider"] for item in sandbox.connections()] == ["stripe"]


def test_fault_of_one_route_leaves_the_others(sandbox: Sandbox) -> None:
    sandbox.fault("disconnect", status=500)
    sandbox.list()
    with pytest.raises(SandboxRequestError):
        sandbox.disconnect("stripe")


def test_faults_come_in_the_order_they_were_asked_for(sandbox: Sandbox) -> None:
    sandbox.fault("list", status=500)
    sandbox.fault("*", status=501)
    sandbox.fault("list", status=502)
    statuses = []
    for _ in range(3):
        with pytest.raises(SandboxRequestError) as caught:
            sandbox.list()
        statuses.append(caught.value.status)
    assert statuses == [500, 501, 502]
    sandbox.list()


def test_faults_do_not_touch_the_controls_and_can_be_cleared(sandbox: Sandbox) -> None:
    sandbox.fault("*", status=500, times=1000)
    sandbox.advance(1)
    assert sandbox.calls() == []
    sandbox.clear_faults()
    sandbox.list()


def test_fault_without_a_body(sandbox: Sandbox) -> None:
    sandbox.fault("list", status=204)
    with pytest.raises(SandboxRequestError) as caught:
        sandbox.list()
    assert (caught.value.status, caught.value.body) == (204, "")
