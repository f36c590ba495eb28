"""`outlit-pulumi connect` waits in a terminal while a person answers in the browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.sandbox.page import DENIED
from outlit_pulumi.sandbox.store import SESSION_SECONDS
from tests.engine.conftest import Stack

from .conftest import Window


class Connecting:
    """A `connect` command that waits for a person."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout
        self._lines: list[str] = []
        for line in process.stdout:
            self._lines.append(line)
            if line.startswith("http"):
                break
        assert self._lines
        assert self._lines[-1].startswith("http"), self._lines
        self.url = self._lines[-1].strip()

    def end(self) -> tuple[int, str]:
        """Its exit code and all that it printed."""
        rest, _ = self._process.communicate(timeout=120)
        return self._process.returncode, "".join(self._lines) + rest


@contextmanager
def connecting(sandbox: Sandbox, provider: str = "slack") -> Iterator[Connecting]:
    """Starts `connect`; when the block begins, it has printed the link."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OUTLIT_")}
    env |= {"OUTLIT_API_URL": sandbox.url, "OUTLIT_API_KEY": sandbox.api_key}
    command = [sys.executable, "-m", "outlit_pulumi", "connect", provider, "--no-browser"]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Connecting(process)
        finally:
            process.kill()  # else a test that fails would wait for the five minutes of the command


def press(page: Page, name: str) -> None:
    """Presses a button."""
    page.get_by_role("button", name=name, exact=True).click()


def test_the_whole_story(window: Window, sandbox: Sandbox, stack: Stack) -> None:
    """A person connects Slack, Pulumi tracks it, and notices that somebody disconnected it."""
    with connecting(sandbox) as command:
        assert command.url == f"{sandbox.url}/integrations"
        with window.page(command.url) as page:
            expect(page.get_by_role("heading", name="Connect Slack?")).to_be_visible()
            press(page, "Approve Slack")
            expect(page.get_by_role("status")).to_contain_text("Slack is connected")
        code, output = command.end()
    assert code == 0, output
    assert "Slack is connected (connection slack-org_acme)" in output

    stack.program('outlit.Integration("slack", provider="slack", adopt_existing=True)')
    stack.up()
    assert stack.resources()["slack"]["id"] == "slack-org_acme"
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    with window.page(f"{sandbox.url}/integrations") as page:
        page.get_by_role("link", name="Disconnect Slack").click()
        expect(page.get_by_text("permanently deletes everything that Outlit synced from Slack")).to_be_visible()
        press(page, "Disconnect and delete the data of Slack")
        expect(page.get_by_role("status")).to_contain_text("Slack is disconnected")
    stack.fails("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    stack.ok("refresh", "--yes", "--skip-preview")
    assert stack.resources() == {}


@pytest.mark.full
def test_a_person_says_no(window: Window, sandbox: Sandbox) -> None:
    with connecting(sandbox) as command:
        with window.page(command.url) as page:
            press(page, "Deny Slack")
            expect(page.get_by_role("status")).to_contain_text("Slack was not connected")
        code, output = command.end()
    assert (code, DENIED.rstrip(".") in output) == (1, True), output
    assert sandbox.connections() == []


@pytest.mark.full
def test_nobody_answers_in_time(window: Window, sandbox: Sandbox) -> None:
    """The command ends, and a person who comes too late is told so."""
    with connecting(sandbox) as command, window.page(command.url) as page:
        sandbox.advance(SESSION_SECONDS)
        code, output = command.end()
        press(page, "Approve Slack")
        expect(page.get_by_role("heading", level=1)).to_have_text("This request has expired")
        page.get_by_role("link", name="Back to the integrations").click()
        expect(page.get_by_role("heading", name="Waiting for you")).to_have_count(0)
    assert (code, "expired" in output) == (1, True), output
    assert sandbox.connections() == []


@pytest.mark.full
def test_the_plan_allows_no_more(window: Window, sandbox: Sandbox) -> None:
    sandbox.configure(limit=0)
    with connecting(sandbox) as command:
        with window.page(command.url) as page:
            press(page, "Approve Slack")
            expect(page.get_by_role("status")).to_contain_text("connection limit")
        code, output = command.end()
    assert (code, "connection limit" in output) == (1, True), output


@pytest.mark.full
@pytest.mark.parametrize("scripts", [False, True])
def test_with_the_keyboard_alone(window: Window, sandbox: Sandbox, scripts: bool) -> None:
    """The link past the header comes first; every stop shows where the focus is."""
    session = sandbox.connect("slack")
    with window.page(session["connectUrl"], scripts=scripts) as page:
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to content")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        approve = page.get_by_role("button", name="Approve Slack")
        expect(approve).to_be_focused()
        expect(approve).to_have_css("outline-style", "solid")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Slack is connected")
    assert sandbox.connect_status(session["sessionId"])["status"] == "connected"


@pytest.mark.full
def test_another_site_cannot_answer(window: Window, sandbox: Sandbox) -> None:
    """A page elsewhere that sends the form of this one, as cross-site request forgery does, changes nothing."""
    session = sandbox.connect("slack")["sessionId"]
    form = (
        f'<form method="post" action="{sandbox.url}/integrations/approve">'
        f'<input name="workspace" value="acme"><input name="session" value="{session}"><button>Win a '
        "prize</button></form>"
    )
    elsewhere = sandbox.url.replace("127.0.0.1", "localhost")  # the same server, and yet another site
    with window.page(f"{elsewhere}/integrations") as page:
        page.route("**/prize", lambda route: route.fulfill(body=form, content_type="text/html"))
        page.goto(f"{elsewhere}/prize")
        press(page, "Win a prize")
        expect(page.get_by_text("This form was sent from another site. Nothing was changed.")).to_be_visible()
    assert sandbox.connect_status(session)["status"] == "pending"
