"""``python -m benchmarks.check``: measures whether the targets hold, and says which do not.

Exit code: 0 when all hold but those that are known to be missed, 1 when another does not, 2 when something could not be
measured, 130 on Ctrl-C. With ``--small`` it measures six integrations and the imports only, again where a busy machine may be the
reason for a miss, and counts as missed only what it cannot be the reason for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from outlit_pulumi.sandbox import SandboxStartError

from .contenders import FLOOR, OPERATIONS, OURS
from .deployment import SLOW, BenchmarkError, Run, Shape
from .environment import take_interrupts
from .report import verdict_table
from .startup import starts
from .targets import Verdict, judged, unevenness
from .trial import trial


@dataclass(frozen=True)
class Plan:
    """What is measured of one shape.

    Attributes:
        shape: What the programs declare.
        least: How many repeats at least; an even number, as who begins alternates.
        most: How many at most, as long as a target is missed and that may be by chance. The same as ``least`` where the verdict is to be
            fair: to measure again only what was missed is not.
        operations: Which operations.
    """

    shape: Shape
    least: int
    most: int
    operations: Sequence[str] = OPERATIONS


_LIFE = ("up", "refresh", "destroy")

REFRESHED = ("preview", "up", "no-op up", "refresh", "refresh", "refresh", "destroy")
"""The life of a stack whose refresh is what its target is about: there are more repeats of it."""

LARGE = ("preview", "preview", *REFRESHED)
"""The life of a large stack, which takes minutes: there are more repeats of what takes a moment of them."""

REPEATS = {
    Shape(1): 24,
    Shape(6): 24,
    Shape(60): 16,
    Shape(600): 2,
    Shape(6, latency=SLOW): 20,
    Shape(60, latency=SLOW): 8,
}
"""How many repeats a verdict takes, for each shape that has a target with times in it.

One ratio of commands of two seconds is off by about 0.13, and so the median of 24 by about 0.03, a third of what the targets allow.
"""

STARTS = 60
"""How many starts of Python a verdict about imports takes: medians of 15 ratios were seen from 0.95 to 1.14, of 60 from 0.99 to 1.05."""


def _full(shape: Shape, operations: Sequence[str] = OPERATIONS) -> Plan:
    return Plan(shape, REPEATS[shape], REPEATS[shape], operations)


FULL = (
    _full(Shape(1)),
    _full(Shape(6)),
    _full(Shape(60)),
    _full(Shape(6, latency=SLOW), _LIFE),
    _full(Shape(60, latency=SLOW), tuple(operation for operation in REFRESHED if operation in _LIFE)),
    _full(Shape(600), LARGE),
)

SMALL = (Plan(Shape(6), 2, 12), Plan(Shape(6, latency=SLOW), 2, 12, _LIFE))
_STARTS_WHEN_SMALL = 15


def missed(verdicts: Sequence[Verdict], *, lenient: bool) -> list[Verdict]:
    """The targets that are not met, and not known for it; the lenient way, those that are surely not met."""
    return [v for v in verdicts if (v.surely if lenient else not v.holds) and not v.known]


def summary(verdicts: Sequence[Verdict], *, lenient: bool = False) -> str:
    """How many targets hold, and which do not."""
    wrong, known = missed(verdicts, lenient=lenient), [verdict for verdict in verdicts if verdict.known]
    held = len(verdicts) - len(wrong) - len(known)
    said = [f"{held} of {len(verdicts)} targets hold{', as far as this machine can tell' if lenient else ''}."]
    for what, which in (("Missed", wrong), ("Missed, as is known", known)):
        said += [f"{what}: {'; '.join(verdict.target for verdict in which)}."] if which else []
    return " ".join(said)


def measured(plan: Plan) -> list[Run]:
    """The runs that it takes to be sure, or all that the plan allows."""
    runs: list[Run] = []
    with trial((FLOOR, OURS), plan.shape) as under_way:
        for repeat in range(plan.most):
            runs += under_way.repeat(plan.operations)
            verdicts = judged(runs, ())
            clear = all(verdict.holds or verdict.surely or verdict.known for verdict in verdicts)
            if repeat + 1 >= plan.least and clear:
                break
    return runs


def main() -> int:
    """Measures, prints a table of the targets, and compares."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="six integrations only; tolerates a busy machine")
    small = parser.parse_args().small
    take_interrupts()
    runs: list[Run] = []
    try:
        for plan in SMALL if small else FULL:
            print(f"Measuring {plan.shape}", file=sys.stderr, flush=True)
            runs += measured(plan)
        started = starts(_STARTS_WHEN_SMALL if small else STARTS)
    except (BenchmarkError, SandboxStartError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. Nothing was checked.", file=sys.stderr)
        return 130
    verdicts = judged(runs, started)
    print(verdict_table(verdicts))
    wrong = missed(verdicts, lenient=small)
    print(f"\n{summary(verdicts, lenient=small)}")
    varied = unevenness(runs)
    if varied:
        print(
            f"The do-nothing resource's own times varied by {varied:.0%} between repeats (distance of the quartiles)."
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
