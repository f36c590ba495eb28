"""The provider inside the SDK's own process, driven over gRPC as the engine drives it."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from outlit_pulumi.sandbox import Sandbox, fingerprint

from .hosting import CANARY, OTHER, PICKLED, STRIPE, UNKNOWN, Host, declared, hosting, refused, served

pytestmark = pytest.mark.oldest


def test_a_round_trip(sandbox: Sandbox, host: Host) -> None:
    inputs, failures = host.check(declared("stripe", STRIPE))
    assert failures == []
    assert inputs["provider"] == "stripe"

    id_, state = host.create(inputs)
    assert id_ == state["connection_id"] == "stripe-org_acme"
    assert state["__provider"] == PICKLED

    assert host.read(id_, state)[0] == id_
    assert host.diff(id_, state, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE

    changed = declared("stripe", OTHER)
    difference = host.diff(id_, state, changed)
    assert (difference.changes, list(difference.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])

    state = host.update(id_, state, changed)
    assert [item["fingerprint"] for item in sandbox.connections()] == [fingerprint(OTHER)]

    assert served(sandbox) == {"list": 1, "connect": 2, "sync_status": 1}

    # What a run made itself it keeps, so the next run deletes.
    sandbox.clear_calls()
    with hosting({"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url}) as later:
        later.delete(id_, state)
    assert sandbox.connections() == []
    assert served(sandbox) == {"list": 1, "disconnect": 1}


def test_only_a_changed_provider_is_created_before_the_old_one_is_deleted(host: Host) -> None:
    """Every other answer says delete-first, also "no change": see `decide.Difference`."""
    state = declared("stripe", STRIPE) | {"connection_id": "stripe-org_acme"}
    for news, replaces, delete_first in (
        (declared("stripe", OTHER, on_config_change="replace"), ["config"], True),
        (declared("stripe", OTHER), [], True),
        (declared("stripe", STRIPE), [], True),
        (declared("clerk", {"secretKey": "k"}), ["provider"], False),
    ):
        found = host.diff("stripe-org_acme", state, news)
        assert (list(found.replaces), found.deleteBeforeReplace) == (replaces, delete_first)


def test_read_of_what_is_gone_has_no_id(sandbox: Sandbox, host: Host) -> None:
    id_, state = host.create(declared("stripe", STRIPE))
    sandbox.disconnect("stripe")
    config = {"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url, "outlit:timeout": 4}
    with hosting(config) as later:
        assert later.read(id_, state)[0] == ""


def test_an_alias_is_registered_under_its_id(host: Host) -> None:
    inputs, failures = host.check(declared("gmail", adopt_existing=True))
    assert (inputs["provider"], failures) == ("google-mail", [])


@pytest.mark.parametrize(
    "news",
    [
        declared(UNKNOWN, UNKNOWN),
        declared("stripe", UNKNOWN),
        declared("stripe", {"apiKey": UNKNOWN}),
        declared("posthog", {"apiKey": "k", "region": UNKNOWN, "projectId": UNKNOWN}),
        declared("stripe", {"apiKey": "k"}, adopt_existing=UNKNOWN, on_config_change=UNKNOWN),
    ],
)
def test_values_that_a_preview_does_not_know(sandbox: Sandbox, host: Host, news: dict[str, Any]) -> None:
    assert host.check(news)[1] == []
    assert set(served(sandbox)) <= {"list"}


def test_check_failures_hold_no_values(host: Host) -> None:
    for news in (
        declared("posthog", {"apikey": "phx_CANARY0123456789", "region": "CANARY", "projectId": 5}),
        declared("stripe", {"apiKey": "sk_CANARY0123456789\n"}),
        declared("sk_CANARY0123456789", {"apiKey": "CANARY"}),
        declared("slack", {"token": "CANARY"}),
    ):
        _, reasons = host.check(news)
        assert reasons
        assert CANARY not in "".join(reasons)
        assert "Traceback" not in "".join(reasons)


def test_a_missing_key_is_a_check_failure() -> None:
    with hosting({}) as host:
        (reason,) = host.check(declared("stripe", STRIPE))[1]
    assert reason.startswith("there is no Outlit API key.")


def test_a_bad_key_is_a_check_failure_without_its_value() -> None:
    with hosting({"outlit:apiKey": "ok_CANARY \n"}) as host:
        (reason,) = host.check(declared("stripe", STRIPE))[1]
    assert "white space" in reason
    assert CANARY not in reason


def test_the_environment_wins(sandbox: Sandbox) -> None:
    config = {"outlit:apiKey": "ok_CANARYstale0123456789", "outlit:baseUrl": "http://127.0.0.1:1"}
    with hosting(config, OUTLIT_API_KEY=sandbox.api_key, OUTLIT_API_URL=sandbox.url) as host:
        assert host.create(declared("stripe", STRIPE))[0] == "stripe-org_acme"


def test_a_refused_create_is_one_clean_line(sandbox: Sandbox, host: Host) -> None:
    sandbox.fault("connect", status=400, body='{"error": "bad key sk_CANARYstripe0123456789"}')
    details = refused(lambda: host.create(declared("stripe", STRIPE)))
    assert len(details.splitlines()) == 1
    assert "Stripe was not connected: Outlit does not accept its config" in details


def test_a_create_without_a_service_is_one_clean_line() -> None:
    key = "ok_CANARYkey0123456789abcdef0123456789"
    config = {"outlit:apiKey": key, "outlit:baseUrl": "http://127.0.0.1:1", "outlit:timeout": "1"}
    with hosting(config) as host:
        details = refused(lambda: host.create(declared("stripe", STRIPE)))
    assert len(details.splitlines()) == 1
    assert "Stripe was not connected: no answer from http://127.0.0.1:1" in details


def test_a_plan_limit_names_integration_and_numbers(sandbox: Sandbox, host: Host) -> None:
    sandbox.configure(limit=0)
    assert "Stripe was not connected: the free plan allows 0 integrations and 0 are connected." in refused(
        lambda: host.create(declared("stripe", STRIPE))
    )


def test_a_conflict_sends_nothing(sandbox: Sandbox, host: Host) -> None:
    sandbox.connect("stripe", OTHER)
    sandbox.clear_calls()
    message = refused(lambda: host.create(declared("stripe", STRIPE)))
    assert "Stripe was not created: it is already connected in this workspace" in message
    assert "No credentials were applied." in message
    assert served(sandbox) == {"list": 1}
