"""Credentials that are hard to hide, on the real engine: not in its output, its state, its exports or its debug log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.sandbox.faults import RouteName
from tests.leaks.canaries import SHAPES, spellings, traces

from .conftest import Stack

API_KEY = "ok_" + "Rw6Yt8Ui3Op5" * 3
CHOSEN = ("quotes", "escaped line breaks", "percent", "unicode", "right to left", "short", "JWT", "spaces")
OLD = {f"field{number}": SHAPES[name] for number, name in enumerate(CHOSEN)}
NEW = {name: secret[::-1].strip() for name, secret in OLD.items()}
SECRETS = [API_KEY, *OLD.values(), *NEW.values()]

PROGRAM = f"""
names = {list(OLD)!r}
outlit.Integration("odd", "extra-0001", {{name: config.require_secret(name) for name in names}})
outlit.Integration("plain", "stripe", {{"apiKey": config.require("field0")}})
outlit.Integration("output", "clerk", config.require_secret("field3").apply(lambda key: {{"secretKey": key}}))
"""

FIELDS = {"extra-0001": list(OLD), "stripe": ["field0"], "clerk": ["field3"]}
"""Whose credentials are which: what a service says of one integration, it says with those."""

# Under -v9 older engines (3.259, not 3.276) write each property that they pass on, secret or not, one a line. Nothing
# that a provider says is in those lines. (So does PULUMI_DEBUG_GRPC, into a file of its own, where nothing else is.)
ENGINES_OWN = re.compile(r'"msg":"(?:Unm|M)arshaling property for RPC\[')


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A service with a made-up provider, whose config is all secret, and a key that is looked for, too."""
    with Sandbox(workspace="acme", extra_providers=1, api_key=API_KEY) as running:
        yield running


def declare(stack: Stack, config: dict[str, str]) -> None:
    """Sets the credentials of the stack."""
    for name, secret in config.items():
        stack.secret(name, secret)


def echo(provider: str, *configs: dict[str, str]) -> str:
    """A text with the API key and the credentials of an integration in it, each in another spelling."""
    secrets = [API_KEY, *(config[field] for config in configs for field in FIELDS[provider])]
    written = [list(spellings(secret).values()) for secret in secrets]
    return " ".join(texts[number % len(texts)] for number, texts in enumerate(written))


def refuse(sandbox: Sandbox, route: RouteName, status: int, *configs: dict[str, str]) -> None:
    """Makes a route refuse, and repeat what it knows of the integration that it is asked for."""
    for provider in FIELDS:
        text = echo(provider, *configs)
        body = json.dumps({"error": text, "code": text})
        sandbox.fault(route, provider=provider, status=status, body=body, times=None)


def leaks(stack: Stack) -> list[str]:
    """Where a credential shows: what commands printed, the export, every file of the backend and of the project."""
    stack.ok("stack", "export")
    stack.ok("stack", "output", "--json")
    places = {f"output {number}": text for number, text in enumerate(stack.outputs)}
    for path in stack.folder.parent.rglob("*"):
        if path.is_file():
            places[str(path)] = path.read_bytes().decode(errors="replace")
    return [f"{place}: {found[0]}" for place, text in places.items() if (found := traces(text, SECRETS))]


def test_no_command_shows_a_credential(stack: Stack, sandbox: Sandbox) -> None:
    """The whole life of three integrations, with a service that repeats what it was sent."""
    stack.program(PROGRAM)
    declare(stack, OLD)
    stack.ok("preview", "--diff")
    stack.up()

    declare(stack, NEW)
    refuse(sandbox, "connect", 400, OLD, NEW)
    shown = stack.fails("up", "--yes", "--skip-preview", "--diff").output
    assert "does not accept its config" in shown
    assert "[redacted]" in shown
    sandbox.clear_faults()
    stack.up()

    for provider in FIELDS:
        sandbox.set_sync(provider, "FAILED", error_message=echo(provider, NEW))
    assert "[redacted]" in stack.ok("refresh", "--yes", "--skip-preview", "--diff").output
    stack.ok("preview", "--diff")
    sandbox.disconnect("stripe")
    stack.ok("refresh", "--yes", "--diff")
    stack.ok("preview", "--diff", "--json")
    stack.up()
    refuse(sandbox, "disconnect", 403, NEW)
    assert "does not allow it" in stack.fails("destroy", "--yes", "--skip-preview", "--diff").output
    sandbox.clear_faults()
    stack.ok("destroy", "--yes", "--skip-preview", "--diff")
    assert leaks(stack) == []


@pytest.mark.full
def test_the_debug_log_shows_no_more_than_the_engine_dumps(stack: Stack, sandbox: Sandbox) -> None:
    """-v9: beside the engine's property dumps, neither a success nor a failure that repeats credentials shows one."""
    debug = ("up", "--yes", "--skip-preview", "--diff", "-v9", "--logtostderr", "--logflow")
    stack.program(PROGRAM)
    declare(stack, OLD)
    lines = stack.ok(*debug).output.splitlines()
    declare(stack, NEW)
    refuse(sandbox, "connect", 400, OLD, NEW)
    lines += stack.fails(*debug).output.splitlines()
    assert any("Outlit does not accept its config" in line for line in lines)
    assert [trace for line in lines if not ENGINES_OWN.search(line) for trace in traces(line, SECRETS)] == []
