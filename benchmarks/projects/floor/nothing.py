"""A dynamic resource of the same shape as an `outlit_pulumi.Integration` that does nothing: what Pulumi itself costs.

Where the environment has OUTLIT_API_URL, it makes the calls that an integration makes, in the cheapest way that Python has: one
connection for each thread, kept open, and nothing in between.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
from typing import Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

OUTPUTS = {
    "connection_id": "conn_0123456789abcdef",
    "display_name": "PostHog",
    "category": "analytics",
    "status": "connected",
    "sync_status": None,
    "last_data_received_at": None,
    "error_message": None,
    "syncs": [],
}

SEEN = {
    **OUTPUTS,
    "sync_status": "SUCCESS",
    "last_data_received_at": "2026-11-24T12:00:00.000Z",
    "syncs": [
        {"model": "Record", "status": "SUCCESS", "last_synced_at": "2026-11-24T12:00:00.000Z", "error_message": None}
    ],
}
"""What a refresh finds."""

SERVICE = os.environ.get("OUTLIT_API_URL", "").removeprefix("http://")
HEADERS = {"Authorization": f"Bearer {os.environ.get('OUTLIT_API_KEY')}", "Content-Type": "application/json"}
THREAD = threading.local()


def call(method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """Makes a call, where that is asked for."""
    if SERVICE:
        if not hasattr(THREAD, "connection"):
            THREAD.connection = http.client.HTTPConnection(SERVICE)
        THREAD.connection.request(method, f"/api/integrations{path}", json.dumps(body) if body else None, HEADERS)
        response = THREAD.connection.getresponse()
        content = response.read()
        if response.status != 200 or not isinstance(json.loads(content), dict):
            raise RuntimeError(f"{method} {path}: {response.status}")


class NothingProvider(ResourceProvider):
    """Answers at once, with what an integration would have."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[type[NothingProvider], tuple[()]]:
        return NothingProvider, ()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_olds.get("config") != _news.get("config"))

    def create(self, props: dict[str, Any]) -> CreateResult:
        call("POST", "/connect", {"provider": props["provider"], "config": props["config"]})
        return CreateResult("conn_0123456789abcdef", {**props, **OUTPUTS})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        call("GET", f"/sync-status?provider={props['provider']}")
        return ReadResult(id_, {**props, **SEEN})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        call("POST", "/connect", {"provider": _news["provider"], "config": _news["config"], "force": True})
        return UpdateResult({**_news, **OUTPUTS})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        call("POST", "/disconnect", {"provider": _props["provider"]})


class Nothing(pulumi.dynamic.Resource, module="bench", name="Nothing"):
    """One of them."""

    def __init__(self, name: str, provider: str, config: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        props = {
            "provider": provider,
            "config": config,
            "adopt_existing": False,
            "on_config_change": "reconnect",
            **dict.fromkeys(OUTPUTS),
        }
        super().__init__(NothingProvider(), name, props, opts)
