"""``python -m benchmarks``: measures everything, prints tables, and writes ``benchmarks/results`` and ``docs/performance.md``.

Takes an hour or two; nothing else should run meanwhile. Exit code: 0 when all targets hold but those that are known to be
missed, 1 when another does not, 2 when something could not be measured, 130 on Ctrl-C. With ``--page`` it measures nothing and
writes the page and the plots from the results that there are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

from outlit_pulumi.sandbox import SandboxStartError

from .check import LARGE, REFRESHED, REPEATS, STARTS, missed, summary
from .contenders import CALLS, CURL, FLOOR, HANDWRITTEN, OPERATIONS, OURS, Contender
from .deployment import SLOW, BenchmarkError, Shape
from .environment import environment, take_interrupts
from .page import PAGE, page
from .report import verdict_table
from .results import FOLDER, Results, read, surroundings, write
from .startup import SIDES, contributors, starts
from .targets import judged
from .trial import trial

RESULTS = FOLDER / "results.json"
_SO_FAR = FOLDER / "results.part.json"

# Each operation runs in this order or the opposite: floor and ours, whose times are compared, next to each other.
_PAIR = (FLOOR, OURS)
_WITH_CALLS = (CALLS, *_PAIR)
_ALTERNATIVES = (*_PAIR, HANDWRITTEN, CURL)
_ALL = (CALLS, *_ALTERNATIVES)

_REPEATS = {
    **REPEATS,
    Shape(60, workspaces=10): 2,
    Shape(1, latency=SLOW): 2,
    Shape(60, workspaces=10, latency=SLOW): 2,
    Shape(600, latency=SLOW): 1,
}
"""Those of the check, and fewer of what has no target of its own."""

_REPEATS_OF_OTHERS = 2
"""How many repeats, the first ones, the contenders beside floor and ours take part in: no target is about them."""

PLAN: tuple[tuple[Shape, Sequence[Contender], int, Sequence[str]], ...] = tuple(
    (shape, contenders, _REPEATS[shape], operations)
    for shape, contenders, operations in (
        (Shape(1), _PAIR, OPERATIONS),
        (Shape(6), _ALTERNATIVES, OPERATIONS),
        (Shape(60), _ALL, OPERATIONS),
        (Shape(60, workspaces=10), _PAIR, OPERATIONS),
        (Shape(600), _WITH_CALLS, LARGE),
        (Shape(1, latency=SLOW), _PAIR, OPERATIONS),
        (Shape(6, latency=SLOW), _ALTERNATIVES, OPERATIONS),
        (Shape(60, latency=SLOW), _ALTERNATIVES, REFRESHED),
        (Shape(60, workspaces=10, latency=SLOW), _PAIR, OPERATIONS),
        (Shape(600, latency=SLOW), _PAIR, LARGE),
    )
)
"""What is measured: shape, contenders, repeats, operations of a repeat."""


def taking_part(contenders: Sequence[Contender], repeat: int) -> Sequence[Contender]:
    """Those of a shape's contenders that are measured in a repeat, which is counted from zero."""
    return contenders if repeat < _REPEATS_OF_OTHERS else _PAIR


def measured() -> Results:
    """Measures everything. What there is so far is always kept aside, as all of it takes long.

    Raises:
        BenchmarkError: a command failed.
        SandboxStartError: the service did not start.
    """
    from .profiling import profiles

    _say("imports")
    added = {side: contributors(side) for side in SIDES if side != "base"}
    done = Results(surroundings(engine_version()), [], starts(STARTS), added, {})
    for shape, contenders, repeats, operations in PLAN:
        with trial(contenders, shape) as under_way:
            for repeat in range(repeats):
                _say(f"{shape}: {repeat + 1} of {repeats}")
                done = replace(done, runs=[*done.runs, *under_way.repeat(operations, taking_part(contenders, repeat))])
                write(done, _SO_FAR)
    _say("profiles")
    found = profiles(Shape(600))
    for name, profile in found.items():
        (FOLDER / f"profile-{name}.txt").write_text(profile.text, encoding="utf-8")
    return replace(done, profile={name: profile.packages for name, profile in found.items()})


def engine_version() -> str:
    """The version of the engine that is measured."""
    command = ["pulumi", "version"]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout.strip()


def main() -> int:
    """Measures, or reads what was measured, and writes what is made of it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--page", action="store_true", help="use the results that there are")
    take_interrupts()
    if not parser.parse_args().page:
        FOLDER.mkdir(exist_ok=True)
        try:
            results = measured()
        except (BenchmarkError, SandboxStartError) as error:
            print(error, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("Stopped. The results and the page are as before.", file=sys.stderr)
            return 130
        write(results, RESULTS)
        _SO_FAR.unlink()
    elif not RESULTS.exists():
        print("There are no results yet. Run `make bench`.", file=sys.stderr)
        return 2
    results = read(RESULTS)
    from .plots import draw

    draw(results.runs, results.contributors, FOLDER)
    PAGE.write_text(page(results), encoding="utf-8")
    verdicts = judged(results.runs, results.starts)
    print(verdict_table(verdicts))
    print(f"\n{summary(verdicts)} Written: {FOLDER.name}/, {PAGE.name}")
    return 1 if missed(verdicts, lenient=False) else 0


def _say(what: str) -> None:
    print(f"Measuring {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
