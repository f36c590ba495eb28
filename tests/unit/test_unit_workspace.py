"""The list that the operations of a run share: who asks for it, who waits, and what the run wrote since."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

import outlit_pulumi as outlit
from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.api.retry import Budget, Clock, Retries
from outlit_pulumi.lifecycle import operations
from outlit_pulumi.lifecycle.outputs import Observed
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.settings import Settings
from tests.transports import PATIENCE, Gate

STATE = {
    "provider": "stripe",
    "config": None,
    "adopt_existing": True,
    "connection_id": "conn_1",
    "organization_id": "org_1",
}
SYNC = {"provider": "stripe", "status": "connected", "syncs": []}
ITEM = {"id": "stripe", "status": "connected", "connectionId": "conn_1", "category": "billing", "syncStatus": "SUCCESS"}
LIST = {"items": [ITEM]}
OWNER = {"valid": True, "organizationId": "org_1"}

Handler = Callable[[httpx.Request], httpx.Response]


class Passing(Clock):
    """A clock that only moves when told, or when somebody sleeps; with ``step``, at each look, too."""

    def __init__(self, step: float = 0) -> None:
        self.time = 0.0
        self.step = step

    def now(self) -> float:
        self.time += self.step
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@contextmanager
def workspace(
    service: Handler | httpx.BaseTransport,
    *,
    clock: Clock | None = None,
    retries: Retries | None = None,
    seconds: float = 60,
) -> Iterator[Workspace]:
    """A workspace whose service is a function, or a gate before one."""
    transport = service if isinstance(service, httpx.BaseTransport) else httpx.MockTransport(service)
    settings = Settings("ok_CANARY0123456789", "https://outlit.test", seconds)
    with OutlitClient(settings, transport=transport, retries=retries or Retries(attempts=1), clock=clock) as client:
        yield Workspace(client)


def answers(request: httpx.Request) -> httpx.Response:
    """The service, in which Stripe is connected."""
    owner = request.url.path == "/api/validate-api-key"
    return httpx.Response(200, json=OWNER if owner else LIST if is_list(request) else SYNC)


def is_list(request: httpx.Request) -> bool:
    return request.url.path == "/api/integrations"


def plenty(found: Workspace) -> Budget:
    """More time than a test takes."""
    return Budget(found.client.clock, PATIENCE)


def read(found: Workspace) -> Observed | None:
    return operations.read(found, "conn_1", STATE, pytest.fail)


# --- one list for all


def test_a_read_asks_for_list_and_sync_status_at_once() -> None:
    """Each answer waits for the other request, so that one after the other would never end."""
    both = threading.Barrier(2, timeout=PATIENCE)

    def service(request: httpx.Request) -> httpx.Response:
        both.wait()
        return answers(request)

    with workspace(service) as found:
        observed = read(found)
    assert observed is not None
    assert observed.outputs["category"] == "billing"


def test_many_reads_ask_for_one_list() -> None:
    calls: Counter[str] = Counter()

    def service(request: httpx.Request) -> httpx.Response:
        calls[request.url.path] += 1
        return answers(request)

    with workspace(service) as found:
        for _ in range(5):
            assert read(found) is not None
    assert calls == {"/api/integrations": 1, "/api/integrations/sync-status": 5}


def test_all_who_need_the_list_share_the_request_that_is_under_way() -> None:
    gate = Gate("/integrations", inner=httpx.MockTransport(answers))
    with workspace(gate) as found, ThreadPoolExecutor(4) as pool:
        found.ahead(organization=False)
        gate.wait()
        looks = [pool.submit(found.items, plenty(found)) for _ in range(8)]
        found.ahead(organization=False)
        gate.open()
        assert [list(look.result(PATIENCE)) for look in looks] == [["stripe"]] * 8
    assert gate.seen == 1


def test_a_fresh_look_does_not_use_a_request_that_is_under_way() -> None:
    """That one may have left before what the look is about."""
    gate = Gate("/integrations", inner=httpx.MockTransport(answers))
    with workspace(gate) as found:
        found.ahead(organization=False)
        gate.wait()
        assert list(found.items(plenty(found), fresh=True)) == ["stripe"]
        assert gate.seen == 2
        assert list(found.items(plenty(found))) == ["stripe"]  # of the newer one
        gate.open()
    assert gate.seen == 2


def test_a_list_is_used_for_half_a_minute() -> None:
    clock = Passing()
    gate = Gate("/integrations", skip=99, inner=httpx.MockTransport(answers))
    with workspace(gate, clock=clock) as found:
        for time, asked in ((0, 1), (30, 1), (31, 2), (61, 2), (62, 3)):
            clock.time = time
            found.items(plenty(found))
            assert gate.seen == asked


def test_the_order_is_the_service_s() -> None:
    names = ["slack", "clerk", "stripe"]

    def service(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": [{"id": name, "status": "not_connected"} for name in names]})

    with workspace(service) as found:
        assert list(found.items(plenty(found))) == names


# --- a list that does not come


def test_who_has_little_time_left_gives_up_and_leaves_the_list_to_the_others() -> None:
    """The request is nobody's own: whoever asked for it does not take it along."""
    gate = Gate("/integrations", inner=httpx.MockTransport(answers))
    with workspace(gate) as found, ThreadPoolExecutor(1) as pool:
        with pytest.raises(outlit.UnreachableError) as caught:
            found.items(Budget(found.client.clock, 0.01))  # it asks
        gate.wait()
        joined = pool.submit(found.item, "stripe", plenty(found))
        with pytest.raises(outlit.UnreachableError):
            found.items(Budget(found.client.clock, 0))
        gate.open()
        item = joined.result(PATIENCE)
        assert item is not None
        assert item.connection_id == "conn_1"
    assert str(caught.value) == "Outlit's list did not come within the time that outlit:timeout allows. Run again."
    assert gate.seen == 1


