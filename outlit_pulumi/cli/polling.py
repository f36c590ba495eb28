"""Looking again and again: at a browser session until it ends, at the syncs until somebody stops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

from ..api.errors import ApiError, AuthenticationError, BadRequestError, PermissionDeniedError

if TYPE_CHECKING:
    from ..api.models import SessionStatus
    from ..api.retry import Clock

_T = TypeVar("_T")

TIMED_OUT = "timed_out"
"""Our own word, beside those of the API page."""

_ENDS = ("connected", "failed", "expired")


@dataclass(frozen=True)
class End:
    """How waiting for a browser session ended.

    Attributes:
        status: ``connected``, ``failed`` or ``expired``, as the service says, or `TIMED_OUT`.
        error: The service's reason of a failure, as it came.
    """

    status: str
    error: str | None = None


def passing(error: ApiError) -> bool:
    """Whether the same question may well be answered later; not when the service refuses it."""
    return not isinstance(error, (AuthenticationError, BadRequestError, PermissionDeniedError))


def follow(
    look: Callable[[], SessionStatus],
    clock: Clock,
    *,
    ends: float,
    every: float,
    trouble: Callable[[ApiError | None], None],
) -> End:
    """Looks at a browser session until it ends. A status that nobody has heard of is taken for not yet.

    Args:
        look: Asks how the session stands.
        clock: Where time comes from.
        ends: When to stop waiting, on that clock. The last look is then, not before.
        every: Seconds between two looks; more where the service asks for it.
        trouble: Is told after each look of an error that may pass, or None when there was none.

    Raises:
        ApiError: the service refuses to tell.
    """
    while True:
        wait = every
        try:
            seen = look()
        except ApiError as error:
            if not passing(error):
                raise
            trouble(error)
            wait = max(every, error.retry_after or 0.0)
        else:
            trouble(None)
            if seen.status in _ENDS:
                return End(seen.status, seen.error)
        left = ends - clock.now()
        if left <= 0:
            return End(TIMED_OUT)
        clock.sleep(min(wait, left))


def watch(
    look: Callable[[], _T], show: Callable[[_T | None, ApiError | None, float], None], clock: Clock, *, every: float
) -> NoReturn:
    """Looks and shows until somebody stops it.

    Args:
        look: Asks how things stand.
        show: Shows the last answer, None before the first, the error of the look after it, if that failed, and in how
            many seconds the next one is.
        clock: Where time comes from.
        every: Seconds between two looks; more where the service asks for it.

    Raises:
        ApiError: the service refuses to tell.
    """
    latest: _T | None = None
    while True:
        wait = every
        problem: ApiError | None = None
        try:
            latest = look()
        except ApiError as error:
            if not passing(error):
                raise
            problem = error
            wait = max(every, error.retry_after or 0.0)
        show(latest, problem, wait)
        clock.sleep(wait)
