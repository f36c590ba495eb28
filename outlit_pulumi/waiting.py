"""Waits for the first sync of a connection that was just made (``wait_for_sync``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import health
from .client import Budget
from .errors import ApiError, AuthenticationError, PermissionDeniedError
from .operation import Observed, Operation, Warn, outputs

if TYPE_CHECKING:
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

    Args:
        workspace: The workspace.
        made: What create left.
        seconds: How long to wait at most. Not part of the time that the operation itself may take.
        warn: Shows a warning.
        inform: Shows progress.

    Returns:
        The same connection, with its syncs as they were last seen.
    """
    if any(health.complaints(made.outputs)):
        return made  # It was taken over like this, with a warning.
    clock = workspace.client.clock
    operation = Operation(workspace, warn, made.outputs)
    began = told = clock.now()
    ends = began + seconds
    pause = _FIRST_PAUSE
    problem: ApiError | None = None
    while True:
        try:
            left = max(ends - clock.now(), _LAST_LOOK)
            # A call takes half of its budget at most.
            sync = operation.client.sync_status(operation.provider, budget=Budget(clock, 2 * left))
        except (AuthenticationError, PermissionDeniedError) as error:
            operation.warn(f"it is connected, but its syncs cannot be seen, so nothing was waited for: {error}")
            return made
        except ApiError as error:
            problem = error
        else:
            problem = None
            if not sync.connected:
                operation.warn("it was connected, and is not any more. Run pulumi refresh.")
                return made
            seen = outputs(made.outputs, made.id, None, operation.hide, sync)
            made = Observed(made.id, {**made.outputs, "status": seen["status"], "syncs": seen["syncs"]})
        now = clock.now()
        syncs = made.outputs["syncs"]
        waits = [model["model"] for model in syncs if health.pending(model["status"])]
        ended = any(health.complaints(made.outputs)) or (not waits and (syncs or now >= began + _UNLISTED))
        if ended and not problem:
            operation.complain(made.outputs)
            return made
        state = f"{', '.join(waits)} pending" if waits else "no sync was seen yet"
        if now >= ends:
            cause = f" The last look failed: {problem}" if problem else ""
            operation.warn(
                f"it is connected, but not synced within {seconds:.0f} s (wait_for_sync): {state}.{cause} "
                "A later pulumi refresh tells how it went on."
            )
            return made
        if now - told >= _TELL:
            told = now
            inform(f"{operation.name}: waiting for its first sync, {now - began:.0f} of {seconds:.0f} s: {state}")
        clock.sleep(min(pause, ends - now))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
