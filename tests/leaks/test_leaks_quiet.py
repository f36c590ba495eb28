"""What is printed of settings, clients, arguments and providers, what is pickled, and what check and diff say."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import dill  # type: ignore[import-untyped]
import pytest
from pulumi.dynamic import Config, ConfigureRequest

import outlit_pulumi
from outlit_pulumi import settings
from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.dynamic import IntegrationProvider
from outlit_pulumi.errors import ConfigurationError, InternalError
from outlit_pulumi.lifecycle.check import check
from outlit_pulumi.lifecycle.decide import difference
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.settings import Settings
from tests.faults.deployment import declared

from .canaries import API_KEYS, SHAPES
from .screen import Screen

DEAD = "http://127.0.0.1:9"
"""Nothing listens there."""

NAMES = set(SHAPES) - {"digits", "in the base URL"}
"""The shapes that nobody takes for a short name of a field or a provider, which is shown."""


def configured(api_key: str, base_url: str) -> IntegrationProvider:
    """A provider as the SDK has it."""
    provider = IntegrationProvider()
    raw = {"outlit:apiKey": api_key, "outlit:baseUrl": base_url, "outlit:timeout": "1"}
    provider.configure(ConfigureRequest(Config(raw, "trial")))
    return provider


@pytest.mark.parametrize("shape", API_KEYS)
def test_nothing_prints_the_api_key(shape: str) -> None:
    """Whatever holds it: `repr` and `str`, also when the base URL has the key in it, and copies of them."""
    api_key, screen = API_KEYS[shape], Screen()
    held = Settings(api_key, f"https://outlit.test/{api_key}/")
    with OutlitClient(held) as client:
        for one in (
            held,
            client,
            Workspace(client),
            client.budget(),
            configured(api_key, DEAD),
            client.hide,
        ):
            screen.show(type(one).__name__, one, repr(one), f"{one}")
        screen.show("copy", copy.copy(held))
    assert screen.leaks(api_key) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_prints_declared_credentials(shape: str) -> None:
    """The argument classes, with plain values in every field."""
    screen = Screen()
    for spec in outlit_pulumi.PROVIDERS.values():
        if spec.args is not None:
            made = spec.args(**{item.attribute: SHAPES[shape] for item in spec.fields})
            screen.show(spec.args.__name__, made, repr(made), f"{made}", repr([made]))
    assert screen.leaks(SHAPES[shape]) == []


@pytest.mark.parametrize("shape", API_KEYS)
def test_a_pickled_provider_holds_nothing(shape: str) -> None:
    """As the SDK serialises it, after it was configured and used."""
    screen = Screen()
    provider = configured(API_KEYS[shape], DEAD)
    provider.check({}, declared("made-up", {"apiKey": SHAPES[shape]}))
    for dumped in (dill.dumps(provider), pickle.dumps(provider), pickle.dumps(provider, 0)):
        screen.show("pickle", dumped.decode("latin-1"), dumped.decode(errors="replace"))
        assert len(dumped) < 100
    assert screen.leaks(API_KEYS[shape], SHAPES[shape]) == []


class Unexpected(dict[str, Any]):
    """Inputs that nobody foresaw: to read them is an error with a credential in its text and in its cause."""

    def items(self) -> Any:
        """Fails."""
        try:
            raise ValueError(SHAPES["plain"])
        except ValueError as error:
            raise KeyError(SHAPES["plain"]) from error


def test_a_bug_shows_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody expected is one line that says where it happened, whatever its text and its causes hold."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)  # the provider sets it for the process
    with pytest.raises(InternalError, match="unexpected KeyError at test_leaks_quiet.py:") as caught:
        configured(API_KEYS["plain"], DEAD).diff("id", {}, Unexpected())
    screen = Screen()
    screen.show("bug", caught.value)
    assert screen.leaks(SHAPES["plain"]) == []
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("shape", SHAPES)
def test_malformed_settings_are_not_repeated(shape: str) -> None:
    """In any setting, from the stack's configuration or the environment, and from an explicit Provider."""
    secret, screen = SHAPES[shape], Screen()
    for config, environ in (
        ({"outlit:apiKey": secret}, {}),
        ({"outlit:apiKey": f"ok_{secret}\n"}, {}),
        ({"outlit:apiKey": f"ok_{secret}é"}, {}),
        ({"outlit:apiKey": secret, "outlit:explicitProvider": "emea"}, {}),
        ({}, {"OUTLIT_API_KEY": secret}),
        *(
            ({"outlit:apiKey": "ok_x", "outlit:baseUrl": url}, {})
            for url in (
                secret,
                f"http://{secret}",
                f"https://{secret}@outlit.test",
                f"https://x:{secret}",
                f"https://[{secret}]",
                f"https://x.test/?{secret}",
                f"https://x.test/#{secret}",
            )
        ),
        ({"outlit:apiKey": "ok_x", "outlit:timeout": secret}, {}),
    ):
        try:
            settings.load(config.get, environ)
        except ConfigurationError as error:
            screen.error(error)
        else:
            continue  # some shapes make a well-formed URL or key
        provider = IntegrationProvider()
        provider.configure(ConfigureRequest(Config(config, "trial")))
        screen.show("check", *(failure.reason for failure in provider.check({}, declared("slack")).failures))
    assert screen.leaks(secret, f"ok_{secret}") == []


def misplaced(secret: str, named: bool) -> list[dict[str, Any]]:
    """Inputs with a credential where it does not belong."""
    values: list[Any] = [secret, f" {secret}", f"{secret}\n", [secret], {"a": secret}, None, 5]
    found = [
        declared(provider, {field: value, "region": secret, "projectId": value, "projectUrl": secret})
        for provider in ("posthog", "stripe", "supabase", "slack", "made-up")
        for field in ("apiKey", "apikey", "serviceRoleKey")
        for value in values
    ]
    found += [declared("stripe") | {"config": value} for value in (secret, [secret])]
    found += [declared("stripe", {"apiKey": "x"}, on_config_change=secret)]
    if named:
        found += [declared(secret), declared("stripe", {secret: secret}), declared("made-up") | {"config": {secret: 5}}]
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_check_and_diff_say_no_value(shape: str) -> None:
    """Through the provider: no value in a failure, and an empty property, so that the engine prints none either."""
    secret, screen = SHAPES[shape], Screen()
    api_key = API_KEYS["percent" if shape == "quotes" else "quotes"]  # another, so that neither hides the other
    provider = configured(api_key, f"{DEAD}/{secret if shape == 'in the base URL' else ''}/{api_key}")
    sane = declared("stripe", {"apiKey": secret})
    with screen.logging():
        for inputs in misplaced(secret, shape in NAMES):
            if inputs["provider"] == "made-up" and inputs["config"] != {secret: 5}:
                continue  # the others are asked for below: each call of a dead service takes a while
            found = provider.check(sane, inputs)
            assert [failure.property for failure in found.failures] == [""] * len(found.failures)
            screen.show("check", *(failure.reason for failure in found.failures))
            found_by_diff = provider.diff("id", sane, inputs)
            screen.show("diff", found_by_diff, vars(found_by_diff), difference(sane, inputs))
        for inputs in misplaced(secret, shape in NAMES):
            screen.show("check", *check({}, inputs, offered=dict, page=DEAD).failures)
    assert screen.leaks(secret, api_key) == []
