"""Measures the provider next to resources that do nothing, prints the targets, and writes results, plot and page.

Exit code: 0 when no target is missed, 1 when one is, 2 when something could not be measured, 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping

from outlit_pulumi.sandbox import SandboxStartError

from .deployment import BenchmarkError, Run, Shape, environment, lives
from .imports import starts
from .page import PAGE, draw, page, verdict_table
from .results import FILE, Results, Verdict, read, results, verdicts, write

SLOW = Shape(6, latency=0.2)

FULL = {Shape(1): 12, Shape(6): 24, SLOW: 12, Shape(60): 12, Shape(600): 4}
"""How many repeats of each shape; an even number, as the order alternates.

One ratio of commands of two seconds is off by about 0.13, and so the median of 24 by about 0.03.
"""

CHECK = {Shape(6): 20, SLOW: 10}
QUICK = {Shape(1): 1, Shape(6): 1, SLOW: 1, Shape(60): 1}

STARTS = 60
"""How many starts of Python. Medians of 15 ratios were seen from 0.95 to 1.14, of 60 from 0.99 to 1.05."""


def measured(plan: Mapping[Shape, int], repeats_of_imports: int) -> Results:
    """Measures what a plan asks for.

    Raises:
        BenchmarkError: a command failed.
        FileNotFoundError: there is no engine.
        SandboxStartError: the service did not start.
    """
    version = ["pulumi", "version"]
    engine = subprocess.run(version, env=environment(), capture_output=True, text=True, check=True).stdout.strip()
    _say("imports")
    seconds = starts(repeats_of_imports)
    runs: list[Run] = []
    for shape, repeats in plan.items():
        _say(f"{shape}, {repeats} times")
        runs += lives(shape, repeats)
    return results(runs, seconds, engine)


def exit_code(found: Iterable[Verdict]) -> int:
    """Prints the verdicts; 1 if a target is missed by more than chance makes of it."""
    judged = list(found)
    print(verdict_table(judged))
    missed = [verdict.target for verdict in judged if verdict.missed]
    print(f"\nMissed: {', '.join(missed)}." if missed else "\nNo target is missed.")
    return 1 if missed else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--check", action="store_true", help="measure only what has a target, and write nothing")
    which.add_argument("--quick", action="store_true", help="measure once, print the page, and write nothing")
    which.add_argument("--page", action="store_true", help="measure nothing; write page and plot from the results")
    options = parser.parse_args()
    # A shell starts background jobs with SIGINT ignored, and every child inherits that. The engine ends a language host
    # by SIGINT and then waits for it: five more seconds on both sides of a ratio make any provider look fast.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if options.check:
            return exit_code(verdicts(measured(CHECK, STARTS)))
        if options.quick:
            print(page(measured(QUICK, 1)))
            return 0
        if not options.page:
            write(measured(FULL, STARTS), FILE)
    except (BenchmarkError, FileNotFoundError, SandboxStartError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The results and the page are as before.", file=sys.stderr)
        return 130
    found = read(FILE)
    draw(found, PAGE.with_suffix(".svg"))
    PAGE.write_text(page(found), encoding="utf-8")
    return exit_code(verdicts(found))


def _say(what: str) -> None:
    print(f"Measuring {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
