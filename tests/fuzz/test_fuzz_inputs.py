"""Whatever a program declares and whatever a state holds, only the package's own errors come out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outlit_pulumi import catalog
from outlit_pulumi.api.errors import ServiceError
from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.errors import OutlitError
from outlit_pulumi.lifecycle import operations, previews
from outlit_pulumi.lifecycle.check import UNKNOWN, check
from outlit_pulumi.lifecycle.decide import difference
from outlit_pulumi.lifecycle.writes import Warn

from .strategies import ITEM, PROVIDERS, anticipated, examples, right, texts, values, workspace

FIELDS = ("apiKey", "region", "projectId", "projectUrl", "serviceRoleKey", "secretKey")
CLASSES = ("StripeConfigArgs", "PostHogConfigArgs", "ConfigArgs")
OUTPUTS = ("connection_id", "display_name", "status", "syncs", "__provider")

maybe_unknown = st.one_of(values, st.just(UNKNOWN))
providers = st.one_of(st.sampled_from(PROVIDERS), maybe_unknown)
configs = st.one_of(
    maybe_unknown,
    st.dictionaries(st.one_of(st.sampled_from(FIELDS), texts), st.one_of(texts, maybe_unknown), max_size=4),
)


def bags(provider: st.SearchStrategy[Any], config: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Inputs or outputs: the known names with any values, some missing, and others."""
    known = st.fixed_dictionaries(
        {},
        optional={
            "provider": provider,
            "config": config,
            "adopt_existing": st.one_of(st.booleans(), maybe_unknown),
            "on_config_change": st.one_of(st.sampled_from(("reconnect", "replace")), maybe_unknown),
            "config_class": st.one_of(st.none(), st.sampled_from(CLASSES), maybe_unknown),
            "wait_for_sync": st.one_of(st.none(), maybe_unknown),
        },
    )
    more = st.dictionaries(st.one_of(st.sampled_from(OUTPUTS), texts), values, max_size=2)
    return st.builds(lambda known, more: {**more, **known}, known, more)


inputs = bags(providers, configs)
states = bags(st.one_of(st.sampled_from(PROVIDERS), values), values)


def listed(*connected: str) -> dict[str, IntegrationItem]:
    """A workspace's list."""
    return {
        name: IntegrationItem(id=name, status="connected" if name in connected else "not_connected", connection_id="c")
        for name in ("stripe", "made-up", "maze-up")
    }


def unavailable() -> dict[str, IntegrationItem]:
    """A list that could not be had."""
    raise ServiceError("Outlit answered 500.", status=500)


@examples(500)
@given(olds=inputs, news=inputs, offered=st.sampled_from((listed, unavailable)))
def test_any_inputs_to_check_and_diff(
    olds: dict[str, Any], news: dict[str, Any], offered: Callable[[], dict[str, IntegrationItem]]
) -> None:
    """Failures that can be read, a decision, and nothing changed in place."""
    before = copy.deepcopy((olds, news))
    found = check(olds, news, offered=offered)
    assert all(failure.strip() for failure in found.failures)
    "".join(found.failures).encode()
    decided = difference(olds, news)
    assert decided.changes or not decided.replaces
    if decided.changes:
        said, _ = previews.foretold(olds, news, decided)
        assert said.strip()
    assert repr((olds, news)) == repr(before)


@st.composite
def sensible(draw: st.DrawFn) -> dict[str, Any]:
    """Inputs that are complete, with any texts in them."""
    provider = draw(st.sampled_from(PROVIDERS))
    spec = catalog.find(provider)
    config = draw(st.dictionaries(texts, texts, min_size=1, max_size=3)) if spec is None else {}
    for item in spec.fields if spec else ():
        right_ones = st.sampled_from(item.choices) if item.choices else texts.map(lambda text: f"https://x{text}")
        config[item.name] = draw(right_ones if item.choices or item.https else texts)
    return {"provider": provider, "config": config or None, "adopt_existing": draw(st.booleans())}


@examples(300)
@given(news=sensible())
def test_what_check_lets_pass_can_be_created(news: dict[str, Any]) -> None:
    """The credentials that it found right can be sent."""
    found = check({}, news, offered=listed)
    if found.failures:
        return
    news = news | {"provider": found.provider}
    one = ITEM | {"id": found.provider, "status": "not_connected", "connectionId": None}
    connected = {"connected": True, "connectionId": "c", "alreadyConnected": False}
    try:
        with workspace([right({"items": [one]}), right(connected)]) as run:
            made = operations.create(run, news, list[str]().append)
    except OutlitError as error:
        anticipated(error)
        assert news["config"] is None
    else:
        assert made.outputs["config"] == news["config"]


NEWS = {"provider": "stripe", "config": {"apiKey": "sk_x"}}
Operation = Callable[[Any, str, dict[str, Any], Warn], object]
OPERATIONS: dict[str, Operation] = {
    "read": operations.read,
    "update": lambda run, id_, state, warn: operations.update(run, id_, state, NEWS, warn),
    "delete": operations.delete,
}


@pytest.mark.parametrize("name", OPERATIONS)
@examples(150)
@given(state=states, id_=texts, connected=st.booleans())
@example(state={"provider": "stripe", "connection_id": "\ud800\x1b[31m"}, id_="x", connected=False)
@example(state={"provider": "\ud800", "connection_id": "c"}, id_="c", connected=True)
def test_any_state(name: str, state: dict[str, Any], id_: str, connected: bool) -> None:
    """A damaged state is an error of its own, or does no harm."""
    provider = state.get("provider")
    held = state.get("connection_id") or id_
    one = {"id": provider, "provider": provider, "status": "connected" if connected else "not_connected"}
    everything = {
        **one,
        "items": [one | {"connectionId": held}],
        "connected": True,
        "connectionId": "c",
        "alreadyConnected": False,
    }
    before, warnings = repr(state), list[str]()
    try:
        with workspace([right(everything)]) as run:
            OPERATIONS[name](run, id_, state, warnings.append)
    except OutlitError as error:
        anticipated(error)
    assert repr(state) == before
    assert all(warning.isprintable() for warning in warnings)


@examples(200)
@given(olds=states, news=inputs)
def test_any_state_to_diff(olds: dict[str, Any], news: dict[str, Any]) -> None:
    """A decision."""
    assert isinstance(difference(olds, news).changes, bool)
