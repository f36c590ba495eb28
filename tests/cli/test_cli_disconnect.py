"""`outlit-pulumi disconnect`, which deletes data."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from outlit_pulumi.sandbox import Sandbox

from .terminal import CANARY, KEY, Cli

CONFIG = {"apiKey": "sk_made_up"}


@pytest.fixture(autouse=True)
def connected(sandbox: Sandbox) -> None:
    """Stripe is."""
    sandbox.connect("stripe", CONFIG)


def connections(sandbox: Sandbox) -> list[str]:
    """The ids of what is connected."""
    return [connection["connectionId"] for connection in sandbox.connections()]


@pytest.mark.parametrize("reply", ["y", "YES", " yes "])
def test_it_asks_and_says_what_will_be_lost(cli: Cli, sandbox: Sandbox, reply: str) -> None:
    done = cli("disconnect", "stripe", answers=[reply])
    assert done.asked == [("Disconnect Stripe? [y/N] ", False)]
    workspace = f"the workspace of organization org_acme at {sandbox.url}"
    assert f"disconnects Stripe (connection stripe-org_acme) from {workspace}" in done.err
    assert "permanently deletes everything that Outlit synced from Stripe" in done.err
    assert (done.code, done.out) == (0, "Stripe is disconnected.\n")
    assert connections(sandbox) == []


def test_it_asks_where_the_service_does_not_say_whose_the_key_is(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.configure(key_check=False)
    done = cli("disconnect", "stripe", answers=["n"])
    assert f"from the workspace at {sandbox.url}.\n" in done.err


def test_the_question_does_not_show_the_key(cli: Cli, sandbox: Sandbox) -> None:
    """Which the service may repeat in the id."""
    item = {"id": "stripe", "status": "connected", "connectionId": f"stripe {KEY}"}
    sandbox.fault("list", status=200, body=json.dumps({"items": [item]}))
    done = cli("disconnect", "stripe", answers=["n"])
    assert "This disconnects Stripe (connection stripe [redacted])" in done.err
    assert CANARY not in done.said


@pytest.mark.parametrize("reply", ["", "n", "stripe", EOFError])
def test_any_other_answer_is_no(cli: Cli, sandbox: Sandbox, reply: str | type[BaseException]) -> None:
    done = cli("disconnect", "stripe", answers=[reply])
    assert done.code == 1
    assert done.err.endswith("Nothing was done.\n")
    assert connections(sandbox) == ["stripe-org_acme"]


def test_interrupted_at_the_question(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("disconnect", "stripe", answers=[KeyboardInterrupt])
    assert done.code == 130
    assert connections(sandbox) == ["stripe-org_acme"]


def test_a_script_says_yes(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("disconnect", "stripe", "--yes", "--json")
    assert done.code == 0
    assert done.data == {
        "provider": "stripe",
        "name": "Stripe",
        "connectionId": "stripe-org_acme",
        "disconnected": True,
    }
    assert connections(sandbox) == []


def test_without_a_terminal_it_refuses_before_any_call(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.clear_calls()
    done = cli("disconnect", "stripe", "--json")
    assert done.code == 2
    assert done.data["type"] == "UsageError"
    assert "use --yes" in done.err
    assert sandbox.calls() == []


def test_not_connected_is_fine(cli: Cli, sandbox: Sandbox) -> None:
    done = cli("disconnect", "posthog", "--yes")
    assert (done.code, done.out, done.err) == (0, "PostHog is not connected. Nothing was done.\n", "")
    assert cli("disconnect", "posthog", "--yes", "--json").data["disconnected"] is False
    assert connections(sandbox) == ["stripe-org_acme"]


def test_what_the_list_does_not_name_any_more_is_left_alone(cli: Cli, sandbox: Sandbox) -> None:
    """A list that is not whole says nothing of what is connected."""

    def thinks() -> Iterator[str]:
        sandbox.fault("list", status=200, body='{"items": []}')
        yield "y"

    done = cli("disconnect", "stripe", answers=thinks())
    assert done.code == 3
    assert "Stripe was not disconnected: Outlit's list does not name it" in done.err
    assert connections(sandbox) == ["stripe-org_acme"]


def test_another_connection_than_the_one_agreed_to_is_left_alone(cli: Cli, sandbox: Sandbox) -> None:
    """While the person thought, somebody reconnected it."""

    def thinks() -> Iterator[str]:
        sandbox.disconnect("stripe")
        sandbox.connect("stripe", CONFIG)
        yield "y"

    done = cli("disconnect", "stripe", answers=thinks())
    assert done.code == 3
    assert "the workspace has another connection of it by now" in done.err
    assert connections(sandbox) == ["stripe-org_acme-2"]


def test_what_is_gone_by_the_answer_is_not_disconnected(cli: Cli, sandbox: Sandbox) -> None:
    """Somebody may connect it anew at that moment, and nobody agreed to lose that connection."""

    def thinks() -> Iterator[str]:
        sandbox.disconnect("stripe")
        sandbox.clear_calls()
        sandbox.fault("disconnect", kind="connected_by_others", provider="stripe")
        yield "y"

    done = cli("disconnect", "stripe", answers=thinks())
    assert (done.code, done.out) == (0, "Stripe was not connected any more. Nothing was done.\n")
    assert [call["route"] for call in sandbox.calls()] == ["list"]


def test_somebody_else_was_faster(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("disconnect", kind="disconnected_by_others", provider="stripe")
    done = cli("disconnect", "stripe", "--yes", "--json")
    assert (done.code, done.data["disconnected"]) == (0, False)


def test_a_lost_answer_is_settled_by_looking(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("disconnect", kind="reset", after=True)
    done = cli("disconnect", "stripe", "--yes")
    assert (done.code, done.out) == (0, "Stripe is disconnected.\n")
    assert [call["route"] for call in sandbox.calls()].count("disconnect") == 1


def test_a_refusal_says_that_nothing_was_disconnected(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("disconnect", status=403, body='{"error": "read only", "code": "no_writes"}')
    done = cli("disconnect", "stripe", "--yes")
    assert done.code == 3
    assert "outlit-pulumi: Stripe was not disconnected: Outlit does not allow it (no_writes)" in done.err
    assert connections(sandbox) == ["stripe-org_acme"]


def test_a_list_that_does_not_name_it(cli: Cli, sandbox: Sandbox) -> None:
    sandbox.fault("list", status=200, body='{"items": []}')
    done = cli("disconnect", "stripe", "--yes")
    assert done.code == 3
    assert "whether it is connected is not known" in done.err
    assert connections(sandbox) == ["stripe-org_acme"]


def test_a_list_that_contradicts_itself(cli: Cli, sandbox: Sandbox) -> None:
    """A script must not take it for disconnected."""
    sandbox.fault("list", kind="says_not_connected")
    done = cli("disconnect", "stripe", "--yes")
    assert (done.code, done.out) == (3, "")
    assert "whether it is connected is not known" in done.err
    assert connections(sandbox) == ["stripe-org_acme"]
