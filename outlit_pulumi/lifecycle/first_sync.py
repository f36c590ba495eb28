"""Waits for the first sync of a connection that was just made (``wait_for_sync``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..api.errors import ApiError, AuthenticationError, PermissionDeniedError
from ..api.redaction import plain
from ..api.retry import Budget
from .outputs import Observed, complaints, failing, outputs, pending
from .writes import Target, Warn

if TYPE_CHECKING:
    from ..api.models import ModelSync
    from .workspace import Workspace

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 10.0
"""Seconds between two looks; each pause is half as long again as the one before."""

_LAST_LOOK = 5.0
"""Seconds that a look gets at least, also the last one."""

_UNLISTED = 30.0
"""Seconds after which a connection without any models is taken for one that has none."""

_TELL = 10.0
"""Seconds between two lines that say what it waits for."""


def wait_for_sync(
    workspace: Workspace, made: Observed, seconds: float, warn: Warn, inform: Callable[[str], None]
) -> Observed:
    """Waits until no model's sync is pending, one fails, or the time is up. The latter two are warnings.

    Raises nothing that a service can cause: the connection exists, and must reach the state.

    Returns:
        The same connection, with its syncs as they were last seen.
    """
    if any(complaints(made.outputs)):
        return made  # It was taken over like this, with a warning.
    clock = workspace.client.clock
    target = Target(workspace, warn, made.outputs)
    began = told = clock.now()
    ends = began + seconds
    pause = _FIRST_PAUSE
    problem: ApiError | None = None
    shows = True
    rows: list[ModelSync] = []  # as the service said it: what is shown may have a credential hidden
    while True:
        try:
            left = max(ends - clock.now(), _LAST_LOOK)
            sync = target.client.sync_status(target.provider, budget=Budget(clock, left))
        except (AuthenticationError, PermissionDeniedError) as error:
            target.warn(f"it is connected, but its syncs cannot be seen, so nothing was waited for: {error}")
            return made
        except ApiError as error:
            problem = error
        else:
            problem, rows, shows = None, sync.syncs, sync.connected
            if shows:  # else it lags behind what was just made
                seen = outputs(made.outputs, made.id, None, target.hide, sync)
                made = Observed(made.id, {**made.outputs, "status": seen["status"], "syncs": seen["syncs"]})
        now = clock.now()
        waits = [plain(target.hide.data(row.model)) for row in rows if pending(row.status)]
        fails = any(failing(row.status, row.error_message) for row in rows)
        ended = shows and (fails or (not waits and (rows or now >= began + _UNLISTED)))
        if ended and not problem:
            target.complain(made.outputs)
            return made
        state = f"{', '.join(waits)} pending" if waits else "no sync was seen yet"
        state = state if shows else "its sync status does not show it yet"
        if now >= ends:
            cause = f" The last look failed: {problem}" if problem else ""
            target.warn(
                f"it is connected, but not synced within {seconds:.0f} s (wait_for_sync): {state}.{cause} "
                "A later pulumi refresh tells how it went on."
            )
            return made
        if now - told >= _TELL:
            told = now
            inform(f"{target.name}: waiting for its first sync, {now - began:.0f} of {seconds:.0f} s: {state}")
        clock.sleep(min(pause, ends - now))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
