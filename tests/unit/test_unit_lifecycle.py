"""Create, read, update and delete through a workspace and a client, against the sandbox."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

import outlit_pulumi as outlit
from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.retry import Clock, Retries
from outlit_pulumi.lifecycle import operations, previews
from outlit_pulumi.lifecycle.decide import Difference, difference
from outlit_pulumi.lifecycle.ledger import Ledger
from outlit_pulumi.lifecycle.outputs import Observed
from outlit_pulumi.lifecycle.peers import Peers
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.sandbox import Sandbox, fingerprint
from outlit_pulumi.settings import Settings
from tests.clock import DATE, ImpatientClock, SkippingClock
from tests.transports import PATIENCE, Gate

# Not of a shape that is hidden anyway: that would show nothing of what is hidden because it is declared.
STRIPE = {"apiKey": "q7CANARYstripe0123456789"}
OTHER = {"apiKey": "q7CANARYother00123456789"}
GONE = '{"provider": "stripe", "status": "not_connected", "syncs": []}'
POSTHOG = {"apiKey": "w3CANARYposthog01234567", "region": "eu", "projectId": "1"}


class Run:
    """One provider process: a workspace that lives as long as a run, and the warnings that it printed."""

    def __init__(self, sandbox: Sandbox, cleanup: ExitStack) -> None:
        self.sandbox = sandbox
        self.cleanup = cleanup
        self.clock = ImpatientClock()
        self.warnings: list[str] = []
        self.again()

    def again(
        self,
        api_key: str | None = None,
        *,
        seconds: float = 60,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        peers: Peers | None = None,
    ) -> None:
        """Starts the next run, which knows nothing of this one; without this the calls so far stay in the log."""
        settings = Settings(api_key or self.sandbox.api_key, self.sandbox.url, seconds)
        retries = Retries(attempts=2, first_wait=0)
        client = OutlitClient(settings, transport=transport, retries=retries, clock=clock or self.clock)
        self.workspace = Workspace(self.cleanup.enter_context(client), Ledger(peers))
        self.cleanup.callback(settled, self.workspace)
        self.warnings.clear()
        self.sandbox.clear_calls()

    def listed(self, *, fresh: bool = False) -> None:
        """Has the workspace ask for the list, unless it has one that is recent."""
        self.workspace.items(self.workspace.client.budget(), fresh=fresh)

    def create(self, provider: str = "stripe", config: dict[str, str] | None = None, **more: Any) -> Observed:
        return operations.create(self.workspace, declared(provider, config, **more), self.warnings.append)

    def read(self, held: Observed) -> Observed | None:
        try:
            return operations.read(self.workspace, held.id, held.outputs, self.warnings.append)
        finally:
            settled(self.workspace)

    def update(self, held: Observed, config: dict[str, str] | None = None) -> Observed:
        props = declared(held.outputs["provider"], config or OTHER)
        return operations.update(self.workspace, held.id, held.outputs, props, self.warnings.append)

    def delete(self, held: Observed) -> None:
        operations.delete(self.workspace, held.id, held.outputs, self.warnings.append)

    def stays(self, connection_id: str) -> None:
        """Has another resource of the program have that Stripe connection since an earlier run."""
        self.workspace.ledger.declare("stripe")
        self.workspace.ledger.keep("stripe", connection_id)

    def calls(self) -> list[str]:
        """The calls of the integration routes; whose the key is may be asked at the same time."""
        return [call["route"] for call in self.sandbox.calls() if call["route"] != "validate_key"]

    def asked(self) -> Counter[str]:
        """How often each route was called."""
        return Counter(call["route"] for call in self.sandbox.calls())

    def in_use(self) -> dict[str, str | None]:
        return {item["provider"]: item["fingerprint"] for item in self.sandbox.connections()}


def settled(workspace: Workspace) -> None:
    """Waits for what was asked ahead: where nobody needed it, its call would get into what is counted next."""
    if workspace._latest is not None:
        wait([workspace._latest.answer])
    if workspace._organization is not None:
        wait([workspace._organization])


def declared(provider: str, config: dict[str, str] | None, **more: Any) -> dict[str, Any]:
    return {
        "provider": provider,
        "config": config,
        "adopt_existing": False,
        "on_config_change": "reconnect",
        **more,
    }


@pytest.fixture
def run() -> Iterator[Run]:
    with Sandbox("acme", frozen=True) as sandbox, ExitStack() as cleanup:
        yield Run(sandbox, cleanup)


@pytest.fixture
def made(run: Run) -> Observed:
    """A Stripe connection that an earlier run made."""
    found = run.create("stripe", STRIPE)
    run.again()
    return found


# --- create


def test_create_connects(run: Run) -> None:
    found = run.create("posthog", POSTHOG)
    assert found.id == found.outputs["connection_id"] == "posthog-org_acme"
    assert {k: found.outputs[k] for k in ("display_name", "category", "status", "config")} == {
        "display_name": "PostHog",
        "category": "analytics",
        "status": "connected",
        "config": POSTHOG,
    }
    assert run.in_use() == {"posthog": fingerprint(POSTHOG)}
    assert run.calls() == ["list", "connect"]
    assert run.warnings == []


def held(connection_id: str, **more: Any) -> dict[str, Any]:
    """All that the state holds of a Stripe connection, where nothing is known of its syncs."""
    return {
        **declared("stripe", STRIPE),
        "resource_name": None,
        "connection_id": connection_id,
        "organization_id": "org_acme",
        "written_at": f"{DATE:%Y-%m-%dT%H:%M:%S}Z",
        "display_name": "Stripe",
        "category": "billing",
        "status": "connected",
        "sync_status": None,
        "last_data_received_at": None,
        "error_message": None,
        "syncs": [],
        **more,
    }


def test_the_state_holds_what_is_known_after_a_connect(run: Run) -> None:
    assert run.create("stripe", STRIPE).outputs == held("stripe-org_acme")
    run.sandbox.fault("list", status=200, body='{"items": []}')
    run.again()
    run.sandbox.disconnect("stripe")
    unlisted = run.create("stripe", STRIPE)
    assert unlisted.outputs == held("stripe-org_acme-2", category=None)


def test_the_state_holds_what_the_service_tells(run: Run, made: Observed) -> None:
    run.sandbox.advance(600)
    run.sandbox.set_sync("stripe", "FAILED", model="StripeInvoice", error_message="no access")
    (listed,) = (item for item in run.sandbox.list() if item["id"] == "stripe")
    assert listed["lastDataReceivedAt"]
    known = {
        "sync_status": "FAILED",
        "last_data_received_at": listed["lastDataReceivedAt"],
        "error_message": "no access",
    }
    syncs = [
        {
            "model": sync["model"],
            "status": sync["status"],
            "last_synced_at": sync["lastSyncedAt"],
            "error_message": sync["errorMessage"],
        }
        for sync in run.sandbox.sync_status("stripe")["syncs"]
    ]
    found = run.read(made)
    assert found is not None
    assert found.outputs == held(made.id, **known, syncs=syncs)
    run.again()
    adopted = run.create("stripe", STRIPE, adopt_existing=True)
    assert adopted.outputs == held(made.id, **known, syncs=syncs, adopt_existing=True, written_at=None)
    run.again()
    assert run.update(made, STRIPE).outputs == held(made.id, **known)


def test_create_sends_nothing_when_connected(run: Run, made: Observed) -> None:
    with pytest.raises(
        outlit.AlreadyConnectedError, match="(?s)Stripe was not created: it is already connected.*adopt_existing=True"
    ) as caught:
        run.create("stripe", OTHER)
    assert "CANARY" not in str(caught.value)
    assert run.calls() == ["list"]
    assert run.in_use() == {"stripe": fingerprint(STRIPE)}


@pytest.mark.parametrize("config", [None, OTHER])
def test_create_adopts_without_sending(run: Run, made: Observed, config: dict[str, str] | None) -> None:
    found = run.create("stripe", config, adopt_existing=True)
    assert found.id == made.id
    assert run.calls() == ["list"]
    assert run.in_use() == {"stripe": fingerprint(STRIPE)}


def test_create_with_adopt_connects_when_there_is_nothing_to_adopt(run: Run) -> None:
    run.create("stripe", STRIPE, adopt_existing=True)
    assert run.in_use() == {"stripe": fingerprint(STRIPE)}


@pytest.mark.parametrize("adopt", [False, True])
def test_create_declared_four_times_at_once(run: Run, adopt: bool) -> None:
    """One connects. The others find its connection, however close behind they are, and send nothing."""
    together = threading.Barrier(4)

    def create(number: int) -> str:
        together.wait(PATIENCE)
        try:
            return run.create("stripe", {"apiKey": f"q7CANARYnumber{number}0123"}, adopt_existing=adopt).id
        except outlit.AlreadyConnectedError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        made, *others = sorted(pool.map(create, range(4)), key=len)
    assert made == "stripe-org_acme"
    failed = "was not taken over" if adopt else "was not created"
    assert {other.partition(":")[0] for other in others} == {f"Stripe {failed}"}
    assert all("it is declared twice for this workspace" in other for other in others)
    assert run.calls() == ["list", "connect"]
    assert run.warnings == []


def test_create_declared_twice_of_what_was_reconnected_in_between(run: Run) -> None:
    run.create("stripe", STRIPE)
    run.sandbox.disconnect("stripe")
    run.sandbox.connect("stripe", OTHER)
    run.listed(fresh=True)
    with pytest.raises(outlit.AlreadyConnectedError, match="^Stripe was not taken over: it is declared twice"):
        run.create("stripe", STRIPE, adopt_existing=True)


def test_create_that_adopts_what_the_list_does_not_name(run: Run) -> None:
    run.sandbox.fault("list", status=200, body='{"items": []}')
    with pytest.raises(outlit.ConnectionChangedError, match="does not name it at all"):
        run.create("slack", adopt_existing=True)


def test_create_declared_twice(run: Run) -> None:
    run.create("stripe", STRIPE)
    with pytest.raises(outlit.AlreadyConnectedError, match="^Stripe was not created: it is declared twice"):
        run.create("stripe", STRIPE)
    assert run.calls() == ["list", "connect"]


def test_create_adopts_what_a_person_connected(run: Run) -> None:
    run.sandbox.complete_session(run.sandbox.connect("slack")["sessionId"])
    assert run.create("slack", adopt_existing=True).outputs["display_name"] == "Slack"


@pytest.mark.parametrize(
    ("provider", "hint"), [("slack", "Connect it once in the browser"), ("stripe", "Declare its config")]
)
def test_create_with_nothing_to_adopt(run: Run, provider: str, hint: str) -> None:
    with pytest.raises(outlit.BrowserRequiredError, match=hint):
        run.create(provider, adopt_existing=True)
    assert run.calls() == ["list"]


def test_create_over_the_plans_limit(run: Run) -> None:
    run.sandbox.configure(limit=1, plan="starter")
    run.create("stripe", STRIPE)
    with pytest.raises(outlit.PlanLimitError) as caught:
        run.create("posthog", POSTHOG)
    assert str(caught.value).startswith(
        "PostHog was not connected: the starter plan allows 1 integration and 1 is connected."
    )
    assert (caught.value.plan, caught.value.current, caught.value.limit) == ("starter", 1, 1)


def test_create_settles_a_lost_answer(run: Run) -> None:
    run.sandbox.fault("connect", status=500, after=True)
    found = run.create("stripe", STRIPE)
    assert found.id == "stripe-org_acme"
    assert run.calls() == ["list", "connect", "list"]
    assert "had no connection before and has one now" in run.warnings[0]
    assert found.outputs == held("stripe-org_acme", config_unconfirmed=True)


def test_what_a_lost_answer_left_open_is_settled_by_the_next_up(run: Run) -> None:
    """Somebody else may have connected it in that moment: the declared config is sent once more, in place."""
    run.sandbox.fault("connect", status=500, after=True)
    made = run.create("stripe", STRIPE)
    assert difference(made.outputs, declared("stripe", STRIPE)) == Difference(True)
    run.again()
    settled = run.update(made, STRIPE)
    assert run.calls() == ["list", "connect"]
    assert run.sandbox.calls()[-1]["force"]
    assert settled.id == made.id
    assert difference(settled.outputs, declared("stripe", STRIPE)) == Difference(False)


def test_a_refresh_leaves_open_what_a_lost_answer_left_open(run: Run) -> None:
    """And goes on hiding the credentials that may be in use."""
    run.sandbox.fault("connect", status=500, after=True)
    made = run.create("stripe", STRIPE)
    run.again()
    run.sandbox.set_sync("stripe", "FAILED", error_message=f"the key {STRIPE['apiKey']} was revoked")
    found = run.read(made)
    assert found is not None
    assert difference(found.outputs, declared("stripe", STRIPE)) == Difference(True)
    assert "CANARY" not in str({**found.outputs, "config": None}) + "".join(run.warnings)


@pytest.mark.parametrize("adopt", [False, True])
def test_create_meets_a_connection_made_in_between(run: Run, adopt: bool) -> None:
    """Somebody else connects it between our look and our request: theirs, unless it is to be adopted."""
    run.sandbox.fault("connect", kind="connected_by_others")
    if adopt:
        assert run.create("stripe", STRIPE, adopt_existing=True).id == "stripe-org_acme"
        assert "taken over" in run.warnings[0]
    else:
        with pytest.raises(outlit.AlreadyConnectedError, match="adopt_existing=True"):
            run.create("stripe", STRIPE)
    assert run.in_use() == {"stripe": None}


def test_create_sends_once_more_after_a_look(run: Run) -> None:
    run.sandbox.fault("connect", status=500)
    found = run.create("stripe", STRIPE)
    assert run.calls() == ["list", "connect", "list", "connect"]
    assert found.outputs["config"] == STRIPE
    assert run.warnings == []


def test_create_does_not_send_again_what_may_be_under_way(run: Run) -> None:
    run.sandbox.fault("connect", status=504)
    with pytest.raises(outlit.ServiceError, match="may or may not be connected"):
        run.create("stripe", STRIPE)
    assert run.calls() == ["list", "connect", "list"]


def test_a_replacement_that_cannot_connect_says_that_it_is_disconnected(run: Run, made: Observed) -> None:
    run.delete(made)
    run.sandbox.fault("connect", status=400)
    with pytest.raises(outlit.BadRequestError, match="Stripe is now disconnected.*The next pulumi up connects it"):
        run.create("stripe", OTHER)
    run.again()
    run.create("stripe", OTHER)
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_create_settles_an_unreadable_answer(run: Run) -> None:
    run.sandbox.fault("connect", status=200, body="<html>", content_type="text/html", after=True)
    assert run.create("stripe", STRIPE).id == "stripe-org_acme"


def test_create_fails_when_it_did_not_take(run: Run) -> None:
    run.sandbox.fault("connect", status=500, body='{"error": "bad q7CANARYstripe0123456789"}', times=2)
    with pytest.raises(outlit.ServiceError, match="^Stripe may or may not be connected.*Outlit answered 500") as caught:
        run.create("stripe", STRIPE)
    assert "CANARY" not in str(caught.value)
    assert run.calls() == ["list", "connect", "list", "connect", "list"]
    assert run.in_use() == {}


@pytest.mark.parametrize(
    "look",
    [
        {"status": 401},
        {"status": 200, "body": '{"items": []}'},
        {"status": 200, "body": '{"items": [{"id": "stripe", "status": "connected"}]}'},
    ],
)
def test_create_says_when_it_cannot_tell(run: Run, look: dict[str, Any]) -> None:
    run.listed()
    run.sandbox.fault("connect", status=500, after=True)
    run.sandbox.fault("list", **look)
    with pytest.raises(outlit.ServiceError, match="may or may not be connected"):
        run.create("stripe", STRIPE)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, outlit.BadRequestError), (401, outlit.AuthenticationError), (403, outlit.PermissionDeniedError)],
)
def test_create_refused(run: Run, status: int, kind: type[outlit.ApiError]) -> None:
    run.sandbox.fault("connect", status=status)
    with pytest.raises(kind, match="^Stripe was not connected"):
        run.create("stripe", STRIPE)
    assert run.calls() == ["list", "connect"]


def test_a_lost_answer_after_a_replacement_says_what_was_disconnected(run: Run, made: Observed) -> None:
    run.delete(made)
    run.sandbox.fault("connect", status=504)
    with pytest.raises(
        outlit.ServiceError, match="^Stripe may or may not be connected, after it was disconnected to be"
    ):
        run.create("stripe", OTHER)
    run.again()
    run.sandbox.fault("connect", status=504)
    with pytest.raises(outlit.ServiceError, match=r"^Stripe may or may not be connected\. Run pulumi up again"):
        run.create("stripe", OTHER)


@pytest.mark.parametrize("fault", [{"status": 500}, {"kind": "empty"}, {"kind": "empty", "after": True}])
def test_a_list_that_still_shows_what_this_run_removed_settles_no_create(run: Run, fault: dict[str, Any]) -> None:
    """Its old id must not get into the state again."""
    run.sandbox.configure(stable_ids=False)
    made = run.create("stripe", STRIPE)
    run.again()
    run.sandbox.lag("list")
    run.delete(made)
    run.sandbox.fault("connect", **fault)
    found = run.create("stripe", OTHER, on_config_change="replace")
    assert [item["connectionId"] for item in run.sandbox.connections()] == [found.id] != [made.id]
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_an_id_that_cannot_be_stored_is_not_what_this_run_removed(run: Run, made: Observed) -> None:
    """The list would be asked instead, and lags."""
    run.sandbox.lag("list")
    run.delete(made)
    body = '{"connected": true, "connectionId": "", "alreadyConnected": false}'
    run.sandbox.fault("connect", after=True, status=200, body=body)
    assert run.create("stripe", OTHER, on_config_change="replace").id == "stripe-unknown"


def test_somebody_else_is_faster_than_a_replacement(run: Run, made: Observed) -> None:
    run.delete(made)
    run.sandbox.fault("connect", kind="connected_by_others")
    with pytest.raises(
        outlit.AlreadyConnectedError,
        match="^Stripe was not created: it was disconnected to be replaced, and somebody else",
    ):
        run.create("stripe", OTHER)
    run.listed(fresh=True)
    with pytest.raises(
        outlit.AlreadyConnectedError,
        match="^Stripe was not created: it was disconnected to be replaced, and somebody else",
    ):
        run.create("stripe", OTHER)


def test_a_connection_without_id_is_not_taken_over(run: Run) -> None:
    run.sandbox.fault("list", status=200, body='{"items": [{"id": "stripe", "status": "connected"}]}')
    with pytest.raises(outlit.ConnectionChangedError, match="^Stripe was not taken over: .* no connection id"):
        run.create("stripe", adopt_existing=True)


@pytest.mark.parametrize("operation", [Run.update, Run.delete])
def test_a_connection_without_id_is_not_touched(
    run: Run, made: Observed, operation: Callable[[Run, Observed], object]
) -> None:
    run.sandbox.fault("list", status=200, body='{"items": [{"id": "stripe", "status": "connected"}]}', times=2)
    with pytest.raises(outlit.ConnectionChangedError, match="^Stripe was not .* no connection id"):
        operation(run, made)
    assert run.calls() == ["list", "list"]


# --- read


def test_read_follows_the_service(run: Run, made: Observed) -> None:
    run.sandbox.set_sync("stripe", "ERROR", model="StripeInvoice", error_message="no access")
    found = run.read(made)
    assert found is not None
    assert found.id == made.id
    assert found.outputs["config"] == STRIPE
    assert {"model": "StripeInvoice", "status": "ERROR", "error_message": "no access"}.items() <= {
        **next(sync for sync in found.outputs["syncs"] if sync["model"] == "StripeInvoice")
    }.items()
    assert Counter(run.calls()) == {"sync_status": 1, "list": 1}


@pytest.mark.parametrize(
    ("sync", "warning"),
    [
        ({"status": "SUCCESS"}, None),
        ({"status": "IN_PROGRESS", "lastSyncedAt": "2026-01-01T00:00:00Z"}, None),
        ({"status": "Failed"}, "is Failed."),
        ({"status": "FAILED", "lastSyncedAt": "2026-01-01"}, "is FAILED, last synced 2026-01-01."),
        ({"status": "FAILED", "errorMessage": "no access"}, 'is FAILED: "no access"'),
        ({"status": "SUCCESS", "errorMessage": "no access"}, 'is SUCCESS: "no access"'),
    ],
)
def test_read_warns_of_a_failing_sync(run: Run, made: Observed, sync: dict[str, str], warning: str | None) -> None:
    answer = {"provider": "stripe", "status": "connected", "syncs": [{"model": "StripeInvoice", **sync}]}
    run.sandbox.fault("sync_status", status=200, body=json.dumps(answer))
    run.read(made)
    assert run.warnings == ([f"Stripe: the sync of StripeInvoice {warning}"] if warning else [])


def test_read_takes_the_word_of_the_sync_status(run: Run, made: Observed) -> None:
    """It is newer than the list, which the run shares. What it does not tell comes from the list."""
    told = {"name": "Stripe, Inc.", "category": "money", "status": "degraded"}
    run.sandbox.fault("sync_status", status=200, body=json.dumps({"provider": "stripe", **told}))
    found = run.read(made)
    assert found is not None
    assert [found.outputs[name] for name in ("display_name", "category", "status")] == list(told.values())
    run.sandbox.fault("sync_status", status=200, body='{"provider": "stripe", "status": "degraded"}')
    found = run.read(made)
    assert found is not None
    assert [found.outputs[name] for name in ("display_name", "category", "status")] == ["Stripe", "billing", "degraded"]


NOT_CONNECTED = '{"items": [{"id": "stripe", "status": "not_connected", "connectionId": null}]}'


def test_read_of_what_is_gone(run: Run, made: Observed) -> None:
    """Both lists and the sync status say so, and the key is the one of the state's organization."""
    run.sandbox.disconnect("stripe")
    run.sandbox.clear_calls()
    assert run.read(made) is None
    assert run.warnings == ["Stripe: connection stripe-org_acme is not connected any more, and leaves the state."]
    assert Counter(run.calls()) == {"sync_status": 2, "list": 2}


