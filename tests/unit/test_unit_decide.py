"""What is to be done, as pure decisions, and that a preview warns of what an up refuses."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.output import Unknown

import outlit_pulumi as outlit
from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.dynamic import WORKSPACES, IntegrationProvider
from outlit_pulumi.lifecycle import decide, previews
from outlit_pulumi.lifecycle.check import UNKNOWN
from outlit_pulumi.lifecycle.decide import Difference, Owner, Refusal, difference
from outlit_pulumi.lifecycle.ledger import Facts
from outlit_pulumi.lifecycle.outputs import UNCONFIRMED
from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.settings import Settings

CONFIG = {"apiKey": "q7CANARYstripe0123456789"}
OTHER = {"apiKey": "q7CANARYother00123456789"}
STRIPE = {"provider": "stripe", "config": CONFIG, "adopt_existing": False, "on_config_change": "reconnect"}
SLACK = {"provider": "slack", "config": None, "adopt_existing": True, "on_config_change": "reconnect"}

MINE = IntegrationItem(id="stripe", status="connected", connection_id="stripe-1")
OTHERS = IntegrationItem(id="stripe", status="degraded", connection_id="stripe-2")
NAMELESS = IntegrationItem(id="stripe", status="connected")
NOT_CONNECTED = IntegrationItem(id="stripe", status="not_connected")

CONFLICT = "it is already connected in this workspace, and not by this resource"
TWICE = "it is declared twice for this workspace, which holds one connection per provider"
FASTER = "it was disconnected to be replaced, and somebody else connected it before this run did"
UNLISTED = "Outlit's list does not name it at all, so whether it is connected is not known"
NO_ID = "Outlit's list gives no connection id for it"
NO_ID_TO_COMPARE = f"{NO_ID}, so whether it is the one in the state is not known"
NOTHING_THERE = "it is not connected, so there is nothing to adopt"
GONE = "it is not connected in this workspace"
ANOTHER = "this workspace holds another connection of it than the state (stripe-1)"
BARRED = "its other Provider warned in this run of what is in the way, or could not ask Outlit"
DOUBTED = "another resource of this program has another connection of it, and Outlit's list shows stripe-1 all the same"
NEEDED = "a create or a check of this provider failed in this run, and may have been to take this connection over"


CONTRADICTION = "Outlit's list says that it is not connected, and its sync status says that it is"
UNOFFERED = "Outlit's list does not name it at all"
UNASKED = "Outlit's list does not show connection stripe-1, and whose the API key is could not be asked"
UNNAMED = "Outlit's list does not show connection stripe-1, and the state does not say in which organization it is"
WRONG = "the API key is of organization org_b, the state is of org_a"

A = frozenset(["org_a"])
OLDER = Owner()
"""A service that cannot tell whose a key is."""
FORGETFUL = Owner(A)
"""One that could, and cannot any more."""
SAME = Owner(A, "org_a")
OTHER_KEY = Owner(A, "org_b")
SILENT = Owner(A, silent=True)
UNRECORDED = Owner(key="org_a")


def told(decision: str | Refusal) -> str:
    """The word for what to do, or why not."""
    return decision.why if isinstance(decision, Refusal) else decision


# --- how what is declared differs


@pytest.mark.parametrize(
    ("olds", "news", "expected"),
    [
        ({}, {}, Difference(False)),
        ({}, {"config": OTHER}, Difference(True)),
        ({}, {"config": UNKNOWN}, Difference(True)),
        ({}, {"config": {"apiKey": UNKNOWN}}, Difference(True)),
        ({}, {"config": None}, Difference(False)),
        ({}, {"adopt_existing": True}, Difference(False)),
        ({}, {"on_config_change": "replace"}, Difference(False)),
        ({}, {"config_class": "StripeConfigArgs"}, Difference(False)),
        ({}, {"config": OTHER, "on_config_change": "replace"}, Difference(True, ("config",))),
        ({"config": None}, {"on_config_change": "replace"}, Difference(True)),
        ({"adopt_existing": True}, {"config": OTHER, "on_config_change": "replace"}, Difference(True)),
        ({}, {"provider": "posthog"}, Difference(True, ("provider",), delete_first=False)),
        ({}, {"provider": UNKNOWN}, Difference(True)),
        ({}, {"config": UNKNOWN, "on_config_change": "replace"}, Difference(True)),
        ({}, {"config": {"apiKey": UNKNOWN}, "on_config_change": "replace"}, Difference(True)),
        (
            {},
            {"config": {"apiKey": UNKNOWN, "more": "x"}, "on_config_change": "replace"},
            Difference(True, ("config",)),
        ),
        ({"config": "text"}, {"on_config_change": "replace"}, Difference(True, ("config",))),
        ({}, {"config": "text", "on_config_change": "replace"}, Difference(True, ("config",))),
        ({UNCONFIRMED: True}, {}, Difference(True)),
        ({UNCONFIRMED: True}, {"config": None}, Difference(False)),
        ({"status": "degraded", "sync_status": "SUCCESS", "last_data_received_at": "x"}, {}, Difference(False)),
    ],
)
def test_difference(olds: dict[str, Any], news: dict[str, Any], expected: Difference) -> None:
    """Only a changed provider is created first; all other answers say to delete first, also that nothing changed.

    What is not known yet replaces nothing.
    """
    found = difference({**STRIPE, **olds}, {**STRIPE, **news})
    assert found == expected
    assert found.delete_first is (found.replaces != ("provider",))


# --- what is decided


@pytest.mark.parametrize(
    ("props", "item", "facts", "expected"),
    [
        ({}, None, Facts(), "connect"),
        ({}, NOT_CONNECTED, Facts(), "connect"),
        ({}, NOT_CONNECTED, Facts(removed=True), "connect"),
        ({"config": UNKNOWN}, NOT_CONNECTED, Facts(), "connect"),
        ({"adopt_existing": True}, NOT_CONNECTED, Facts(), "connect"),
        ({"adopt_existing": True}, MINE, Facts(), "adopt"),
        ({"adopt_existing": True}, MINE, Facts(moved=True, own=True), "adopt"),
        ({"adopt_existing": True, "config": None}, MINE, Facts(removed=True), "adopt"),
        ({}, MINE, Facts(), CONFLICT),
        ({}, NAMELESS, Facts(), CONFLICT),
        ({"adopt_existing": UNKNOWN}, MINE, Facts(), CONFLICT),
        ({}, MINE, Facts(removed=True), FASTER),
        ({}, MINE, Facts(taken=True), TWICE),
        ({}, MINE, Facts(held=True), TWICE),
        ({"adopt_existing": True}, MINE, Facts(taken=True), TWICE),
        ({"adopt_existing": True}, MINE, Facts(held=True), TWICE),
        ({"adopt_existing": True}, NAMELESS, Facts(taken=True), TWICE),
        ({"adopt_existing": True}, NAMELESS, Facts(), NO_ID),
        ({"adopt_existing": True, "config": None}, None, Facts(), UNLISTED),
        ({"adopt_existing": True, "config": None}, NOT_CONNECTED, Facts(), NOTHING_THERE),
        ({}, MINE, Facts(predecessor=True), "resume"),
        ({}, OTHERS, Facts(predecessor=True, held=True), "resume"),
        ({}, OTHERS, Facts(predecessor=True, held=True, elsewhere=True), TWICE),
        ({"adopt_existing": True}, MINE, Facts(predecessor=True), "adopt"),
        ({"config": None}, MINE, Facts(predecessor=True), "adopt"),
        ({}, NAMELESS, Facts(predecessor=True), NO_ID),
        ({}, MINE, Facts(predecessor=True, taken=True), TWICE),
        ({}, MINE, Facts(predecessor=True, removed=True), FASTER),
        ({}, NOT_CONNECTED, Facts(predecessor=True), "connect"),
    ],
)
def test_create(props: dict[str, Any], item: IntegrationItem | None, facts: Facts, expected: str) -> None:
    """What the resource of the same name left connected is its own; a second declaration's never is."""
    for owner in (OLDER, SAME, SILENT, UNRECORDED):
        assert told(decide.create({**STRIPE, **props}, item, facts, owner)) == expected
    assert told(decide.create({**STRIPE, **props}, item, facts, OTHER_KEY)) == WRONG


