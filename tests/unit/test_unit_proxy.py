"""The environment's proxy is found as other tools find it."""

from __future__ import annotations

import pytest

from outlit_pulumi.proxy import proxy_for

PROXY = "http://proxy.example.com:3128"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("name", "value", "url", "found"),
    [
        ("HTTPS_PROXY", PROXY, "https://app.example.com", PROXY),
        ("https_proxy", PROXY, "https://app.example.com", PROXY),
        ("HTTPS_PROXY", "proxy.example.com:3128", "https://app.example.com", PROXY),
        ("HTTPS_PROXY", "socks5://proxy.example.com", "https://app.example.com", "socks5://proxy.example.com"),
        ("HTTPS_PROXY", PROXY, "http://app.example.com", None),
        ("HTTP_PROXY", PROXY, "http://app.example.com", PROXY),
        ("ALL_PROXY", PROXY, "https://app.example.com", PROXY),
        ("HTTPS_PROXY", "", "https://app.example.com", None),
    ],
)
def test_the_proxy_of_a_scheme(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, url: str, found: str | None
) -> None:
    monkeypatch.setenv(name, value)
    # On macOS and Windows the system's settings would count where nothing is set.
    monkeypatch.setenv("NO_PROXY", "other.example")
    assert proxy_for(url) == found


def test_a_scheme_of_its_own_comes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://other.example")
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxy_for("https://app.example.com") == PROXY


@pytest.mark.parametrize(
    ("hosts", "url", "direct"),
    [
        ("app.example.com", "https://app.example.com", True),
        ("example.com", "https://app.example.com", True),
        (".example.com", "https://app.example.com", True),
        ("one.example, example.com", "https://app.example.com", True),
        ("*", "https://app.example.com", True),
        ("app.example.com:8443", "https://app.example.com:8443/outlit", True),
        ("app.example.com:8443", "https://app.example.com", False),
        ("ample.com", "https://app.example.com", False),
        ("other.example", "https://app.example.com", False),
        ("2001:db8::1", "https://[2001:db8::1]:8443", True),
        ("2001:db8::2", "https://[2001:db8::1]:8443", False),
    ],
)
def test_no_proxy_names_what_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch, hosts: str, url: str, direct: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", hosts)
    assert proxy_for(url) == (None if direct else PROXY)