def unnamed(made: Observed) -> Observed:
    """The same in a state that an older service left: it names no organization."""
    return Observed(made.id, {**made.outputs, "organization_id": None})


def test_read_of_what_an_older_service_says_is_gone(run: Run, made: Observed) -> None:
    """It does not tell whose the key is."""
    run.sandbox.configure(key_check=False)
    run.sandbox.disconnect("stripe")
    assert run.read(unnamed(made)) is None
    assert "If the API key is another workspace's, the connection is still there." in run.warnings[0]


@pytest.mark.parametrize("lagging", [("list",), ("sync_status",), ("list", "sync_status")])
def test_read_waits_for_a_service_that_lags(run: Run, lagging: tuple[Any, ...]) -> None:
    """What was connected seconds ago must not leave the state."""
    run.sandbox.lag(*lagging, seconds=5)
    made = run.create("stripe", STRIPE)
    run.again(clock=Passes(run.sandbox))
    found = run.read(made)
    assert found is not None
    assert found.id == made.id


def test_read_asks_the_sync_status_again_after_the_pause(run: Run) -> None:
    """The list lags for long, the status for seconds: what is connected must not leave the state."""
    run.sandbox.lag("sync_status", seconds=2)
    run.sandbox.lag("list")
    made = run.create("stripe", STRIPE)
    run.again(clock=Passes(run.sandbox))
    with pytest.raises(outlit.ConnectionChangedError, match="its sync status says that it is"):
        run.read(made)


