"""A sandbox for each test, and a provider process that is configured for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outlit_pulumi.sandbox import Sandbox

from .hosting import Host, hosting


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A service with one workspace."""
    with Sandbox("acme", frozen=True) as sandbox:
        yield sandbox


@pytest.fixture
def host(sandbox: Sandbox) -> Iterator[Host]:
    """The provider process of one run."""
    with hosting({"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url}) as host:
        yield host
