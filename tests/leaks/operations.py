"""The six things that are done to an integration, each from a state in which it can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outlit_pulumi.lifecycle.workspace import Workspace
from tests.faults.deployment import Deployment, Inputs, Report, declared

Config = dict[str, str]


@dataclass(frozen=True)
class Operation:
    """One of them.

    Attributes:
        routes: The routes that it calls.
        prepare: Leads up to it, with nothing going wrong.
        run: Does it.
    """

    routes: tuple[str, ...]
    prepare: Callable[[Deployment, Workspace, str, Config], object]
    run: Callable[[Deployment, Workspace, str, Config, Config], Report]


def _program(provider: str, config: Config, **more: Any) -> dict[str, Inputs]:
    return {"it": declared(provider, config, **more)}


def _connected(stack: Deployment, run: Workspace, provider: str, config: Config) -> None:
    assert stack.up(_program(provider, config), run).succeeded


def _replaceable(stack: Deployment, run: Workspace, provider: str, config: Config) -> None:
    assert stack.up(_program(provider, config, on_config_change="replace"), run).succeeded


OPERATIONS = {
    "create": Operation(
        ("list", "connect"),
        lambda stack, run, provider, config: None,
        lambda stack, run, provider, config, other: stack.up(_program(provider, config), run),
    ),
    "adopt": Operation(
        ("list",),
        lambda stack, run, provider, config: run.client.connect(provider, config),
        lambda stack, run, provider, config, other: stack.up(_program(provider, config, adopt_existing=True), run),
    ),
    "read": Operation(
        ("list", "sync_status"), _connected, lambda stack, run, provider, config, other: stack.refresh(run)
    ),
    "update": Operation(
        ("list", "connect"),
        _connected,
        lambda stack, run, provider, config, other: stack.up(_program(provider, other), run),
    ),
    "delete": Operation(
        ("list", "disconnect"), _connected, lambda stack, run, provider, config, other: stack.destroy(run)
    ),
    "replace": Operation(
        ("list", "disconnect", "connect"),
        _replaceable,
        lambda stack, run, provider, config, other: stack.up(
            _program(provider, other, on_config_change="replace"), run
        ),
    ),
}
"""By name."""

PATHS = {
    "list": "/api/integrations",
    "connect": "/api/integrations/connect",
    "disconnect": "/api/integrations/disconnect",
    "sync_status": "/api/integrations/sync-status",
}
"""The paths of the routes that they call."""
