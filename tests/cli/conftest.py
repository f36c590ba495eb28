"""A sandbox, and a command line that talks to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outlit_pulumi.sandbox import Sandbox

from .terminal import KEY, Cli


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A workspace `acme` whose key has a canary in it."""
    with Sandbox(workspace="acme", api_key=KEY, extra_providers=1) as running:
        yield running


@pytest.fixture
def cli(sandbox: Sandbox) -> Cli:
    """Runs `outlit-pulumi` in that workspace."""
    return Cli(sandbox)
