"""Whether the sandbox does what its OpenAPI document says. The judge is schemathesis, which knows nothing of Outlit."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, product
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Server, Store, create_app
from outlit_pulumi.sandbox.store import SESSION_SECONDS, Plan

# What is known of the service, and 400 for the list: the sandbox refuses any `connectedOnly` but true and false.
STATUSES = {
    ("get", "/api/integrations"): {"200", "400", "401", "500"},
    ("post", "/api/integrations/connect"): {"200", "400", "401", "403", "500"},
    ("get", "/api/integrations/connect/status"): {"200", "400", "401", "500"},
    ("post", "/api/integrations/disconnect"): {"200", "400", "401", "404", "500"},
    ("get", "/api/integrations/sync-status"): {"200", "400", "401", "500"},
    ("post", "/api/validate-api-key"): {"200", "401", "500"},
}

# The page's provider table: the fields of those that connect with credentials, and all the others.
CONFIGS: dict[str, dict[str, list[str]]] = {
    "fireflies": {"apiKey": []},
    "granola": {"apiKey": []},
    "posthog": {"apiKey": [], "region": ["us", "eu"], "projectId": []},
    "stripe": {"apiKey": []},
    "supabase": {"projectUrl": [], "serviceRoleKey": []},
    "clerk": {"secretKey": []},
}
PROVIDERS = [*CONFIGS, "slack", "google-calendar", "google-mail", "pylon"]

SESSION_WORDS = {"pending", "connected", "failed", "expired"}

# What is connected, and whether the plan allows no more.
WORKSPACES: list[tuple[list[str], bool]] = [([], False), ([], True), (PROVIDERS, False)]

# How requests are made, with which key, and how many in a hundred.
QUESTIONS: list[tuple[Any, str | None, int]] = [
    (GenerationMode.POSITIVE, DEFAULT_API_KEY, 5),
    (GenerationMode.NEGATIVE, DEFAULT_API_KEY, 10),
    (GenerationMode.POSITIVE, DEFAULT_API_KEY[:-1], 1),
    (GenerationMode.NEGATIVE, None, 1),
]

with closing(Store()) as _store:
    DOCUMENT: dict[str, Any] = create_app(_store).openapi()


def schema_of(document: dict[str, Any], checks: dict[str, Any]) -> BaseSchema:
    """What schemathesis makes of a document. It reads no configuration around it, and keys are ours to send."""
    settings = {"generation": {"with-security-parameters": False}, "checks": checks}
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(settings))


# The document alone cannot tell which providers and sessions there are, so not all that it allows is accepted.
SCHEMA = schema_of(DOCUMENT, {"positive_data_acceptance": {"enabled": False}})


class Service:
    """A running sandbox, and the session of an HTTP client that ignores the environment's proxies."""

    def __init__(self, store: Store, url: str, session: requests.Session) -> None:
        self.store = store
        self.url = url
        self.session = session

    def reset(self, connected: list[str], full: bool = False) -> None:
        """Leaves these providers connected, and with ``full`` a plan that allows no more."""
        workspace = self.store.workspace
        self.store.set_plan(workspace, Plan())
        for connection in self.store.connections(workspace):
            self.store.disconnect(workspace, connection.provider)
        for provider in connected:
            session = self.store.start_session(workspace, provider)
            self.store.finish_session(workspace, session.id, "connected")
        if full:
            self.store.set_plan(workspace, Plan(limit=len(connected)))

    def sessions(self) -> list[str]:
        """The ids of browser sessions that ended in each way, with and without a reason, and of one that goes on."""
        self.reset([])
        workspace = self.store.workspace
        expired = self.store.start_session(workspace, "slack")
        self.store.advance(SESSION_SECONDS)
        pending, connected, failed, refused = (self.store.start_session(workspace, "slack") for _ in range(4))
        self.store.finish_session(workspace, connected.id, "connected")
        self.store.finish_session(workspace, failed.id, "failed")
        self.store.finish_session(workspace, refused.id, "failed", "Access was denied.")
        return [session.id for session in (expired, pending, connected, failed, refused)]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with closing(Store(clock=lambda: 0.0)) as store, Server(store) as server, requests.Session() as session:
        session.trust_env = False
        yield Service(store, server.url, session)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_document_has_the_routes_and_a_schema_for_every_status() -> None:
    operations = {
        (method, path): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert {key: set(operation["responses"]) for key, operation in operations.items()} == STATUSES
    for operation in operations.values():
        assert operation["security"]
        for response in operation["responses"].values():
            assert {"$ref", "anyOf"} & set(response["content"]["application/json"]["schema"])


def test_document_names_what_the_routes_take() -> None:
    paths = DOCUMENT["paths"]

    def query(path: str) -> dict[str, tuple[str, bool]]:
        parameters = paths[path]["get"]["parameters"]
        return {item["name"]: (item["schema"]["type"], item["required"]) for item in parameters}

    def body(path: str) -> tuple[set[str], list[str]]:
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        model = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return set(model["properties"]), model["required"]

    assert query("/api/integrations") == {"connectedOnly": ("boolean", False)}
    assert query("/api/integrations/connect/status") == {"sessionId": ("string", True)}
    assert query("/api/integrations/sync-status") == {"provider": ("string", True)}
    assert body("/api/integrations/connect") == ({"provider", "config", "force"}, ["provider"])
    assert body("/api/integrations/disconnect") == ({"provider"}, ["provider"])


@SCHEMA.parametrize()
def test_any_request_is_answered_as_documented(case: schemathesis.Case[Any], service: Service) -> None:
    """Requests within the document and beyond it: other types, missing members, other methods, no key."""
    service.reset([])
    case.call_and_validate(service.url, service.session, bearer(DEFAULT_API_KEY))


@pytest.mark.full
@pytest.mark.parametrize(("method", "path"), STATUSES)
def test_known_providers_and_sessions_reach_every_status(method: str, path: str, service: Service) -> None:
    """What the page's table allows is accepted, what it does not is refused, and no documented status is mere paper."""
    statuses: set[str] = set()
    words: set[str] = set()

    def judge(case: schemathesis.Case[Any], key: str | None, workspace: tuple[list[str], bool]) -> None:
        service.reset(*workspace)
        response = case.call_and_validate(service.url, service.session, bearer(key) if key else None)
        assert (response.status_code == 401) == (key != DEFAULT_API_KEY)
        statuses.add(str(response.status_code))
        if path.endswith("/connect/status") and response.status_code == 200:
            words.add(response.json()["status"])

    situations = zip(CONFIGS, cycle(service.sessions()), cycle(WORKSPACES))
    for number, ((provider, session, workspace), (mode, key, share)) in enumerate(product(situations, QUESTIONS)):
        if mode is GenerationMode.NEGATIVE and path == "/api/validate-api-key":
            continue  # it takes nothing that could be wrong
        operation = schema_of(narrowed(provider, session), {})[path][method]
        cases = operation.as_strategy(generation_mode=mode)
        few = settings(max_examples=settings().max_examples * share // 100)
        seed(number)(few(given(cases, st.just(key), st.just(workspace))(judge)))()
    assert statuses == STATUSES[method, path] - {"500"}
    assert words == (SESSION_WORDS if path.endswith("/connect/status") else set())


def narrowed(provider: str, session: str) -> dict[str, Any]:
    """The document with the page's providers, one provider's config and one session in place of any text."""
    document = copy.deepcopy(DOCUMENT)
    paths = document["paths"]

    def text(values: list[str]) -> dict[str, Any]:
        return {"type": "string", "enum": values} if values else {"type": "string", "minLength": 1}

    def record(members: dict[str, Any], **optional: Any) -> dict[str, Any]:
        properties = {**members, **optional}
        return {"type": "object", "properties": properties, "required": list(members), "additionalProperties": False}

    def set_body(path: str, schema: dict[str, Any]) -> None:
        paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"] = schema

    def set_query(path: str, schema: dict[str, Any]) -> None:
        paths[path]["get"]["parameters"][0]["schema"] = schema

    force = {"type": "boolean"}
    config = record({name: text(values) for name, values in CONFIGS[provider].items()})
    direct = record({"provider": text([provider]), "config": config}, force=force)
    browser = record({"provider": text(PROVIDERS)}, force=force)
    set_body("/api/integrations/connect", {"oneOf": [direct, browser]})
    set_body("/api/integrations/disconnect", record({"provider": text(PROVIDERS)}))
    set_query("/api/integrations/connect/status", text([session]))
    set_query("/api/integrations/sync-status", text(PROVIDERS))
    return document