class Passes(ImpatientClock):
    """The sandbox's time passes with ours."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.sandbox.advance(seconds)


def test_read_keeps_what_the_list_shows_whatever_the_sync_status_says(run: Run, made: Observed) -> None:
    run.sandbox.fault("sync_status", kind="says_not_connected")
    found = run.read(made)
    assert found is not None
    assert found.outputs["status"] == "connected"
    assert "Outlit contradicts itself" in run.warnings[0]
    assert Counter(run.calls()) == {"sync_status": 1, "list": 1}


def test_a_connection_without_an_id_whose_sync_status_denies_it_is_a_contradiction(run: Run, made: Observed) -> None:
    run.sandbox.fault("list", status=200, body='{"items": [{"id": "stripe", "status": "disconnected"}]}', times=None)
    run.sandbox.fault("sync_status", kind="says_not_connected", times=None)
    found = run.read(made)
    assert found is not None
    assert found.id == made.id
    assert "Outlit contradicts itself" in run.warnings[0]


@pytest.mark.parametrize("kind", ["says_not_connected", "duplicate_entries", "died"])
def test_read_keeps_what_the_list_shows_in_an_odd_way(run: Run, made: Observed, kind: Any) -> None:
    """Our own id settles it, and costs no further call."""
    run.sandbox.fault("list", kind=kind)
    found = run.read(made)
    assert found is not None
    assert found.id == made.id
    assert Counter(run.calls()) == {"sync_status": 1, "list": 1}


@pytest.mark.parametrize(
    ("body", "said"), [(NOT_CONNECTED, "its sync status says that it is"), ('{"items": []}', "does not name it at all")]
)
def test_read_keeps_the_state_where_it_cannot_know_and_names_the_way_out(
    run: Run, made: Observed, body: str, said: str
) -> None:
    run.sandbox.fault("list", status=200, body=body, times=2)
    with pytest.raises(outlit.ConnectionChangedError, match=f"^Stripe was not read .*{said}.*pulumi state delete"):
        run.read(made)


def test_read_keeps_what_is_connected_without_an_id(run: Run, made: Observed) -> None:
    run.sandbox.fault("list", status=200, body='{"items": [{"id": "stripe", "status": "connected"}]}', times=2)
    found = run.read(made)
    assert found is not None
    assert found.id == made.id


def test_read_keeps_the_state_when_the_second_list_fails(run: Run, made: Observed) -> None:
    run.sandbox.fault("list", status=200, body=NOT_CONNECTED)
    run.sandbox.fault("list", status=403)
    with pytest.raises(outlit.PermissionDeniedError, match="^Stripe was not read and its state is unchanged"):
        run.read(made)


@pytest.mark.parametrize("route", ["sync_status", "list"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, outlit.UnreadableAnswerError),
        (401, outlit.AuthenticationError),
        (403, outlit.PermissionDeniedError),
        (404, outlit.ServiceError),
        (429, outlit.RateLimitedError),
        (500, outlit.ServiceError),
    ],
)
def test_read_keeps_the_state_on_errors(
    run: Run, made: Observed, route: Any, status: int, kind: type[outlit.ApiError]
) -> None:
    run.sandbox.fault(route, status=status, body="<html>", content_type="text/html", times=None)
    with pytest.raises(kind, match="^Stripe was not read and its state is unchanged"):
        run.read(made)


def test_read_of_another_connection_warns(run: Run, made: Observed) -> None:
    run.sandbox.disconnect("stripe")
    run.sandbox.connect("stripe", OTHER)
    run.again()
    found = run.read(made)
    assert found is not None
    assert found.id == found.outputs["connection_id"] == "stripe-org_acme-2"
    assert "stripe-org_acme-2" in run.warnings[0]
    with pytest.raises(outlit.ConnectionChangedError):
        run.delete(found)
    with pytest.raises(outlit.ConnectionChangedError):
        run.update(found)
    assert Counter(run.calls()) == {"sync_status": 1, "list": 2}


# --- update


def test_update_in_place(run: Run, made: Observed) -> None:
    found = run.update(made)
    assert found.id == made.id
    assert found.outputs["config"] == OTHER
    assert run.in_use() == {"stripe": fingerprint(OTHER)}
    assert run.calls() == ["list", "connect"]
    assert run.sandbox.calls()[-1]["force"]


def test_update_refuses_another_connection(run: Run, made: Observed) -> None:
    run.sandbox.disconnect("stripe")
    run.sandbox.connect("stripe", STRIPE)
    run.again()
    with pytest.raises(outlit.ConnectionChangedError, match="another connection of it than the state"):
        run.update(made)
    assert run.calls() == ["list", "list"]


def test_update_refuses_what_is_gone(run: Run, made: Observed) -> None:
    run.sandbox.disconnect("stripe")
    run.again()
    with pytest.raises(outlit.ConnectionChangedError, match="not connected in this workspace"):
        run.update(made)
    assert run.calls() == ["list", "list"]


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_writes_wait_for_a_list_that_lags(run: Run, operation: str) -> None:
    run.sandbox.lag("list", seconds=5)
    made = run.create("stripe", STRIPE)
    run.again(clock=Passes(run.sandbox))
    OPERATIONS[operation](run, made)
    assert run.in_use() == ({} if operation == "delete" else {"stripe": fingerprint(OTHER)})


def test_a_new_id_after_an_update_is_ours(run: Run, made: Observed) -> None:
    """The service may give one; that is no outside change, and a list that lags does not put the old one back."""
    run.sandbox.configure(new_id_on_force=True)
    run.sandbox.lag("list", seconds=5)
    found = run.update(made)
    assert (found.id, run.warnings) == ("stripe-org_acme-2", [])
    run.again(clock=Passes(run.sandbox))
    kept = run.read(found)
    assert kept is not None
    assert (kept.id, run.warnings) == (found.id, [])


def test_a_new_id_after_a_lost_answer_is_ours_and_unconfirmed(run: Run, made: Observed) -> None:
    run.sandbox.configure(new_id_on_force=True)
    run.sandbox.fault("connect", kind="reset", after=True)
    found = run.update(made)
    assert found.id == "stripe-org_acme-2"
    assert "the answer to the request was lost, and the connection has a new id since" in run.warnings[0]
    assert difference(found.outputs, declared("stripe", OTHER)) == Difference(True)
    run.again()
    settled = run.update(found)
    assert difference(settled.outputs, declared("stripe", OTHER)) == Difference(False)


@pytest.mark.parametrize("answer", ['""', "null", "7"])
def test_an_id_that_cannot_be_stored_does_not_lose_the_connection(run: Run, answer: str) -> None:
    body = f'{{"connected": true, "connectionId": {answer}, "alreadyConnected": false}}'
    run.listed()
    run.sandbox.connect("stripe", STRIPE)
    run.sandbox.fault("connect", status=200, body=body)
    assert run.create("stripe", STRIPE).id == "stripe-org_acme"
    assert run.warnings == []


def test_an_update_keeps_the_id_that_the_state_has_where_nobody_tells_one(run: Run, made: Observed) -> None:
    body = '{"connected": true, "connectionId": "", "alreadyConnected": false}'
    run.listed()
    run.sandbox.fault("connect", status=200, body=body)
    run.sandbox.fault("list", status=500, times=None)
    assert run.update(made).id == made.id


def test_an_id_that_nobody_tells_is_made_up(run: Run) -> None:
    run.sandbox.fault("connect", status=200, body='{"connected": true, "alreadyConnected": false}')
    assert run.create("stripe", STRIPE).id == "stripe-unknown"
    assert "gave no usable connection id" in run.warnings[0]


def with_an_id(connection_id: str) -> str:
    """A list in which Stripe's connection has that id."""
    return json.dumps({"items": [{"id": "stripe", "status": "connected", "connectionId": connection_id}]})


