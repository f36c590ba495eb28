"""Reading answers: what is odd in one entry, and what is never taken for an answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import outlit_pulumi as outlit
from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.models import (
    DirectConnection,
    Disconnection,
    IntegrationItem,
    IntegrationList,
    Problem,
    SyncStatus,
    UnreadableError,
    parse,
)
from outlit_pulumi.api.retry import Retries
from outlit_pulumi.lifecycle.outputs import outputs
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.settings import Settings

STRIPE: dict[str, Any] = {"id": "stripe", "status": "connected", "connectionId": "stripe-org_1", "name": "Stripe"}
POSTHOG: dict[str, Any] = {"id": "posthog", "status": "not_connected", "name": "PostHog", "category": "analytics"}
HALF = "\ud800"
"""Half a character (a lone surrogate), which JSON can spell and UTF-8 cannot."""


def listed(*entries: object) -> IntegrationList:
    return parse(json.dumps({"items": entries}).encode(), IntegrationList)


def workspace(*entries: object) -> Workspace:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=json.dumps({"items": entries})))
    settings = Settings("ok_live", "https://outlit.test")
    return Workspace(OutlitClient(settings, transport=transport, retries=Retries(attempts=1)))


ODD: dict[str, dict[str, Any]] = {
    "status null": {**STRIPE, "status": None},
    "no status": {"id": "stripe"},
    "status a number": {**STRIPE, "status": 1},
    "connection id a number": {**STRIPE, "connectionId": 1},
    "half a character in the connection id": {**STRIPE, "connectionId": f"stripe{HALF}"},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_entry_leaves_the_others_readable(odd: dict[str, Any]) -> None:
    """And is an error to whoever asks for it: to call it missing could make a connection look gone."""
    found = listed(odd, POSTHOG)
    assert [item.id for item in found.items] == ["posthog"]
    assert found.unreadable == {"stripe"}
    with (asked := workspace(odd, POSTHOG)).client:
        budget = asked.client.budget()
        assert asked.item("posthog", budget) == IntegrationItem.model_validate(POSTHOG)
        assert list(asked.items(budget)) == ["posthog"]
        with pytest.raises(outlit.UnreadableAnswerError, match="an entry of stripe that is not what") as caught:
            asked.item("stripe", budget)
    assert caught.value.took_effect is None


@pytest.mark.parametrize(
    "odd", [None, 5, "stripe", [], {}, {"status": "connected"}, {**STRIPE, "id": None}, {**STRIPE, "id": 5}, [STRIPE]]
)
def test_an_entry_of_nobody_leaves_the_others_readable(odd: object) -> None:
    """It may be the entry of any provider that the list does not name otherwise."""
    found = listed(odd, POSTHOG, odd)
    assert [item.id for item in found.items] == ["posthog"]
    assert found.unreadable == {None}
    with (asked := workspace(odd, POSTHOG)).client:
        assert asked.item("posthog", asked.client.budget()) is not None
        with pytest.raises(outlit.UnreadableAnswerError):
            asked.item("stripe", asked.client.budget())


def test_half_a_character_in_an_id_makes_the_entry_unreadable() -> None:
    """It could be neither stored nor sent. The id is told in a form that can be shown."""
    found = listed({**STRIPE, "id": f"str{HALF}ipe"}, POSTHOG)
    assert [item.id for item in found.items] == ["posthog"]
    assert found.unreadable == {"str\N{REPLACEMENT CHARACTER}ipe"}


def test_an_empty_id_is_none() -> None:
    """Of a provider it is no id at all; an empty connection id says that there is no connection to name."""
    found = listed({**STRIPE, "connectionId": ""}, {**POSTHOG, "id": ""})
    assert [(item.id, item.connection_id) for item in found.items] == [("stripe", None)]
    assert found.unreadable == {None}


@pytest.mark.parametrize("odd", ['""', "null", "5", '" "', "[]"])
def test_an_odd_id_in_the_answer_to_a_connect_does_not_lose_the_connection(odd: str) -> None:
    made = parse(f'{{"connected": true, "connectionId": {odd}, "alreadyConnected": false}}'.encode(), DirectConnection)
    assert (made.connected, made.connection_id) == (True, None)


@pytest.mark.parametrize(
    ("status", "connection_id", "connected"),
    [
        ("available", None, False),
        ("available", "c", True),
        ("not_connected", None, False),
        ("error", "c", True),
        ("no such word", None, True),
    ],
)
def test_what_counts_as_connected(status: str, connection_id: str | None, connected: bool) -> None:
    """Unknown words do: whatever there is must not be taken for gone."""
    (item,) = listed({**STRIPE, "status": status, "connectionId": connection_id}).items
    assert item.connected is connected


@pytest.mark.parametrize("member", ["status", "name", "category", "syncStatus", "lastDataReceivedAt", "errorMessage"])
def test_half_a_character_in_a_text_is_replaced(member: str) -> None:
    """The list can be read, and a state can hold what becomes of it."""
    (item, other) = listed({**STRIPE, member: f"a{HALF}b"}, POSTHOG).items
    assert item.members()[member] == "a\N{REPLACEMENT CHARACTER}b"
    assert other.id == "posthog"
    with (asked := workspace()).client:
        json.dumps(outputs({"provider": "stripe"}, "c", item, asked.client.hide), ensure_ascii=False).encode()


def test_a_character_in_two_halves_is_whole() -> None:
    """JSON spells those beyond the first 65536 so."""
    content = b'{"items": [{"id": "stripe", "status": "\\ud83d\\ude00"}]}'
    assert [item.status for item in parse(content, IntegrationList).items] == ["\N{GRINNING FACE}"]


@pytest.mark.parametrize("odd", [5, [], {}, True, "", " ", "\n", "\u202e"])
@pytest.mark.parametrize("member", ["name", "category", "syncStatus", "lastDataReceivedAt", "errorMessage"])
def test_what_is_only_shown_counts_as_missing_where_it_is_no_text(member: str, odd: object) -> None:
    (item,) = listed({**STRIPE, member: odd}).items
    assert item.members()[member] is None
    assert (item.id, item.status, item.connection_id) == ("stripe", "connected", "stripe-org_1")


def test_rows_of_syncs_that_cannot_be_read_are_left_out() -> None:
    rows = [
        None,
        {"status": "FAILED"},
        {"model": "", "status": "FAILED"},
        {"model": "StripeInvoice", "status": None},
        {"model": "StripeCustomer", "status": "SUCCESS", "lastSyncedAt": 5},
    ]
    body = {"provider": "stripe", "status": "connected", "syncs": rows}
    (row,) = parse(json.dumps(body).encode(), SyncStatus).syncs
    assert (row.model, row.status, row.last_synced_at) == ("StripeCustomer", "SUCCESS", None)


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (b"", IntegrationList),
        (b"[]", IntegrationList),
        (b"{}", IntegrationList),
        (b'{"items": null}', IntegrationList),
        (b'{"items": {"CANARY": 1}}', IntegrationList),
        (b"\xff\xfe{}", IntegrationList),
        (b"[" * 100_000, IntegrationList),
        (b"9" * 5000, IntegrationList),
        (b'{"success": false, "CANARY": 1}', Disconnection),
        (b'{"success": "true"}', Disconnection),
        (b'{"connected": "CANARY", "connectionId": "c", "alreadyConnected": false}', DirectConnection),
        (b'{"connected": 1, "connectionId": "c", "alreadyConnected": false}', DirectConnection),
        (b'{"provider": "stripe", "status": "connected", "syncs": {}}', SyncStatus),
        (b'{"provider": "stripe", "status": "connected", "syncs": null}', SyncStatus),
        (b'{"provider": "stripe", "syncs": []}', SyncStatus),
    ],
)
def test_what_is_no_answer_is_refused_without_quoting_it(content: bytes, shape: type[Any]) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(content, shape)
    assert (str(caught.value), caught.value.__context__) == ("", None)


def test_any_body_of_an_error_can_be_read() -> None:
    odd = {"error": 5, "message": f"no{HALF}", "code": [], "currentConnections": "3", "limit": True, "success": None}
    found = parse(json.dumps(odd).encode(), Problem)
    assert (found.error, found.code, found.current_connections, found.limit) == (None, None, None, None)
    assert found.message == "no\N{REPLACEMENT CHARACTER}"
