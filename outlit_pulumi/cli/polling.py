"""Looking again and again: at a browser session until it ends, at the syncs until somebody stops it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from ..api.errors import ApiError, AuthenticationError, BadRequestError, PermissionDeniedError

if TYPE_CHECKING:
    from ..api.retry import Clock

_T = TypeVar("_T")


def looks(
    look: Callable[[], _T], clock: Clock, *, every: float, ends: float = math.inf
) -> Iterator[tuple[_T | ApiError, float]]:
    """Looks again and again: what each look found, or why it failed, and the seconds until the next one.

    Args:
        look: Asks how things stand.
        clock: Where time comes from.
        every: Seconds between two looks; more where the service asks for it.
        ends: When to stop, on that clock. The last look is then, not before.

    Raises:
        ApiError: the service refuses to tell, so that looking again does not help.
    """
    while True:
        wait = every
        found: _T | ApiError
        try:
            found = look()
        except (AuthenticationError, BadRequestError, PermissionDeniedError):
            raise
        except ApiError as error:
            found = error
            wait = max(every, error.retry_after or 0.0)
        yield found, wait
        left = ends - clock.now()
        if left <= 0:
            return
        clock.sleep(min(wait, left))
