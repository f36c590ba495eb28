"""Mix-ups of a program fail its preview in one line, before anything is touched, and show no credential."""

from __future__ import annotations

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import CLERK, Stack
from .programs import posthog, stripe

WS = 'ws = outlit.Provider("ws", api_key=config.require_secret("ws"))\n'
TO_WS = "opts=ResourceOptions(provider=ws)"

CLEAR = "and this field is stored in the clear"

MIX_UPS = {
    "adopt and replace": (
        stripe(more=', adopt_existing=True, on_config_change="replace"'),
        "'stripe' cannot have adopt_existing=True together with",
    ),
    "import": (
        stripe(more=', opts=ResourceOptions(import_="stripe-org_acme")'),
        "'stripe' takes no import_ in opts: a dynamic provider cannot import",
    ),
    "timeouts": (
        stripe(more=', opts=ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="5m"))'),
        "'stripe' takes no custom_timeouts in opts: they have no effect",
    ),
    "number": (
        posthog().replace('"12345"', "12345"),
        "'posthog' has a config field \"project_id\" that is of type int",
    ),
    "key as config": (
        'outlit.Integration("stripe", "stripe", config.require("sk"))',
        "'stripe' has a config that is of type str",
    ),
    "key as region": (
        posthog(key='"us"').replace('region="us"', 'region=config.require("phx")'),
        f"config field region of PostHog looks like a credential, {CLEAR}",
    ),
    "one value for two fields": (
        posthog(key='"12345"'),
        f"config field project_id of PostHog has the value of api_key, a credential, {CLEAR}",
    ),
}


SHOWN_BY_DEFAULT = ("adopt and replace", "key as region")
"""One that the program refuses and one that check refuses; the rules themselves are proven in the unit tier."""


@pytest.mark.parametrize(
    "case", [case if case in SHOWN_BY_DEFAULT else pytest.param(case, marks=pytest.mark.full) for case in MIX_UPS]
)
def test_a_mix_up_fails_the_preview_in_one_line(stack: Stack, sandbox: Sandbox, case: str) -> None:
    program, said = MIX_UPS[case]
    stack.program(program)
    shown = stack.fails("preview").diagnostics
    (line,) = [line for line in shown.splitlines() if said in line]
    assert line.lstrip().startswith("error: ")
    assert "Traceback" not in shown
    assert sandbox.connections() == []
    assert stack.leaks() == []


def test_an_api_key_in_the_clear_is_warned_of_once(stack: Stack, sandbox: Sandbox) -> None:
    """For all that the program declares and reads; what a Provider connects is none of it."""
    warning = (
        "warning: outlit:apiKey is stored in the clear in Pulumi.dev.yaml and in the state. "
        "Set it again with pulumi config set --secret outlit:apiKey."
    )
    sandbox.connect("clerk", {"secretKey": CLERK})
    key = sandbox.add_workspace("emea")
    stack.secret("ws", key)
    stack.ok("config", "set", "--plaintext", "outlit:apiKey", sandbox.api_key)
    elsewhere = stripe(more=f", {TO_WS}")
    stack.program(WS + elsewhere)
    assert warning not in stack.ok("preview").output
    read = 'outlit.Integration.get("clerk", "clerk")\n'
    for program in (read, WS + elsewhere + posthog() + stripe("second") + read):
        stack.program(program)
        assert stack.ok("preview").diagnostics.count(warning) == 1


@pytest.mark.full
def test_a_file_of_the_program_that_hides_a_module_is_named(stack: Stack) -> None:
    """The program itself may never need that module; the provider does."""
    (stack.folder / "calendar.py").write_text("DAYS = 7\n")
    stack.program(stripe())
    shown = stack.fails("up", "--yes", "--skip-preview").diagnostics
    assert "the program's folder has calendar.py, which hides Python's own module of that name. Rename it." in shown