SPEAKING = "stripe-" + OTHER["apiKey"]
"""An id that holds a credential."""


def test_an_id_that_holds_a_credential_is_not_what_a_lost_answer_left(run: Run, made: Observed) -> None:
    run.sandbox.fault("connect", status=500, times=1)
    run.sandbox.fault("list", status=200, body=with_an_id(SPEAKING), skip=1, times=None)
    assert run.update(made).id == made.id
    run.sandbox.clear_faults()
    run.again()
    run.sandbox.disconnect("stripe")
    run.sandbox.fault("connect", status=500, times=1)
    run.sandbox.fault("list", status=200, body=with_an_id(SPEAKING), skip=1, times=None)
    assert run.create("stripe", OTHER).id == "stripe-unknown"
    assert "CANARY" not in "".join(run.warnings)


def test_a_refresh_does_not_follow_an_id_that_holds_a_credential(run: Run) -> None:
    made = run.create("stripe", OTHER)
    run.again()
    run.sandbox.fault("list", status=200, body=with_an_id(SPEAKING), times=None)
    with pytest.raises(
        outlit.ConnectionChangedError,
        match="^Stripe was not read and its state is unchanged: its connection id holds a credential",
    ) as caught:
        run.read(made)
    assert "CANARY" not in str(caught.value)


KEEPS = '{"connected": true, "connectionId": "stripe-org_acme", "alreadyConnected": true}'
"""The answer to a rotation where Outlit changes no credentials in place."""


def test_update_that_was_not_applied(run: Run, made: Observed) -> None:
    """The cure is one that helps: a replacement, where the option causes one; else to leave things as they are."""
    run.sandbox.fault("connect", status=200, body=KEEPS, times=None)
    unconfirmed = {**made.outputs, "config_unconfirmed": True}
    for state, config, cure in (
        (made.outputs, OTHER, 'set on_config_change="replace"'),
        ({**made.outputs, "config": None}, OTHER, "leave config out"),
        (unconfirmed, STRIPE, r"pulumi state delete\) and declare it with adopt_existing=True"),
    ):
        with pytest.raises(outlit.NotAppliedError, match=f"kept the old config. Run pulumi up again; if .*{cure}"):
            run.update(Observed(made.id, state), config)
    again = declared("stripe", OTHER, on_config_change="replace")
    assert difference(made.outputs, again).replaces
    assert not difference(unconfirmed, {**again, "config": STRIPE}).replaces


def test_a_replacement_that_resumes_and_was_not_applied_can_take_the_connection_as_it_is(
    run: Run, made: Observed
) -> None:
    run.workspace.ledger.track("stripe", "mine")
    run.sandbox.fault("connect", status=200, body=KEEPS, times=None)
    with pytest.raises(outlit.NotAppliedError, match='set adopt_existing=True and drop on_config_change="replace"'):
        run.create("stripe", OTHER, on_config_change="replace", resource_name="mine")
    run.again()
    run.workspace.ledger.track("stripe", "mine")
    assert run.create("stripe", OTHER, adopt_existing=True, resource_name="mine").id == made.id


def test_update_settles_a_lost_answer(run: Run, made: Observed) -> None:
    run.sandbox.fault("connect", status=500, after=True)
    assert run.update(made).outputs["config"] == OTHER
    assert run.calls() == ["list", "connect", "list", "connect"]
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_update_follows_a_connection_that_went_meanwhile(run: Run, made: Observed) -> None:
    """The config is live on a new connection, which must not be lost track of."""
    run.listed()
    run.sandbox.disconnect("stripe")
    found = run.update(made)
    assert found.id == found.outputs["connection_id"] == "stripe-org_acme-2"


def test_update_with_lost_answers_can_be_repeated(run: Run, made: Observed) -> None:
    run.sandbox.fault("connect", status=500, after=True, times=2)
    with pytest.raises(outlit.ServiceError, match="may or may not use the new config"):
        run.update(made)
    run.again()
    assert run.update(made).id == made.id
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_update_refused_by_the_service(run: Run, made: Observed) -> None:
    run.sandbox.fault("connect", status=400, body='{"error": "bad q7CANARYother0012345"}')
    with pytest.raises(outlit.BadRequestError, match="^Stripe was not updated") as caught:
        run.update(made)
    assert "CANARY" not in str(caught.value)


# --- whose key it is


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("operation", ["read", "update", "delete", "create"])
def test_with_the_key_of_another_organization_nothing_is_done(
    run: Run, made: Observed, operation: str, connected: bool
) -> None:
    """A create compares with what it saw of others: an update of a preview has seen all."""
    key = run.sandbox.add_workspace("other")
    if connected:
        run.sandbox.connect("stripe", STRIPE, api_key=key)
    run.again(key)
    run.workspace.ledger.belong("org_acme")
    with pytest.raises(outlit.WrongOrganizationError, match="is of organization org_other, the state is of org_acme"):
        OPERATIONS[operation](run, made)
    assert set(run.calls()) <= {"list", "sync_status"}
    assert len(run.sandbox.connections(key)) == connected


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_a_key_of_another_organization_counts_although_the_ids_agree(run: Run, made: Observed, operation: str) -> None:
    with pytest.raises(outlit.WrongOrganizationError):
        OPERATIONS[operation](run, Observed(made.id, {**made.outputs, "organization_id": "org_other"}))
    assert run.calls() == ["list"]


@pytest.mark.parametrize("operation", ["read", "delete"])
@pytest.mark.parametrize(
    ("named", "answer", "said"),
    [
        ("org_acme", 503, "whose the API key is could not be asked"),
        (None, 503, "whose the API key is could not be asked"),
        (None, 200, "the state does not say in which organization it is.*pulumi state delete"),
    ],
)
def test_without_the_connection_in_the_list_nothing_is_concluded_before_it_is_known_whose_the_key_is(
    run: Run, made: Observed, operation: str, named: str | None, answer: int, said: str
) -> None:
    run.sandbox.disconnect("stripe")
    run.again()
    if answer != 200:
        run.sandbox.fault("validate_key", status=answer, times=None)
    with pytest.raises(outlit.WrongOrganizationError, match=said):
        OPERATIONS[operation](run, Observed(made.id, {**made.outputs, "organization_id": named}))
    assert "disconnect" not in run.calls()


@pytest.mark.parametrize("operation", ["read", "update", "delete"])
def test_the_connection_in_the_list_is_enough_without_an_answer_whose_the_key_is(
    run: Run, made: Observed, operation: str
) -> None:
    run.sandbox.fault("validate_key", status=503, times=None)
    OPERATIONS[operation](run, made)
    assert run.warnings == []


def test_a_create_goes_on_without_an_answer_and_a_read_fills_it_in(run: Run) -> None:
    run.sandbox.fault("validate_key", status=503, times=2)
    made = run.create("stripe", STRIPE)
    assert made.outputs["organization_id"] is None
    run.again()
    found = run.read(made)
    assert found is not None
    assert found.outputs["organization_id"] == "org_acme"


def test_an_older_service_is_asked_twice_and_sent_nothing_on_a_guess(run: Run, made: Observed) -> None:
    run.sandbox.configure(key_check=False)
    run.again(run.sandbox.add_workspace("other"))
    run.delete(unnamed(made))
    assert run.calls() == ["list", "list"]
    assert "If the API key is another workspace's, the connection is still there." in run.warnings[0]


