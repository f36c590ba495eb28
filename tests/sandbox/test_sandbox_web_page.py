"""The page behind ``connectUrl``, as plain HTTP: what it shows, what its forms do, and whom it refuses."""

from __future__ import annotations

import re
from contextlib import closing
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Server, Store
from outlit_pulumi.sandbox.page import DENIED
from outlit_pulumi.sandbox.store import SESSION_SECONDS, Plan

WORKSPACE = "123"
MARKUP = "<script>alert(1)</script>"
UNKNOWN_SESSION = "00000000-0000-4000-8000-000000000000"


class Page(HTMLParser):
    """What a page of the sandbox holds: its words, and its forms as ``(action, fields)`` by the words of the button."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.forms: dict[str, tuple[str, dict[str, str]]] = {}
        self.links: dict[str, str] = {}
        self._form: tuple[str, dict[str, str]] = ("", {})
        self._words: list[str] = []
        self._opened: dict[str, int] = {}
        self._href = ""
        self.feed(response.text)
        self.text = _joined(self._words)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self._opened[tag] = len(self._words)
        if tag == "form":
            assert values["method"] == "post"
            self._form = (values["action"], {})
        elif tag == "input":
            self._form[1][values["name"]] = values["value"]
        elif tag == "a":
            self._href = values["href"]

    def handle_endtag(self, tag: str) -> None:
        words = _joined(self._words[self._opened[tag] :])
        if tag == "button":
            self.forms[words] = self._form
        elif tag == "a":
            self.links[words] = self._href

    def handle_data(self, data: str) -> None:
        self._words.append(data)


def _joined(words: list[str]) -> str:
    return " ".join("".join(words).split())


def look(api: httpx.Client, path: str = "/integrations", **query: str) -> Page:
    """A page, which must be there."""
    response = api.get(path, params=query or None)  # an empty one would drop the query of the path
    assert response.status_code == 200, response.text
    return Page(response)


def send(api: httpx.Client, action: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    """Sends a form as a browser does from the sandbox's own page."""
    origin = str(api.base_url).rstrip("/")
    own = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    return api.post(action, data=fields, headers=own | headers, follow_redirects=False)


def press(api: httpx.Client, page: Page, button: str) -> Page:
    """The page that follows a press of a button."""
    response = send(api, *page.forms[button])
    if response.is_redirect:
        assert response.status_code == 303  # whatever was sent, the next is a GET
        return look(api, response.headers["location"])
    return Page(response)


def poll(api: httpx.Client, session_id: str) -> Any:
    return api.get("/api/integrations/connect/status", params={"sessionId": session_id}).json()


@pytest.fixture
def session(store: Store) -> str:
    """The id of a session that waits for somebody to connect Slack."""
    return store.start_session(WORKSPACE, "slack").id


def refused_forms(store: Store) -> list[tuple[str, dict[str, str]]]:
    """One form of each kind that would change something, if it were taken."""
    store.connect(WORKSPACE, "stripe", {"apiKey": "sk_made_up"})
    waiting = {"workspace": WORKSPACE, "session": store.start_session(WORKSPACE, "slack").id}
    return [
        ("/integrations/approve", waiting),
        ("/integrations/deny", waiting),
        ("/integrations/connect", {"workspace": WORKSPACE, "provider": "pylon"}),
        ("/integrations/disconnect", {"workspace": WORKSPACE, "provider": "stripe"}),
    ]


def everything(store: Store) -> object:
    return store.integrations(WORKSPACE), store.pending_sessions(WORKSPACE)


# What is shown


def test_every_provider_has_a_card(api: httpx.Client, store: Store) -> None:
    text = look(api).text
    for offer in store.offers.values():
        assert f"{offer.name} {offer.category.capitalize()} Not connected" in text
    assert "Nothing is connected yet." in text
    assert "Waiting for you" not in text


def test_made_up_providers_have_cards_too() -> None:
    store = Store(extra_providers=2)
    with Server(store) as server, httpx.Client(base_url=server.url, trust_env=False) as api:
        assert "Extra 2 Other Not connected" in look(api).text


def test_card_of_a_connection(api: httpx.Client, store: Store) -> None:
    store.connect(WORKSPACE, "stripe", {"apiKey": "sk_made_up"})
    first = (
        "Stripe Billing Connected, first sync under way Connection stripe-org_123 Last data none yet Disconnect Stripe"
    )
    assert first in look(api).text
    store.advance(2 + 45)
    assert "Connected Connection stripe-org_123 Last data less than a minute ago Disconnect" in look(api).text
    store.set_sync(WORKSPACE, "stripe", "FAILED", model="StripeInvoice", error_message="Not allowed.")
    assert "Connected, but a sync is failing Not allowed. Connection" in look(api).text
    store.set_sync(WORKSPACE, "stripe", "PAUSED")
    assert "Connected, sync status PAUSED" in look(api).text


