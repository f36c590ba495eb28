"""Check and difference: pure decisions over declared inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlit_pulumi import UnreachableError
from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.lifecycle import check as judge
from outlit_pulumi.lifecycle.check import UNKNOWN
from outlit_pulumi.lifecycle.decide import difference

CANARY = "phx_CANARY0123456789"
POSTHOG = {"apiKey": CANARY, "region": "us", "projectId": "12345"}
LIVE = {"hubspot": IntegrationItem(id="hubspot", status="not_connected")}


def live() -> Mapping[str, IntegrationItem]:
    return LIVE


def no_list() -> Mapping[str, IntegrationItem]:
    raise AssertionError("the list was asked for")


def check(provider: Any, config: Any = None, olds: Mapping[str, Any] | None = None, **more: Any) -> judge.Checked:
    news = {"provider": provider, "config": config, "adopt_existing": False, "on_config_change": "reconnect", **more}
    return judge.check(olds or {}, news, offered=live, page="https://outlit.test")


BAD: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown provider": ({"provider": "posthgo"}, ('"posthgo" is unknown', 'Did you mean "posthog"?')),
    "unknown provider near the live list": ({"provider": "hubspt"}, ('Did you mean "hubspot"?',)),
    "unlike anything": ({"provider": "zzzzzz"}, ("Known are slack, fireflies",)),
    "no provider": ({"provider": None}, ("provider must be a provider id as text",)),
    "blank provider": ({"provider": ""}, ("provider must be a provider id as text",)),
    "provider not text": ({"provider": 5}, ("provider must be a provider id as text",)),
    "key as provider": ({"provider": CANARY}, ("not shown: it may be",)),
    "typo in a field": (
        {"provider": "posthog", "config": {"apikey": CANARY, "region": "us", "projectId": "1"}},
        ('"apikey" is not one of PostHog', "Did you mean apiKey?", "apiKey of PostHog is missing"),
    ),
    "python name": (
        {"provider": "stripe", "config": {"api_key": CANARY}},
        ('"api_key" is not one of Stripe', "Did you mean apiKey?"),
    ),
    "extra field": ({"provider": "posthog", "config": {**POSTHOG, "host": "CANARY"}}, ('"host" is not one of',)),
    "key as field": (
        {"provider": "stripe", "config": {CANARY: "x"}},
        ("not shown: it may be a credential", "Is a credential in the wrong place? It takes apiKey."),
    ),
    "live provider, key as field": (
        {"provider": "hubspot", "config": {CANARY: "x"}},
        ("not shown: it may be", '"hubspot" looks like a credential in the wrong place. Write the name of its field'),
    ),
    "key as region": (
        {"provider": "posthog", "config": {**POSTHOG, "apiKey": "us", "region": CANARY}},
        ("region of PostHog looks like a credential, and this field is stored in the clear", "belong in apiKey."),
    ),
    "key as project": (
        {"provider": "posthog", "config": {**POSTHOG, "projectId": f"{CANARY}x"}, "config_class": "PostHogConfigArgs"},
        ("project_id of PostHog looks like a credential, and this field is stored in the clear", "belong in api_key."),
    ),
    "key in a long url": (
        {
            "provider": "supabase",
            "config": {"projectUrl": f"https://x.co/{'a/' * 200}?k=eyJCANARY", "serviceRoleKey": "k"},
        },
        ("projectUrl of Supabase Auth looks like a credential", "belong in serviceRoleKey."),
    ),
    "one value for two fields": (
        {"provider": "posthog", "config": {"apiKey": "CANARY", "region": "us", "projectId": "CANARY"}},
        ("projectId of PostHog has the value of apiKey, a credential, and this field is stored in the clear",),
    ),
    **{
        f"url with {part}": (
            {"provider": "supabase", "config": {"projectUrl": url, "serviceRoleKey": "CANARY"}},
            ("projectUrl of Supabase Auth must be an https URL without user, query or fragment: this field is stored",),
        )
        for part, url in {
            "user": "https://CANARYuser@x.co",
            "password": "https://:CANARYuser@x.co",
            "query": "https://x.co?k=CANARYkey",
            "fragment": "https://x.co#CANARYkey",
        }.items()
    },
    "missing field": (
        {"provider": "posthog", "config": {"apiKey": CANARY, "region": "us"}},
        ("projectId of PostHog is missing",),
    ),
    "null field": ({"provider": "stripe", "config": {"apiKey": None}}, ("apiKey of Stripe is missing",)),
    "blank": ({"provider": "posthog", "config": {**POSTHOG, "apiKey": "  "}}, ("apiKey of PostHog is blank",)),
    "blank twice": (
        {"provider": "posthog", "config": {"apiKey": " ", "region": "us", "projectId": " "}},
        ("apiKey of PostHog is blank", "projectId of PostHog is blank"),
    ),
    "line break": ({"provider": "stripe", "config": {"apiKey": CANARY + "\n"}}, ("apiKey of Stripe has white space",)),
    "wrong region": ({"provider": "posthog", "config": {**POSTHOG, "region": "CANARY"}}, ("must be one of us, eu",)),
    "number": (
        {"provider": "posthog", "config": {**POSTHOG, "projectId": 12345}},
        ("projectId of PostHog must be text",),
    ),
    "http url": (
        {"provider": "supabase", "config": {"projectUrl": "http://CANARY.co", "serviceRoleKey": "CANARY"}},
        ("projectUrl of Supabase Auth must be an https URL",),
    ),
    "broken url": (
        {"provider": "supabase", "config": {"projectUrl": "https://[CANARY", "serviceRoleKey": "CANARY"}},
        ("projectUrl of Supabase Auth must be an https URL",),
    ),
    "config not a mapping": ({"provider": "posthog", "config": CANARY}, ("config of PostHog must hold apiKey",)),
    "config for a browser provider": (
        {"provider": "slack", "config": {"token": CANARY}},
        ("Slack takes no config", "https://outlit.test/integrations"),
    ),
    "browser without adopt": ({"provider": "slack"}, ("browser session", "https://outlit.test/integrations")),
    "none for a direct one": ({"provider": "posthog"}, ("PostHog has no config", "PostHogConfigArgs(api_key, region")),
    "adopt with replace": (
        {"provider": "slack", "adopt_existing": True, "on_config_change": "replace"},
        ("adopt_existing=True cannot go with",),
    ),
    "adopt not a flag": (
        {"provider": "posthog", "config": POSTHOG, "adopt_existing": "CANARY"},
        ("adopt_existing must be True or False",),
    ),
    "wrong mode": (
        {"provider": "posthog", "config": POSTHOG, "on_config_change": "CANARY"},
        ("on_config_change must be",),
    ),
    "live provider, blank field": ({"provider": "hubspot", "config": {"token": ""}}, ("is blank",)),
    "live provider, empty config": ({"provider": "hubspot", "config": {}}, ("at least one field",)),
}


@pytest.mark.parametrize(("news", "said"), list(BAD.values()), ids=list(BAD))
def test_bad_inputs(news: dict[str, Any], said: tuple[str, ...]) -> None:
    failures = check(**news).failures
    text = "\n".join(failures)
    assert all(part in text for part in said), text
    assert "CANARY" not in text


@pytest.mark.parametrize(
    ("args_class", "named"),
    [(None, ("apiKey", "region", "projectId")), ("PostHogConfigArgs", ("api_key", "region", "project_id"))],
)
def test_fields_are_named_as_the_program_wrote_them(args_class: str | None, named: tuple[str, ...]) -> None:
    """In an args class, or in a mapping with the API's names."""
    missing = check("posthog", {}, config_class=args_class).failures
    wrong = check("posthog", {"apiKey": " ", "region": "CANARY", "projectId": 5}, config_class=args_class).failures
    for failures in (missing, wrong):
        assert [failure.partition(" of PostHog ")[0] for failure in failures] == [f"config field {n}" for n in named]
        assert not any("CANARY" in failure for failure in failures)


