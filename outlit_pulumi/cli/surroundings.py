"""What a command meets outside of itself, so that tests can put something else in its place."""

from __future__ import annotations

import getpass
import io
import os
import sys
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import typer
from rich.console import Console

from ..api.retry import Clock
from . import exits

Ask = Callable[[str, bool], str]
"""Asks a person for one line: the prompt, and whether what is typed stays hidden."""

_PIPED_WIDTH = 100_000
"""Columns: what is piped is never folded."""


class Screen(Console):
    """A console that ends the command when it cannot write."""

    def __exit__(self, *raised: object) -> None:
        """Writes what was printed. ``print`` and all else that shows something come through here."""
        try:
            super().__exit__(*raised)
        except OSError as error:
            raise typer.Exit(exits.unwritable(error)) from None

    def on_broken_pipe(self) -> None:
        """Leaves it to `__exit__`; Rich's own way out has another exit code."""
        raise BrokenPipeError


def console(
    file: IO[str], environ: Mapping[str, str], *, terminal: bool | None = None, width: int | None = None
) -> Screen:
    """A console that shows text as it is, without colour when piped (unless with FORCE_COLOR) or with NO_COLOR.

    Args:
        file: Where it writes.
        environ: The environment, for NO_COLOR, FORCE_COLOR, TERM and the like.
        terminal: Whether it writes to a terminal; by default it finds out.
        width: Columns; by default the terminal's, or without end where there is none.
    """
    if isinstance(file, io.TextIOWrapper):
        file.reconfigure(errors="replace")  # a locale may lack a character of a name
    on_terminal = file.isatty() if terminal is None else terminal
    return Screen(
        file=file,
        # Told by Rich itself, a pipe with FORCE_COLOR would be a terminal, with all that moves there.
        force_terminal=on_terminal,
        color_system="standard" if environ.get("FORCE_COLOR") and not on_terminal else "auto",
        width=width if width or on_terminal else _PIPED_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={name: value for name, value in environ.items() if (name, value) != ("COLUMNS", "0")},
    )


def open_browser(url: str) -> bool:
    """Opens the person's browser; False where there is none that leaves the terminal alone."""
    try:
        browser = webbrowser.get()
        if type(browser) is webbrowser.GenericBrowser and not os.environ.get("BROWSER"):
            return False  # a text browser, which would take over this terminal
        return browser.open(url)
    except (webbrowser.Error, OSError):
        return False


@dataclass
class Surroundings:
    """The outside of a command.

    Attributes:
        environ: The environment.
        out: Standard output.
        err: Standard error.
        clock: Where time comes from.
        open_browser: Opens a URL for the person; False when it cannot.
        ask: Asks the person; None where nobody is at a terminal.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    out: Screen = field(default_factory=lambda: console(sys.stdout, os.environ))
    err: Screen = field(default_factory=lambda: console(sys.stderr, os.environ))
    clock: Clock = field(default_factory=Clock)
    open_browser: Callable[[str], bool] = open_browser
    ask: Ask | None = None

    @classmethod
    def of_process(cls) -> Surroundings:
        """Those of this process."""
        here = cls()
        if sys.stdin is not None and sys.stdin.isatty() and here.err.is_terminal:
            here.ask = here._ask
        return here

    def _ask(self, prompt: str, hidden: bool) -> str:
        try:
            if hidden:
                return getpass.getpass(prompt)  # which shows the prompt once what is typed is hidden, not before
            with suppress(ImportError):  # Windows has none
                import termios

                termios.tcflush(sys.stdin, termios.TCIFLUSH)  # typed before the question, it answers another one
            return self.err.input(prompt, markup=False, emoji=False)
        except UnicodeDecodeError:
            problem = exits.UsageError("What was typed is no text in this terminal's encoding. Nothing was done.")
        except (EOFError, KeyboardInterrupt):
            self.err.print()  # what is said next does not belong on the line of the question
            raise
        raise problem  # out here, or it would carry along what was typed
