"""Under which names the sandbox answers: a website that points its own name at this machine gets nothing."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from outlit_pulumi.sandbox import DEFAULT_API_KEY, SandboxStartError, Server, Store

ROUTES = [
    ("GET", "/api/integrations"),
    ("POST", "/api/validate-api-key"),
    ("POST", "/api/integrations/connect"),
    ("GET", "/sandbox/connections"),
    ("POST", "/sandbox/workspaces"),
    ("GET", "/integrations"),
    ("POST", "/integrations/connect"),
    ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
]
BODIES = {
    "/api/integrations/connect": {"provider": "stripe", "config": {"apiKey": "sk_made_up"}},
    "/sandbox/workspaces": {"name": "made"},
}


@pytest.fixture
def everywhere(store: Store) -> Iterator[httpx.Client]:
    """A client of a sandbox that listens on every address of this machine, which somebody asked for."""
    key = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
    with (
        Server(store, host="0.0.0.0") as server,
        httpx.Client(base_url=server.url, headers=key, trust_env=False) as api,
    ):
        yield api


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "[::1]:8787",
        "127.0.0.1.example.com",
        "localhost.example.com",
        "example.com:80",
        "0.0.0.0",
        "x",
        "",
    ],
)
def test_other_names_are_refused_on_every_route(api: httpx.Client, store: Store, host: str) -> None:
    """Also with the key, which is published, and with a form that is of the same origin under that name."""
    for method, path in ROUTES:
        headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        answer = api.request(method, path, headers=headers, json=BODIES.get(path))
        assert (answer.status_code, answer.text) == (400, "Invalid host header")
    assert store.connections("123") == []
    assert store.workspaces() == ["123"]
    assert api.get("/sandbox/calls").json() == {"calls": []}


@pytest.mark.parametrize("host", ["localhost:8787", "127.0.0.1", "127.0.0.1:1", "LOCALHOST"])
def test_names_of_this_machine_are_taken(api: httpx.Client, host: str) -> None:
    for path in ("/api/integrations", "/sandbox/calls", "/integrations"):
        assert api.get(path, headers={"Host": host}).status_code == 200


def test_the_page_is_where_the_caller_found_the_sandbox(api: httpx.Client) -> None:
    """As a browser elsewhere, or before a port that is forwarded, does not know the server's own address."""
    answer = api.post("/api/integrations/connect", json={"provider": "slack"}, headers={"Host": "localhost:99"})
    assert answer.json()["connectUrl"] == "http://localhost:99/integrations"


def test_a_host_that_somebody_asked_for_is_taken(everywhere: httpx.Client) -> None:
    assert everywhere.base_url.host == "127.0.0.1"
    assert everywhere.get("/api/integrations", headers={"Host": "0.0.0.0:8787"}).status_code == 200
    assert everywhere.get("/api/integrations", headers={"Host": "localhost"}).status_code == 200
    assert everywhere.get("/api/integrations", headers={"Host": "example.com"}).status_code == 400


def test_an_empty_host_is_not_every_address(store: Store) -> None:
    with pytest.raises(SandboxStartError, match=r"^The host must not be empty\.$"):
        Server(store, host="")


def test_a_host_that_is_not_of_this_machine(store: Store) -> None:
    with pytest.raises(SandboxStartError, match=r"Cannot use port 0 of 192\.0\.2\.1: "):
        Server(store, host="192.0.2.1")
