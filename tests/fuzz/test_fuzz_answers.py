"""Whatever a service answers, only the package's errors come out, in time, and no state is changed in place."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.errors import ApiError
from outlit_pulumi.api.models import IntegrationList, parse
from outlit_pulumi.errors import OutlitError
from outlit_pulumi.lifecycle import operations
from outlit_pulumi.lifecycle.outputs import Observed
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.lifecycle.writes import Warn

from .strategies import ITEM, Reply, anticipated, client, examples, replies, right, values, workspace

METHODS: dict[str, Callable[[OutlitClient], object]] = {
    "list_integrations": lambda c: c.list_integrations(),
    "connected_only": lambda c: c.list_integrations(connected_only=True),
    "connect": lambda c: c.connect("stripe", {"apiKey": "sk_x"}),
    "force": lambda c: c.connect("stripe", {"apiKey": "sk_x"}, force=True),
    "start_session": lambda c: c.start_session("slack"),
    "connect_status": lambda c: c.connect_status("s"),
    "disconnect": lambda c: c.disconnect("stripe"),
    "sync_status": lambda c: c.sync_status("stripe"),
    "organization": lambda c: c.organization(),
}

INPUTS: dict[str, Any] = {
    "provider": "stripe",
    "config": {"apiKey": "sk_x"},
    "adopt_existing": False,
    "on_config_change": "reconnect",
}
STATE = INPUTS | {"connection_id": "stripe-org_1"}
Operation = Callable[[Workspace, dict[str, Any], dict[str, Any], Warn], object]
OPERATIONS: dict[str, Operation] = {
    "create": lambda w, state, inputs, warn: operations.create(w, inputs, warn),
    "adopt": lambda w, state, inputs, warn: operations.create(w, inputs | {"adopt_existing": True}, warn),
    "read": lambda w, state, inputs, warn: operations.read(w, "stripe-org_1", state, warn),
    "update": lambda w, state, inputs, warn: operations.update(w, "stripe-org_1", state, inputs, warn),
    "delete": lambda w, state, inputs, warn: operations.delete(w, "stripe-org_1", state, warn),
}


@pytest.mark.parametrize("name", METHODS)
@examples(60)
@given(given=st.lists(replies, min_size=1, max_size=3))
@example(given=[Reply(429, [(b"Retry-After", b"Wed, 21 Oct 2015 07:28:00 +99999999999999999")])])
@example(given=[Reply(503, [(b"Retry-After", b"1e400")])])
@example(given=[Reply(200, [(b"Content-Encoding", b"gzip")], b"no gzip")])
def test_any_answer_to_the_client(name: str, given: list[Reply]) -> None:
    """An answer or an ApiError, within the time."""
    outlit, clock = client(given, owner=given[0])
    began = clock.now()
    try:
        METHODS[name](outlit)
    except ApiError as error:
        anticipated(error)
        assert error.took_effect in (False, None)  # noqa: PT017  # it need not fail
    assert clock.now() - began <= 60


GONE = {"items": [ITEM | {"status": "not_connected", "connectionId": None}]}
OURS = {"items": [ITEM]}
APPLIED = {"connected": True, "connectionId": "stripe-org_1", "alreadyConnected": False}
EXPECTED: dict[str, list[Any]] = {
    "create": [GONE, APPLIED, OURS, APPLIED],
    "adopt": [OURS, APPLIED, OURS, APPLIED],
    "read": [{"provider": "stripe", "status": "connected"}, OURS],
    "update": [OURS, APPLIED, OURS, APPLIED],
    "delete": [OURS, {"success": True}, OURS, {"success": True}],
}
"""The right answers to the calls that an operation may make, one after the other."""


def _without_ids(answer: Any) -> Any:
    return json.loads(json.dumps(answer).replace("stripe-org_1", ""))


@pytest.mark.parametrize("name", OPERATIONS)
@examples(100)
@given(data=st.data())
def test_any_answers_to_an_operation(name: str, data: st.DataObject) -> None:
    """A result that a state can hold, or one documented error. What was passed in is as it was."""
    given = [
        data.draw(st.one_of(replies, st.just(right(answer)), st.just(right(_without_ids(answer)))))
        for answer in EXPECTED[name]
    ]
    lists = given.pop() if name == "read" else None  # it asks for the list ahead
    owner = data.draw(st.one_of(replies, st.just(right({"valid": True, "organizationId": "org_1"}))))
    state, inputs, warnings = copy.deepcopy(STATE), copy.deepcopy(INPUTS), list[str]()
    try:
        with workspace(given, [lists] if lists else None, owner) as run:
            made = OPERATIONS[name](run, state, inputs, warnings.append)
    except OutlitError as error:
        anticipated(error)
    else:
        if isinstance(made, Observed):
            assert made.id
            json.dumps(made.outputs, ensure_ascii=False, allow_nan=False).encode()
    assert (state, inputs) == (STATE, INPUTS)
    assert all(warning.strip() for warning in warnings)


def test_a_cookie_is_not_sent_back() -> None:
    """One that is not ASCII could not be, and would break every later call."""
    answer = right({"items": []})
    outlit, _ = client([dataclasses.replace(answer, headers=[(b"Set-Cookie", "a=é".encode())]), answer])
    assert outlit.list_integrations().items == []
    assert outlit.list_integrations().items == []


@examples(200)
@given(before=st.lists(values, max_size=3), after=st.lists(values, max_size=3))
def test_any_other_entries_leave_ours_readable(before: list[Any], after: list[Any]) -> None:
    items = parse(json.dumps({"items": [*before, ITEM, *after]}).encode(), IntegrationList).items
    assert parse(json.dumps({"items": [ITEM]}).encode(), IntegrationList).items[0] in items