def test_a_request_for_the_list_has_all_the_time_of_an_operation() -> None:
    given: list[float] = []

    def service(request: httpx.Request) -> httpx.Response:
        given.append(request.extensions["timeout"]["read"])
        return answers(request)

    clock = Passing()
    with workspace(service, clock=clock, seconds=20) as found:
        found.items(Budget(clock, 1))
    assert given == [15]


def test_a_list_that_failed_is_asked_anew_by_the_next() -> None:
    asked: list[int] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(500, json={}) if len(asked) == 1 else answers(request)

    with workspace(service) as found:
        with pytest.raises(outlit.ServiceError):
            found.items(plenty(found))
        assert list(found.items(plenty(found))) == ["stripe"]
        assert list(found.items(plenty(found))) == ["stripe"]
    assert len(asked) == 2


def test_a_list_that_is_refused_for_good_is_not_asked_anew() -> None:
    """A proxy locks an account after a few tries."""
    gate = Gate("/integrations", skip=99, inner=httpx.MockTransport(lambda _: httpx.Response(407)))
    with workspace(gate) as found:
        for _ in range(3):
            with pytest.raises(outlit.ServiceError, match="HTTPS_PROXY"):
                found.items(plenty(found))
    assert gate.seen == 1


def test_a_list_that_is_refused_fails_the_read_that_needs_it() -> None:
    def service(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={}) if is_list(request) else answers(request)

    with (
        workspace(service) as found,
        pytest.raises(outlit.AuthenticationError, match="was not read and its state is unchanged"),
    ):
        read(found)