@pytest.mark.parametrize(
    ("provider", "cure"),
    [
        ("stripe", "Declare its config to have Pulumi connect it."),
        (
            "slack",
            (
                "Connect it once in the browser, with `outlit-pulumi connect slack` or at the integrations page of "
                "Outlit, then run pulumi up again."
            ),
        ),
        ("new", "Connect it once in the browser, at the integrations page of Outlit, then run pulumi up again."),
    ],
)
def test_the_cure_where_there_is_nothing_to_adopt(provider: str, cure: str) -> None:
    found = decide.create({**SLACK, "provider": provider}, NOT_CONNECTED, Facts(), SAME)
    assert isinstance(found, Refusal)
    assert (found.error, found.cure) == (outlit.BrowserRequiredError, cure)


CHANGES: list[tuple[IntegrationItem | None, Facts, str]] = [
    (None, Facts(), UNLISTED),
    (NAMELESS, Facts(), NO_ID_TO_COMPARE),
    (OTHERS, Facts(), ANOTHER),
    (MINE, Facts(moved=True), ANOTHER),
    (MINE, Facts(refused=True), BARRED),
]


@pytest.mark.parametrize(
    ("item", "facts", "expected"),
    [
        *CHANGES,
        (NOT_CONNECTED, Facts(), GONE),
        (MINE, Facts(), "send"),
        (MINE, Facts(own=True, taken=True, held=True, failed=True), "send"),
    ],
)
def test_change(item: IntegrationItem | None, facts: Facts, expected: str) -> None:
    for owner in (OLDER, SAME, SILENT, UNRECORDED):
        assert told(decide.change("stripe-1", item, facts, owner)) == expected
    assert told(decide.change("stripe-1", item, facts, OTHER_KEY)) == WRONG