def test_plan(api: httpx.Client, store: Store) -> None:
    assert "0 of 10 connected. The plan is free. " in look(api).text
    store.set_plan(WORKSPACE, Plan("pro", 1))
    assert "0 of 10 connected. The plan is pro, which allows 1 connection. " in look(api).text


def test_requests_are_shown_oldest_first(api: httpx.Client, store: Store) -> None:
    store.start_session(WORKSPACE, "slack")
    store.advance(59)
    store.start_session(WORKSPACE, "pylon")
    store.start_session(WORKSPACE, "google-mail")
    store.advance(61)
    shown = re.findall(r"Connect ([\w ]+)\? Asked ([\w ]+) ago, expires in ([\w ]+) Outlit will read", look(api).text)
    assert shown == [
        ("Slack", "2 minutes", "8 minutes"),
        ("Pylon", "1 minute", "8 minutes"),
        ("Gmail", "1 minute", "8 minutes"),
    ]


def test_request_says_what_approving_does(api: httpx.Client, store: Store) -> None:
    store.start_session(WORKSPACE, "slack")
    assert "Outlit will read from Slack and sync SlackChannel, SlackUser and SlackMessage." in look(api).text
    store.meddle(WORKSPACE, "slack", connect=True)
    assert "Slack is connected. Approving keeps that connection as it is." in look(api).text
    store.start_session(WORKSPACE, "slack", force=True)
    assert "Slack is connected. Approving renews the access; what was synced is kept." in look(api).text


def test_what_the_store_holds_is_escaped(api: httpx.Client, store: Store) -> None:
    store.connect(WORKSPACE, "stripe", {"apiKey": "sk_made_up"})
    store.set_sync(WORKSPACE, "stripe", MARKUP, model="StripeCustomer", error_message=MARKUP)
    store.set_plan(WORKSPACE, Plan(MARKUP))
    session = store.start_session(WORKSPACE, "slack")
    store.finish_session(WORKSPACE, session.id, "failed", MARKUP)
    page = api.get("/integrations", params={"session": session.id}).text
    assert MARKUP not in page
    assert unescape(page).count(MARKUP) == 4


@pytest.mark.parametrize("name", ["workspace", "session", "disconnected", "other"])
def test_what_the_address_says_is_not_repeated(api: httpx.Client, name: str) -> None:
    assert "alert" not in api.get("/integrations", params={name: MARKUP}).text


def test_no_key_and_no_fingerprint_is_shown(api: httpx.Client, store: Store) -> None:
    store.connect(WORKSPACE, "stripe", {"apiKey": "sk_made_up"})
    key = store.add_workspace("emea")
    [connection] = store.connections(WORKSPACE)
    for query in ({}, {"workspace": WORKSPACE}, {"workspace": "emea"}):
        text = api.get("/integrations", params=query).text
        for secret in (DEFAULT_API_KEY, key, connection.fingerprint, "sk_made_up"):
            assert secret
            assert secret not in text


# Workspaces


def test_several_workspaces_are_chosen_from(api: httpx.Client, store: Store) -> None:
    assert "All workspaces" not in look(api).links
    store.add_workspace("emea")
    store.start_session("emea", "slack")
    page = look(api)
    assert "123 Nothing is waiting for you emea 1 request is waiting for you" in page.text
    emea = look(api, page.links["emea"])
    assert "Workspace emea" in emea.text
    assert press(api, emea, "Approve Slack").status == 200
    assert [item.provider for item in store.connections("emea")] == ["slack"]
    assert store.connections(WORKSPACE) == []
    assert emea.links["All workspaces"] == "/integrations"


def test_unknown_workspace(api: httpx.Client) -> None:
    assert Page(api.get("/integrations?workspace=nowhere")).status == 404


def test_a_session_of_another_workspace_is_unknown(api: httpx.Client, store: Store, session: str) -> None:
    store.add_workspace("emea")
    page = Page(send(api, "/integrations/approve", {"workspace": "emea", "session": session}))
    assert (page.status, "No such request" in page.text) == (404, True)
    assert poll(api, session)["status"] == "pending"


# Browser sessions


def test_approve(api: httpx.Client, session: str) -> None:
    page = press(api, look(api), "Approve Slack")
    assert "Slack is connected You can close this page" in page.text
    assert "Slack Communication Connected" in page.text
    assert "Waiting for you" not in page.text
    assert poll(api, session) == {"status": "connected", "provider": "slack"}


