"""`python -m tools.mutation [FUNCTION...]`: breaks `client`, `lifecycle` and `operation` a little, in every way that mutmut knows, and runs
the tests on each mutant, to see that one fails.

A mutant survives when all tests pass. Survivors are accepted, each with a reason, in ``survivors.md``, or they are a gap in the
tests. Those that only change the wording of a message (a text with a blank in it) are not tried.

mutmut changes what is inside functions, without decorated ones; constants of modules and texts within f-strings stay.

Exit code: 0 when the survivors are those accepted, 1 when there are others or accepted ones do not survive, 2 when mutmut
did not run as it should.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .accepted import PAGE, accepted, written
from .mutant import Change, Mutant, pattern
from .mutmut_run import WORDING, MutationError, tried

MODULES = ("lifecycle", "operation", "client")

# The second is ten times slower than the first: only what survives the first is tried on it.
STAGES = (
    ("unit tests", tuple(f"tests/unit/test_unit_{name}.py" for name in ("client", "lifecycle", "check", "workspace"))),
    ("fault matrix", ("tests/faults/test_faults_matrix.py",)),
)


def main() -> int:
    """Tries the mutants, prints what came of them, and compares the survivors with the accepted ones."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="such as client, or lifecycle._held")
    functions = parser.parse_args().functions
    try:
        outcomes = survivors_of_all_stages([pattern(function) for function in functions])
    except MutationError as error:
        print(error)
        return 2
    print(table(outcomes))
    survived = Counter(m.change for m, word in outcomes.items() if word == "survived")
    known = Counter(
        {
            change: number
            for change, number in accepted(PAGE.read_text(encoding="utf-8")).items()
            if not functions or any(f"{change.function}.".startswith(f"{name}.") for name in functions)
        }
    )
    shown = explained(
        "These survive. Add a test that fails, or accept them in survivors.md with a reason:", survived - known
    )
    shown += explained("These are in survivors.md, and do not survive (any more). Take them out:", known - survived)
    print("\n".join(shown) or "The survivors are the accepted ones.")
    return 1 if shown else 0


def survivors_of_all_stages(patterns: list[str]) -> dict[Mutant, str]:
    """Tries the mutants on one stage's tests after the other's, as long as they survive."""
    outcomes: dict[Mutant, str] = {}
    only = patterns
    with tempfile.TemporaryDirectory(prefix="outlit-mutation-") as scratch:
        for number, (title, tests) in enumerate(STAGES):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            began = time.monotonic()
            found = tried(folder, MODULES, tests, only)
            outcomes |= found
            lived = [mutant.name for mutant, word in found.items() if word == "survived"]
            minutes = (time.monotonic() - began) / 60
            print(f"{title}: {len(found)} mutants in {minutes:.0f} min, {len(lived)} survive", flush=True)
            if not lived:
                break
            only = lived
    return outcomes


def table(outcomes: dict[Mutant, str]) -> str:
    """How many of each module's mutants ended how."""
    head = ("module", "mutants", "killed", "timeout", "survived", WORDING)
    rows: list[tuple[str, ...]] = [head]
    for module in MODULES:
        words = Counter(word for mutant, word in outcomes.items() if mutant.change.function.startswith(f"{module}."))
        rows.append((module, str(words.total()), *(str(words[word]) for word in head[2:])))
    return "\n".join("".join(f"{cell:>14}" for cell in row) for row in rows)


def explained(title: str, changes: Counter[Change]) -> list[str]:
    """Some changes under a title; nothing where there are none."""
    ordered: Iterable[Change] = sorted(changes.elements(), key=lambda change: (change.function, change.diff))
    found = [written(change) for change in ordered]
    return ["", title, *found] if found else []


if __name__ == "__main__":
    sys.exit(main())
