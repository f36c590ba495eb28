"""What is made of measured numbers: medians, spreads, ratios pair by pair, exponents. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A median with its spread.

    Attributes:
        median: The median.
        low: The lower quartile; the smallest value where there are fewer than four.
        high: The upper quartile; the largest value where there are fewer than four.
        count: How many values there are.
    """

    median: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def figure(values: Sequence[float]) -> Figure:
    """The median of at least one value, and the quartiles."""
    if len(values) < 4:
        return Figure(statistics.median(values), min(values), max(values), len(values))
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Figure(statistics.median(values), low, high, len(values))


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Each value over its partner, which was measured right before or after it: what slows the machine slows both."""
    return [value / other for value, other in zip(values, base, strict=True)]


def exponent(by_size: Mapping[int, float]) -> float:
    """How a positive quantity grows with size: k of size ** k, by least squares over the logarithms.

    Raises:
        statistics.StatisticsError: there are fewer than two sizes.
    """
    sizes = [math.log(size) for size in by_size]
    return statistics.linear_regression(sizes, [math.log(value) for value in by_size.values()]).slope


def surely_above(values: Sequence[float], limit: float) -> bool:
    """Whether the values come from something whose median is above the limit, and not by bad luck (a sign test).

    The chance to say so wrongly is at most one in a thousand: ten values of ten, thirteen of fourteen.
    """
    above = sum(value > limit for value in values)
    ways = sum(math.comb(len(values), k) for k in range(above, len(values) + 1))
    return 1000 * ways <= 1 << len(values)


def largest_first(amounts: Mapping[str, float]) -> dict[str, float]:
    """The same, in descending order of the amount."""
    return dict(sorted(amounts.items(), key=lambda item: -item[1]))