def test_deny(api: httpx.Client, session: str) -> None:
    page = press(api, look(api), "Deny Slack")
    assert f"Slack was not connected {DENIED}" in page.text
    assert "Slack Communication Not connected" in page.text
    assert poll(api, session) == {"status": "failed", "provider": "slack", "error": DENIED}


def test_approve_beyond_the_plan(api: httpx.Client, store: Store, session: str) -> None:
    store.set_plan(WORKSPACE, Plan(limit=0))
    page = press(api, look(api), "Approve Slack")
    assert "Slack was not connected Your plan has reached its integration connection limit." in page.text
    assert poll(api, session)["status"] == "failed"


@pytest.mark.parametrize("button", ["Approve Slack", "Deny Slack"])
def test_an_expired_request_cannot_be_answered(api: httpx.Client, store: Store, session: str, button: str) -> None:
    page = look(api)
    store.advance(SESSION_SECONDS)
    answer = press(api, page, button)
    assert (answer.status, "It was not answered within 10 minutes." in answer.text) == (409, True)
    assert "Waiting for you" not in look(api).text
    assert poll(api, session)["status"] == "expired"


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("Approve Slack", "Approve Slack", "connected"),
        ("Approve Slack", "Deny Slack", "connected"),
        ("Deny Slack", "Approve Slack", "failed"),
    ],
)
def test_a_request_is_answered_once(
    api: httpx.Client, store: Store, session: str, first: str, second: str, status: str
) -> None:
    page = look(api)
    press(api, page, first)
    before = everything(store)
    answer = press(api, page, second)
    assert (answer.status, "answered already" in answer.text) == (409, True)
    assert answer.links["Back to the integrations"] == f"/integrations?workspace={WORKSPACE}"
    assert everything(store) == before
    assert poll(api, session)["status"] == status


def test_an_unknown_request(api: httpx.Client) -> None:
    form = {"workspace": WORKSPACE, "session": UNKNOWN_SESSION}
    assert Page(send(api, "/integrations/approve", form)).status == 404


def test_the_address_cannot_claim_what_is_not_so(api: httpx.Client, store: Store, session: str) -> None:
    store.connect(WORKSPACE, "stripe", {"apiKey": "sk_made_up"})
    assert "You can close this page" not in look(api, session=session).text
    assert "Stripe is disconnected" not in look(api, disconnected="stripe").text


def test_connect_by_hand(api: httpx.Client, store: Store) -> None:
    page = look(api)
    connectable = {label for label in page.forms if label.startswith("Connect ")}
    assert connectable == {"Connect Slack", "Connect Google Calendar", "Connect Gmail", "Connect Pylon"}
    page = press(api, page, "Connect Slack")
    assert "Slack Communication Waiting for your approval" in page.text
    press(api, page, "Approve Slack")
    assert [item.provider for item in store.connections(WORKSPACE)] == ["slack"]


# Disconnecting


def test_disconnect_asks_first(api: httpx.Client, store: Store) -> None:
    store.connect(WORKSPACE, "stripe", {"apiKey": "sk_made_up"})
    asked = look(api, look(api).links["Disconnect Stripe"])
    assert "This permanently deletes everything that Outlit synced from Stripe" in asked.text
    assert len(store.connections(WORKSPACE)) == 1
    page = press(api, asked, "Disconnect and delete the data of Stripe")
    assert "Stripe is disconnected What was synced from it has been deleted." in page.text
    assert store.connections(WORKSPACE) == []
    again = press(api, asked, "Disconnect and delete the data of Stripe")
    assert (again.status, "There is nothing to disconnect." in again.text) == (409, True)


def test_disconnect_can_be_cancelled(api: httpx.Client, store: Store) -> None:
    store.connect(WORKSPACE, "stripe", {"apiKey": "sk_made_up"})
    asked = look(api, look(api).links["Disconnect Stripe"])
    look(api, asked.links["Cancel"])
    assert len(store.connections(WORKSPACE)) == 1


def test_disconnect_of_what_is_not_connected(api: httpx.Client) -> None:
    query = {"workspace": WORKSPACE, "provider": "stripe"}
    assert Page(api.get("/integrations/disconnect", params=query)).status == 409
    assert Page(api.get("/integrations/disconnect", params=query | {"provider": "x"})).status == 404