DIED = IntegrationItem(id="stripe", status="error", connection_id="stripe-1")
DENIED = IntegrationItem(id="stripe", status="not_connected", connection_id="stripe-1")


@pytest.mark.parametrize("item", [None, NOT_CONNECTED, MINE, OTHERS, NAMELESS])
@pytest.mark.parametrize("owner", [OLDER, SAME, SILENT, UNRECORDED, OTHER_KEY])
def test_remove_for_what_the_program_needs(item: IntegrationItem | None, owner: Owner) -> None:
    """Whatever the service says."""
    assert told(decide.remove("stripe-1", item, Facts(held=True, failed=True), owner)) == "keep"
    assert told(decide.remove("stripe-1", item, Facts(failed=True), owner)) == NEEDED
    assert told(decide.remove("stripe-1", item, Facts(refused=True), owner)) == BARRED


@pytest.mark.parametrize(
    ("item", "owner", "expected"),
    [
        *((item, owner, "gone") for item in (None, NOT_CONNECTED, OTHERS, NAMELESS) for owner in (OLDER, SAME)),
        *((MINE, owner, DOUBTED) for owner in (OLDER, SAME, SILENT, UNRECORDED)),
        *((item, SILENT, UNASKED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, UNRECORDED, UNNAMED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, OTHER_KEY, WRONG) for item in (None, NOT_CONNECTED, MINE, OTHERS, NAMELESS)),
    ],
)
def test_remove_where_the_run_made_another_connection(
    item: IntegrationItem | None, owner: Owner, expected: str
) -> None:
    """There is one at a time. Where a list, which may lag, shows the old one, nothing is concluded."""
    for facts in (Facts(taken=True), Facts(stays=True)):
        assert told(decide.remove("stripe-1", item, facts, owner)) == expected
    assert told(decide.remove("stripe-1", item, Facts(taken=True, failed=True), SAME)) == NEEDED


