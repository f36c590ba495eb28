"""What a run remembers of its own work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import outlit_pulumi as outlit
from outlit_pulumi.lifecycle.ledger import Facts, Ledger
from outlit_pulumi.lifecycle.peers import Peers


def test_nothing_is_known_at_the_beginning() -> None:
    ledger = Ledger()
    assert ledger.facts("stripe") == ledger.facts("stripe", "stripe-1") == Facts()
    assert ledger.written("stripe", 0, None) is None


def test_ticks_grow() -> None:
    ledger = Ledger()
    with ThreadPoolExecutor(4) as pool:
        ticks = list(pool.map(lambda _: ledger.tick(), range(100)))
    assert len(set(ticks)) == 100
    assert ledger.tick() > max(ticks)


def test_what_was_written_counts_for_lists_from_before_and_from_soon_after() -> None:
    """A list that the service gives right after a write may not show it yet."""
    ledger = Ledger()
    before = ledger.tick()
    ledger.wrote("stripe", "stripe-1", 100.0)
    after = ledger.tick()
    assert ledger.written("stripe", before, None) == ("stripe-1",)
    assert ledger.written("stripe", after, None) is None
    assert ledger.written("stripe", after, 114.9) == ("stripe-1",)
    assert ledger.written("stripe", after, 115.0) is None
    assert ledger.written("clerk", before, 100.0) is None
    ledger.removed("stripe", "stripe-0", 200.0)
    assert ledger.written("stripe", before, None) == (None,)


def test_a_connect_takes_and_a_disconnect_removes() -> None:
    ledger = Ledger()
    ledger.wrote("stripe", "stripe-1", 0.0)
    assert ledger.facts("stripe") == Facts(taken=True)
    assert ledger.facts("stripe", "stripe-1") == Facts(taken=True, held=True)
    assert ledger.facts("stripe", "stripe-2") == Facts(taken=True)
    assert ledger.facts("clerk", "stripe-1") == Facts()
    ledger.removed("stripe", "stripe-1", 0.0)
    assert ledger.facts("stripe", "stripe-1") == Facts(removed=True, gone=frozenset({"stripe-1"}))
    ledger.wrote("stripe", "stripe-2", 0.0)
    assert ledger.facts("stripe", "stripe-2") == Facts(taken=True, held=True, gone=frozenset({"stripe-1"}))
    ledger.wrote("stripe", "stripe-1", 0.0)
    assert ledger.facts("stripe", "stripe-1") == Facts(taken=True, held=True)


def test_all_that_a_run_disconnected_is_gone() -> None:
    ledger = Ledger()
    for connection_id in ("stripe-1", "stripe-2", None):
        ledger.removed("stripe", connection_id, 0.0)
    assert ledger.facts("stripe").gone == {"stripe-1", "stripe-2"}


def test_a_resource_of_the_same_name_that_the_state_had_is_the_predecessor() -> None:
    ledger = Ledger()
    ledger.track("stripe", "billing")
    assert ledger.facts("stripe", None, "billing").predecessor
    assert not ledger.facts("stripe", None, "other").predecessor
    assert not ledger.facts("clerk", None, "billing").predecessor
    ledger.track("clerk", None)
    assert not ledger.facts("clerk").predecessor


def test_organizations_that_states_name_are_those_of_the_workspace() -> None:
    ledger = Ledger()
    for organization in ("org_a", None, "org_a", "org_b"):
        ledger.belong(organization)
    assert ledger.organizations() == {"org_a", "org_b"}


def test_a_failed_create_counts_for_every_connection_of_the_provider() -> None:
    ledger = Ledger()
    ledger.fail("stripe")
    assert ledger.facts("stripe", "stripe-1").failed
    assert not ledger.facts("clerk", "clerk-1").failed


def test_what_a_refresh_met_and_what_the_state_had() -> None:
    ledger = Ledger()
    ledger.meet("stripe", "billing")
    ledger.move("clerk")
    assert ledger.facts("stripe", None, "billing") == Facts(own=True)
    assert ledger.facts("stripe", None, "other") == Facts()
    assert ledger.facts("clerk") == Facts(moved=True)


def test_what_the_program_reads_is_held_unless_it_manages_it() -> None:
    ledger = Ledger()
    ledger.read("stripe", "stripe-1")
    assert ledger.facts("stripe", "stripe-1").held
    assert not ledger.facts("stripe", "stripe-2").held
    ledger.declare("stripe")
    assert not ledger.facts("stripe", "stripe-1").held


def test_what_stays_is_held_if_the_program_declares_it() -> None:
    """A refresh compares, too, without a program."""
    ledger = Ledger()
    ledger.keep("stripe", "stripe-1")
    assert not ledger.facts("stripe", "stripe-1").held
    ledger.declare("stripe")
    ledger.keep("stripe", "stripe-1")
    assert ledger.facts("stripe", "stripe-1").held


def test_what_cannot_be_told_is_an_error_only_where_a_connection_is_asked_for(tmp_path: Path) -> None:
    """A create that meets no connection needs no notes."""
    (tmp_path / "file").write_text("in the way")
    ledger = Ledger(Peers("run", tmp_path / "file"))
    ledger.declare("stripe")
    ledger.keep("clerk", "clerk-1")  # is not declared
    with pytest.raises(outlit.ConfigurationError):
        ledger.keep("stripe", "stripe-1")
    assert ledger.facts("stripe") == Facts(stays=True)
    with pytest.raises(outlit.ConfigurationError):
        ledger.facts("stripe", "stripe-1")
