"""Every example of the API page, member by member, and what else is known of each status."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Store, create_app

STRIPE = {"apiKey": "sk_example"}
POSTHOG = {"apiKey": "phx_example", "region": "us", "projectId": "12345"}

PAGE_TABLE = [
    ("slack", "Slack", "communication"),
    ("fireflies", "Fireflies.ai", "calls"),
    ("granola", "Granola", "calls"),
    ("google-calendar", "Google Calendar", "calendar"),
    ("google-mail", "Gmail", "communication"),
    ("posthog", "PostHog", "analytics"),
    ("stripe", "Stripe", "billing"),
    ("supabase", "Supabase Auth", "analytics"),
    ("clerk", "Clerk", "analytics"),
    ("pylon", "Pylon", "support"),
]


def connect(api: httpx.Client, provider: str, config: dict[str, str] | None = None) -> Any:
    body = {"provider": provider} if config is None else {"provider": provider, "config": config}
    return api.post("/api/integrations/connect", json=body).raise_for_status().json()


def test_list_of_connected_integrations(api: httpx.Client, store: Store) -> None:
    connect(api, "stripe", STRIPE)
    store.advance(2)
    assert api.get("/api/integrations?connectedOnly=true").json() == {
        "items": [
            {
                "id": "stripe",
                "name": "Stripe",
                "category": "billing",
                "status": "connected",
                "connectionId": "stripe-org_123",
                "lastDataReceivedAt": "2026-04-10T18:22:13.000Z",
                "syncStatus": "SUCCESS",
                "errorMessage": None,
            }
        ]
    }


@pytest.mark.parametrize("query", ["", "?connectedOnly=false"])
def test_list_has_every_provider_in_the_page_s_order(api: httpx.Client, query: str) -> None:
    nothing = {
        "status": "not_connected",
        "connectionId": None,
        "lastDataReceivedAt": None,
        "syncStatus": None,
        "errorMessage": None,
    }
    assert api.get(f"/api/integrations{query}").json() == {
        "items": [{"id": id, "name": name, "category": category, **nothing} for id, name, category in PAGE_TABLE]
    }


def test_connect_with_credentials(api: httpx.Client) -> None:
    assert connect(api, "posthog", POSTHOG) == {
        "connected": True,
        "connectionId": "posthog-org_123",
        "alreadyConnected": False,
    }


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("fireflies", ["apiKey"]),
        ("granola", ["apiKey"]),
        ("stripe", ["apiKey"]),
        ("supabase", ["projectUrl", "serviceRoleKey"]),
        ("clerk", ["secretKey"]),
    ],
)
def test_every_direct_provider_takes_the_fields_of_the_page(
    api: httpx.Client, provider: str, fields: list[str]
) -> None:
    assert connect(api, provider, dict.fromkeys(fields, "value"))["connected"] is True


def test_connect_in_a_browser(api: httpx.Client) -> None:
    session = connect(api, "slack")
    assert session == {
        "sessionId": session["sessionId"],
        "connectUrl": str(api.base_url.join("/integrations")),
        "alreadyConnected": False,
    }
    assert len(session["sessionId"]) == 36
    assert api.get(session["connectUrl"]).status_code == 200


def test_connect_beyond_the_plan(api: httpx.Client) -> None:
    api.post("/sandbox/settings", json={"limit": 3, "plan": "free"}).raise_for_status()
    for provider in ("fireflies", "granola", "stripe"):
        connect(api, provider, {"apiKey": "value"})
    response = api.post("/api/integrations/connect", json={"provider": "posthog", "config": POSTHOG})
    assert (response.status_code, response.json()) == (
        403,
        {
            "error": "Your plan has reached its integration connection limit.",
            "code": "plan_connection_limit_exceeded",
            "feature": "integration_connections",
            "plan": "free",
            "currentConnections": 3,
            "limit": 3,
        },
    )


def test_poll_of_a_session(api: httpx.Client) -> None:
    session_id = connect(api, "slack")["sessionId"]
    response = api.get("/api/integrations/connect/status", params={"sessionId": session_id})
    assert response.json() == {"status": "pending", "provider": "slack"}


def test_disconnect(api: httpx.Client) -> None:
    connect(api, "stripe", STRIPE)
    response = api.post("/api/integrations/disconnect", json={"provider": "stripe"})
    assert (response.status_code, response.json()) == (200, {"success": True})


def test_disconnect_of_what_is_not_connected(api: httpx.Client) -> None:
    response = api.post("/api/integrations/disconnect", json={"provider": "stripe"})
    assert (response.status_code, response.json()) == (
        404,
        {"success": False, "message": "Integration is not connected"},
    )


def test_sync_status(api: httpx.Client, store: Store) -> None:
    connect(api, "stripe", STRIPE)
    store.advance(2)
    response = api.get("/api/integrations/sync-status?provider=stripe").json()
    assert response.pop("syncs")[0] == {
        "model": "StripeCustomer",
        "status": "SUCCESS",
        "lastSyncedAt": "2026-04-10T18:22:13.000Z",
        "errorMessage": None,
    }
    assert response == {"provider": "stripe", "name": "Stripe", "category": "billing", "status": "connected"}


def test_sync_status_of_what_is_not_connected(api: httpx.Client) -> None:
    assert api.get("/api/integrations/sync-status?provider=stripe").json() == {
        "provider": "stripe",
        "name": "Stripe",
        "category": "billing",
        "status": "not_connected",
        "syncs": [],
    }


def test_failure_of_the_service(api: httpx.Client, store: Store) -> None:
    store.close()
    response = api.get("/api/integrations")
    assert (response.status_code, response.json()) == (500, {"error": "Internal server error"})


def test_answers_are_json(api: httpx.Client) -> None:
    assert api.get("/api/integrations").headers["content-type"] == "application/json"


STATUSES = {
    ("get", "/api/integrations"): {"200", "401", "500"},
    ("post", "/api/integrations/connect"): {"200", "400", "401", "403", "500"},
    ("get", "/api/integrations/connect/status"): {"200", "400", "401", "500"},
    ("post", "/api/integrations/disconnect"): {"200", "400", "401", "404", "500"},
    ("get", "/api/integrations/sync-status"): {"200", "400", "401", "500"},
}


def test_openapi_document_has_the_five_routes_and_a_schema_for_every_status(store: Store) -> None:
    document = create_app(store).openapi()
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert {key: set(operation["responses"]) for key, operation in operations.items()} == STATUSES
    for operation in operations.values():
        assert operation["security"]
        for response in operation["responses"].values():
            assert {"$ref", "anyOf"} & set(response["content"]["application/json"]["schema"])


def test_openapi_document_names_what_the_routes_take(store: Store) -> None:
    paths = create_app(store).openapi()["paths"]

    def query(path: str) -> dict[str, tuple[str, bool]]:
        parameters = paths[path]["get"]["parameters"]
        return {item["name"]: (item["schema"]["type"], item["required"]) for item in parameters}

    def body(path: str) -> tuple[set[str], list[str]]:
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return set(schema["properties"]), schema["required"]

    assert query("/api/integrations") == {"connectedOnly": ("boolean", False)}
    assert query("/api/integrations/connect/status") == {"sessionId": ("string", True)}
    assert query("/api/integrations/sync-status") == {"provider": ("string", True)}
    assert body("/api/integrations/connect") == ({"provider", "config", "force"}, ["provider"])
    assert body("/api/integrations/disconnect") == ({"provider"}, ["provider"])


def test_well_known_key_has_the_shape_of_a_key() -> None:
    assert DEFAULT_API_KEY.startswith("ok_")
    assert len(DEFAULT_API_KEY) >= len("ok_") + 32