# --- delete


def test_delete(run: Run, made: Observed) -> None:
    run.delete(made)
    assert run.in_use() == {}
    assert run.calls() == ["list", "disconnect"]


def test_delete_of_what_is_gone(run: Run, made: Observed) -> None:
    """The disconnect settles what a list that lags cannot; the key is that of the state's organization."""
    run.sandbox.disconnect("stripe")
    run.again()
    run.delete(made)
    assert run.calls() == ["list", "list", "disconnect"]
    assert "was not connected any more" in run.warnings[0]


def test_delete_of_what_a_list_does_not_show_for_long(run: Run, made: Observed) -> None:
    run.sandbox.lag("list")
    run.sandbox.disconnect("stripe")
    run.sandbox.lag("list")
    run.sandbox.connect("stripe", OTHER)
    run.again()
    run.delete(Observed("stripe-org_acme-2", {**made.outputs, "connection_id": "stripe-org_acme-2"}))
    assert run.in_use() == {}


def later(made: Observed) -> Observed:
    """The same, written so long ago that no list lags behind that."""
    return Observed(made.id, {**made.outputs, "written_at": f"{DATE - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}Z"})


@pytest.mark.parametrize("lagging", [("list",), ("list", "sync_status")])
def test_a_delete_of_what_is_long_gone_spares_what_somebody_connected_since(
    run: Run, made: Observed, lagging: tuple[Literal["list", "sync_status"], ...]
) -> None:
    """Two lists do not show the state's, nor yet the other one, which a disconnect would meet."""
    run.sandbox.disconnect("stripe")
    run.sandbox.lag(*lagging)
    run.sandbox.connect("stripe", OTHER)
    run.again()
    if lagging == ("list",):
        with pytest.raises(
            outlit.ConnectionChangedError, match="was not disconnected: .* its sync status says that it is"
        ):
            run.delete(later(made))
    else:
        run.delete(later(made))
        assert "was not connected any more" in run.warnings[0]
    assert run.calls() == ["list", "list", "sync_status"]
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_a_replacement_of_what_is_long_gone_spares_what_somebody_connected_since(run: Run, made: Observed) -> None:
    """The create that follows sends its credentials to no connection of somebody else, either."""
    run.sandbox.disconnect("stripe")
    run.sandbox.lag("list", "sync_status")
    run.sandbox.connect("stripe", OTHER)
    run.again()
    run.workspace.ledger.track("stripe", "stripe")
    run.delete(later(made))
    with pytest.raises(outlit.AlreadyConnectedError, match="somebody else connected it before this run did"):
        run.create("stripe", STRIPE, resource_name="stripe")
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


@pytest.mark.parametrize("after", [False, True])
def test_a_list_that_never_showed_it_settles_no_delete(run: Run, after: bool) -> None:
    """It is silent after the disconnect as it was before, so that proves nothing: the disconnect is sent once more."""
    run.sandbox.lag("list")
    made = run.create("stripe", STRIPE)
    run.again()
    run.sandbox.fault("disconnect", status=500, after=after)
    run.delete(made)
    assert run.in_use() == {}
    assert run.calls() == ["list", "list", "disconnect", "list", "disconnect"]


def test_a_list_that_never_showed_it_leaves_open_what_two_lost_answers_did(run: Run) -> None:
    run.sandbox.lag("list")
    made = run.create("stripe", STRIPE)
    run.again()
    run.sandbox.fault("disconnect", status=500, times=2)
    with pytest.raises(outlit.ServiceError, match="may or may not be disconnected"):
        run.delete(made)


def test_delete_of_what_another_resource_replaced(run: Run, made: Observed) -> None:
    """The workspace has what a resource of the program holds: the state's own connection is gone."""
    run.sandbox.disconnect("stripe")
    run.again()
    run.create("stripe", OTHER)
    run.delete(made)
    assert "was not connected any more" in run.warnings[0]
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_delete_of_what_goes_in_between(run: Run, made: Observed) -> None:
    run.listed()
    run.sandbox.disconnect("stripe")
    run.delete(made)
    assert run.in_use() == {}
    assert "was not connected any more" in run.warnings[0]


def test_delete_does_not_wonder_at_its_own_work(run: Run, made: Observed) -> None:
    """The first request may have been carried out after the look: that nothing is left is as it should be."""
    run.sandbox.fault("disconnect", status=500)
    run.sandbox.fault("disconnect", kind="disconnected_by_others")
    run.delete(made)
    assert run.calls() == ["list", "disconnect", "list", "disconnect"]
    assert run.warnings == []


def test_delete_spares_what_somebody_else_connected_since(run: Run, made: Observed) -> None:
    class Racing(OutlitClient):
        def disconnect(self, provider: str, **options: Any) -> None:
            try:
                super().disconnect(provider, **options)
            finally:
                run.sandbox.connect("stripe", OTHER)

    racing = Racing(Settings(run.sandbox.api_key, run.sandbox.url), retries=Retries(attempts=2, first_wait=0))
    run.workspace = Workspace(run.cleanup.enter_context(racing))
    run.sandbox.fault("disconnect", status=500, after=True)
    run.delete(made)
    assert run.in_use() == {"stripe": fingerprint(OTHER)}
    with pytest.raises(outlit.AlreadyConnectedError, match="^Stripe was not created: it is already connected"):
        run.create("stripe", STRIPE)


def test_delete_does_not_send_again_what_may_be_under_way(run: Run, made: Observed) -> None:
    run.sandbox.fault("disconnect", status=504)
    with pytest.raises(outlit.ServiceError, match="^Stripe may or may not be disconnected"):
        run.delete(made)
    assert run.calls() == ["list", "disconnect", "list"]


def test_a_long_connection_id_is_shown_in_part(run: Run, made: Observed) -> None:
    strange = Observed("c" * 100, {**made.outputs, "connection_id": "c" * 100})
    with pytest.raises(outlit.ConnectionChangedError, match=rf"\({'c' * 79}…\)"):
        run.delete(strange)


@pytest.mark.parametrize("after", [True, False])
def test_delete_settles_a_lost_answer(run: Run, made: Observed, after: bool) -> None:
    run.sandbox.fault("disconnect", status=500, after=after)
    run.delete(made)
    assert run.calls() == ["list", "disconnect", "list"] + ([] if after else ["disconnect"])
    assert run.in_use() == {}


def test_delete_fails_when_it_did_not_take(run: Run, made: Observed) -> None:
    run.sandbox.fault("disconnect", status=500, times=2)
    with pytest.raises(outlit.ServiceError, match="^Stripe may or may not be disconnected"):
        run.delete(made)
    assert run.calls() == ["list", "disconnect", "list", "disconnect", "list"]
    assert list(run.in_use()) == ["stripe"]


def test_delete_is_not_satisfied_by_a_404_from_a_proxy(run: Run, made: Observed) -> None:
    run.sandbox.fault("disconnect", status=404, body="<html>", content_type="text/html", times=2)
    with pytest.raises(outlit.ServiceError, match="^Stripe may or may not be disconnected"):
        run.delete(made)
    assert list(run.in_use()) == ["stripe"]


@pytest.mark.parametrize("operation", [Run.read, Run.update, Run.delete])
def test_the_id_will_do_where_the_state_lacks_the_connection(
    run: Run, made: Observed, operation: Callable[[Run, Observed], object]
) -> None:
    operation(run, Observed(made.id, {"provider": "stripe"}))
    assert run.warnings == []


@pytest.mark.parametrize("operation", [Run.read, Run.update, Run.delete])
def test_the_state_is_believed_before_the_id(
    run: Run, made: Observed, operation: Callable[[Run, Observed], object]
) -> None:
    """After an update that met another connection the engine keeps the old id."""
    operation(run, Observed("an old id", made.outputs))
    assert run.warnings == []


@pytest.mark.parametrize("operation", [Run.update, Run.delete])
def test_a_list_that_does_not_name_the_provider_is_no_proof(
    run: Run, made: Observed, operation: Callable[[Run, Observed], object]
) -> None:
    """An incomplete list must not let go of a connection that may be live."""
    run.sandbox.fault("list", status=200, body='{"items": []}', times=2)
    with pytest.raises(outlit.ConnectionChangedError, match="does not name it at all"):
        operation(run, made)
    assert run.calls() == ["list", "list"]


@pytest.mark.parametrize("operation", [Run.read, Run.update, Run.delete])
@pytest.mark.parametrize(
    "state",
    [
        {"provider": "stripe"},
        {"provider": "stripe", "connection_id": 5},
        {"provider": "\ud800", "connection_id": "c"},
        {"provider": "", "connection_id": "c"},
        {"provider": None, "connection_id": "c"},
        {"provider": 5, "connection_id": "c"},
    ],
)
def test_a_damaged_state_is_an_error_of_its_own(
    run: Run, operation: Callable[[Run, Observed], object], state: dict[str, Any]
) -> None:
    with pytest.raises(outlit.StateError, match="state of this integration is damaged"):
        operation(run, Observed("", state))
    assert run.calls() == []


def test_delete_keeps_what_a_resource_that_stays_holds(run: Run, made: Observed) -> None:
    """A rename with adopt_existing was cut off before the old resource was deleted: both hold the connection."""
    run.stays(made.id)
    run.delete(made)
    assert "was kept" in run.warnings[0]
    assert run.calls() == []
    assert list(run.in_use()) == ["stripe"]