@pytest.mark.parametrize("config", [{"apiKey": CANARY}, {}, UNKNOWN, {"apiKey": UNKNOWN}])
def test_the_args_class_of_another_provider_is_one_message(config: Any) -> None:
    (failure,) = check("posthog", config, config_class="StripeConfigArgs").failures
    assert failure == ('config is a "StripeConfigArgs". PostHog takes PostHogConfigArgs(api_key, region, project_id).')


def test_a_class_with_a_long_name_is_not_shown() -> None:
    (failure,) = check("stripe", {"apiKey": CANARY}, config_class=CANARY * 2).failures
    assert "takes StripeConfigArgs(api_key)" in failure
    assert "CANARY" not in failure


@pytest.mark.parametrize("seconds", [1, 1.5, 3600, None, UNKNOWN])
def test_a_good_wait(seconds: Any) -> None:
    assert check("posthog", POSTHOG, wait_for_sync=seconds).failures == []


@pytest.mark.parametrize("seconds", [0, 0.5, 3601, True, "CANARY", "60", float("nan"), float("inf"), []])
def test_a_bad_wait(seconds: Any) -> None:
    (failure,) = check("posthog", POSTHOG, wait_for_sync=seconds).failures
    assert failure == "wait_for_sync must be a number of seconds from 1 to 3600."


