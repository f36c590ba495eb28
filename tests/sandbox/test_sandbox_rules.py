"""The service's rules: what a connect, a disconnect, a session and time change, and what they leave alone."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

import pytest

from outlit_pulumi.sandbox import Sandbox, SandboxRequestError, fingerprint

OLD = {"apiKey": "sk_old"}
NEW = {"apiKey": "sk_new"}


def refused(call: Callable[[], object]) -> SandboxRequestError:
    with pytest.raises(SandboxRequestError) as caught:
        call()
    return caught.value


def item(sandbox: Sandbox, provider: str) -> dict[str, Any]:
    return next(item for item in sandbox.list() if item["id"] == provider)


def fingerprints(sandbox: Sandbox, api_key: str | None = None) -> dict[str, str | None]:
    return {item["provider"]: item["fingerprint"] for item in sandbox.connections(api_key)}


# Connecting


def test_connect_puts_the_credentials_in_use(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", OLD)
    assert fingerprints(sandbox) == {"stripe": fingerprint(OLD)}


def test_fingerprint_is_the_documented_digest() -> None:
    # printf '%s' '{"a":"1","b":"\u00e9"}' | sha256sum
    assert fingerprint({"b": "é", "a": "1"}) == "1e2ce7c414b7baaf92d946007db7a04298839eed25a82871b000c0a91eb7a0ed"


def test_second_connect_applies_nothing(sandbox: Sandbox) -> None:
    first = sandbox.connect("stripe", OLD)
    assert sandbox.connect("stripe", NEW) == {**first, "alreadyConnected": True}
    assert fingerprints(sandbox) == {"stripe": fingerprint(OLD)}


def test_second_connect_still_needs_a_valid_config(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", OLD)
    assert refused(lambda: sandbox.connect("stripe", {"apiKey": ""})).status == 400


def test_force_replaces_credentials_in_place(sandbox: Sandbox) -> None:
    first = sandbox.connect("stripe", OLD)
    sandbox.set_sync("stripe", "FAILED", error_message="Key revoked.")
    before = sandbox.sync_status("stripe")
    assert sandbox.connect("stripe", NEW, force=True) == first
    assert fingerprints(sandbox) == {"stripe": fingerprint(NEW)}
    assert sandbox.sync_status("stripe") == before


def test_force_on_nothing_connects(sandbox: Sandbox) -> None:
    assert sandbox.connect("stripe", OLD, force=True)["alreadyConnected"] is False
    assert fingerprints(sandbox) == {"stripe": fingerprint(OLD)}


def test_connection_ids_are_never_used_again(sandbox: Sandbox) -> None:
    ids = []
    for _ in range(3):
        ids.append(sandbox.connect("stripe", OLD)["connectionId"])
        sandbox.disconnect("stripe")
    assert ids == ["stripe-org_acme", "stripe-org_acme-2", "stripe-org_acme-3"]


def test_disconnect_forgets(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", OLD)
    sandbox.set_sync("stripe", "FAILED")
    sandbox.disconnect("stripe")
    assert refused(lambda: sandbox.disconnect("stripe")).status == 404
    assert item(sandbox, "stripe")["status"] == "not_connected"
    assert sandbox.list(connected_only=True) == []
    sandbox.connect("stripe", NEW)
    assert item(sandbox, "stripe")["syncStatus"] != "FAILED"


# Plan limit


def test_only_new_connections_count_against_the_limit() -> None:
    with Sandbox(limit=1, plan="starter") as sandbox:
        sandbox.connect("stripe", OLD)
        assert sandbox.connect("stripe", NEW)["alreadyConnected"] is True
        assert sandbox.connect("stripe", NEW, force=True)["alreadyConnected"] is False
        problem = refused(lambda: sandbox.connect("granola", OLD))
        assert problem.status == 403
        assert problem.body == {
            "error": "Your plan has reached its integration connection limit.",
            "code": "plan_connection_limit_exceeded",
            "feature": "integration_connections",
            "plan": "starter",
            "currentConnections": 1,
            "limit": 1,
        }
        assert refused(lambda: sandbox.connect("granola", OLD, force=True)).status == 403
        sandbox.disconnect("stripe")
        sandbox.connect("granola", OLD)


def test_limit_and_plan_change_at_run_time(sandbox: Sandbox) -> None:
    sandbox.configure(limit=0, plan="trial")
    assert refused(lambda: sandbox.connect("stripe", OLD)).status == 403
    sandbox.configure(plan="pro")
    body = refused(lambda: sandbox.connect("stripe", OLD)).body
    assert isinstance(body, dict)
    assert (body["plan"], body["limit"], body["currentConnections"]) == ("pro", 0, 0)
    sandbox.configure(limit=None)
    sandbox.connect("stripe", OLD)


# Browser sessions


def test_session_that_a_person_completes(sandbox: Sandbox) -> None:
    session = sandbox.connect("slack")
    assert item(sandbox, "slack")["status"] == "not_connected"
    done = {"status": "connected", "provider": "slack"}
    assert sandbox.complete_session(session["sessionId"]) == done
    assert sandbox.connect_status(session["sessionId"]) == done
    assert item(sandbox, "slack")["connectionId"] == "slack-org_acme"
    assert fingerprints(sandbox) == {"slack": None}


def test_session_that_fails(sandbox: Sandbox) -> None:
    with_reason, without = sandbox.connect("slack")["sessionId"], sandbox.connect("slack")["sessionId"]
    assert with_reason != without
    sandbox.complete_session(with_reason, "failed", error="The person said no.")
    sandbox.complete_session(without, "failed")
    assert sandbox.connect_status(with_reason) == {
        "status": "failed",
        "provider": "slack",
        "error": "The person said no.",
    }
    assert sandbox.connect_status(without) == {"status": "failed", "provider": "slack"}
    assert sandbox.connections() == []


def test_session_expires_after_ten_minutes(sandbox: Sandbox) -> None:
    session_id = sandbox.connect("slack")["sessionId"]
    sandbox.advance(300)
    assert sandbox.connect_status(session_id)["status"] == "pending"
    sandbox.advance(300)
    assert sandbox.connect_status(session_id) == {"status": "expired", "provider": "slack"}
    assert refused(lambda: sandbox.complete_session(session_id)).status == 400


@pytest.mark.parametrize("outcome", ["connected", "failed"])
def test_session_that_ended_stays_so(sandbox: Sandbox, outcome: Any) -> None:
    session_id = sandbox.connect("slack")["sessionId"]
    sandbox.complete_session(session_id, outcome)
    assert refused(lambda: sandbox.complete_session(session_id)).status == 400
    sandbox.advance(3600)
    assert sandbox.connect_status(session_id)["status"] == outcome


def test_session_beyond_the_plan_fails(sandbox: Sandbox) -> None:
    sandbox.configure(limit=0)
    session_id = sandbox.connect("slack")["sessionId"]
    ended = sandbox.complete_session(session_id)
    assert ended["status"] == "failed"
    assert "limit" in ended["error"]
    assert sandbox.connections() == []


def test_session_for_what_is_connected(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", OLD)
    session = sandbox.connect("stripe")
    assert set(session) == {"sessionId", "connectUrl", "alreadyConnected"}
    assert session["alreadyConnected"] is True
    sandbox.complete_session(session["sessionId"])
    assert fingerprints(sandbox) == {"stripe": fingerprint(OLD)}


def test_forced_session_reconnects_in_place(sandbox: Sandbox) -> None:
    first = sandbox.connect("stripe", OLD)
    session = sandbox.connect("stripe", force=True)
    assert session["alreadyConnected"] is False
    sandbox.complete_session(session["sessionId"])
    assert fingerprints(sandbox) == {"stripe": None}
    assert item(sandbox, "stripe")["connectionId"] == first["connectionId"]


# Syncs


def test_syncs_follow_the_clock(sandbox: Sandbox) -> None:
    sandbox.connect("posthog", {"apiKey": "phx", "region": "eu", "projectId": "1"})
    syncs = sandbox.sync_status("posthog")["syncs"]
    assert [sync["model"] for sync in syncs] == ["PostHogPerson", "PostHogEvent", "PostHogGroup"]
    sandbox.advance(3600)
    times = [sandbox.sync_status("posthog")["syncs"][0]["lastSyncedAt"]]
    sandbox.advance(60)
    times.append(item(sandbox, "posthog")["lastDataReceivedAt"])
    assert times[0] < times[1]


def test_sync_that_fails_and_recovers(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", OLD)
    sandbox.advance(10)
    sandbox.set_sync("stripe", "FAILED", model="StripeInvoice", error_message="Key revoked.")
    statuses = {sync["model"]: sync["status"] for sync in sandbox.sync_status("stripe")["syncs"]}
    assert statuses == {"StripeCustomer": "SUCCESS", "StripeSubscription": "SUCCESS", "StripeInvoice": "FAILED"}
    assert (item(sandbox, "stripe")["syncStatus"], item(sandbox, "stripe")["errorMessage"]) == (
        "FAILED",
        "Key revoked.",
    )
    failed = sandbox.sync_status("stripe")["syncs"][2]
    sandbox.advance(600)
    assert sandbox.sync_status("stripe")["syncs"][2] == failed
    sandbox.set_sync("stripe", "SUCCESS")
    recovered = sandbox.sync_status("stripe")["syncs"][2]
    assert (recovered["status"], recovered["errorMessage"]) == ("SUCCESS", None)
    assert recovered["lastSyncedAt"] > failed["lastSyncedAt"]
    assert (item(sandbox, "stripe")["syncStatus"], item(sandbox, "stripe")["errorMessage"]) == ("SUCCESS", None)


def test_sync_status_may_be_a_new_word(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", OLD)
    sandbox.set_sync("stripe", "PAUSED")
    assert item(sandbox, "stripe")["syncStatus"] == "PAUSED"
    assert refused(lambda: sandbox.set_sync("stripe", "FAILED", model="PostHogEvent")).status == 400


# Made-up providers


def test_extra_providers_come_last_and_take_any_config() -> None:
    with Sandbox(extra_providers=600) as sandbox:
        items = sandbox.list()
        assert len(items) == 610
        assert [items[10][name] for name in ("id", "name", "category")] == ["extra-0001", "Extra 1", "other"]
        assert items[-1]["id"] == "extra-0600"
        sandbox.connect("extra-0600", {"anything": "goes"})
        assert [sync["model"] for sync in sandbox.sync_status("extra-0600")["syncs"]] == ["Record"]
        configs: list[Any] = [{}, {"anything": ""}, {"anything": 1}]
        for config in configs:
            assert refused(partial(sandbox.connect, "extra-0001", config)).status == 400
        assert refused(lambda: sandbox.connect("extra-0601", {"anything": "goes"})).status == 400


# Workspaces


def test_workspaces_are_apart(sandbox: Sandbox) -> None:
    key = sandbox.add_workspace("globex")
    assert sandbox.add_workspace("globex") == key != sandbox.api_key
    sandbox.connect("stripe", OLD)
    assert sandbox.list(connected_only=True, api_key=key) == []
    assert refused(lambda: sandbox.disconnect("stripe", api_key=key)).status == 404
    session_id = sandbox.connect("slack")["sessionId"]
    assert refused(lambda: sandbox.connect_status(session_id, api_key=key)).status == 400
    assert refused(lambda: sandbox.complete_session(session_id, api_key=key)).status == 400

    assert sandbox.connect("stripe", NEW, api_key=key)["connectionId"] == "stripe-org_globex"
    assert fingerprints(sandbox) == {"stripe": fingerprint(OLD)}
    assert fingerprints(sandbox, key) == {"stripe": fingerprint(NEW)}
    sandbox.configure(limit=1, api_key=key)
    assert refused(lambda: sandbox.connect("granola", OLD, api_key=key)).status == 403
    sandbox.connect("granola", OLD)


def test_ids_of_workspaces_never_meet(sandbox: Sandbox) -> None:
    key = sandbox.add_workspace("acme-2")
    for _ in range(2):
        sandbox.connect("stripe", OLD)
        second = sandbox.connect("stripe", OLD)["connectionId"]
        sandbox.disconnect("stripe")
    assert sandbox.connect("stripe", OLD, api_key=key)["connectionId"] != second


# Concurrency


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs the calls on threads that change as often as they can, and returns their results or errors."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except SandboxRequestError as problem:
            return problem.status

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(run, calls))
    finally:
        sys.setswitchinterval(interval)


def test_one_of_many_connects_is_new(sandbox: Sandbox) -> None:
    configs = [{"apiKey": f"sk_{number}"} for number in range(48)]
    answers = at_once([partial(sandbox.connect, "stripe", config) for config in configs])
    new = [config for config, answer in zip(configs, answers, strict=True) if not answer["alreadyConnected"]]
    assert len(new) == 1
    assert fingerprints(sandbox) == {"stripe": fingerprint(new[0])}


def test_limit_holds_when_many_connect() -> None:
    with Sandbox(limit=5, extra_providers=40) as sandbox:
        numbers = range(1, 41)
        answers = at_once([partial(sandbox.connect, f"extra-{n:04}", OLD) for n in numbers])
        assert Counter(answer == 403 for answer in answers) == {True: 35, False: 5}
        assert len(sandbox.connections()) == 5
        assert len(sandbox.calls()) == 40


def test_ids_differ_when_many_connect_and_disconnect(sandbox: Sandbox) -> None:
    turns = count()

    def turn() -> object:
        if next(turns) % 2:
            return sandbox.disconnect("stripe")
        return sandbox.connect("stripe", OLD)

    answers = at_once([turn] * 200)
    new = [
        answer["connectionId"]
        for answer in answers
        if isinstance(answer, dict) and "connected" in answer and not answer["alreadyConnected"]
    ]
    assert len(new) == len(set(new)) > 1