@pytest.mark.parametrize(
    "path", ["/integrations/", "/integrations/connect", "/integrations/approve", "/integrations/deny"]
)
def test_an_address_from_the_browser_s_history_leads_to_the_page(
    api: httpx.Client, store: Store, session: str, path: str
) -> None:
    """And changes nothing, whatever it says."""
    before = everything(store)
    for query, page in (
        ({}, "/integrations"),
        ({"workspace": WORKSPACE, "session": session}, "/integrations?workspace=123"),
    ):
        answer = api.get(path, params=query)
        assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert everything(store) == before


@pytest.mark.parametrize("path", ["", "/", "/approve", "/disconnect", "/style.css", "/icon.svg"])
def test_head_is_get_without_the_content(api: httpx.Client, path: str) -> None:
    got, asked = api.get(f"/integrations{path}"), api.head(f"/integrations{path}")
    assert (asked.status_code, asked.content) == (got.status_code, b"")
    assert asked.headers.get("content-type") == got.headers.get("content-type")


def test_a_request_for_what_is_not_on_offer_any_more(tmp_path: Path) -> None:
    """It waits in the state of an earlier run: the page does not show it, and nobody can answer it."""
    with closing(Store(tmp_path / "state", extra_providers=1)) as store:
        session_id = store.start_session("sandbox", "extra-0001").id
        store.start_session("sandbox", "slack")
    store = Store(tmp_path / "state")
    key = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
    with (
        closing(store),
        Server(store) as server,
        httpx.Client(base_url=server.url, headers=key, trust_env=False) as api,
    ):
        page = look(api)
        assert "Extra" not in page.text
        assert "Approve Slack" in page.forms
        form = {"workspace": "sandbox", "session": session_id}
        assert send(api, "/integrations/approve", form).status_code == 404
        look(api, session=session_id)
        assert api.get("/api/integrations/connect/status", params={"sessionId": session_id}).status_code == 400
        store.add_workspace("emea")
        assert "sandbox 1 request is waiting for you" in look(api).text


# Whom it refuses


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_forms_of_other_sites_change_nothing(api: httpx.Client, store: Store, headers: dict[str, str]) -> None:
    forms = refused_forms(store)
    before = everything(store)
    for action, fields in forms:
        assert send(api, action, fields, **headers).status_code == 403
    assert everything(store) == before


def test_a_form_without_an_origin_changes_nothing(api: httpx.Client, store: Store) -> None:
    forms = refused_forms(store)
    before = everything(store)
    for action, fields in forms:
        assert api.post(action, data=fields).status_code == 403
    assert everything(store) == before


@pytest.mark.parametrize("host", ["localhost:8787", "127.0.0.1", "LOCALHOST:8787"])
def test_names_of_this_machine_are_taken(api: httpx.Client, store: Store, session: str, host: str) -> None:
    assert api.get("/integrations", headers={"Host": host}).status_code == 200
    form = {"workspace": WORKSPACE, "session": session}
    assert send(api, "/integrations/approve", form, Host=host, Origin=f"http://{host}").status_code == 303
    assert len(store.connections(WORKSPACE)) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"workspace=123",
        b"workspace=123&session=",
        b"workspace=123&session=a&session=b&provider=slack&provider=pylon",
        b"workspace=%00&session=%ff&provider=%ff",
        b"&".join(b"a=%d" % n for n in range(1000)),
        b"\xff\xfe",
        b'{"workspace": "123"}',
    ],
)
def test_malformed_forms_change_nothing(api: httpx.Client, store: Store, content: bytes) -> None:
    actions = [action for action, _ in refused_forms(store)]
    before = everything(store)
    headers = {"Origin": str(api.base_url).rstrip("/"), "Content-Type": "application/x-www-form-urlencoded"}
    for action in actions:
        response = api.post(action, content=content, headers=headers)
        assert (response.status_code in (400, 404), "<h1>" in response.text) == (True, True)
    assert everything(store) == before


@pytest.mark.parametrize("path", ["/integrations", "/integrations/disconnect", "/integrations?workspace=x"])
def test_security_headers(api: httpx.Client, path: str) -> None:
    headers = api.get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert "script" not in headers["content-security-policy"]  # so none runs
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "text/html; charset=utf-8"


# What it leaves alone


def test_it_is_not_of_the_api(api: httpx.Client, store: Store, session: str) -> None:
    """Neither the call log nor the OpenAPI document knows the page, and faults do not meet it."""
    api.post("/sandbox/faults", json={"route": "*", "status": 500, "times": None}).raise_for_status()
    press(api, look(api), "Approve Slack")
    press(api, look(api, look(api).links["Disconnect Slack"]), "Disconnect and delete the data of Slack")
    assert api.get("/sandbox/calls").json() == {"calls": []}
    assert not [path for path in api.get("/openapi.json").json()["paths"] if path.startswith("/integrations")]
