"""`python -m tools.mutation [PATTERN]`, after `mutmut run [PATTERN]`: fails unless survivors.md lists what survived.

A mutant that changes only texts with a blank in them, the wording of a message, may survive. A timeout is a kill.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

PAGE = Path(__file__).with_name("survivors.md").read_text("utf-8")
TEXT = re.compile(r"""(\w*)("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
SURVIVED = ("survived", "no tests")


def mutmut(*arguments: str) -> str:
    """Returns what a command of mutmut prints."""
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def without_wording(line: str) -> str:
    """Takes the texts with a blank out of a line. An f-string stays, since it can hold code."""
    return TEXT.sub(lambda text: text[0] if "f" in text[1].lower() or " " not in text[2] else "", line)


pattern = sys.argv[1] if len(sys.argv) > 1 else "*"
results = re.findall(r"(\S+): (.+)", mutmut("results", "--all", "true"))
outcomes = {mutant: outcome for mutant, outcome in results if fnmatch(mutant, pattern)}
unjudged = [mutant for mutant, outcome in outcomes.items() if outcome not in (*SURVIVED, "killed", "timeout")]
if unjudged or not outcomes:
    sys.exit("\n".join(["mutmut has not judged every mutant. Run it again.", *unjudged]))
survivors = Counter[str]()
for mutant in (mutant for mutant, outcome in outcomes.items() if outcome in SURVIVED):
    diff = re.findall(r"^([-+]) *(.*)$", mutmut("show", mutant).partition("\n@@")[2], re.MULTILINE)
    before, after = ([without_wording(line) for sign, line in diff if sign == side] for side in "-+")
    if before != after or not diff:  # nothing shown is no wording
        survivors["\n".join([f"@@ {mutant.rpartition('__mutmut_')[0]} @@", *map("".join, diff)])] += 1
changes = re.findall(r"^@@ .+ @@(?:\n[-+].*)+", PAGE, re.MULTILINE)
listed = Counter(change for change in changes if fnmatch(f"{change.split()[1]}__mutmut_1", pattern))
print(", ".join(f"{number} {outcome}" for outcome, number in Counter(outcomes.values()).items()))
if survivors != listed:
    new = ["These survive. Add a test, or list them with a reason:", *sorted((survivors - listed).elements())]
    old = ["These are listed and do not survive. Take them out:", *sorted((listed - survivors).elements())]
    sys.exit("\n".join([*(new if new[1:] else []), *(old if old[1:] else [])]))
