"""What the demo printed, without what differs from run to run.

- Lines of progress (``creating``, ``@ updating....``, the first sight of a diagnostic) are left out: in a terminal Pulumi
  overwrites them, and they come in any order.
- Lines of resources that Pulumi works on at the same time are sorted, the stack first, and each is shown once.
- Of a run that fails, how many resources were found unchanged before it ended is left out.
- Times are left out, and the sandbox's port becomes 8787.

The rest is as it was printed; long lines are wrapped between words.
"""

from __future__ import annotations

import re
import textwrap

COLUMNS = 108
BARE = "  |"
"""An empty line of Pulumi's, as the demo shows it."""

_TIME = re.compile(r" \(\d[\d.]* ?m?s\)")
_RESOURCE = re.compile(r"  \|  ?[-+~ ]  ?pulumi\S*:\S+ \S+")
_UNCHANGED, _FAILED = re.compile(r"  \|     \d+ unchanged"), re.compile(r"  \|     \d+ errored")
_PROGRESS = re.compile(
    r"  \| (?:@ |Duration: )"
    r"|  \| .* (?:creating|deleting|refreshing|running)\b"
    r"|  \|     pulumi\S+ \S+  (?:error|warning): "
)


def tidy(printed: str) -> list[str]:
    """The lines to show.

    Args:
        printed: What the demo printed.
    """
    shown: list[str] = []
    together: set[str] = set()
    for line in printed.splitlines():
        line = re.sub(r"(127\.0\.0\.1):\d+", r"\1:8787", _TIME.sub("", line)).rstrip()
        if _PROGRESS.match(line):
            continue
        if _RESOURCE.match(line):
            together.add(line)
            continue
        shown += sorted(together, key=lambda resource: ("pulumi:pulumi:Stack" not in resource, resource.split("/")[-1]))
        together.clear()
        if shown and shown[-1] == BARE and not line.startswith(BARE):
            shown[-1] = ""  # Pulumi's part ends
        elif shown and _FAILED.match(line) and _UNCHANGED.match(shown[-1]):
            shown.pop()
        if line not in ("", BARE) or (shown and shown[-1] not in ("", BARE)):
            shown += wrapped(line)
    return shown


def wrapped(line: str) -> list[str]:
    """A line as the lines of a terminal."""
    margin = re.match(r"(?:  \| )? *", line)
    indent = margin[0] if margin else ""
    return textwrap.wrap(line, COLUMNS, subsequent_indent=indent, break_on_hyphens=False) or [""]
