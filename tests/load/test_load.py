"""Many integrations at once on the real engine, while some calls fail: nothing lost, nothing twice, no error.

Which calls fail is drawn from a seed, at most one of each integration and route, so that a run is the same every time:
what settles a call that failed once is never hit again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any, get_args

import pytest

from benchmarks.deployment import CATALOGUE
from benchmarks.memory import provider_memory
from outlit_pulumi.sandbox import Sandbox, fingerprint
from outlit_pulumi.sandbox.faults import RouteName
from tests.engine.conftest import CANARY, Stack, counted

pytestmark = pytest.mark.full

CONFIGS = dict(sorted(CATALOGUE.items()))

# What a network does to one call in a hundred; all of it is repeated or settled within the operation.
MISHAPS: tuple[dict[str, Any], ...] = (
    {"kind": "reset"},
    {"kind": "reset", "after": True},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 500},
    {"status": 502, "after": True},
    {"status": 503},
    {"kind": "html"},
    {"kind": "truncated"},
    {"kind": "empty", "after": True},
)

Target = tuple[str, str]
"""Workspace and provider."""


def mishaps(sandbox: Sandbox, targets: Iterable[Target], share: float, seed: int) -> int:
    """Lets that share of the calls of the next command fail, and one list call of each workspace. Returns how many."""
    draw = random.Random(seed)
    sandbox.clear_faults()
    planned = 0
    for workspace, provider in targets:
        for route in ("connect", "disconnect", "sync_status"):
            if draw.random() < share:
                sandbox.fault(as_route(route), provider=provider, workspace=workspace, **draw.choice(MISHAPS))
                planned += 1
    for workspace in sorted({workspace for workspace, _ in targets}):
        sandbox.fault("list", workspace=workspace, status=503)
        planned += 1
    return planned


def as_route(name: str) -> RouteName:
    """The name, as the type that it is of."""
    return next(route for route in get_args(RouteName) if route == name)


def with_secret(provider: str, config: dict[str, str], secret: str) -> dict[str, str]:
    """The config with its credential filled in, which no other provider has."""
    return {name: value or f"{secret}-{provider}" for name, value in config.items()}


def go_through(
    stack: Stack, sandbox: Sandbox, keys: dict[str, str], configs: dict[str, dict[str, str]], share: float
) -> float:
    """Up, up again, rotate, refresh, destroy, with some calls failing; returns a provider's peak memory in MiB."""
    targets = [(workspace, provider) for workspace in keys for provider in configs]

    def in_use() -> list[str | None]:
        return [item["fingerprint"] for key in keys.values() for item in sandbox.connections(key)]

    def expected(secret: str) -> list[str]:
        return [fingerprint(with_secret(name, config, secret)) for _ in keys for name, config in configs.items()]

    with provider_memory(stack.folder) as peak:
        assert mishaps(sandbox, targets, share, seed=1) > len(keys)
        stack.up()
        assert sorted(in_use(), key=str) == sorted(expected(f"{CANARY}-1"))
        ids = {name: item["id"] for name, item in stack.resources().items()}
        assert sorted(ids.values()) == sorted(
            c["connectionId"] for key in keys.values() for c in sandbox.connections(key)
        )

        mishaps(sandbox, targets, share, seed=2)
        stack.up()  # sends again what a lost answer left open
        sandbox.clear_faults()
        counted(sandbox)
        assert f"{len(targets) + stack_extras(keys)} unchanged" in stack.up().output
        assert counted(sandbox) == {}

        mishaps(sandbox, targets, share, seed=3)
        stack.secret("secret", f"{CANARY}-2")
        stack.up()
        assert sorted(in_use(), key=str) == sorted(expected(f"{CANARY}-2"))
        assert {name: item["id"] for name, item in stack.resources().items()} == ids

        mishaps(sandbox, targets, share, seed=4)
        stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--diff")
        mishaps(sandbox, targets, share, seed=5)
        stack.ok("destroy", "--yes", "--skip-preview")
    assert in_use() == []
    assert stack.resources() == {}
    assert stack.leaks() == []
    return peak.mib


def stack_extras(keys: dict[str, str]) -> int:
    """How many resources a stack has besides its integrations: itself, and the explicit providers."""
    return 1 + (len(keys) if len(keys) > 1 else 0)


def one_workspace(number: int) -> str:
    """A program of that many made-up providers."""
    return (
        f"for n in range(1, {number + 1}):\n"
        '    token = pulumi.Output.concat(config.require_secret("secret"), f"-extra-{n:04}")\n'
        '    outlit.Integration(f"i{n}", f"extra-{n:04}", {"token": token})\n'
    )


def made_up(number: int) -> dict[str, dict[str, str]]:
    """The configs that `one_workspace` declares."""
    return {f"extra-{n:04}": {"token": ""} for n in range(1, number + 1)}


def test_sixty_integrations_over_ten_workspaces(stack: Stack, sandbox: Sandbox) -> None:
    """Ten explicit Providers, ten provider processes; one call in ten fails."""
    keys = {f"w{n}": sandbox.add_workspace(f"w{n}") for n in range(10)}
    program = f"configs = {CONFIGS!r}\n"
    for name, key in keys.items():
        stack.secret(name, key)
        program += (
            f'p = outlit.Provider("{name}", api_key=config.require_secret("{name}"))\n'
            "for id_, fields in configs.items():\n"
            '    key = pulumi.Output.concat(config.require_secret("secret"), "-", id_)\n'
            "    filled = {k: v or key for k, v in fields.items()}\n"
            f'    outlit.Integration(f"{name}-{{id_}}", id_, filled, opts=ResourceOptions(provider=p))\n'
        )
    stack.program(program)
    stack.secret("secret", f"{CANARY}-1")
    go_through(stack, sandbox, keys, CONFIGS, share=0.1)


@pytest.mark.long
def test_six_hundred_integrations_in_one_stack(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """One call in a hundred fails; a provider process takes hardly more memory than for six."""
    peaks = {}
    for number in (6, 600):
        with Sandbox("acme", extra_providers=number) as service:
            stack.ok("config", "set", "outlit:baseUrl", service.url)
            stack.program(one_workspace(number))
            stack.secret("secret", f"{CANARY}-1")
            peaks[number] = go_through(stack, service, {"acme": service.api_key}, made_up(number), share=0.01)
    with capsys.disabled():
        print(
            f"\npeak memory of a provider process: {peaks[6]:.0f} MiB for 6, {peaks[600]:.0f} MiB for 600 integrations"
        )
    assert peaks[600] <= 1.25 * peaks[6]