@pytest.mark.parametrize(
    ("provider", "config"),
    [("stripe", {"apiKey": "\ud800"}), ("hubspot", {"token": "\ud800"}), ("hubspot", {"\ud800": "x"})],
)
def test_half_a_character_cannot_be_sent(provider: str, config: Any) -> None:
    (failure,) = check(provider, config).failures
    assert "holds half a character" in failure
    failure.encode()


@pytest.mark.parametrize(
    ("provider", "config", "adopt"),
    [
        ("posthog", POSTHOG, False),
        ("posthog", POSTHOG, True),
        ("posthog", None, True),
        ("slack", None, True),
        ("supabase", {"projectUrl": "https://x.supabase.co", "serviceRoleKey": "k"}, False),
        ("supabase", {"projectUrl": f"https://{'x' * 250}.co/", "serviceRoleKey": "eyJhbGciOiJIUzI1NiJ9"}, False),
        ("clerk", {"secretKey": "k"}, False),
    ],
)
def test_good_inputs_need_no_list(provider: str, config: Any, adopt: bool) -> None:
    news = {"provider": provider, "config": config, "adopt_existing": adopt, "on_config_change": "reconnect"}
    found = judge.check({}, news, offered=no_list)
    assert (found.provider, found.failures) == (provider, [])


def test_an_alias_becomes_the_id() -> None:
    found = check("gmail", adopt_existing=True)
    assert (found.provider, found.failures) == ("google-mail", [])


@pytest.mark.parametrize("config", [{"token": "x"}, None, UNKNOWN, {"token": UNKNOWN}])
def test_a_provider_of_the_live_list_passes(config: Any) -> None:
    found = check("hubspot", config)
    assert (found.provider, found.failures) == ("hubspot", [])


def test_a_provider_of_the_state_needs_no_list() -> None:
    news = {"provider": "salesforce", "config": {"token": "x"}}
    assert judge.check({"provider": "salesforce"}, news, offered=no_list).failures == []


def test_a_list_that_fails_is_told() -> None:
    def broken() -> Mapping[str, IntegrationItem]:
        raise UnreachableError("no answer from https://outlit.test")

    (failure,) = judge.check({}, {"provider": "posthgo"}, offered=broken).failures
    assert 'Did you mean "posthog"?' in failure
    assert "no answer from https://outlit.test" in failure


@pytest.mark.parametrize(
    "news",
    [
        {"provider": UNKNOWN},
        {"provider": UNKNOWN, "config": UNKNOWN},
        {"provider": "posthog", "config": UNKNOWN},
        *({"provider": "posthog", "config": {**POSTHOG, name: UNKNOWN}} for name in POSTHOG),
        {"provider": "supabase", "config": {"projectUrl": UNKNOWN, "serviceRoleKey": UNKNOWN}},
        {"provider": "slack", "adopt_existing": UNKNOWN},
        {"provider": "posthog", "config": POSTHOG, "on_config_change": UNKNOWN},
        {"provider": "posthog", "config": POSTHOG, "adopt_existing": UNKNOWN, "on_config_change": UNKNOWN},
    ],
)
def test_unknown_values_are_tolerated(news: dict[str, Any]) -> None:
    assert judge.check({}, news, offered=no_list).failures == []


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just(UNKNOWN)
JSON_LIKE = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
PROVIDER = st.sampled_from(["posthog", "slack", "supabase", "hubspot", "gmail", "nope"]) | JSON_LIKE
FIELD = st.sampled_from(["apiKey", "region", "projectId", "projectUrl", "serviceRoleKey"]) | st.text()
CONFIG = st.dictionaries(FIELD, JSON_LIKE, max_size=4) | JSON_LIKE
NEWS = st.fixed_dictionaries(
    {}, optional={"provider": PROVIDER, "config": CONFIG, "adopt_existing": JSON_LIKE, "on_config_change": JSON_LIKE}
)


@given(NEWS, NEWS)
def test_check_and_difference_take_anything(olds: dict[str, Any], news: dict[str, Any]) -> None:
    assert all(failure.strip() for failure in judge.check(olds, news, offered=live).failures)
    difference(olds, news)


@given(
    st.sampled_from(["posthog", "stripe", "supabase", "slack", "hubspot"]), st.dictionaries(FIELD, st.just(" C4N4RY "))
)
def test_no_message_holds_a_value(provider: str, config: dict[str, str]) -> None:
    assert not any("C4N4RY" in failure for failure in check(provider, config).failures)


STATE = {"provider": "posthog", "config": POSTHOG, "on_config_change": "reconnect", "adopt_existing": False}
