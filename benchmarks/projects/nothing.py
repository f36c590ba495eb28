"""A dynamic resource of the same shape as an `outlit_pulumi.Integration` that does nothing: Pulumi's own cost."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, ResourceProvider

OUTPUTS = {
    "connection_id": "conn_0123456789abcdef",
    "organization_id": "org_0123456789abcdef",
    "written_at": "2026-11-24T12:00:00Z",
    "display_name": "PostHog",
    "category": "analytics",
    "status": "connected",
    "sync_status": None,
    "last_data_received_at": None,
    "error_message": None,
    "syncs": [],
}
SYNC = {"model": "Record", "status": "SUCCESS", "last_synced_at": "2026-11-24T12:00:00.000Z", "error_message": None}
REFRESHED = {
    **OUTPUTS,
    "sync_status": "SUCCESS",
    "last_data_received_at": "2026-11-24T12:00:00.000Z",
    "syncs": [SYNC],
}


class NothingProvider(ResourceProvider):
    """Answers at once, with the outputs of an integration. The base class deletes nothing."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[type[NothingProvider], tuple[()]]:
        return NothingProvider, ()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_olds.get("config") != _news.get("config"))

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("conn_0123456789abcdef", {**props, **OUTPUTS})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, {**props, **REFRESHED})


class Nothing(pulumi.dynamic.Resource, module="bench", name="Nothing"):
    """One of them."""

    def __init__(self, name: str, provider: str, config: dict[str, Any]) -> None:
        inputs = {
            "resource_name": name,
            "provider": provider,
            "config": config,
            "config_class": None,
            "adopt_existing": False,
            "on_config_change": "reconnect",
            "wait_for_sync": None,
        }
        super().__init__(NothingProvider(), name, {**inputs, **dict.fromkeys(OUTPUTS)})
