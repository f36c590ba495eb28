"""A clock for tests that must not wait."""

from __future__ import annotations

from outlit_pulumi.api.retry import Clock


class SkippingClock(Clock):
    """Time that passes only when somebody waits."""

    def __init__(self, start: float = 0.0) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
