"""Integrations that move to another Provider, or that two runs give up and make."""

from __future__ import annotations

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import SK, Stack
from .programs import stripe
from .test_engine_replacement import TO_WS, WS, clerk, held

NEW = SK + "new"
REPLACED = ', on_config_change="replace"'
UP = ("up", "--yes", "--skip-preview")


def test_a_replacement_that_another_workspace_refuses_disconnects_nothing(stack: Stack, sandbox: Sandbox) -> None:
    """The process of the old Provider deletes first, with the right key; the new one's would refuse the create."""
    other = sandbox.add_workspace("other")
    stack.program(stripe(more=REPLACED))
    stack.up()
    before = held(sandbox)
    stack.secret("ws", other)
    stack.secret("sk", NEW)
    stack.program(WS + stripe(more=f"{REPLACED}, {TO_WS}"))
    shown = stack.fails(*UP).diagnostics
    assert "Stripe was not disconnected: its other Provider warned in this run" in shown
    assert "replacing Stripe will fail: the API key is of organization org_other" in shown
    assert held(sandbox) == before
    stack.program(WS + stripe("moved", more=f"{REPLACED}, {TO_WS}"))
    stack.up()
    assert (held(sandbox), list(held(sandbox)), len(sandbox.connections(other))) == ({}, [], 1)


@pytest.mark.full
def test_nor_does_one_of_another_provider_that_deletes_first(stack: Stack, sandbox: Sandbox) -> None:
    other = sandbox.add_workspace("other")
    stack.program(clerk("a"))
    stack.up()
    before = held(sandbox)
    stack.secret("ws", other)
    stack.program(WS + stripe("a", more=", opts=ResourceOptions(provider=ws, delete_before_replace=True)"))
    stack.fails(*UP)
    assert held(sandbox) == before


@pytest.mark.full
def test_nor_with_a_service_that_cannot_tell_whose_the_key_is(stack: Stack, sandbox: Sandbox) -> None:
    """The other workspace has a connection of its own, which gets no credentials."""
    sandbox.configure(key_check=False)
    other = sandbox.add_workspace("other")
    sandbox.connect("stripe", {"apiKey": "sk_theirs"}, api_key=other)
    stack.program(stripe(more=REPLACED))
    stack.up()
    before = (held(sandbox), sandbox.connections(other))
    stack.secret("ws", other)
    stack.secret("sk", NEW)
    stack.program(WS + stripe(more=f"{REPLACED}, {TO_WS}"))
    stack.fails(*UP)
    assert (held(sandbox), sandbox.connections(other)) == before


@pytest.mark.full
def test_a_refresh_within_the_run_accepts_nothing_for_another_provider(stack: Stack, sandbox: Sandbox) -> None:
    """Somebody reconnected it: the process of the old Provider meets that, and the new one's sends the credentials."""
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + stripe())
    stack.up()
    sandbox.disconnect("stripe")
    sandbox.connect("stripe", {"apiKey": "sk_theirs"})
    theirs = sandbox.connections()
    stack.secret("sk", NEW)
    stack.program(WS + stripe(more=f", {TO_WS}"))
    shown = stack.fails(*UP, "--refresh").diagnostics
    assert "Stripe was not updated: its other Provider warned in this run" in shown
    assert sandbox.connections() == theirs
    stack.up()
    assert sandbox.connections() != theirs


@pytest.mark.full
def test_a_move_whose_connect_is_refused_says_that_nothing_is_connected(stack: Stack, sandbox: Sandbox) -> None:
    stack.secret("ws", sandbox.api_key)
    stack.program(WS + stripe(more=REPLACED))
    stack.up()
    stack.secret("sk", NEW)
    stack.program(WS + stripe(more=f"{REPLACED}, {TO_WS}"))
    sandbox.fault("connect", status=400, body='{"error": "no such key"}')
    shown = stack.fails(*UP).diagnostics
    assert held(sandbox) == {}
    assert "is as it was" not in shown
    assert "Stripe was not connected" in shown


@pytest.mark.full
@pytest.mark.parametrize("how", ["targeted", "told to run again"])
def test_what_an_earlier_run_connected_anew_is_kept_by_a_list_that_lags(
    stack: Stack, sandbox: Sandbox, how: str
) -> None:
    """Somebody disconnected what `a` holds. One run makes `b`, the next one deletes `a`."""
    stack.program(stripe("a"))
    stack.up()
    sandbox.disconnect("stripe")
    sandbox.lag("list", seconds=14)
    stack.program(stripe("b"))
    if how == "targeted":
        urn = stack.resources()["a"]["urn"].removesuffix("::a") + "::b"
        stack.ok(*UP, "--target", urn)
    else:
        sandbox.fault("validate_key", status=500, times=None)
        shown = stack.fails(*UP).diagnostics
        assert "whose the API key is could not be asked. Nothing was changed. Run again." in shown
        sandbox.clear_faults()
    before = held(sandbox)
    assert before
    stack.ok(*UP)
    assert held(sandbox) == before
    assert set(stack.resources()) == {"b"}


@pytest.mark.full
def test_what_was_adopted_so_far_is_not_replaced_by_what_somebody_else_connected(
    stack: Stack, sandbox: Sandbox
) -> None:
    """Pulumi keeps what the state has as adopted, so its replacement would create, and meet their connection."""
    sandbox.connect("stripe", {"apiKey": SK})
    stack.program(stripe(more=", adopt_existing=True"))
    stack.up()
    sandbox.disconnect("stripe")
    sandbox.connect("stripe", {"apiKey": "sk_theirs"})
    theirs = sandbox.connections()
    stack.secret("sk", NEW)
    stack.program(stripe(more=REPLACED))
    shown = stack.fails(*UP).diagnostics
    assert "Stripe was not updated: this workspace holds another connection of it than the state" in shown
    assert sandbox.connections() == theirs
