"""Sends a person to the browser, and waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..api.errors import ApiError
from ..api.models import SessionStatus
from ..api.retry import Budget
from ..settings import Settings
from . import exits
from .polling import looks

if TYPE_CHECKING:
    from ..api.models import BrowserSession
    from ..lifecycle.writes import Target
    from .context import Command

_EVERY = 2.0
"""Seconds between two polls, as the service's own command line has it."""

_LAST_POLL = 10.0
"""Seconds that a poll gets at least, also the last one."""

ENDS = ("connected", "failed", "expired")
"""How a session ends. A status that nobody has heard of is taken for not yet."""


def wait_for_person(run: Command, target: Target, session: BrowserSession, seconds: float) -> SessionStatus | ApiError:
    """Waits until a browser session ends or the ``seconds`` are over. A look that fails is shown, and not the end.

    Returns:
        What the last look found, or why it failed.

    Raises:
        ApiError: the service refuses to tell how the session stands.
    """
    client, clock = target.client, run.outside.clock
    ends = clock.now() + seconds
    found: SessionStatus | ApiError = SessionStatus(status="pending")
    trouble = None

    def look() -> SessionStatus:
        budget = Budget(clock, min(run.settings.timeout, max(ends - clock.now(), _LAST_POLL)))
        if session.session_id is not None:
            return client.connect_status(session.session_id, budget=budget)
        # Nothing to ask for by id: the list shows when it is connected.
        items = client.list_integrations(budget=budget).items
        there = any(item.id == target.provider and item.connected for item in items)
        return SessionStatus(status="connected" if there else "pending")

    try:
        with run.outside.err.status("Waiting"):
            run.note(f"Waiting up to {seconds:g} s for {target.name} to be connected in the browser. Ctrl-C stops.")
            for found, _ in looks(look, clock, every=_EVERY, ends=ends):
                if isinstance(found, SessionStatus) and found.status in ENDS:
                    break
                before, trouble = trouble, exits.told(found) if isinstance(found, ApiError) else None
                if trouble not in (None, before):
                    run.note(f"Asking again: {trouble}")
    except KeyboardInterrupt:
        run.note(f"Stopped waiting. If you complete the browser session, {target.name} is connected all the same.")
        raise
    return found


def send_person(run: Command, target: Target, url: str, *, open_it: bool) -> None:
    """Opens the link, or shows it where that cannot be done or is not wanted. One that is not safe is only named."""
    if not _safe(url, run.settings.api_key):
        run.note(f"Outlit's link is not a safe https link, so it is not opened: {target.hide(url)}")
        return
    opened = open_it and run.outside.open_browser(url)
    run.note(f"{'Opened this link in the' if opened else 'Open this link in a'} browser to connect {target.name}:")
    run.note(url, whole=True)


def _safe(url: str, api_key: str) -> bool:
    """Whether a browser may open it and people may see it: https, or http on this machine, and the key is not in it."""
    if not url.isascii() or not url.isprintable() or " " in url or api_key in unquote(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and Settings(api_key, url).loopback)
