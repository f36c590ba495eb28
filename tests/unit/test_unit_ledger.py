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
    assert ledger.written("stripe", since=0) is None


def test_ticks_grow() -> None:
    ledger = Ledger()
    with ThreadPoolExecutor(4) as pool:
        ticks = list(pool.map(lambda _: ledger.tick(), range(100)))
    assert len(set(ticks)) == 100
    assert ledger.tick() > max(ticks)


def test_what_was_written_counts_from_then_on() -> None:
    ledger = Ledger()
    before = ledger.tick()
    ledger.wrote("stripe", "stripe-1")
    between = ledger.tick()
    assert ledger.written("stripe", since=before) == ("stripe-1",)
    assert ledger.written("stripe", since=between) is None
    assert ledger.written("clerk", since=before) is None
    ledger.wrote("stripe", None)
    assert ledger.written("stripe", since=between) == (None,)
    assert ledger.written("stripe", since=before) == (None,)


def test_a_connect_takes_and_a_disconnect_removes() -> None:
    ledger = Ledger()
    ledger.wrote("stripe", "stripe-1")
    assert ledger.facts("stripe") == Facts(taken=True)
    assert ledger.facts("stripe", "stripe-1") == Facts(taken=True, held=True)
    assert ledger.facts("stripe", "stripe-2") == Facts(taken=True)
    assert ledger.facts("clerk", "stripe-1") == Facts()
    ledger.wrote("stripe", None)
    assert ledger.facts("stripe", "stripe-1") == Facts(removed=True)
    ledger.wrote("stripe", "stripe-2")
    assert ledger.facts("stripe", "stripe-2") == Facts(taken=True, held=True)


def test_what_a_refresh_met_and_what_the_state_had() -> None:
    ledger = Ledger()
    ledger.track("stripe")
    ledger.move("clerk")
    assert ledger.facts("stripe") == Facts(tracked=True)
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
    assert ledger.facts("stripe") == Facts()
    with pytest.raises(outlit.ConfigurationError):
        ledger.facts("stripe", "stripe-1")