@pytest.mark.parametrize("entry", [{"id": "stripe"}, {"id": "stripe", "status": 5}, {"id": "stripe", "status": None}])
def test_an_entry_that_cannot_be_read_is_an_error_for_its_provider_alone(entry: dict[str, Any]) -> None:
    def service(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": [entry, {"id": "clerk", "status": "not_connected"}]})

    with workspace(service) as found:
        assert list(found.items(plenty(found))) == ["clerk"]
        assert found.item("slack", plenty(found)) is None
        assert found.item("clerk", plenty(found)) is not None
        with pytest.raises(outlit.UnreadableAnswerError, match="has an entry of stripe that is not what Outlit's API"):
            found.item("stripe", plenty(found))


# --- what the run wrote since


def test_what_was_written_since_is_in_the_entry_and_not_in_the_list() -> None:
    with workspace(answers) as found:
        found.items(plenty(found))
        found.ledger.removed("stripe", "stripe-0", found.client.clock.now())
        gone = found.item("stripe", plenty(found))
        assert gone == IntegrationItem(id="stripe", status="not_connected", category="billing")
        found.ledger.wrote("stripe", "conn_2", found.client.clock.now())
        anew = found.item("stripe", plenty(found))
        assert anew == IntegrationItem(id="stripe", status="connected", category="billing", connection_id="conn_2")
        assert found.items(plenty(found))["stripe"].connection_id == "conn_1"


def test_a_newer_list_knows_better() -> None:
    """What it says came after the write, and may be somebody else's work."""
    with workspace(answers) as found:
        found.ledger.removed("stripe", "stripe-0", found.client.clock.now())
        item = found.item("stripe", plenty(found), fresh=True)
        assert item is not None
        assert item.connection_id == "conn_1"


def test_a_provider_that_the_list_does_not_name_is_not_invented() -> None:
    with workspace(answers) as found:
        found.items(plenty(found))
        found.ledger.wrote("clerk", "clerk_1", found.client.clock.now())
        assert found.item("clerk", plenty(found)) is None


def test_a_fresh_look_of_somebody_else_does_not_hide_what_was_written_before_it() -> None:
    """Who waits for an older list is told what the run wrote since that one was asked for."""
    gate = Gate("/integrations", answered=True, inner=httpx.MockTransport(answers))
    with workspace(gate) as found, ThreadPoolExecutor(1) as pool:
        look = pool.submit(found.item, "stripe", plenty(found))
        gate.wait()
        found.ledger.removed("stripe", "stripe-0", found.client.clock.now())
        assert found.items(plenty(found), fresh=True)["stripe"].connected
        gate.open()
        item = look.result(PATIENCE)
    assert item is not None
    assert not item.connected


@pytest.mark.parametrize(("since", "shown"), [(14.9, "conn_2"), (15.1, "conn_1")])
def test_what_was_written_seconds_ago_is_believed_and_not_a_list_that_lags(since: float, shown: str) -> None:
    clock = Passing()
    with workspace(answers, clock=clock) as found:
        found.ledger.wrote("stripe", "conn_2", clock.now())
        clock.sleep(since)
        item = found.item("stripe", plenty(found))
    assert item is not None
    assert item.connection_id == shown


# --- a second list


def listing(clock: Passing, entries: Callable[[float], list[dict[str, Any]]]) -> tuple[Handler, list[float]]:
    """A service whose list depends on the time, and the times at which it was asked for."""
    times: list[float] = []

    def service(request: httpx.Request) -> httpx.Response:
        if not is_list(request):
            return answers(request)
        times.append(clock.time)
        return httpx.Response(200, json={"items": entries(clock.time)})

    return service, times


GONE = {"id": "stripe", "status": "not_connected", "connectionId": None}


@pytest.mark.parametrize(
    ("believed", "seconds", "second"),
    [(0.0, 60.0, 3.0), (10.0, 60.0, 10.0), (15.0, 60.0, 15.0), (15.0, 1.0, 0.25), (0.0, 1.0, 0.25), (15.0, 20.0, 5.0)],
)
def test_a_second_list_comes_after_a_pause_within_the_time(believed: float, seconds: float, second: float) -> None:
    """3 s after the first, longer where the program has just written, and never more than a quarter of the time."""
    clock = Passing()
    service, times = listing(clock, lambda _: [GONE])
    with workspace(service, clock=clock, seconds=seconds) as found:
        found.item("stripe", found.client.budget(), held="conn_1")
        found.second_item("stripe", found.client.budget(), "conn_1", believed=believed)
    assert times == [0.0, second]


def test_all_resources_share_the_second_list() -> None:
    clock = Passing()
    service, times = listing(clock, lambda _: [GONE, {**GONE, "id": "clerk"}, {**GONE, "id": "granola"}])
    with workspace(service, clock=clock) as found:
        for provider in ("stripe", "clerk", "granola"):
            found.item(provider, plenty(found))
            found.second_item(provider, plenty(found), "conn_1")
    assert times == [0.0, 3.0]


def test_what_only_the_second_list_misses_needs_a_third() -> None:
    """Two lists must miss a connection before it counts as gone."""
    clock = Passing()
    clerk = {**ITEM, "id": "clerk", "connectionId": "conn_2"}
    service, times = listing(clock, lambda now: [GONE, clerk if now != 3 else {**GONE, "id": "clerk"}])
    with workspace(service, clock=clock) as found:
        found.item("stripe", plenty(found), held="conn_1")
        found.second_item("stripe", plenty(found), "conn_1")
        item = found.second_item("clerk", plenty(found), "conn_2")
    assert item is not None
    assert item.connection_id == "conn_2"
    assert times == [0.0, 3.0, 6.0]


@pytest.mark.parametrize("entries", [[ITEM, GONE], [GONE, ITEM], [GONE, {**ITEM, "connectionId": "conn_2"}, ITEM]])
def test_of_several_entries_the_one_with_our_connection_counts(entries: list[dict[str, Any]]) -> None:
    clock = Passing()
    service, _ = listing(clock, lambda _: entries)
    with workspace(service, clock=clock) as found:
        seen = [
            found.item("stripe", plenty(found), held="conn_1"),
            found.glance("stripe", "conn_1"),
            found.second_item("stripe", plenty(found), "conn_1"),
        ]
        other = found.item("stripe", plenty(found))
    assert [item and item.connection_id for item in seen] == ["conn_1"] * 3
    assert other is not None
    assert other.connected


# --- whose the key is


def test_whose_the_key_is_is_asked_once() -> None:
    calls: Counter[str] = Counter()

    def service(request: httpx.Request) -> httpx.Response:
        calls[request.url.path] += 1
        return answers(request)

    with workspace(service) as found, ThreadPoolExecutor(4) as pool:
        found.ahead(organization=True)
        assert set(pool.map(lambda _: found.organization(plenty(found)), range(8))) == {"org_1"}
        found.offered(plenty(found))  # which waits for the list
    assert calls == {"/api/integrations": 1, "/api/validate-api-key": 1}


# --- a glance


@pytest.mark.parametrize("status", [429, 500])
def test_a_preview_waits_for_the_list_once(status: int) -> None:
    """Whatever it says later: an up looks again."""
    clock = Passing()
    gate = Gate("/integrations", skip=99, inner=httpx.MockTransport(lambda _: httpx.Response(status)))
    with workspace(gate, clock=clock, retries=Retries()) as found:
        with pytest.raises(outlit.ApiError) as first:
            found.glance("stripe")
        asked, waited = gate.seen, clock.time
        assert asked > 1
        for provider in ("stripe", "clerk"):
            with pytest.raises(outlit.ApiError) as caught:
                found.glance(provider)
            assert caught.value is first.value
    assert (gate.seen, clock.time) == (asked, waited)


def test_a_preview_does_not_wait_for_long() -> None:
    """Ten seconds; this clock moves on by more at each look."""
    gate = Gate("/integrations", inner=httpx.MockTransport(answers))
    with workspace(gate, clock=Passing(step=11), seconds=600) as found:
        with pytest.raises(outlit.UnreachableError, match="did not come within the time"):
            found.glance("stripe")
        gate.wait()
        gate.open()
        with pytest.raises(outlit.UnreachableError, match="did not come within the time"):
            found.glance("stripe")
    assert gate.seen == 1


def test_glances_share_the_list_and_know_what_was_written() -> None:
    gate = Gate("/integrations", skip=99, inner=httpx.MockTransport(answers))
    with workspace(gate) as found, ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda _: found.glance("stripe"), range(8)))
        assert all(item == seen[0] for item in seen)
        found.ledger.removed("stripe", "stripe-0", found.client.clock.now())
        item = found.glance("stripe")
        assert item is not None
        assert not item.connected
    assert gate.seen == 1


# --- turns


def test_turns_of_a_provider_come_one_after_another() -> None:
    order: list[str] = []
    with workspace(answers) as found, ThreadPoolExecutor(2) as pool:

        def other(provider: str) -> None:
            with found.turn(provider, plenty(found)):
                order.append(provider)

        with found.turn("stripe", plenty(found)):
            waits: Future[None] = pool.submit(other, "stripe")
            pool.submit(other, "clerk").result(PATIENCE)
            order.append("first")
        waits.result(PATIENCE)
    assert order == ["clerk", "first", "stripe"]


def test_a_turn_that_does_not_come_in_time() -> None:
    with workspace(answers) as found, found.turn("stripe", plenty(found)):
        with (
            pytest.raises(outlit.UnreachableError, match="was still at work on stripe after the time") as caught,
            found.turn("stripe", Budget(found.client.clock, 0)),
        ):
            pytest.fail("it has the turn")
        assert caught.value.took_effect is False


def test_a_turn_ends_with_an_error() -> None:
    with workspace(answers) as found:
        for _ in range(2):
            with pytest.raises(KeyError), found.turn("stripe", plenty(found)):
                raise KeyError