def test_a_delete_disconnects_nothing_blindly_while_another_resource_stays(run: Run, made: Observed) -> None:
    """Somebody disconnected it, an earlier run connected it anew for another resource, and no list shows that yet."""
    run.sandbox.configure(stable_ids=False)
    run.sandbox.disconnect("stripe")
    run.sandbox.lag("list")
    run.sandbox.connect("stripe", OTHER)
    run.stays("stripe-org_acme-2")
    run.delete(made)
    assert "was not connected any more, so nothing was disconnected" in run.warnings[0]
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_nor_what_a_list_shows_all_the_same(run: Run, made: Observed) -> None:
    run.sandbox.configure(stable_ids=False)
    run.sandbox.lag("list")
    run.sandbox.disconnect("stripe")
    run.sandbox.connect("stripe", OTHER)
    run.stays("stripe-org_acme-2")
    with pytest.raises(outlit.ConnectionChangedError, match="Run pulumi refresh, then run again"):
        run.delete(made)
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_what_a_refresh_compares_does_not_count_as_staying(run: Run, made: Observed) -> None:
    """`pulumi destroy --refresh` compares too, without a program that could declare anything."""
    run.workspace.ledger.keep("stripe", made.id)
    run.delete(made)
    assert run.in_use() == {}


def test_create_does_not_take_over_what_a_resource_that_stays_holds(run: Run, made: Observed) -> None:
    run.stays(made.id)
    with pytest.raises(outlit.AlreadyConnectedError, match="^Stripe was not taken over: it is declared twice"):
        run.create("stripe", adopt_existing=True)


def test_a_list_is_used_for_half_a_minute(run: Run, made: Observed) -> None:
    """In a long run somebody may reconnect what we are about to disconnect."""
    clock = SkippingClock()
    run.again(clock=clock)
    run.create("posthog", POSTHOG)
    clock.time += 29
    run.create("clerk", {"secretKey": "k"})
    assert run.calls() == ["list", "connect", "connect"]
    run.sandbox.disconnect("stripe")
    run.sandbox.connect("stripe", OTHER)
    clock.time += 2
    with pytest.raises(outlit.ConnectionChangedError):
        run.delete(made)


def test_delete_keeps_what_this_run_took_over(run: Run, made: Observed) -> None:
    run.create("stripe", adopt_existing=True)
    run.delete(made)
    assert "was kept" in run.warnings[0]
    assert list(run.in_use()) == ["stripe"]


def test_delete_then_create_in_one_run(run: Run, made: Observed) -> None:
    run.delete(made)
    assert run.create("stripe", OTHER).id == "stripe-org_acme-2"
    assert run.calls() == ["list", "disconnect", "connect"]


# --- every operation


OPERATIONS: dict[str, Callable[[Run, Observed], object]] = {
    "create": lambda run, _: run.create("posthog", POSTHOG),
    "read": lambda run, made: run.read(made),
    "update": lambda run, made: run.update(made),
    "delete": lambda run, made: run.delete(made),
    "adopt": lambda run, _: run.create("stripe", STRIPE, adopt_existing=True),
}


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("create", "PostHog was not connected: "),
        ("update", "Stripe was not updated: "),
        ("delete", "Stripe was not disconnected: "),
    ],
)
def test_without_a_list_nothing_is_sent(run: Run, made: Observed, operation: str, said: str) -> None:
    run.sandbox.fault("list", status=403)
    with pytest.raises(outlit.PermissionDeniedError, match=f"^{said}"):
        OPERATIONS[operation](run, made)
    assert run.calls() == ["list"]


@pytest.mark.parametrize(
    ("operation", "routes", "secret"),
    [
        ("create", ("list", "connect"), POSTHOG),
        ("read", ("sync_status", "list"), STRIPE),
        ("update", ("list", "connect"), STRIPE),
        ("update", ("list", "connect"), OTHER),
        ("delete", ("list", "disconnect"), STRIPE),
    ],
)
@pytest.mark.parametrize("call", [0, 1])
def test_no_operation_repeats_a_credential(
    run: Run, made: Observed, operation: str, routes: tuple[Any, ...], call: int, secret: dict[str, str]
) -> None:
    """The declared ones or the state's, whichever the service quotes, whatever call it answers."""
    body = json.dumps({"error": f"bad {secret['apiKey']}"})
    run.sandbox.fault(routes[call], status=403, body=body, times=None)
    with pytest.raises(outlit.PermissionDeniedError) as caught:
        OPERATIONS[operation](run, made)
    assert 'and said "bad [redacted]"' in str(caught.value)


def test_a_connect_that_was_sent_twice_may_find_the_first_one_carried_out(run: Run) -> None:
    """The second answer says that it is connected already: by the first request, as far as can be known."""
    run.sandbox.fault("connect", kind="reset")
    run.sandbox.fault("connect", kind="connected_by_others")
    found = run.create("stripe", STRIPE)
    assert found.outputs == held("stripe-org_acme", config_unconfirmed=True)
    assert [warning.startswith("Stripe: the answer to the connect request was lost.") for warning in run.warnings] == [
        True
    ]
    assert run.calls() == ["list", "connect", "list", "connect"]


def test_an_id_without_a_connection_is_not_one_that_appeared(run: Run) -> None:
    item = {"id": "stripe", "status": "not_connected", "connectionId": "stripe-old"}
    run.sandbox.fault("connect", kind="reset")
    run.sandbox.fault("list", status=200, body=json.dumps({"items": [item]}), skip=1)
    assert run.create("stripe", STRIPE).id == "stripe-org_acme"
    assert run.warnings == []


def test_what_is_public_is_not_hidden(run: Run) -> None:
    run.sandbox.fault("connect", status=400, body='{"error": "no project in eu"}')
    with pytest.raises(outlit.BadRequestError, match="no project in eu"):
        run.create("posthog", POSTHOG)


def test_an_update_that_is_refused_at_its_second_try_may_have_been_done_by_the_first(run: Run, made: Observed) -> None:
    run.sandbox.fault("connect", status=500)
    run.sandbox.fault("connect", status=400)
    with pytest.raises(outlit.BadRequestError, match="^Stripe may or may not use the new config"):
        run.update(made)


def test_what_could_neither_be_taken_over_nor_connected(run: Run) -> None:
    run.sandbox.fault("connect", status=400)
    with pytest.raises(outlit.BadRequestError, match="^Stripe was neither taken over nor connected: "):
        run.create("stripe", STRIPE, adopt_existing=True)


def test_an_answer_that_denies_a_connect(run: Run) -> None:
    body = {"connected": False, "connectionId": "x", "alreadyConnected": False}
    run.sandbox.fault("connect", status=200, body=json.dumps(body))
    with pytest.raises(outlit.NotAppliedError, match="^Stripe was not connected: Outlit answered without an error"):
        run.create("stripe", STRIPE)


def test_a_short_credential_is_hidden_where_it_is_a_word(run: Run, made: Observed) -> None:
    """From the first operation that names it on, in what is said of others, too."""
    run.sandbox.fault("connect", status=400, body='{"error": "bad sh0rt-z, not sh0rt-zebra"}')
    with pytest.raises(outlit.BadRequestError, match=r"bad \[redacted\], not sh0rt-zebra"):
        run.create("fireflies", {"apiKey": "sh0rt-z"})
    run.sandbox.fault("connect", status=400, body='{"error": "bad sh0rt-z"}')
    with pytest.raises(outlit.BadRequestError, match=r"bad \[redacted\]"):
        run.create("granola", {"apiKey": "another"})
    for props in ({"apiKey": "sh0rt-x"}, {"apiKey": "sh0rt-y"}):
        run.sandbox.fault("connect", status=400, body=f'{{"error": "bad {props["apiKey"]}"}}')
        with pytest.raises(outlit.BadRequestError, match=r"bad \[redacted\]"):
            run.update(made, props)


@pytest.mark.parametrize(("status", "error_message"), [("FAILED", None), ("PAUSED", "no access")])
def test_a_connection_that_is_failing_is_taken_over_with_a_warning(
    run: Run, made: Observed, status: str, error_message: str | None
) -> None:
    """Which model it is costs a call that is only made when the list says that something is wrong."""
    run.sandbox.set_sync("stripe", status, model="StripeInvoice", error_message=error_message)
    found = run.create("stripe", STRIPE, adopt_existing=True)
    assert {sync["model"]: sync["status"] for sync in found.outputs["syncs"]}["StripeInvoice"] == status
    said = f': "{error_message}"' if error_message else "."
    assert run.warnings == [f"Stripe: the sync of StripeInvoice is {status}{said}"]
    assert run.calls() == ["list", "sync_status"]


@pytest.mark.parametrize("answer", [{"status": 403}, {"status": 200, "body": GONE}])
def test_a_failing_connection_whose_models_cannot_be_had_is_taken_over_all_the_same(
    run: Run, made: Observed, answer: dict[str, Any]
) -> None:
    run.sandbox.set_sync("stripe", "FAILED", error_message="no access")
    run.sandbox.fault("sync_status", **answer)
    found = run.create("stripe", STRIPE, adopt_existing=True)
    assert (found.outputs["status"], found.outputs["syncs"]) == ("connected", [])
    assert run.warnings == ['Stripe: its sync is FAILED: "no access"']


def test_what_the_catalogue_lacks_has_the_name_that_the_list_gives_it(run: Run) -> None:
    item = {"id": "new", "name": "N" * 100, "status": "not_connected"}
    run.sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
    with pytest.raises(outlit.BrowserRequiredError, match=f"^{'N' * 59}… was not taken over: it is not connected"):
        run.create("new", adopt_existing=True)
    run.again()
    with pytest.raises(outlit.ConnectionChangedError, match="^new was not taken over"):
        run.create("new", adopt_existing=True)
    run.again()
    run.sandbox.fault("list", status=200, body=json.dumps({"items": [{**item, "name": " "}]}))
    with pytest.raises(outlit.BrowserRequiredError, match="^new was not taken over: it is not connected"):
        run.create("new", adopt_existing=True)
    run.again()
    item = {"id": "new", "name": "New", "status": "paused", "connectionId": "new-1"}
    run.sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
    found = run.create("new", adopt_existing=True).outputs
    assert (found["display_name"], found["status"]) == ("New", "paused")


