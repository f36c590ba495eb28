"""Sends a person to the browser, and waits for them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from ..api.models import SessionStatus
from ..api.retry import Budget
from . import exits
from .links import safe
from .polling import End, follow
from .screen import animated

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..api.client import OutlitClient
    from ..api.errors import ApiError
    from ..api.models import BrowserSession
    from .context import Command

EVERY = 2.0
"""Seconds between two polls, as the service's own command line has it."""

_LAST_POLL = 10.0
"""Seconds that a poll gets at least, also the last one."""


@dataclass
class Waiting:
    """Waiting for a person, and what the terminal shows meanwhile.

    Attributes:
        run: The command.
        name: What is connected.
        seconds: How long to wait.
        open_it: Whether to open the browser.
    """

    run: Command
    name: str
    seconds: float
    open_it: bool = True
    ends: float = 0.0
    _trouble: str = field(default="", init=False)
    _spinner: Spinner = field(default_factory=lambda: Spinner("dots"), init=False)

    @property
    def limit(self) -> str:
        """How long, for people."""
        minutes = self.seconds / 60
        return f"{minutes:g} minutes" if minutes > 1 and minutes == int(minutes) else f"{self.seconds:g} s"

    def left(self) -> float:
        """Seconds until the end."""
        return max(0.0, self.ends - self.run.outside.clock.now())

    def trouble(self, error: ApiError | None) -> None:
        """Is told of a poll that failed and will be repeated, or of one that did not."""
        self._trouble = "" if error is None else exits.told(error)

    def __rich__(self) -> RenderableType:
        minutes, seconds = divmod(int(self.left()), 60)
        line = Text(f"Waiting for {self.name}, {minutes}:{seconds:02} left. Ctrl-C stops.")
        if self._trouble:
            line.append(f"\nAsking again: {self._trouble}", style="yellow")
        # Not in a grid: that fills its lines up, and the terminal's own ^C then starts another line.
        self._spinner.update(text=line)
        return self._spinner

    def shown(self) -> AbstractContextManager[object]:
        """A spinner with the time left, while the block runs; one line where there is no terminal."""
        screen = self.run.outside.err
        if not animated(screen):
            self.run.note(f"Waiting up to {self.limit} for {self.name} to be connected in the browser.")
            return nullcontext()
        return Live(self, console=screen, refresh_per_second=8, transient=True, redirect_stdout=False)


def browser_session(client: OutlitClient, provider: str, session: BrowserSession, waiting: Waiting) -> End:
    """Shows or opens the session's link, and waits until the session ends or the time is up.

    Raises:
        ApiError: the service refuses to tell how the session stands.
    """
    run, clock = waiting.run, waiting.run.outside.clock
    waiting.ends = clock.now() + waiting.seconds
    _send_there(run, client, session.connect_url or f"{run.settings.base_url}/integrations", waiting)

    def look() -> SessionStatus:
        longest = min(run.settings.timeout, max(waiting.left(), _LAST_POLL))
        budget = Budget(clock, longest)
        if session.session_id is not None:
            return client.connect_status(session.session_id, budget=budget)
        # Nothing to ask for by id: the list shows when it is connected.
        there = any(item.id == provider and item.connected for item in client.list_integrations(budget=budget).items)
        return SessionStatus(status="connected" if there else "pending")

    try:
        with waiting.shown():
            return follow(look, clock, ends=waiting.ends, every=EVERY, trouble=waiting.trouble)
    except KeyboardInterrupt:
        run.note(f"Stopped waiting. If you complete the browser session, {waiting.name} is connected all the same.")
        raise


def _send_there(run: Command, client: OutlitClient, url: str, waiting: Waiting) -> None:
    if not safe(url, run.settings.api_key):
        shown = client.hide(url)
        run.note(f"Outlit's link is not a safe https link, so it is not opened: {shown}")
    elif waiting.open_it and run.outside.open_browser(url):
        run.note(f"Opened this link in the browser to connect {waiting.name}:")
        run.note(url, whole=True)
    else:
        run.note(f"Open this link in a browser to connect {waiting.name}:")
        run.note(url, whole=True)
