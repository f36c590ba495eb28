"""What a user reads when something is wrong: one clear error, nothing half done, no credential."""

from __future__ import annotations

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import PHX, Stack, counted
from .programs import posthog, stripe

BAD_PROGRAMS = {
    "unknown provider": ('outlit.Integration("x", "posthgo", {"apiKey": config.require_secret("phx")})', "posthog"),
    "typo in a field": ('outlit.Integration("x", "stripe", {"apikey": config.require("phx")})', "apiKey"),
    "credential as a field": ('outlit.Integration("x", "stripe", {config.require("phx"): "v"})', "apiKey"),
    "blank field": ('outlit.Integration("x", "stripe", {"apiKey": "  "})', "blank"),
    "white space": ('outlit.Integration("x", "stripe", {"apiKey": config.require("phx") + "\\n"})', "white space"),
    "wrong region": (posthog().replace('"us"', '"moon"'), "us, eu"),
    "config for a browser provider": ('outlit.Integration("x", "slack", {"t": config.require("phx")})', "no config"),
    "no config": ('outlit.Integration("x", "stripe")', "StripeConfigArgs(api_key)"),
    "plain http": (
        'outlit.Integration("x", "supabase", {"projectUrl": "http://x.y", "serviceRoleKey": config.require("phx")})',
        "https",
    ),
}


SHOWN_ON_THE_ENGINE = "typo in a field"
"""The one that the default run tries; the rules themselves are proven in the unit and host tiers."""


@pytest.mark.parametrize(
    "case",
    [case if case == SHOWN_ON_THE_ENGINE else pytest.param(case, marks=pytest.mark.full) for case in BAD_PROGRAMS],
)
def test_bad_input_fails_in_preview(stack: Stack, sandbox: Sandbox, case: str) -> None:
    """Before anything is touched, with the fix in the message and no value of a credential."""
    program, expected = BAD_PROGRAMS[case]
    stack.program(program)
    shown = stack.fails("preview", "--diff").diagnostics
    assert "has a problem:" in shown
    assert expected in shown
    assert counted(sandbox)["connect"] == 0
    assert stack.leaks() == []


@pytest.mark.full
@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("outlit:apiKey", "ok_with space_and_CANARY_0123456789", "white space"),
        ("outlit:apiKey", "phx_CANARY_not_an_outlit_key", "start with ok_"),
        ("outlit:baseUrl", "http://outlit.example.com", "https"),
    ],
)
def test_bad_settings_fail_in_preview(stack: Stack, key: str, value: str, expected: str) -> None:
    """A malformed key or URL is reported before it is used."""
    stack.secret(key, value)
    stack.program(stripe())
    shown = stack.fails("preview").diagnostics
    assert expected in shown
    assert "CANARY" not in shown


@pytest.mark.oldest
def test_the_plan_limit_names_the_integration_and_the_numbers(stack: Stack, sandbox: Sandbox) -> None:
    """403 on connect: what happened and what to do, and nothing in the state."""
    sandbox.configure(limit=0, plan="free")
    stack.program(posthog())
    shown = stack.fails("up", "--yes", "--skip-preview", "--diff").diagnostics
    assert "PostHog was not connected: the free plan allows 0 integrations and 0 are connected." in shown
    assert "upgrade the plan" in shown
    assert stack.resources() == {}
    assert stack.leaks() == []


@pytest.mark.full
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, f'{{"error": "bad key {PHX}"}}', "does not accept its config"),
        (401, '{"error": "Invalid credentials"}', "does not accept the API key"),
        (403, '{"error": "no", "code": "api_limit_exceeded"}', "api_limit_exceeded"),
        (302, "", "redirect"),
        (200, "<html>Sign in</html>", "not what Outlit's API documents"),
    ],
)
def test_a_failing_create_and_update(stack: Stack, sandbox: Sandbox, status: int, body: str, expected: str) -> None:
    """The same answer on the first up and on a rotation: an error, and the state tells the truth."""
    times = 2 if status == 200 else 1  # what cannot be read is looked into, and sent once more
    stack.program(posthog())
    sandbox.fault("connect", status=status, body=body, times=times)
    assert expected in stack.fails("up", "--yes", "--skip-preview", "--diff").diagnostics
    assert stack.resources() == {}
    stack.up()
    stack.secret("phx", PHX + "new")
    sandbox.fault("connect", status=status, body=body, times=times)
    assert expected in stack.fails("up", "--yes", "--skip-preview", "--diff").diagnostics
    counted(sandbox)
    stack.up()
    assert counted(sandbox)["connect"] == 1  # the next up sends again
    assert stack.leaks() == []


@pytest.mark.full
def test_nothing_listens(stack: Stack) -> None:
    """A service that is down: what could not be reached, and what to check."""
    stack.ok("config", "set", "outlit:baseUrl", "http://127.0.0.1:9")
    stack.program(stripe())
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "Stripe was not connected: no answer from http://127.0.0.1:9" in shown
    assert stack.resources() == {}