def test_a_blank_name_is_not_shown_but_what_the_list_has_without_its_credentials(run: Run) -> None:
    key = run.sandbox.api_key
    item = {"id": "new", "name": f"New {key}", "status": "connected", "connectionId": "new-1"}
    run.sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
    made = run.create("new", adopt_existing=True)
    for blank in ("", "  ", "\u202e"):
        run.again()
        run.sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
        answer = {"provider": "new", "name": blank, "status": "connected"}
        run.sandbox.fault("sync_status", status=200, body=json.dumps(answer))
        found = run.read(made)
        assert found is not None
        assert found.outputs["display_name"] == "New [redacted]"


@pytest.mark.parametrize("blank", ["", "  ", "\u202e"])
def test_an_error_says_the_id_where_the_list_has_a_blank_name(run: Run, blank: str) -> None:
    item = {"id": "new", "name": blank, "status": "connected", "connectionId": "new-1"}
    run.sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
    with pytest.raises(outlit.AlreadyConnectedError, match="^new was not created: it is already connected"):
        run.create("new", {"token": "a"})


class Timed(httpx.HTTPTransport):
    """Notes how long each request may take; each takes four seconds."""

    def __init__(self, clock: SkippingClock) -> None:
        super().__init__()
        self.clock = clock
        self.seconds: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/validate-api-key"):  # asked at the same time as the list
            self.seconds.append(request.extensions["timeout"]["read"])
            self.clock.time += 4
        return super().handle_request(request)


@pytest.mark.parametrize(
    ("operation", "calls", "seconds"),
    [
        ("create", ["list", "connect", "list", "connect"], [15, 12, 15, 6]),
        ("update", ["list", "connect", "list", "connect"], [15, 12, 15, 6]),
        ("delete", ["list", "disconnect", "list", "disconnect"], [15, 12, 15, 6]),
        ("adopt", ["list", "sync_status"], [15, 12]),
    ],
)
def test_every_call_comes_out_of_the_operations_time(
    run: Run, made: Observed, operation: str, calls: list[str], seconds: list[float]
) -> None:
    """Each may take three quarters of what is left. The list, which others may wait for, has a time of its own."""
    clock = SkippingClock()
    transport = Timed(clock)
    run.again(seconds=20, transport=transport, clock=clock)
    run.sandbox.fault("connect", status=500)
    run.sandbox.fault("disconnect", status=500)
    if operation == "adopt":
        run.sandbox.set_sync("stripe", "FAILED")
    OPERATIONS[operation](run, made)
    assert run.calls() == calls
    assert transport.seconds == seconds


# --- how many calls


def test_call_counts() -> None:
    number = 12
    with Sandbox("acme", extra_providers=number, frozen=True) as sandbox, ExitStack() as cleanup:
        run = Run(sandbox, cleanup)
        made = [run.create(f"extra-{n:04}", {"token": "t"}) for n in range(1, number + 1)]
        assert run.asked() == {"list": 1, "validate_key": 1, "connect": number}
        run.again()
        assert all(run.read(held) for held in made)
        assert run.asked() == {"list": 1, "sync_status": number}
        run.again()
        for held in made:
            run.delete(held)
        assert run.asked() == {"list": 1, "validate_key": 1, "disconnect": number}


def test_threads_share_one_list(run: Run) -> None:
    barrier = threading.Barrier(4)
    configs = {"stripe": STRIPE, "posthog": POSTHOG, "clerk": {"secretKey": "k"}, "granola": {"apiKey": "k"}}

    def create(provider: str) -> str:
        barrier.wait(30)
        return run.create(provider, configs[provider]).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(create, configs))) == 4
    assert Counter(run.calls()) == {"list": 1, "connect": 4}


def test_a_list_that_failed_is_asked_for_again(run: Run) -> None:
    run.sandbox.fault("list", status=500, times=2)
    with pytest.raises(outlit.ServiceError, match="^Stripe was not connected"):
        run.create("stripe", STRIPE)
    assert run.create("stripe", STRIPE).id == "stripe-org_acme"


# --- one after another


def in_thread(operation: Callable[[], object]) -> Future[object]:
    """Starts it in a thread of its own."""
    found: Future[object] = Future()

    def run() -> None:
        try:
            found.set_result(operation())
        except outlit.OutlitError as error:
            found.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return found


def test_work_on_a_provider_goes_on_one_after_another(run: Run, made: Observed) -> None:
    """From the look to the end of the write: a delete that looked meanwhile would disconnect what is being updated."""
    gate = Gate("/connect")
    run.again(transport=gate)
    update = in_thread(lambda: run.update(made))
    gate.wait()
    delete = in_thread(lambda: run.delete(made))
    assert run.create("posthog", POSTHOG).id == "posthog-org_acme"  # another provider goes on meanwhile
    assert not wait([delete], timeout=0.2).done  # the time that it would need, were it not held back
    gate.open()
    assert update.result(PATIENCE)
    assert delete.result(PATIENCE) is None
    assert run.calls() == ["list", "connect", "connect"]
    assert run.in_use() == {"stripe": fingerprint(OTHER), "posthog": fingerprint(POSTHOG)}
    assert [
        warning.endswith("now belongs to another resource of this program and was kept.") for warning in run.warnings
    ] == [True]


@pytest.mark.parametrize("operation", ["create", "read", "update", "delete"])
def test_a_turn_that_does_not_come_in_time_is_an_error(run: Run, made: Observed, operation: str) -> None:
    run.again(seconds=0.01)
    provider = "posthog" if operation == "create" else "stripe"
    with (
        run.workspace.turn(provider, run.workspace.client.budget()),
        pytest.raises(outlit.UnreachableError) as caught,
    ):
        OPERATIONS[operation](run, made)
    assert str(caught.value) == (
        f"another resource of this run was still at work on {provider} after the time that outlit:timeout allows. "
        "This one did nothing. Run again."
    )
    assert caught.value.took_effect is False
    assert run.calls() == []


def test_a_turn_ends_with_an_operation_that_fails(run: Run) -> None:
    run.sandbox.fault("connect", status=400)
    with pytest.raises(outlit.BadRequestError):
        run.create("stripe", STRIPE)
    assert run.create("stripe", STRIPE).id == "stripe-org_acme"


def test_a_list_from_before_a_disconnect_does_not_undo_it(run: Run, made: Observed) -> None:
    """Another operation looks anew while a replacement disconnects: that list still has the old connection."""
    disconnecting = Gate("/disconnect")
    looking = Gate("/integrations", skip=1, answered=True, inner=disconnecting)
    run.again(transport=looking)
    delete = in_thread(lambda: run.delete(made))
    disconnecting.wait()
    look = in_thread(lambda: run.listed(fresh=True))
    looking.wait()
    disconnecting.open()
    delete.result(PATIENCE)
    create = in_thread(lambda: run.create("stripe", OTHER))
    looking.open()
    look.result(PATIENCE)
    found = create.result(PATIENCE)
    assert isinstance(found, Observed)
    assert found.id == "stripe-org_acme-2"
    assert run.calls() == ["list", "list", "disconnect", "connect"]
    assert run.warnings == []


# --- several processes


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def test_a_take_over_is_kept_by_a_delete_in_another_process(run: Run, made: Observed, notes: Path) -> None:
    mine, other = Peers("run", notes), Peers("run", notes)
    run.again(peers=mine)
    run.create("stripe", adopt_existing=True)
    run.again(peers=other)
    run.delete(made)
    assert "was kept" in run.warnings[0]
    assert run.calls() == []


@pytest.mark.parametrize("lags", [False, True])
@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_the_run_connected_anew_is_kept_by_a_delete_of_what_was_there(
    run: Run, made: Observed, notes: Path, elsewhere: bool, stable: bool, lags: bool
) -> None:
    """Whether by this process or another one, with an id as before or a new one, and whatever a list shows of it."""
    run.sandbox.configure(stable_ids=stable)
    run.sandbox.disconnect("stripe")
    if lags:
        run.sandbox.lag("list")
    run.clock.sleep(3600)
    run.again(peers=Peers("run", notes))
    run.create("stripe", OTHER)
    if elsewhere:
        run.again(peers=Peers("run", notes))
    run.clock.sleep(60)
    run.delete(made)
    assert run.in_use() == {"stripe": fingerprint(OTHER)}
    assert f"connection {made.id}" in run.warnings[-1]


def test_a_service_that_cannot_tell_organizations_keeps_what_another_process_made_under_the_old_id(
    run: Run, made: Observed, notes: Path
) -> None:
    run.sandbox.configure(stable_ids=True)
    run.sandbox.fault("validate_key", status=404, times=None)
    run.sandbox.disconnect("stripe")
    run.again(peers=Peers("run", notes))
    run.create("stripe", OTHER)
    run.again(peers=Peers("run", notes))
    run.delete(Observed(made.id, {**made.outputs, "organization_id": None}))
    assert "was kept" in run.warnings[0]
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_a_connection_made_while_the_list_lagged_and_the_answer_was_lost_is_kept(
    run: Run, made: Observed, notes: Path
) -> None:
    """What appears then may be what another resource, in another process, has had all along."""
    run.again(peers=Peers("run", notes))
    run.sandbox.fault("list", status=200, body='{"items": [{"id": "stripe", "status": "not_connected"}]}')
    run.sandbox.fault("connect", status=500)
    assert run.create("stripe", OTHER).id == made.id
    run.again(peers=Peers("run", notes))
    run.delete(made)
    assert "was kept" in run.warnings[0]