@pytest.mark.parametrize("item", [MINE, DIED, DENIED])
def test_remove_of_our_own_connection(item: IntegrationItem) -> None:
    """The state's own id in the list settles it, whatever the status says."""
    for owner in (OLDER, SAME, SILENT, UNRECORDED):
        assert told(decide.remove("stripe-1", item, Facts(own=True, removed=True), owner)) == "disconnect"
    assert told(decide.remove("stripe-1", item, Facts(), OTHER_KEY)) == WRONG
    assert told(decide.remove("stripe-1", item, Facts(moved=True), SAME)) == ANOTHER


@pytest.mark.parametrize(
    ("item", "owner", "expected"),
    [
        (NOT_CONNECTED, SAME, "disconnect"),
        (NOT_CONNECTED, OLDER, "gone"),
        (OTHERS, SAME, ANOTHER),
        (OTHERS, OLDER, ANOTHER),
        (NAMELESS, SAME, NO_ID_TO_COMPARE),
        (None, SAME, UNLISTED),
        (None, OLDER, UNLISTED),
        *((item, OTHER_KEY, WRONG) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, SILENT, UNASKED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, FORGETFUL, UNASKED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, Owner(silent=True), UNASKED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, UNRECORDED, UNNAMED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
    ],
)
def test_remove_of_what_the_list_does_not_show(item: IntegrationItem | None, owner: Owner, expected: str) -> None:
    assert told(decide.remove("stripe-1", item, Facts(), owner)) == expected


def test_remove_where_another_resource_has_what_the_list_shows() -> None:
    for owner in (OLDER, SAME):
        assert decide.remove("stripe-1", OTHERS, Facts(), owner, shown_kept=True) == "gone"
    assert told(decide.remove("stripe-1", OTHERS, Facts(), SILENT, shown_kept=True)) == UNASKED
    assert told(decide.remove("stripe-1", OTHERS, Facts(), UNRECORDED, shown_kept=True)) == UNNAMED
    assert told(decide.remove("stripe-1", OTHERS, Facts(), OTHER_KEY, shown_kept=True)) == WRONG


@pytest.mark.parametrize("syncing", [True, False])
def test_find_our_own_connection(syncing: bool) -> None:
    for item in (MINE, DIED, DENIED):
        for owner in (OLDER, SAME, SILENT, UNRECORDED):
            assert decide.find("stripe-1", item, syncing, owner) == "here"


@pytest.mark.parametrize(
    ("item", "syncing", "owner", "expected"),
    [
        *((NOT_CONNECTED, False, owner, "gone") for owner in (SAME, OLDER)),
        *((NOT_CONNECTED, True, owner, CONTRADICTION) for owner in (SAME, OLDER)),
        *((OTHERS, syncing, owner, "moved") for owner in (SAME, OLDER) for syncing in (True, False)),
        *((NAMELESS, syncing, owner, "here") for owner in (SAME, OLDER) for syncing in (True, False)),
        *((None, syncing, owner, UNOFFERED) for owner in (SAME, OLDER) for syncing in (True, False)),
        *((item, False, OTHER_KEY, WRONG) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, False, SILENT, UNASKED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, False, FORGETFUL, UNASKED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
        *((item, False, UNRECORDED, UNNAMED) for item in (None, NOT_CONNECTED, OTHERS, NAMELESS)),
    ],
)
def test_find_what_the_list_does_not_show(
    item: IntegrationItem | None, syncing: bool, owner: Owner, expected: str
) -> None:
    assert told(decide.find("stripe-1", item, syncing, owner)) == expected


def test_the_words_of_a_refusal() -> None:
    plain = Refusal(outlit.ConnectionChangedError, "it is so", "Run again.", "Nothing was done.")
    assert type(plain.raised("Stripe was not updated")) is outlit.ConnectionChangedError
    assert (
        str(plain.raised("Stripe was not updated")) == "Stripe was not updated: it is so. Nothing was done. Run again."
    )
    assert plain.warned("updating Stripe") == "updating Stripe will fail: it is so. Run again."
    lines = Refusal(outlit.ConnectionChangedError, "it is so", "\n  Run again.")
    assert str(lines.raised("Stripe was not updated")) == "Stripe was not updated: it is so.\n  Run again."
    assert lines.warned("updating Stripe") == "updating Stripe will fail: it is so.\n  Run again."


# --- what a preview says


class Preview:
    """A provider process that previews, then works, on a sandbox of its own."""

    def __init__(self, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], **config: str) -> None:
        self.sandbox = sandbox
        self.capsys = capsys
        # The shorter the time of an operation, the shorter its pause before a second list.
        given = {"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url, "outlit:timeout": "4"}
        given |= {f"outlit:{name}": value for name, value in config.items()}
        self.provider = IntegrationProvider()
        self.provider.configure(ConfigureRequest(Config(given, "trial")))
        # The process keeps one ledger for each workspace; a new key is a new one.
        self.settings = Settings(sandbox.api_key, sandbox.url, 4)
        self.ledger = WORKSPACES.ledger(self.settings)

    def check(self, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None) -> str:
        """The warning of a check in which nothing fails."""
        assert self.provider.check(dict(olds or {}), dict(news)).failures == []
        return self.warned()

    def diff(self, news: Mapping[str, Any], olds: Mapping[str, Any]) -> str:
        """The warning of a diff."""
        self.provider.diff(str(olds["connection_id"]), dict(olds), dict(news))
        return self.warned()

    def warned(self) -> str:
        """What was warned of since this was last asked."""
        return self.capsys.readouterr().err.strip()

    def calls(self) -> Counter[str]:
        """The calls of the integration routes; whose the key is is asked next to a list."""
        return Counter(call["route"] for call in self.sandbox.calls() if call["route"] != "validate_key")


@pytest.fixture
def preview(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Preview]:
    for name in ("OUTLIT_API_KEY", "OUTLIT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.tracebacklimit", 1000, raising=False)  # the provider sets it for its whole process
    with Sandbox("acme", api_key=f"ok_{uuid.uuid4().hex}", frozen=True) as sandbox:
        found = Preview(sandbox, capsys)
        yield found
        WORKSPACES.workspace(found.settings).client.close()
        found.ledger.peers.close()  # all tests of this process are one run


def listing(*items: dict[str, str]) -> str:
    """The body of a list."""
    return json.dumps({"items": items})


HELD = {**STRIPE, "connection_id": "stripe-held", "organization_id": "org_acme"}
REPLACED = {**STRIPE, "config": OTHER, "on_config_change": "replace"}
CHANGED = {**STRIPE, "config": OTHER}
NO_ID_LISTED = listing({"id": "stripe", "status": "connected"})
OTHERS_LISTED = listing({"id": "stripe", "status": "connected", "connectionId": "stripe-other"})
GONE_LISTED = listing({"id": "stripe", "status": "not_connected"})

Operation = Callable[[IntegrationProvider], object]


def create(props: Mapping[str, Any]) -> Operation:
    return lambda provider: provider.create(dict(props))


def update(provider: IntegrationProvider) -> object:
    return provider.update("stripe-held", dict(HELD), dict(CHANGED))


def delete(provider: IntegrationProvider) -> object:
    provider.delete("stripe-held", dict(HELD))
    return None


@pytest.mark.parametrize(
    ("answer", "olds", "news", "fails", "operation", "failed", "effect"),
    [
        (
            OTHERS_LISTED,
            None,
            STRIPE,
            "creating Stripe",
            create(STRIPE),
            "Stripe was not created",
            " No credentials were applied.",
        ),
        (
            NO_ID_LISTED,
            None,
            {**STRIPE, "adopt_existing": True},
            "creating Stripe",
            create({**STRIPE, "adopt_existing": True}),
            "Stripe was not taken over",
            "",
        ),
        (listing(), None, SLACK, "creating Slack", create(SLACK), "Slack was not taken over", ""),
        (
            listing({"id": "slack", "status": "not_connected"}),
            None,
            SLACK,
            "creating Slack",
            create(SLACK),
            "Slack was not taken over",
            "",
        ),
        *(
            (answer, HELD, CHANGED, "updating Stripe", update, "Stripe was not updated", "")
            for answer in (listing(), NO_ID_LISTED, OTHERS_LISTED, GONE_LISTED)
        ),
        *(
            (answer, HELD, REPLACED, "replacing Stripe", delete, "Stripe was not disconnected", "")
            for answer in (listing(), NO_ID_LISTED)
        ),
        (
            OTHERS_LISTED,
            HELD,
            REPLACED,
            "replacing Stripe, unless an interrupted replacement left that connection,",
            delete,
            "Stripe was not disconnected",
            "",
        ),
        (
            OTHERS_LISTED,
            HELD,
            SLACK,
            "replacing Stripe, unless an interrupted replacement left that connection, which then stays connected,",
            delete,
            "Stripe was not disconnected",
            "",
        ),
    ],
)
def test_a_preview_warns_of_what_the_up_refuses(
    preview: Preview,
    answer: str,
    olds: Mapping[str, Any] | None,
    news: Mapping[str, Any],
    fails: str,
    operation: Operation,
    failed: str,
    effect: str,
) -> None:
    """In the same words, as both come from one decision; the up may add what it did or did not do."""
    preview.sandbox.fault("list", status=200, body=answer, times=None)
    warning = preview.check(news) if olds is None else preview.diff(news, olds)
    with pytest.raises(outlit.IntegrationError) as refused:
        operation(preview.provider)
    head = f"warning: {fails} will fail: "
    assert warning.startswith(head)
    assert str(refused.value).startswith(f"{failed}: ")
    assert str(refused.value).removeprefix(f"{failed}: ").replace(effect, "") == warning.removeprefix(head)
    assert set(preview.calls()) == {"list"}


PULUMIS_UNKNOWN: Any = Unknown()  # type: ignore[no-untyped-call]
HELD_LISTED = listing({"id": "stripe", "status": "connected", "connectionId": "stripe-held"})
TAKEN = "info: Stripe: connection stripe-other exists already. It is taken over as it is, and its "
IN_PLACE = "in place, which keeps the synced data."
GOES = "permanently deletes what Outlit synced from it"
IN_THE_END = (
    "The old connection is disconnected in the end (with delete_before_replace=True, first), which "
    f"{GOES}, unless another resource takes it over or retain_on_delete keeps it"
)
ADOPTED = {**HELD, "adopt_existing": True}


@pytest.mark.parametrize(
    ("answer", "olds", "news", "said"),
    [
        (GONE_LISTED, None, STRIPE, ""),
        (listing(), None, STRIPE, ""),
        (GONE_LISTED, None, {**STRIPE, "adopt_existing": True}, ""),
        (OTHERS_LISTED, None, {**STRIPE, "adopt_existing": True}, f"{TAKEN}config is recorded and not sent."),
        (
            OTHERS_LISTED,
            None,
            {**STRIPE, "config": None, "adopt_existing": True},
            f"{TAKEN}credentials are not managed.",
        ),
        (HELD_LISTED, HELD, CHANGED, f"info: Stripe: apiKey changed. The config is sent {IN_PLACE}"),
        (
            HELD_LISTED,
            HELD,
            {**CHANGED, "config_class": "StripeConfigArgs"},
            f"info: Stripe: api_key changed. The config is sent {IN_PLACE}",
        ),
        (
            HELD_LISTED,
            HELD,
            {**STRIPE, "config": PULUMIS_UNKNOWN},
            f"info: Stripe: its config is not known yet. If it differs, it is sent {IN_PLACE}",
        ),
        (
            HELD_LISTED,
            {**HELD, "config": None},
            STRIPE,
            f"info: Stripe: its config is sent to the connection {IN_PLACE}",
        ),
        (
            HELD_LISTED,
            {**HELD, "config_unconfirmed": True},
            STRIPE,
            "info: Stripe: its config is sent once more, as the answer to an earlier request was lost.",
        ),
        *(
            (
                answer,
                HELD,
                REPLACED,
                f"warning: Stripe: it is replaced, as apiKey changed. It is disconnected first, which {GOES}.",
            )
            for answer in (HELD_LISTED, GONE_LISTED)
        ),
        (
            HELD_LISTED,
            HELD,
            {**REPLACED, "config": {"apiKey": PULUMIS_UNKNOWN}},
            f"warning: Stripe: it is replaced if its config, which is not known yet, differs. That {GOES}.",
        ),
        (
            HELD_LISTED,
            HELD,
            SLACK,
            f"warning: Stripe: it is replaced by Slack. {IN_THE_END}.",
        ),
        (
            HELD_LISTED,
            HELD,
            {**STRIPE, "provider": PULUMIS_UNKNOWN},
            f"warning: Stripe: it may be replaced, as its new provider is not known yet. {IN_THE_END}.",
        ),
    ],
)
def test_a_preview_tells_what_an_up_does(
    preview: Preview, answer: str, olds: Mapping[str, Any] | None, news: Mapping[str, Any], said: str
) -> None:
    """In a line each, which names fields and no values; what deletes synced data is a warning."""
    preview.sandbox.fault("list", status=200, body=answer, times=None)
    assert (preview.check(news) if olds is None else preview.diff(news, olds)) == said
    assert (preview.check(news) if olds is None else preview.diff(news, olds)) == "", "it is said once"
    assert preview.calls() == {"list": 1}


def test_a_preview_warns_where_another_resource_still_has_what_is_to_be_made(preview: Preview) -> None:
    """That goes in the end only."""
    preview.sandbox.fault("list", status=200, body=HELD_LISTED, times=None)
    gives, takes = {**SLACK, "resource_name": "a"}, {**STRIPE, "resource_name": "b"}
    preview.check(gives, {**STRIPE, "resource_name": "a"})
    preview.diff(gives, HELD)
    warned = preview.check(takes)
    assert warned.startswith("warning: creating Stripe will fail: it is already connected")
    assert "If another resource of this program gives it up in this run, let that go in a run before" in warned


def test_a_preview_takes_what_a_replacement_meets_for_its_own(preview: Preview) -> None:
    preview.sandbox.fault("list", status=200, body=HELD_LISTED, times=None)
    replaced = {**REPLACED, "resource_name": "a"}
    preview.check(replaced, {**STRIPE, "resource_name": "a"})
    assert preview.check(replaced) == ""
    assert "will fail" in preview.check({**replaced, "resource_name": "b"})


def test_a_preview_of_a_take_over_hides_a_credential_in_the_id(preview: Preview) -> None:
    answer = listing({"id": "stripe", "status": "connected", "connectionId": f"stripe-{OTHER['apiKey']}"})
    preview.sandbox.fault("list", status=200, body=answer, times=None)
    said = preview.check({**STRIPE, "config": OTHER, "adopt_existing": True})
    assert said.startswith("info: Stripe: connection stripe-[redacted] exists already.")


def test_a_field_name_that_may_be_a_credential_is_not_shown() -> None:
    olds = {"provider": "extra", "config": {"token": "y"}}
    news = {"provider": "extra", "config": {"sk_live_CANARY0123456789": "y"}}
    said, _ = previews.foretold(olds, news, difference(olds, news))
    assert said.startswith('(not shown: it may be a credential), "token" changed. The config is sent in place')


@pytest.mark.parametrize(
    ("olds", "news", "said"),
    [
        (HELD, STRIPE, ""),
        (
            ADOPTED,
            SLACK,
            f"warning: Stripe: it is replaced by Slack. {IN_THE_END} (the default of what was adopted).",
        ),
        ({"provider": None, "connection_id": "x"}, STRIPE, ""),
    ],
)
def test_a_diff_that_cannot_be_refused_asks_nothing(
    preview: Preview, olds: Mapping[str, Any], news: Mapping[str, Any], said: str
) -> None:
    """Nothing changes; or what is replaced was adopted, and is probably kept."""
    assert preview.diff(news, olds) == said
    assert preview.calls() == {}


@pytest.mark.parametrize("name", ["provider", "adopt_existing"])
def test_what_is_not_known_is_not_warned_of(preview: Preview, name: str) -> None:
    preview.sandbox.connect("stripe", CONFIG)
    preview.sandbox.clear_calls()
    assert preview.check({**STRIPE, name: PULUMIS_UNKNOWN}) == ""
    assert preview.calls() == {}


def test_an_unknown_config_conflicts_all_the_same(preview: Preview) -> None:
    preview.sandbox.connect("stripe", CONFIG)
    assert CONFLICT in preview.check({**STRIPE, "config": PULUMIS_UNKNOWN})


def test_what_is_to_be_replaced_is_no_conflict(preview: Preview) -> None:
    """A replacement is checked once more as a new resource, before the old one is gone."""
    preview.sandbox.connect("stripe", CONFIG)
    assert preview.check(STRIPE, olds=STRIPE) == ""
    assert preview.check(STRIPE) == ""


def test_what_a_diff_compared_is_no_conflict(preview: Preview) -> None:
    made = preview.sandbox.connect("stripe", CONFIG)
    assert "will fail" not in preview.diff(REPLACED, {**HELD, "connection_id": made["connectionId"]})
    assert preview.check(REPLACED) == ""


def test_what_was_disconnected_to_be_replaced_is_no_conflict(preview: Preview) -> None:
    preview.sandbox.connect("stripe", CONFIG)
    assert CONFLICT in preview.check(STRIPE)
    preview.ledger.removed("stripe", "stripe-0", 0.0)
    assert preview.check(STRIPE) == ""


def test_a_preview_compares_whose_the_key_is_with_all_states_that_it_saw(preview: Preview) -> None:
    preview.sandbox.connect("stripe", CONFIG)
    preview.diff(STRIPE, {**HELD, "organization_id": "org_other"})
    posthog = {"apiKey": "q7CANARYposthog", "region": "us", "projectId": "1"}
    said = "will fail: the API key is of organization org_acme, the state is of org_other"
    assert f"creating PostHog {said}" in preview.check({**STRIPE, "provider": "posthog", "config": posthog})
    assert f"updating Stripe {said}" in preview.diff(CHANGED, {**HELD, "organization_id": "org_other"})


def test_one_list_call_serves_all_of_a_run(preview: Preview) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert all(found.failures == [] for found in pool.map(lambda _: preview.provider.check({}, STRIPE), range(8)))
    preview.diff({**CHANGED, "provider": "posthog"}, {**HELD, "provider": "posthog"})
    preview.provider.create(dict(STRIPE))
    assert preview.calls() == {"list": 1, "connect": 1}


@pytest.mark.parametrize(("status", "error"), [(401, outlit.AuthenticationError), (403, outlit.PermissionDeniedError)])
def test_a_refused_key_is_an_error_for_everybody(preview: Preview, status: int, error: type[Exception]) -> None:
    """In the preview already, and asked once."""
    preview.sandbox.fault("list", status=status)
    for _ in range(2):
        (failure,) = preview.provider.check({}, dict(STRIPE)).failures
        assert str(status) in failure.reason or "does not allow it" in failure.reason
        assert failure.property == ""
    with pytest.raises(error):
        preview.diff(CHANGED, HELD)
    assert preview.calls() == {"list": 1}


def test_a_list_that_cannot_be_read_is_a_warning(preview: Preview) -> None:
    """It says what is therefore not known, once."""
    preview.sandbox.fault("list", status=404, times=None)
    said = preview.check(STRIPE)
    assert said.startswith("warning: Outlit could not be asked, so this does not foresee what is connected already")
    assert "does not serve Outlit's integration routes (404)" in said
    assert preview.diff(CHANGED, HELD) == f"info: Stripe: apiKey changed. The config is sent {IN_PLACE}"
    assert preview.calls() == {"list": 1}


def test_a_warning_says_which_provider_it_is_of(preview: Preview, capsys: pytest.CaptureFixture[str]) -> None:
    """Pulumi shows it without the resource."""
    preview.sandbox.connect("stripe", CONFIG)
    explicit = Preview(preview.sandbox, capsys, explicitProvider="west")
    assert explicit.check(STRIPE).startswith("warning: Provider west: creating Stripe will fail: ")
