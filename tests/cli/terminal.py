"""Runs commands in this process, with a clock that does not wait and a person who is not there."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from outlit_pulumi.api.retry import Clock
from outlit_pulumi.cli.app import main
from outlit_pulumi.cli.surroundings import Surroundings, console
from outlit_pulumi.sandbox import Sandbox

KEY = "ok_CANARY_key_of_the_workspace_0123456789"
CANARY = "CANARY"

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Done:
    """How a command ended, what it printed, and what it did outside.

    Attributes:
        code: The exit code.
        out: Standard output.
        err: Standard error.
        opened: The links that it opened.
        asked: The questions that it asked, and whether the answers were hidden.
    """

    code: int
    out: str
    err: str
    opened: list[str] = field(default_factory=list)
    asked: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def data(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """What standard output shows: without colours and the like, and without blanks at the end of lines."""
        return [line.rstrip() for line in _ESCAPES.sub("", self.out).splitlines()]

    @property
    def said(self) -> str:
        """All that was printed."""
        return self.out + self.err


class Time(Clock):
    """Passes only while somebody sleeps. What is planned happens at its time.

    Attributes:
        seconds: The time.
        slept: How long each sleep was.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self._plans: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, what: Callable[[], object]) -> None:
        """Plans something for that many seconds from now."""
        self._plans.append((self.seconds + seconds, what))

    def now(self) -> float:
        return self.seconds

    def date(self) -> datetime:
        return datetime(2026, 4, 10, 18, 30).astimezone()  # half past six, wherever the tests run

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        due = [what for when, what in self._plans if when <= self.seconds]
        self._plans = [plan for plan in self._plans if plan[0] > self.seconds]
        for what in due:
            what()


def interrupt() -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


def no_browser(_: str) -> bool:
    """A machine without one."""
    return False


class Cli:
    """A shell whose environment names the sandbox's workspace.

    Attributes:
        time: What passes while a command waits.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.time = Time()

    def __call__(
        self,
        *arguments: str,
        answers: Iterable[str | type[BaseException]] | None = None,
        environ: Mapping[str, str] | None = None,
        width: int | None = None,
        browser: Callable[[str], bool] = no_browser,
    ) -> Done:
        """Runs a command.

        Args:
            arguments: The command and its arguments.
            answers: What a person at a terminal answers, or raises; None where nobody is there.
            environ: Replaces variables; an empty one counts as not set.
            width: The terminal's columns; None where the output is piped.
            browser: Opens a link.
        """
        done = Done(0, "", "")
        replies: Iterator[str | type[BaseException]] = iter(answers or ())

        def ask(prompt: str, hidden: bool) -> str:
            done.asked.append((prompt, hidden))
            reply = next(replies)
            if isinstance(reply, str):
                return reply
            raise reply

        def open_browser(url: str) -> bool:
            done.opened.append(url)
            return browser(url)

        out, err = io.StringIO(), io.StringIO()
        workspace = {"OUTLIT_API_KEY": self._sandbox.api_key, "OUTLIT_API_URL": self._sandbox.url}
        variables = {"PATH": "/nonexistent", **workspace, **(environ or {})}
        terminal = True if width is not None else None
        done.code = main(
            arguments,
            Surroundings(
                environ=variables,
                out=console(out, variables, terminal=terminal, width=width),
                err=console(err, variables, terminal=terminal, width=width),
                clock=self.time,
                open_browser=open_browser,
                ask=None if answers is None else ask,
            ),
        )
        done.out, done.err = out.getvalue(), err.getvalue()
        return done
