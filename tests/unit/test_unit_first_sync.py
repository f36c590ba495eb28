"""`wait_for_sync` after a create, against the sandbox on a clock that does not wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.retry import Clock
from outlit_pulumi.lifecycle import operations
from outlit_pulumi.lifecycle.first_sync import wait_for_sync
from outlit_pulumi.lifecycle.outputs import Observed
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.settings import Settings

SECRET = "q7CANARYstripe0123456789"


class Advancing(Clock):
    """Time that passes in the sandbox, too, when somebody waits."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.sandbox.advance(seconds)


class Waiter:
    """A Stripe connection that was just made, and who waits for its first sync."""

    def __init__(self, sandbox: Sandbox, cleanup: ExitStack) -> None:
        self.sandbox = sandbox
        self.clock = Advancing(sandbox)
        client = OutlitClient(Settings(sandbox.api_key, sandbox.url), clock=self.clock)
        self.workspace = Workspace(cleanup.enter_context(client))
        self.warnings: list[str] = []
        self.progress: list[tuple[float, str]] = []
        props = {"provider": "stripe", "config": {"apiKey": SECRET}, "wait_for_sync": 60.0}
        self.made = operations.create(self.workspace, props, self.warnings.append)

    def wait(self, seconds: float = 60.0) -> Observed:
        return wait_for_sync(
            self.workspace,
            self.made,
            seconds,
            self.warnings.append,
            lambda text: self.progress.append((self.clock.now(), text)),
        )

    def hold_back(self, *models: str) -> None:
        """These stay pending until they are told otherwise."""
        for model in models:
            self.sandbox.set_sync("stripe", "PENDING", model=model)


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    with Sandbox("acme", frozen=True) as sandbox, ExitStack() as cleanup:
        yield Waiter(sandbox, cleanup)


def statuses(observed: Observed) -> set[str]:
    return {sync["status"] for sync in observed.outputs["syncs"]}


def test_it_waits_until_every_model_has_synced(waiter: Waiter) -> None:
    found = waiter.wait()
    assert statuses(found) == {"SUCCESS"}
    assert found.id == waiter.made.id
    assert {**found.outputs, "syncs": []} == waiter.made.outputs
    assert waiter.warnings == []
    assert 0 < waiter.clock.now() < 60


def test_the_pauses_grow(waiter: Waiter) -> None:
    waiter.hold_back("StripeInvoice")
    waiter.sandbox.clear_calls()
    waiter.wait(600)
    assert 55 < len(waiter.sandbox.calls()) < 70


def test_time_that_runs_out_is_a_warning(waiter: Waiter) -> None:
    waiter.hold_back("StripeInvoice")
    found = waiter.wait(60)
    (warning,) = waiter.warnings
    assert warning == (
        "Stripe: it is connected, but not synced within 60 s (wait_for_sync): StripeInvoice pending. A later pulumi "
        "refresh tells how it went on."
    )
    assert statuses(found) == {"PENDING", "SUCCESS"}
    assert waiter.clock.now() == 60


def test_progress_is_told_now_and_then(waiter: Waiter) -> None:
    waiter.hold_back("StripeInvoice")
    waiter.wait(120)
    times = [time for time, _ in waiter.progress]
    assert len(times) >= 3
    assert all(later - earlier >= 10 for earlier, later in pairwise([0.0, *times]))
    assert waiter.progress[0][1].startswith("Stripe: waiting for its first sync, ")
    assert waiter.progress[0][1].endswith(" of 120 s: StripeInvoice pending")


def test_a_failing_sync_ends_the_wait_with_a_warning(waiter: Waiter) -> None:
    waiter.hold_back("StripeInvoice")
    waiter.sandbox.set_sync("stripe", "FAILED", model="StripeCustomer", error_message=f"bad key {SECRET}")
    found = waiter.wait()
    assert waiter.warnings == ['Stripe: the sync of StripeCustomer is FAILED: "bad key [redacted]"']
    assert "FAILED" in statuses(found)
    assert SECRET not in json.dumps(found.outputs["syncs"])
    assert waiter.clock.now() == 0


def test_models_that_are_not_listed_yet_are_waited_for(waiter: Waiter) -> None:
    nothing = {"provider": "stripe", "status": "connected", "syncs": []}
    waiter.sandbox.fault("sync_status", status=200, body=json.dumps(nothing), times=2)
    assert statuses(waiter.wait()) == {"SUCCESS"}
    waiter.sandbox.fault("sync_status", status=200, body=json.dumps(nothing), times=None)
    waiter.wait(20)
    assert "no sync was seen yet" in waiter.warnings[0]


def test_a_connection_without_models_is_not_waited_for_long(waiter: Waiter) -> None:
    nothing = {"provider": "stripe", "status": "connected", "syncs": []}
    waiter.sandbox.fault("sync_status", status=200, body=json.dumps(nothing), times=None)
    assert waiter.wait(600).outputs == waiter.made.outputs
    assert waiter.warnings == []
    assert 30 <= waiter.clock.now() < 45


def test_what_a_take_over_has_seen_is_kept(waiter: Waiter) -> None:
    waiter.made = Observed(
        waiter.made.id, {**waiter.made.outputs, "sync_status": "RUNNING", "last_data_received_at": "x"}
    )
    found = waiter.wait()
    assert (found.outputs["sync_status"], found.outputs["last_data_received_at"]) == ("RUNNING", "x")


