"""No credential shows, whatever is done and whatever goes wrong on the way."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import pytest

from outlit_pulumi.sandbox.faults import Kind
from tests.conftest import LONG
from tests.faults.deployment import Deployment
from tests.faults.service import Service

from .canaries import API_KEYS, SHAPES
from .operations import OPERATIONS, Config
from .outside import Outside
from .screen import Screen

EXTRA = "extra-0001"
"""A provider that the catalogue does not know: it takes any config, and all of it is secret."""

IN_BASE_URL = "in the base URL"
BASE = f"/{SHAPES[IN_BASE_URL]}/{API_KEYS[IN_BASE_URL]}"

STATUSES = (302, 400, 401, 403, 404, 429, 500, 504)
SLOW = {"delay": {"seconds": 100}, "drip": {"seconds": 100}}
ALSO_AFTER = ("answer", "delay", "reset", "html", "empty")
"""The kinds that can also come after the work. (So can `huge`, but its 17 MiB take a while.)"""


def faults() -> Iterator[dict[str, Any]]:
    """Every kind of fault, before and after the work."""
    for kind in typing.get_args(Kind):
        for after in ({}, {"after": True}) if kind in ALSO_AFTER else ({},):
            for status in STATUSES if kind == "answer" else (None,):
                yield {"kind": kind, **after, **SLOW.get(kind, {}), **({"status": status} if status else {})}


def some(number: int) -> Config:
    """A third of the shapes, each number the next third, and the one in the base URL; in a long run all."""
    third = list(SHAPES.items())[slice(None) if LONG else slice(number % 3, None, 3)]
    return {**dict(third), IN_BASE_URL: SHAPES[IN_BASE_URL]}


def backwards(config: Config) -> Config:
    """Another config of the same shapes."""
    return {name: secret[::-1].strip() for name, secret in config.items()}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(extra_providers=1)
    yield made
    made.close()


def leaks(service: Service, name: str, api_key: str, old: Config, fault: dict[str, Any] | None) -> list[str]:
    """What an operation shows that meets a fault, and the same again without it. No fault: nothing listens at first."""
    operation, new = OPERATIONS[name], backwards(old)
    outside = Outside(service, service.tenant(), api_key, BASE)
    stack, screen = Deployment(), Screen()
    with screen.logging():
        operation.prepare(stack, outside.run(), EXTRA, old)
        if fault is None:
            service.refuse(100)
        else:
            service.fault(**fault)
        screen.command(stack, operation.run(stack, outside.run(), EXTRA, old, new))
        service.clear_faults()
        screen.command(stack, operation.run(stack, outside.run(), EXTRA, old, new))
    return screen.leaks(api_key, *SHAPES.values(), *backwards(SHAPES).values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_fault_on_a_route_shows_a_credential(service: Service, name: str) -> None:
    """Every operation, with every kind of fault on every route that it calls: once or from then on (long: both)."""
    keys = list(API_KEYS.values())
    for number, fault in enumerate(faults()):
        for route in OPERATIONS[name].routes:
            once_or_always = (1,) if fault["kind"] == "huge" else (1, None) if LONG else ((1, None)[number % 2],)
            for times in once_or_always:
                met = {"route": route, "times": times, **fault}
                assert leaks(service, name, keys[number % len(keys)], some(number), met) == [], met


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_fault_on_all_routes_shows_a_credential(service: Service, name: str) -> None:
    """Every operation, with every kind of fault on whatever it calls, and nothing listening at all."""
    keys = list(API_KEYS.values())
    for number, fault in enumerate(faults()):
        met = {"route": "*", "times": None, **fault} if fault["kind"] != "huge" else None
        assert leaks(service, name, keys[-1 - number % len(keys)], dict(SHAPES), met) == [], met