@pytest.mark.parametrize("asked", ["when it was made", "later"])
def test_what_a_key_of_another_workspace_connected_says_nothing_of_ours(run: Run, asked: str) -> None:
    """A rename with a wrong key, while Outlit does not say whose a key is."""
    other = run.sandbox.add_workspace("other")
    if asked == "later":
        run.sandbox.fault("validate_key", status=503, times=None)
    made = run.create("stripe", STRIPE)
    run.sandbox.clear_faults()
    run.again(other)
    if asked == "when it was made":
        run.sandbox.fault("validate_key", status=503, times=None)
    run.create("stripe", STRIPE)
    with pytest.raises(outlit.WrongOrganizationError, match="^Stripe was not disconnected"):
        run.delete(made)


def test_a_claim_is_no_proof_against_a_list_that_shows_our_own(run: Run, made: Observed, notes: Path) -> None:
    """Two services, one a copy of the other, have organizations of one id."""
    Ledger(Peers("run", notes)).claim("stripe", "org_acme")
    run.again(peers=Peers("run", notes))
    with pytest.raises(outlit.ConnectionChangedError, match="Nothing was disconnected. Run pulumi refresh"):
        run.delete(made)
    run.again()
    run.delete(made)
    assert run.in_use() == {}


def test_a_replacement_does_not_go_on_with_what_another_process_holds(run: Run, made: Observed, notes: Path) -> None:
    run.sandbox.disconnect("stripe")
    run.again(peers=Peers("run", notes))
    run.create("stripe", OTHER)
    run.again(peers=Peers("run", notes))
    run.workspace.ledger.track("stripe", "mine")
    run.delete(made)
    with pytest.raises(outlit.AlreadyConnectedError, match="declared twice"):
        run.create("stripe", STRIPE, resource_name="mine")
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


@pytest.mark.parametrize(
    "news", [declared("stripe", OTHER, on_config_change="replace"), declared("clerk", {"secretKey": "x"})]
)
def test_what_the_new_provider_of_a_resource_refuses_is_not_disconnected_by_the_old_one(
    run: Run, made: Observed, notes: Path, news: dict[str, Any]
) -> None:
    """The engine compares with the one of another organization, and then deletes with the one that made it."""
    run.again(run.sandbox.add_workspace("other"), peers=Peers("run", notes))
    found = difference(made.outputs, news)
    previews.change(run.workspace, made.outputs, news, made.id, found, run.warnings.append, run.warnings.append)
    assert "replacing Stripe will fail: the API key is of organization org_other" in run.warnings[0]
    run.again(peers=Peers("run", notes))
    with pytest.raises(outlit.ConnectionChangedError, match="Stripe was not disconnected: its other Provider warned"):
        run.delete(made)
    assert list(run.in_use()) == ["stripe"]


def test_nor_is_what_the_new_provider_could_not_look_at(run: Run, made: Observed, notes: Path) -> None:
    run.again(peers=Peers("run", notes))
    news = declared("stripe", OTHER, on_config_change="replace")
    run.sandbox.fault("list", status=500, times=None)
    found = difference(made.outputs, news)
    previews.change(run.workspace, made.outputs, news, made.id, found, run.warnings.append, run.warnings.append)
    assert "Outlit could not be asked" in run.warnings[0]
    run.sandbox.clear_faults()
    run.again(peers=Peers("run", notes))
    with pytest.raises(outlit.ConnectionChangedError, match="Stripe was not disconnected: its other Provider warned"):
        run.delete(made)
    assert list(run.in_use()) == ["stripe"]


def test_what_a_refresh_met_with_the_old_provider_gets_no_credentials_with_the_new_one(
    run: Run, made: Observed, notes: Path
) -> None:
    run.sandbox.configure(stable_ids=False)
    run.sandbox.disconnect("stripe")
    run.sandbox.connect("stripe", {"apiKey": "theirs"})
    run.again(peers=Peers("run", notes))
    found = run.read(made)
    assert found is not None
    run.again(peers=Peers("run", notes))
    with pytest.raises(outlit.ConnectionChangedError, match="Stripe was not updated: its other Provider warned"):
        run.update(found)
    assert run.in_use() == {"stripe": fingerprint({"apiKey": "theirs"})}


def test_a_replacement_looks_anew_for_what_the_old_provider_disconnected(run: Run, made: Observed) -> None:
    run.listed()
    run.workspace.ledger.track("stripe", "mine")
    run.sandbox.disconnect("stripe")
    run.create("stripe", OTHER, resource_name="mine")
    assert run.warnings == []
    assert run.calls()[-1] == "connect"
    assert run.in_use() == {"stripe": fingerprint(OTHER)}


def test_two_providers_with_connections_of_one_id_are_apart(run: Run) -> None:
    made = run.create("posthog", POSTHOG)
    run.create("stripe", STRIPE)
    run.again()
    run.workspace.ledger.hold("stripe", made.id)
    run.delete(made)
    assert run.in_use() == {"stripe": fingerprint(STRIPE)}


def test_a_take_over_during_the_looks_of_a_delete_is_seen(run: Run, made: Observed, notes: Path) -> None:
    """A delete may look for as long as a list may lag."""

    class Meanwhile(ImpatientClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            Ledger(Peers("run", notes)).hold("stripe", made.id)

    run.sandbox.fault("list", status=200, body='{"items": [{"id": "stripe", "status": "not_connected"}]}')
    run.again(peers=Peers("run", notes), clock=Meanwhile())
    run.delete(made)
    assert "was kept" in run.warnings[0]
    assert run.in_use() == {"stripe": fingerprint(STRIPE)}


@pytest.mark.parametrize("seen", ["list", "answer"])
def test_what_a_failed_create_met_is_not_deleted(run: Run, made: Observed, notes: Path, seen: str) -> None:
    """By whichever process: the create may have been meant to follow the resource that is deleted."""
    mine = Peers("run", notes)
    run.again(peers=mine)
    if seen == "answer":
        run.sandbox.disconnect("stripe")
        run.sandbox.fault("connect", kind="connected_by_others")
    with pytest.raises(outlit.AlreadyConnectedError, match="adopt_existing=True"):
        run.create("stripe", OTHER)
    (connection,) = run.sandbox.connections()
    id_ = connection["connectionId"]
    for peers in (mine, Peers("run", notes)):
        run.again(peers=peers)
        with pytest.raises(
            outlit.ConnectionChangedError,
            match="^Stripe was not disconnected: a create or a check of this provider failed in this run",
        ):
            run.delete(Observed(id_, {**made.outputs, "connection_id": id_}))
        assert run.calls() == []


def test_the_same_process_keeps_what_its_failed_create_met(run: Run, made: Observed) -> None:
    """Without any notes of others."""
    with pytest.raises(outlit.AlreadyConnectedError):
        run.create("stripe", OTHER)
    with pytest.raises(outlit.ConnectionChangedError, match="a create or a check of this provider failed"):
        run.delete(made)
    assert run.calls() == ["list"]


def test_what_another_resource_took_over_is_kept_though_a_second_create_failed(run: Run, made: Observed) -> None:
    run.create("stripe", adopt_existing=True)
    with pytest.raises(outlit.AlreadyConnectedError, match="declared twice"):
        run.create("stripe", adopt_existing=True)
    run.delete(made)
    assert "was kept" in run.warnings[0]


def test_without_notes_nothing_is_made_or_taken_over_and_nothing_disconnected(
    run: Run, made: Observed, tmp_path: Path
) -> None:
    """A process that cannot tell the others, or be told, does not go on."""
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "notes"
    run.again(peers=Peers("run", folder))
    with pytest.raises(outlit.ConfigurationError, match="^PostHog was not connected: the folder .* cannot be used"):
        run.create("posthog", POSTHOG)
    assert run.calls() == ["list"]
    for adopt, failed in ((True, "was neither taken over nor connected"), (False, "was not connected")):
        run.again(peers=Peers("run", folder))
        with pytest.raises(outlit.ConfigurationError, match=f"^Stripe {failed}: the folder .* cannot be used"):
            run.create("stripe", OTHER, adopt_existing=adopt)
        assert run.calls() == ["list"]
    run.again(peers=Peers("run", folder))
    with pytest.raises(outlit.ConfigurationError, match="^Stripe was not disconnected: the folder .* cannot be used"):
        run.delete(made)
    assert run.calls() == []
    assert run.in_use() == {"stripe": fingerprint(STRIPE)}


# --- what the state holds of the service's words


def test_data_passes_as_it_is_and_error_texts_do_not(run: Run) -> None:
    """Credentials that begin like a status, a model or a time hide neither; what the service says may quote them."""
    data = {"model": "StripeInvoice", "status": "SCHEDULED", "lastSyncedAt": "2026-01-01T00:00:00Z"}
    for text in (*data.values(), "monetization", "not_connected-like", "stripe-org_acme"):
        run.workspace.client.hide.add([f"{text}-0123456789"])
    run.create("stripe", STRIPE)
    run.sandbox.fault(
        "sync_status",
        status=200,
        body=json.dumps(
            {
                "provider": "stripe",
                "status": "degraded",
                "category": "monetization",
                "syncs": [{**data, "errorMessage": f"bad {STRIPE['apiKey']}"}],
            }
        ),
    )
    found = run.read(Observed("stripe-org_acme", held("stripe-org_acme")))
    assert found is not None
    assert found.outputs["category"] == "monetization"
    assert found.outputs["connection_id"] == "stripe-org_acme"
    assert found.outputs["syncs"] == [
        {
            "model": "StripeInvoice",
            "status": "SCHEDULED",
            "last_synced_at": "2026-01-01T00:00:00Z",
            "error_message": "bad [redacted]",
        }
    ]