def test_what_was_taken_over_failing_is_not_waited_for(waiter: Waiter) -> None:
    waiter.made = Observed(waiter.made.id, {**waiter.made.outputs, "error_message": "token revoked"})
    assert waiter.wait() is waiter.made
    assert (waiter.warnings, waiter.clock.now()) == ([], 0)


def test_a_service_that_does_not_answer_is_asked_again(waiter: Waiter) -> None:
    waiter.sandbox.fault("sync_status", status=500, times=7)
    assert statuses(waiter.wait(120)) == {"SUCCESS"}
    assert waiter.warnings == []


def test_a_service_that_never_answers_is_a_warning(waiter: Waiter) -> None:
    waiter.sandbox.fault("sync_status", status=500, body=f'{{"error": "{SECRET}"}}', times=None)
    assert waiter.wait(60).outputs == waiter.made.outputs
    (warning,) = waiter.warnings
    assert "not synced within 60 s" in warning
    assert "Outlit answered 500" in warning
    assert SECRET not in warning


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_wait_at_once(waiter: Waiter, status: int) -> None:
    waiter.sandbox.fault("sync_status", status=status, times=None)
    assert waiter.wait().outputs == waiter.made.outputs
    (warning,) = waiter.warnings
    assert warning.startswith("Stripe: it is connected, but its syncs cannot be seen, so nothing was waited for: ")
    assert waiter.clock.now() == 0


def test_a_sync_status_that_does_not_show_it_yet_is_asked_again(waiter: Waiter) -> None:
    """It may lag. What was just connected is not taken for gone."""
    waiter.sandbox.fault("sync_status", kind="says_not_connected", times=3)
    assert waiter.wait().outputs["syncs"] != []
    assert waiter.warnings == []


def test_a_sync_status_that_never_shows_it_is_a_warning_in_the_end(waiter: Waiter) -> None:
    waiter.sandbox.disconnect("stripe")
    assert waiter.wait() == waiter.made
    (warning,) = waiter.warnings
    assert "not synced within 60 s (wait_for_sync): its sync status does not show it yet." in warning


@pytest.mark.parametrize("status", ["PENDING", "QUEUED", "SCHEDULED", "STARTED", "RUNNING", "IN_PROGRESS", "syncing"])
def test_what_is_still_to_end_is_waited_for(waiter: Waiter, status: str) -> None:
    """By the service's own word, also where a credential begins like it."""
    waiter.workspace.client.hide.add([f"{status}-0123456789", f"StripeInvoice-{status}"])
    waiter.sandbox.set_sync("stripe", status, model="StripeInvoice")
    found = waiter.wait(60)
    (warning,) = waiter.warnings
    assert "not synced within 60 s (wait_for_sync): StripeInvoice pending." in warning
    assert statuses(found) == {status, "SUCCESS"}
    assert waiter.clock.now() == 60


def test_a_credential_that_is_a_status_does_not_end_the_wait(waiter: Waiter) -> None:
    waiter.workspace.client.hide.add(["SCHEDULED"])
    waiter.sandbox.set_sync("stripe", "SCHEDULED", model="StripeInvoice")
    waiter.wait(60)
    assert "StripeInvoice pending" in "".join(waiter.warnings)


@pytest.mark.parametrize("status", ["failed", "FAILURE", "ERROR"])
def test_what_fails_is_told_by_the_services_own_word(waiter: Waiter, status: str) -> None:
    waiter.workspace.client.hide.add([f"{status}-0123456789", "StripeInv-0123456789", "2026-01-01T00:00-0123"])
    sync = {"model": "StripeInvoice", "status": status, "lastSyncedAt": "2026-01-01T00:00:00Z"}
    answer = {"provider": "stripe", "status": "connected", "syncs": [sync]}
    waiter.sandbox.fault("sync_status", status=200, body=json.dumps(answer), times=None)
    waiter.wait()
    assert waiter.warnings == [f"Stripe: the sync of StripeInvoice is {status}, last synced 2026-01-01T00:00:00Z."]
    assert waiter.clock.now() == 0


@pytest.mark.parametrize("status", ["SUCCESS", "PAUSED", "whatever"])
def test_a_status_that_is_not_known_to_be_pending_is_not_waited_for(waiter: Waiter, status: str) -> None:
    sync = {"model": "StripeInvoice", "status": status}
    answer = {"provider": "stripe", "status": "connected", "syncs": [sync]}
    waiter.sandbox.fault("sync_status", status=200, body=json.dumps(answer), times=None)
    assert statuses(waiter.wait()) == {status}
    assert (waiter.warnings, waiter.clock.now()) == ([], 0)


def test_the_wait_keeps_nobody_out(waiter: Waiter) -> None:
    """It can take an hour; another operation on the provider goes on meanwhile."""
    waiter.hold_back("StripeInvoice")

    def read(text: str) -> None:
        found = operations.read(waiter.workspace, waiter.made.id, waiter.made.outputs, waiter.warnings.append)
        assert found is not None
        waiter.progress.append((waiter.clock.now(), text))

    wait_for_sync(waiter.workspace, waiter.made, 60, waiter.warnings.append, read)
    assert waiter.progress
