"""The accepted survivors: mutants that no test needs to notice, each under its reason, in ``survivors.md``."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from .mutant import Change

PAGE = Path(__file__).with_name("survivors.md")


def accepted(text: str) -> Counter[Change]:
    """How often each change is accepted. In the text, each ``@@ function @@`` in a block ``diff`` begins one.

    Raises:
        ValueError: a line in a block is neither the beginning nor a part of a change.
    """
    found: Counter[Change] = Counter()
    for block in re.findall(r"^```diff\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        function, lines = "", list[str]()
        for line in [*block.splitlines(), "@@ @@"]:
            if line[:1] in ("-", "+") and function:
                lines.append(line)
            elif named := re.fullmatch(r"@@ (.*?) ?@@", line):
                if lines:
                    found[Change(function, tuple(lines))] += 1
                function, lines = named[1], []
            else:
                raise ValueError(f"not a part of a change: {line}")
    return found


def written(change: Change) -> str:
    """A change as it is written in a block."""
    return "\n".join([f"@@ {change.function} @@", *change.diff])
