"""Clocks for tests that must not wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from outlit_pulumi.api.retry import Clock

DATE = datetime(2026, 4, 10, 18, 22, 11, tzinfo=UTC)


class SkippingClock(Clock):
    """Time that passes only when somebody waits."""

    def __init__(self, start: float = 0.0) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def date(self) -> datetime:
        return DATE + timedelta(seconds=self.time)


class ImpatientClock(Clock):
    """Real time, but nobody waits: what they would have waited is over at once. The date moves with that alone."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def now(self) -> float:
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        self.skipped += seconds

    def date(self) -> datetime:
        return DATE + timedelta(seconds=self.skipped)
