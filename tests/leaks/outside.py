"""The way from the provider to the sandbox, with somebody on it who knows every credential and repeats it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from outlit_pulumi.api.models import NOT_CONNECTED
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.settings import Settings
from tests.faults.service import URL, Service, Tenant, workspace


@dataclass(frozen=True)
class Said:
    """What is answered instead."""

    status: int
    body: bytes
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    reason: bytes = b""


Talk = Callable[[str, httpx.Response], Said | None]
"""Given the route's path and the real answer: what is answered instead, if anything is."""


class Outside(httpx.BaseTransport):
    """Takes any API key for the tenant's, and lets ``talk`` change answers.

    Args:
        service: The service.
        tenant: Whose workspace it is.
        api_key: The key that is expected.
        base: What the base URL has behind the host.
        talk: What is answered.
    """

    def __init__(
        self, service: Service, tenant: Tenant, api_key: str, base: str = "", talk: Talk | None = None
    ) -> None:
        self._service = service
        self._tenant = tenant
        self._api_key = api_key
        self._base = base
        self.talk = talk

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {self._api_key}"
        headers = request.headers.copy()
        headers["Authorization"] = f"Bearer {self._tenant.api_key}"
        passed = httpx.Request(
            request.method,
            URL + str(request.url).removeprefix(str(httpx.URL(URL + self._base))),
            headers=headers,
            content=request.read(),
            extensions=request.extensions,
        )
        answer = self._service.transport.handle_request(passed)
        if self.talk is None:
            return answer
        answer.read()
        said = self.talk(passed.url.path, answer)
        if said is None:
            return answer
        return httpx.Response(
            said.status,
            headers=list(said.headers.items()),
            content=said.body,
            extensions={"reason_phrase": said.reason, "http_version": b"HTTP/1.1"},
        )

    def run(self) -> Workspace:
        """What one provider process holds."""
        settings = Settings(self._api_key, URL + self._base)
        return workspace(settings, self, self._service.clock)


def replaced(value: Any, data: str, *, keep: frozenset[str], sentences: Mapping[str, str]) -> Any:
    """Any JSON with ``data`` for every text and null in it, but for the members to keep and what tells "gone".

    Args:
        value: The JSON.
        data: What an id, a name, a status and the like is replaced with.
        keep: Members that stay.
        sentences: What members are replaced with that are no data.
    """
    if isinstance(value, list):
        return [replaced(item, data, keep=keep, sentences=sentences) for item in value]
    if isinstance(value, dict):
        return {
            name: item if name in keep else replaced(item, sentences.get(name, data), keep=keep, sentences=sentences)
            for name, item in value.items()
        }
    return data if value is None or (isinstance(value, str) and value != NOT_CONNECTED) else value
