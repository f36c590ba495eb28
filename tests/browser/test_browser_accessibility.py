"""Everybody can use the page: axe's rules (WCAG 2.2 AA and good practice), in both colour schemes; narrow screens."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from outlit_pulumi.sandbox import Sandbox

from .conftest import Window

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}
LONG = "w" * 64
"""As long as the name of a workspace may be, with no place to break it."""

PAGES = {
    "everything": "/integrations?workspace=acme&session={denied}",
    "good news": "/integrations?workspace=acme&disconnected=supabase",
    "nothing": f"/integrations?workspace={LONG}",
    "workspaces": "/integrations",
    "disconnect": "/integrations/disconnect?workspace=acme&provider=stripe",
    "problem": "/integrations?workspace=nowhere",
}


@pytest.fixture
def addresses(sandbox: Sandbox) -> dict[str, str]:
    """The addresses of pages that together have all that can be shown."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    sandbox.connect("clerk", {"secretKey": "sk_made_up"})
    sandbox.connect("fireflies", {"apiKey": "made_up"})
    sandbox.connect("granola", {"apiKey": "made_up"})
    sandbox.set_sync("stripe", "FAILED", error_message="Stripe answered 401. " + "x" * 200)
    sandbox.set_sync("clerk", "PAUSED")
    sandbox.set_sync("granola", "SUCCESS")
    sandbox.connect("slack")
    sandbox.connect("slack")
    sandbox.add_workspace(LONG)
    denied = sandbox.connect("pylon")["sessionId"]
    sandbox.complete_session(denied, "failed", error="Denied. " + "x" * 200)
    return {name: sandbox.url + path.format(denied=denied) for name, path in PAGES.items()}


def violations(page: Page) -> tuple[list[str], list[str]]:
    """The broken rules with their elements, and the rules that axe could not judge."""
    page.evaluate(AXE)
    results: dict[str, Any] = page.evaluate("options => axe.run(document, options)", OPTIONS)
    assert "color-contrast" in {rule["id"] for rule in results["passes"]}
    broken = [f"{rule['id']}: {node['html']}" for rule in results["violations"] for node in rule["nodes"]]
    return broken, [rule["id"] for rule in results["incomplete"]]


@pytest.mark.parametrize("width", [320, pytest.param(1200, marks=pytest.mark.full)])
@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.full), "dark"])
def test_no_rule_is_broken(window: Window, addresses: dict[str, str], scheme: str, width: int) -> None:
    for name, address in addresses.items():
        with window.page(address, scheme=scheme, width=width, scripts=True) as page:
            assert violations(page) == ([], []), name


@pytest.mark.full
def test_axe_finds_what_is_broken(window: Window, addresses: dict[str, str]) -> None:
    with window.page(addresses["everything"], scripts=True) as page:
        page.evaluate("document.documentElement.lang = ''; document.querySelector('h1').style.color = '#ccc'")
        broken, _ = violations(page)
        assert {entry.partition(":")[0] for entry in broken} == {"html-has-lang", "color-contrast"}


@pytest.mark.full
def test_only_the_sandbox_is_asked(window: Window, addresses: dict[str, str], sandbox: Sandbox) -> None:
    asked: set[str] = set()
    for address in addresses.values():
        with window.page(address) as page:
            page.on("request", lambda request: asked.add(request.url))
            page.reload()
    assert f"{sandbox.url}/integrations/style.css" in asked
    assert [url for url in asked if not url.startswith(f"{sandbox.url}/integrations")] == []


@pytest.mark.full
def test_dark_is_dark(window: Window, addresses: dict[str, str]) -> None:
    for scheme, colour in (("light", "rgb(247, 247, 249)"), ("dark", "rgb(20, 21, 26)")):
        with window.page(addresses["everything"], scheme=scheme) as page:
            expect(page.locator("body")).to_have_css("background-color", colour)


@pytest.mark.full
@pytest.mark.parametrize("width", [320, 360, 1200])
def test_nothing_is_wider_than_the_screen(window: Window, addresses: dict[str, str], width: int) -> None:
    for name, address in addresses.items():
        with window.page(address, width=width, scripts=True) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.full
def test_landmarks_headings_and_names(window: Window, addresses: dict[str, str]) -> None:
    with window.page(addresses["everything"]) as page:
        expect(page).to_have_title("Integrations of acme – Outlit sandbox")
        for landmark in ("banner", "main", "contentinfo"):
            expect(page.get_by_role(landmark)).to_have_count(1)
        assert page.get_by_role("heading", level=1).all_text_contents() == ["Integrations"]
        sections = [item.get_attribute("aria-labelledby") for item in page.get_by_role("region").all()]
        assert sections == ["waiting", "connected", "others"]
        # What a button is about is part of its name, since people who cannot see meet it without its card.
        expect(page.get_by_role("button", name="Approve Slack", exact=True)).to_have_count(2)
        expect(page.get_by_role("link", name="Disconnect Stripe", exact=True)).to_have_count(1)
        # Colour is never alone: the status is a word.
        stripe = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Stripe"))
        expect(stripe).to_contain_text("Connected, but a sync is failing")
