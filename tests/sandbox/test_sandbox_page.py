"""Every example of the API page, word for word, and what else is known of each status.

Two values cannot be the page's: a session's id, which is random, and the address of the page where a person signs in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Store
from outlit_pulumi.sandbox.store import SESSION_SECONDS

PAGE_TIME = datetime(2026, 4, 10, 18, 22, 11, tzinfo=UTC).timestamp()

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


@pytest.fixture
def store() -> Iterator[Store]:
    """A store as in the page's examples, whose connections sync at once."""
    with closing(Store(workspace="123", sync_seconds=0, clock=lambda: PAGE_TIME)) as store:
        yield store


def connect(api: httpx.Client, provider: str, config: dict[str, str] | None = None) -> Any:
    body = {"provider": provider} if config is None else {"provider": provider, "config": config}
    return api.post("/api/integrations/connect", json=body).raise_for_status().json()


def test_list_of_connected_integrations(api: httpx.Client) -> None:
    connect(api, "stripe", STRIPE)
    assert api.get("/api/integrations?connectedOnly=true").json() == {
        "items": [
            {
                "id": "stripe",
                "name": "Stripe",
                "category": "billing",
                "status": "connected",
                "connectionId": "stripe-org_123",
                "lastDataReceivedAt": "2026-04-10T18:22:11.000Z",
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
        "items": [{"id": id_, "name": name, "category": category, **nothing} for id_, name, category in PAGE_TABLE]
    }


def test_connect_with_credentials(api: httpx.Client) -> None:
    response = api.post(
        "/api/integrations/connect",
        json={"provider": "posthog", "config": {"apiKey": "phx_...", "region": "us", "projectId": "12345"}},
    )
    assert (response.status_code, response.json()) == (
        200,
        {"connected": True, "connectionId": "posthog-org_123", "alreadyConnected": False},
    )


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


def poll(api: httpx.Client, session_id: str) -> Any:
    return api.get("/api/integrations/connect/status", params={"sessionId": session_id}).raise_for_status().json()


def test_poll_of_a_session(api: httpx.Client) -> None:
    assert poll(api, connect(api, "slack")["sessionId"]) == {"status": "pending", "provider": "slack"}


@pytest.mark.parametrize(
    ("end", "answer"),
    [
        ({"outcome": "connected"}, {"status": "connected", "provider": "slack"}),
        ({"outcome": "failed"}, {"status": "failed", "provider": "slack"}),
        (
            {"outcome": "failed", "error": "Access was denied."},
            {"status": "failed", "provider": "slack", "error": "Access was denied."},
        ),
    ],
)
def test_poll_of_a_session_that_has_ended(api: httpx.Client, end: dict[str, str], answer: dict[str, str]) -> None:
    session_id = connect(api, "slack")["sessionId"]
    api.post(f"/sandbox/sessions/{session_id}", json=end).raise_for_status()
    assert poll(api, session_id) == answer


def test_poll_of_a_session_that_nobody_ended(api: httpx.Client, store: Store) -> None:
    session_id = connect(api, "slack")["sessionId"]
    store.advance(SESSION_SECONDS)
    assert poll(api, session_id) == {"status": "expired", "provider": "slack"}


@pytest.mark.parametrize(
    ("path", "content"), [("connect", '{"provider": "unknown"}'), ("connect", "{"), ("disconnect", "{")]
)
def test_invalid_provider_or_malformed_json(api: httpx.Client, path: str, content: str) -> None:
    response = api.post(f"/api/integrations/{path}", content=content)
    assert response.status_code == 400
    assert list(response.json()) == ["error"]


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


def test_sync_status(api: httpx.Client) -> None:
    connect(api, "stripe", STRIPE)
    response = api.get("/api/integrations/sync-status?provider=stripe").json()
    response["syncs"] = response["syncs"][:1]  # the page shows one; more models of Stripe are synced
    assert response == {
        "provider": "stripe",
        "name": "Stripe",
        "category": "billing",
        "status": "connected",
        "syncs": [
            {
                "model": "StripeCustomer",
                "status": "SUCCESS",
                "lastSyncedAt": "2026-04-10T18:22:11.000Z",
                "errorMessage": None,
            }
        ],
    }


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


def test_well_known_key_has_the_shape_of_a_key() -> None:
    assert DEFAULT_API_KEY.startswith("ok_")
    assert len(DEFAULT_API_KEY) >= len("ok_") + 32
