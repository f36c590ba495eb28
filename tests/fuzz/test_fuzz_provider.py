"""Through the provider as the SDK drives it: documented errors and failures without a property, whatever comes in."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.output import Unknown

from outlit_pulumi.dynamic import IntegrationProvider
from outlit_pulumi.errors import OutlitError
from outlit_pulumi.lifecycle.check import UNKNOWN
from outlit_pulumi.sandbox import Sandbox

from .strategies import anticipated, examples, texts
from .test_fuzz_inputs import inputs, states
from .test_fuzz_settings import configs

DEAD = "http://127.0.0.1:9"
"""Nothing listens there."""


@pytest.fixture(scope="module")
def provider() -> Iterator[IntegrationProvider]:
    """A provider on a sandbox in which Stripe is connected."""
    with Sandbox(frozen=True) as sandbox:
        sandbox.connect("stripe", {"apiKey": "sk_x"})
        yield configured({"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url})


@pytest.fixture(autouse=True)
def _tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider takes tracebacks away from its whole process."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)


def configured(config: dict[str, Any]) -> IntegrationProvider:
    """A provider with this configuration."""
    made = IntegrationProvider()
    made.configure(ConfigureRequest(Config(config, "trial")))
    return made


def unknown(value: Any) -> Any:
    """The same value with what a preview does not know as Pulumi has it."""
    if isinstance(value, dict):
        return {name: unknown(inner) for name, inner in value.items()}
    return Unknown() if value is UNKNOWN else value  # type: ignore[no-untyped-call]


def checked(provider: IntegrationProvider, olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Whether check found nothing wrong; what it found can be read, and has no property."""
    found = provider.check(olds, news)
    for failure in found.failures:
        assert (failure.property, failure.reason.strip() != "") == ("", True)
    return not found.failures


@examples(150)
@given(olds=inputs, news=inputs)
def test_any_inputs(provider: IntegrationProvider, olds: dict[str, Any], news: dict[str, Any]) -> None:
    """Check and diff; then what the engine does with inputs in which check finds nothing wrong."""
    olds, news = unknown(olds), unknown(news)
    before = repr(news)
    good = checked(provider, olds, news)
    provider.diff("id", olds, news)
    if good and "Unknown" not in before:
        state = {"provider": "stripe", "connection_id": "stripe-org_sandbox"}
        found = provider.diff("id", state, news)
        steps: list[Callable[[], object]] = [lambda: provider.create(news)]
        if found.changes and not found.replaces:
            steps.append(lambda: provider.update("id", state, news))
        for step in steps:
            try:
                step()
            except OutlitError as error:
                anticipated(error)
    assert repr(news) == before


@examples(60)
@given(state=states, id_=texts)
def test_any_state(provider: IntegrationProvider, state: dict[str, Any], id_: str) -> None:
    """Read, update and delete of what a state may hold."""
    before = copy.deepcopy(state)
    news = {"provider": "stripe", "config": {"apiKey": "sk_y"}}
    for operation in (
        lambda: provider.read(id_, state),
        lambda: provider.update(id_, state, news),
        lambda: provider.delete(id_, state),
    ):
        try:
            operation()
        except OutlitError as error:
            anticipated(error)
    assert repr(state) == repr(before)


@examples(150)
@given(config=configs, news=inputs)
def test_any_configuration(config: dict[str, Any], news: dict[str, Any]) -> None:
    """Configure never raises; check reports what is wrong with it, and nothing can be done until it is right."""
    made = configured({**config, "outlit:apiKey": f"{config.get('outlit:apiKey')} "})
    assert not checked(made, {}, {**unknown(news), "provider": "stripe"})
    with pytest.raises(OutlitError) as caught:
        made.read("stripe-org_1", {"provider": "stripe"})
    anticipated(caught.value)


@examples(2)
@given(state=st.just({"provider": "stripe", "connection_id": "stripe-org_1"}))
def test_a_dead_service(state: dict[str, Any]) -> None:
    """Each operation fails with an error of the package, within the time."""
    made = configured({"outlit:apiKey": "ok_live", "outlit:baseUrl": DEAD, "outlit:timeout": "1"})
    for operation in (
        lambda: made.create({"provider": "stripe", "config": {"apiKey": "sk_x"}}),
        lambda: made.read("stripe-org_1", state),
        lambda: made.delete("stripe-org_1", state),
    ):
        with pytest.raises(OutlitError) as caught:
            operation()
        anticipated(caught.value)
