"""A sandbox on a frozen clock, and a client that speaks plain HTTP to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Sandbox, Server, Store

PAGE_TIME = 1775845331.0  # 2026-04-10T18:22:11Z, the time in the API page's examples


@pytest.fixture
def store() -> Iterator[Store]:
    """A store of workspace ``123`` (the page's ids end in ``org_123``) whose time moves only by ``advance``."""
    with closing(Store(workspace="123", clock=lambda: PAGE_TIME)) as store:
        yield store


@pytest.fixture
def api(store: Store) -> Iterator[httpx.Client]:
    """A client of ``store`` that sends its key."""
    with Server(store) as server, client(server.url) as api:
        yield api


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    """A client of one sandbox for all tests of a module that only send what changes nothing."""
    with Sandbox("shared") as sandbox, client(sandbox.url) as api:
        yield api


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of workspace ``acme``."""
    with Sandbox("acme") as sandbox:
        yield sandbox


def client(url: str) -> httpx.Client:
    """A client that ignores the environment's proxies."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {DEFAULT_API_KEY}"}, trust_env=False)
