"""Time and repetition: how long an operation may take, when a call is repeated, and what gives up in time."""

from __future__ import annotations

import math
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import SimpleQueue
from typing import TypeVar

from .errors import UnreachableError

_T = TypeVar("_T")

_DAY = 86_400.0
"""Seconds. A service may ask for any number; nobody waits longer."""

_RESERVE = 10.0
"""Seconds, or a quarter of what is left, that a call leaves for a look at its outcome."""

_RANDOM = random.SystemRandom()
"""Its own, as a program may have seeded the one that all share."""


class Clock:
    """The source of time. Tests inject one that does not wait."""

    def now(self) -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)

    def date(self) -> datetime:
        """The date and time in UTC, to write down. It may jump."""
        return datetime.now(UTC)


class Budget:
    """The time that one operation (create, read, update, delete) may take, however many calls it makes."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.seconds = seconds
        self._clock = clock
        self._ends = clock.now() + seconds

    def left(self) -> float:
        """Seconds until the operation must have ended; 0 if it must have by now."""
        return max(0.0, self._ends - self._clock.now())

    def deadline(self) -> float:
        """The time on the clock by which a call that starts now must have ended.

        The call leaves some time, so that the operation can look at the outcome of a write whose answer never came.
        """
        return self._ends - min(_RESERVE, self.left() / 4)


@dataclass(frozen=True)
class Retries:
    """How often and how soon a call is repeated. Which calls may be repeated is a rule of the client.

    Attributes:
        attempts: Tries in all.
        first_wait: Seconds before the second try; doubles from there, with jitter.
        longest_wait: Seconds that a wait grows to at most.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 5.0

    def wait(self, tries: int, asked: float | None) -> float:
        """Seconds to wait after that many tries, the last of which came with a ``Retry-After`` of ``asked``."""
        backoff = min(self.longest_wait, self.first_wait * 2.0 ** (tries - 1))
        return max(asked or 0.0, backoff + _RANDOM.uniform(0, self.first_wait))


def retry_after(header: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date; None if it holds neither."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, seconds), _DAY) if math.isfinite(seconds) else None


_WORK: SimpleQueue[Callable[[], None]] = SimpleQueue()
_IDLE = threading.Semaphore(0)


def _start_anew() -> None:
    global _WORK, _IDLE  # a forked process has the counts, and not the threads
    _WORK, _IDLE = SimpleQueue(), threading.Semaphore(0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def in_thread(work: Callable[[], _T]) -> Future[_T]:
    """Has a thread do ``work``; the caller waits for the result as long as it wants to.

    The threads are used again, as starting one takes a quarter of the time of a call. They are daemons: an executor's
    threads would hold up the end of the process until the service answers.
    """
    result: Future[_T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001  # the caller, who waits for the result, gets it
            result.set_exception(error)

    if not _IDLE.acquire(blocking=False):
        try:
            threading.Thread(target=_serve, daemon=True).start()
        except RuntimeError:
            raise UnreachableError(
                "this machine starts no further thread. Run again; pulumi's --parallel 2 needs fewer.", passes=True
            ) from None
    _WORK.put(run)
    return result


def _serve() -> None:
    while True:
        _WORK.get()()
        _IDLE.release()
