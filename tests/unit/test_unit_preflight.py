"""The look at the workspace before anything is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

import outlit_pulumi as outlit
from outlit_pulumi import lifecycle
from outlit_pulumi.client import Clock, OutlitClient
from outlit_pulumi.models import IntegrationItem
from outlit_pulumi.preflight import Preflight, would_not_change, would_not_connect
from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.settings import Settings
from outlit_pulumi.validation import UNKNOWN
from outlit_pulumi.workspace import Workspace

CONFIG = {"apiKey": "q7CANARYstripe0123456789"}
STRIPE = {"provider": "stripe", "config": CONFIG, "adopt_existing": False}
SLACK = {"provider": "slack", "adopt_existing": True}

CONNECTED = IntegrationItem(id="stripe", status="connected", connection_id="stripe-1")
NOT_CONNECTED = IntegrationItem(id="stripe", status="not_connected")


class Jumps(Clock):
    """Does not wait."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Look:
    """A process that looks at the sandbox."""

    def __init__(self, sandbox: Sandbox, cleanup: ExitStack) -> None:
        self.sandbox = sandbox
        self.clock = Jumps()
        client = OutlitClient(Settings(sandbox.api_key, sandbox.url), clock=self.clock)
        self.workspace = Workspace(cleanup.enter_context(client))
        self.preflight = Preflight(self.workspace)

    def calls(self) -> Counter[str]:
        return Counter(call["route"] for call in self.sandbox.calls())


@pytest.fixture
def look() -> Iterator[Look]:
    with Sandbox("acme") as sandbox, ExitStack() as cleanup:
        yield Look(sandbox, cleanup)


def test_one_list_call_serves_all_of_a_run(look: Look) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look.preflight.new, [STRIPE] * 8)) == [None] * 8
    assert look.preflight.changed("posthog", "posthog-1", replaced=True) is None
    lifecycle.create(look.workspace, STRIPE, print)
    assert look.calls() == {"list": 1, "connect": 1}


@pytest.mark.parametrize(("status", "error"), [(401, outlit.AuthenticationError), (403, outlit.PermissionDeniedError)])
def test_a_refused_key_is_an_error_for_everybody(look: Look, status: int, error: type[Exception]) -> None:
    look.sandbox.fault("list", status=status)
    for _ in range(2):
        with pytest.raises(error):
            look.preflight.new(STRIPE)
    with pytest.raises(error):
        look.preflight.changed("stripe", "stripe-1", replaced=False)
    assert look.calls() == {"list": 1}


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"kind": "html"}, {"kind": "reset"}])
def test_no_answer_is_no_failure_and_takes_seconds_once(look: Look, fault: dict[str, object]) -> None:
    look.sandbox.connect("stripe", CONFIG)
    look.sandbox.fault("list", times=None, **fault)  # type: ignore[arg-type]  # as the case has it
    assert look.preflight.new(STRIPE) is None
    assert look.clock.now() <= 10
    look.sandbox.clear_calls()
    assert look.preflight.new(STRIPE) is None
    assert look.preflight.changed("stripe", "other", replaced=False) is None
    assert look.calls() == {}


def test_a_connection_made_elsewhere_is_noted(look: Look) -> None:
    look.sandbox.connect("stripe", CONFIG)
    note = look.preflight.new(STRIPE)
    assert note is not None
    assert note.startswith(
        "Stripe is connected already in this workspace, and not by this resource: creating it will fail."
    )
    assert "adopt_existing=True" in note
    assert look.preflight.new({**STRIPE, "adopt_existing": True}) is None


def test_what_is_to_be_replaced_is_no_conflict(look: Look) -> None:
    """A replacement is checked once more as a new resource, before the old one is gone."""
    look.sandbox.connect("stripe", CONFIG)
    look.workspace.run.track("stripe")
    assert look.preflight.new(STRIPE) is None


def test_what_was_disconnected_to_be_replaced_is_no_conflict(look: Look) -> None:
    look.sandbox.connect("stripe", CONFIG)
    assert look.preflight.new(STRIPE) is not None
    look.workspace.disconnected("stripe")
    assert look.preflight.new(STRIPE) is None


def test_nothing_to_adopt_is_noted(look: Look) -> None:
    assert look.preflight.new(SLACK) == (
        "Slack is not connected, so there is nothing to adopt: creating it will fail unless it is connected by then."
    )


@pytest.mark.parametrize(
    ("props", "item"),
    [
        (STRIPE, None),
        (STRIPE, NOT_CONNECTED),
        ({**STRIPE, "adopt_existing": UNKNOWN}, CONNECTED),
        ({**STRIPE, "adopt_existing": UNKNOWN, "config": None}, NOT_CONNECTED),
        ({**STRIPE, "adopt_existing": True}, CONNECTED),
        ({**STRIPE, "adopt_existing": True}, NOT_CONNECTED),
        ({**STRIPE, "config": UNKNOWN}, NOT_CONNECTED),
    ],
)
def test_no_note_without_a_reason(props: dict[str, object], item: IntegrationItem | None) -> None:
    assert would_not_connect(props, item) is None


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize(
    "item",
    [None, CONNECTED, IntegrationItem(id="stripe", status="connected"), IntegrationItem(id="stripe", status="??")],
)
def test_no_note_on_a_change_without_a_reason(item: IntegrationItem | None, replaced: bool) -> None:
    assert would_not_change("stripe", "stripe-1", item, replaced=replaced) is None


def test_a_change_that_would_be_refused_is_noted() -> None:
    other = IntegrationItem(id="stripe", status="connected", connection_id="stripe-2")
    for replaced in (False, True):
        note = would_not_change("stripe", "stripe-1", other, replaced=replaced)
        assert note is not None
        assert note.startswith(
            "Stripe has another connection in this workspace than in the state (stripe-1), which will be neither"
        )
    note = would_not_change("stripe", "stripe-1", NOT_CONNECTED, replaced=False)
    assert note is not None
    assert note.startswith("Stripe is not connected any more in this workspace: updating it will fail.")
    assert would_not_change("stripe", "stripe-1", NOT_CONNECTED, replaced=True) is None
