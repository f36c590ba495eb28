"""What a command meets outside of itself, so that tests can put something else in its place."""

from __future__ import annotations

import getpass
import io
import os
import sys
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from ..api.retry import Clock
from .screen import Screen, console

Ask = Callable[[str, bool], str]
"""Asks a person for one line: the prompt, and whether what is typed stays hidden."""


def open_browser(url: str) -> bool:
    """Opens the person's browser; False where there is none that leaves the terminal alone."""
    try:
        browser = webbrowser.get()
        if type(browser) is webbrowser.GenericBrowser and not os.environ.get("BROWSER"):
            return False  # a text browser, which would take over this terminal
        return browser.open(url)
    except (webbrowser.Error, OSError):
        return False


def _out() -> Screen:
    return _console(sys.stdout)


def _err() -> Screen:
    return _console(sys.stderr)


def _console(stream: TextIO) -> Screen:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a locale may lack a character of a name
    return console(stream, os.environ)


@dataclass
class Surroundings:
    """The outside of a command.

    Attributes:
        environ: The environment.
        out: Standard output.
        err: Standard error.
        clock: Where time comes from.
        now: The time of day.
        open_browser: Opens a URL for the person; False when it cannot.
        ask: Asks the person; None where nobody is at a terminal.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    out: Screen = field(default_factory=_out)
    err: Screen = field(default_factory=_err)
    clock: Clock = field(default_factory=Clock)
    now: Callable[[], datetime] = datetime.now
    open_browser: Callable[[str], bool] = open_browser
    ask: Ask | None = None

    @classmethod
    def of_process(cls) -> Surroundings:
        """Those of this process."""
        here = cls()
        if sys.stdin is not None and sys.stdin.isatty() and here.err.on_terminal:
            here.ask = here._ask
        return here

    def _ask(self, prompt: str, hidden: bool) -> str:
        try:
            if hidden:
                return getpass.getpass(prompt)  # which shows the prompt once what is typed is hidden, not before
            return self.err.input(prompt, markup=False, emoji=False)
        except (EOFError, KeyboardInterrupt):
            self.err.print()  # what is said next does not belong on the line of the question
            raise
