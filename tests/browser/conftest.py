"""A real headless Chromium, and what a person sees in it of a sandbox."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.engine.conftest import engine_path, prepared, sandbox, stack

__all__ = ["Window", "engine_path", "prepared", "sandbox", "stack", "window"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")

# Without a sandbox of its own it also runs as root, and without the rest also in a closed network.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_TIMEOUT_MS = 60_000
"""Only ends a test that is broken."""


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        missing = f"no Chromium on PATH (looked for {', '.join(_NAMES)}); Debian's is the package chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}. CI runs the browser tests.")
        pytest.skip(missing)
    return found


# Not for the session: while it is there, its event loop counts as running, and a test of another module can have no
# other.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with a new profile."""
    executable = _chromium()
    expect.set_options(timeout=_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=_FLAGS)
        yield browser
        browser.close()


class Window:
    """Opens pages, each with cookies and settings of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @contextmanager
    def page(self, url: str, *, scheme: str = "light", width: int = 1200, scripts: bool = False) -> Iterator[Page]:
        """The page at a URL. At the end, nothing of it must have been against its own security policy.

        Args:
            url: Its address.
            scheme: The preferred colours, ``light`` or ``dark``.
            width: The width in CSS pixels.
            scripts: Whether JavaScript is on, which the page does not need: only some tests do.
        """
        complaints: list[str] = []

        def says(message: ConsoleMessage) -> None:
            if "Content Security Policy" in message.text:
                complaints.append(message.text)

        context = self._browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        with context:
            page = context.new_page()
            page.set_default_timeout(_TIMEOUT_MS)
            page.on("console", says)
            page.goto(url)
            yield page
            assert complaints == []


@pytest.fixture
def window(browser: Browser) -> Window:
    """Where pages are opened."""
    return Window(browser)
