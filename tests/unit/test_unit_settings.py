"""Where the key, the base URL and the time budget come from, and which values are refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from outlit_pulumi import ConfigurationError, settings

KEY = "ok_CANARY0123456789abcdef0123456789abcdef"


def load(config: Mapping[str, object], environ: Mapping[str, str] | None = None) -> settings.Settings:
    return settings.load(config.get, environ or {})


@pytest.mark.parametrize(
    ("config", "environ", "key", "url"),
    [
        pytest.param({"apiKey": "ok_c"}, {}, "ok_c", settings.DEFAULT_BASE_URL, id="config"),
        pytest.param({}, {"OUTLIT_API_KEY": "ok_e"}, "ok_e", settings.DEFAULT_BASE_URL, id="environment"),
        pytest.param(
            {"apiKey": "ok_c", "baseUrl": "https://c"},
            {"OUTLIT_API_KEY": "ok_e", "OUTLIT_API_URL": "https://e"},
            "ok_e",
            "https://e",
            id="environment-wins",
        ),
        pytest.param(
            {"apiKey": "ok_c", "baseUrl": "https://c"},
            {"OUTLIT_API_KEY": "ok_e"},
            "ok_e",
            "https://c",
            id="key-of-environment-url-of-config",
        ),
        pytest.param(
            {"apiKey": "ok_c", "baseUrl": "https://c"},
            {"OUTLIT_API_URL": "https://e"},
            "ok_c",
            "https://e",
            id="url-of-environment-key-of-config",
        ),
        pytest.param(
            {"apiKey": "ok_c", "baseUrl": "https://c", "explicitProvider": "other"},
            {"OUTLIT_API_KEY": "ok_e", "OUTLIT_API_URL": "https://e"},
            "ok_c",
            "https://c",
            id="explicit-wins",
        ),
        pytest.param(
            {"apiKey": "ok_c", "explicitProvider": "other"},
            {"OUTLIT_API_KEY": "ok_e", "OUTLIT_API_URL": "https://e"},
            "ok_c",
            "https://e",
            id="explicit-without-url",
        ),
        pytest.param(
            {"apiKey": "ok_c"}, {"OUTLIT_API_KEY": ""}, "ok_c", settings.DEFAULT_BASE_URL, id="empty-variable"
        ),
    ],
)
def test_precedence(config: dict[str, object], environ: dict[str, str], key: str, url: str) -> None:
    found = load({f"outlit:{name}": value for name, value in config.items()}, environ)
    assert (found.api_key, found.base_url) == (key, url)


@pytest.mark.parametrize(
    "key",
    [
        KEY + "\n",
        " " + KEY,
        KEY[:9] + " " + KEY[9:],
        "sk_CANARY0123456789",
        "CANARY",
        "ok_CANARY\u00e9",
        "ok_CANARY\0",
        5,
    ],
)
def test_a_bad_key_is_refused_without_showing_it(key: object) -> None:
    with pytest.raises(ConfigurationError, match="outlit:apiKey") as caught:
        load({settings.API_KEY: key})
    assert "CANARY" not in str(caught.value)


def test_a_bad_key_of_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="OUTLIT_API_KEY") as caught:
        load({settings.API_KEY: KEY}, {"OUTLIT_API_KEY": "CANARY\r\n"})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_key_says_how_to_set_one(value: object) -> None:
    with pytest.raises(ConfigurationError, match="pulumi config set --secret outlit:apiKey.*OUTLIT_API_KEY"):
        load({settings.API_KEY: value})


def test_an_explicit_provider_without_key_does_not_borrow_the_environments() -> None:
    with pytest.raises(ConfigurationError, match="Provider 'other' is empty"):
        load({settings.EXPLICIT: "other"}, {"OUTLIT_API_KEY": KEY})


@pytest.mark.parametrize(
    "url",
    [
        "http://CANARY.example.com",
        "http://10.0.0.1",
        "https://CANARY:pw@example.com",
        "https://CANARY@example.com",
        "https://example.com?CANARY=1",
        "https://example.com#CANARY",
        "https://example.com/?",
        "https://example.com#",
        "https://",
        "CANARY",
        "ftp://CANARY.example.com",
        "https://example.com:CANARY",
        "https://[CANARY",
        "https://CANARY example.com",
        "http://localhost.CANARY.example.com",
        7,
    ],
)
def test_a_bad_base_url_is_refused_without_showing_it(url: object) -> None:
    with pytest.raises(ConfigurationError, match="outlit:baseUrl") as caught:
        load({settings.API_KEY: KEY, settings.BASE_URL: url})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("https://app.outlit.ai", False),
        ("http://127.0.0.1:8787", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("https://proxy.example.com/outlit", False),
    ],
)
def test_a_good_base_url(url: str, loopback: bool) -> None:
    found = load({settings.API_KEY: KEY, settings.BASE_URL: url + "/"})
    assert (found.base_url, found.loopback) == (url, loopback)


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, 60.0), ("", 60.0), ("1", 1.0), ("90.5", 90.5), (120, 120.0), ("3600", 3600.0)]
)
def test_timeout(value: object, seconds: float) -> None:
    assert load({settings.API_KEY: KEY, settings.TIMEOUT: value}).timeout == seconds


@pytest.mark.parametrize("value", ["CANARY", "0", "0.5", "-1", "3601", "nan", "inf", "1 s"])
def test_a_bad_timeout(value: object) -> None:
    with pytest.raises(ConfigurationError, match="outlit:timeout must be") as caught:
        load({settings.API_KEY: KEY, settings.TIMEOUT: value})
    assert "CANARY" not in str(caught.value)


def test_repr_hides_the_key_and_the_address() -> None:
    shown = repr(load({settings.API_KEY: KEY, settings.BASE_URL: "https://outlit.test/CANARY"}))
    assert "CANARY" not in shown
