"""A project that `outlit-pulumi discover` wrote, on the real engine: connections are tracked, and nothing changes."""

from __future__ import annotations

import io
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.cli.app import main
from outlit_pulumi.cli.surroundings import Surroundings, console
from outlit_pulumi.sandbox import Sandbox

from .conftest import CLERK, PHX, SK, Stack, counted

VALUES = {
    "posthogApiKey": PHX,
    "posthogRegion": "eu",
    "posthogProjectId": "12345",
    "stripeApiKey": SK,
    "clerkSecretKey": CLERK,
}

Discover = Callable[..., Stack]


@pytest.fixture
def discovered(stack: Stack, sandbox: Sandbox, tmp_path: Path) -> Discover:
    """Connects six integrations, discovers them into a folder, and runs the commands that make its stack ready."""
    sandbox.connect("posthog", {"apiKey": PHX, "region": "eu", "projectId": "12345"})
    sandbox.connect("stripe", {"apiKey": SK})
    sandbox.connect("clerk", {"secretKey": CLERK})
    for provider in ("slack", "google-calendar", "pylon"):
        sandbox.complete_session(sandbox.connect(provider)["sessionId"])
    sandbox.set_sync("clerk", "FAILED", error_message="made up")

    def discover(*options: str) -> Stack:
        folder = tmp_path / "acme"
        environ = {"OUTLIT_API_KEY": sandbox.api_key, "OUTLIT_API_URL": sandbox.url}
        out = io.StringIO()
        outside = Surroundings(environ=environ, out=console(out, environ), err=console(out, environ))
        assert main(["discover", "--json", "--out", str(folder), *options], outside) == 0, out.getvalue()
        # What `pulumi install` would make, with the package of this checkout in it.
        (folder / "venv").symlink_to(sys.prefix, target_is_directory=True)
        env = {name: value for name, value in stack.env.items() if name != "PULUMI_STACK"}
        project = Stack(folder, env, [out.getvalue()])
        ready(project, json.loads(out.getvalue()))
        counted(sandbox)
        return project

    def ready(project: Stack, summary: dict[str, Any]) -> None:
        values = VALUES | {"outlit:apiKey": sandbox.api_key}
        for command in summary["commands"]:
            program, *arguments = shlex.split(command)
            assert program == "pulumi"
            if arguments[0] in ("stack", "config"):
                project.ok(*arguments, stdin=values.get(arguments[-1], ""))

    return discover


def connection_ids(project: Stack) -> dict[str, str]:
    """Resource name to connection id, in the state."""
    return {name: resource["id"] for name, resource in project.resources().items()}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="as they are"),
        pytest.param(("--credentials",), id="with credentials", marks=pytest.mark.full),
    ],
)
def test_up_takes_over_what_was_discovered(discovered: Discover, sandbox: Sandbox, options: tuple[str, ...]) -> None:
    """Nothing is sent; then there is nothing to do, also for a refresh; a destroy keeps every connection."""
    project = discovered(*options)
    before = sandbox.connections()
    project.up()
    assert counted(sandbox).keys().isdisjoint({"connect", "disconnect"})
    assert connection_ids(project) == {c["provider"]: c["connectionId"] for c in before}
    project.ok("preview", "--expect-no-changes")
    project.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    outputs = json.loads(project.ok("stack", "output", "--json").output)
    assert outputs == connection_ids(project)
    project.destroy()
    assert sandbox.connections() == before
    assert project.leaks() == []


@pytest.mark.full
def test_a_credential_that_changes_later_is_sent(discovered: Discover, sandbox: Sandbox) -> None:
    """What was set at first counts as the one in use."""
    project = discovered("--credentials")
    project.up()
    counted(sandbox)
    project.secret("stripeApiKey", SK + "new")
    project.up()
    assert counted(sandbox)["connect"] == 1
    assert project.leaks() == []
