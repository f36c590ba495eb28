"""`python tools/reliability`: writes docs/reliability.md from its prose, the table of the fault matrix, and the rules
that `tests/mutants` breaks.

With ``--check`` nothing is written. Exit code: 0 when the page is up to date or was written, 1 when it is not up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROSE = Path(__file__).with_name("page.md")
PAGE = ROOT / "docs" / "reliability.md"
TABLE = ROOT / "tests" / "faults" / "outcomes.json"

OPERATIONS = ("create", "adopt", "replace", "read", "update", "delete")
READS = ("list", "sync_status")
FAMILIES = {"50x": ("500", "502", "503"), "429*": ("429", "429-past", "429-seconds")}
"""Faults that mostly end the same way, and the name for all of them."""

Row = dict[str, Any]


def page() -> str:
    """The page as it should be."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    rows: list[Row] = table["rows"]
    parts = {
        "cases": f"{sum(len(row['cases']) for row in rows):,}",
        "faults": faults(table["faults"]),
        "left_out": "; ".join(table["left_out"]),
        "rules": rules(),
        **{name: outcomes(row for row in rows if row["operation"] == name) for name in OPERATIONS},
    }
    prose = PROSE.read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], prose)


def faults(words: Mapping[str, str]) -> str:
    """What each fault is. Those of a kind are drawn together, as in the tables of outcomes."""
    lines = []
    for fault, text in words.items():
        before, after = fault.replace("-after", "-before"), fault.replace("-before", "-after")
        both = before != after and words[after].startswith(words[before])
        if re.match(r"(missing|null)-(?!all$)", fault) or (both and fault == after):
            continue
        lines.append(
            f"| `{before}`, `{after}` | {text}, before or after the work |" if both else f"| `{fault}` | {text} |"
        )
    lines.append("| `missing` *m*, `null` *m* | the right answer without the member *m*, or with null for it |")
    lines.append("| `50x` | each of 500, 502 and 503 |")
    lines.append("| `429*` | 429 without Retry-After, or with one that fits the time or has passed |")
    lines.append("| *a* + *b* | the answer to the write is lost by *a*, and the look that follows meets *b* |")
    return "\n".join(["| fault | what happens |", "|---|---|", *lines])


def outcomes(rows: Iterable[Row]) -> str:
    """The table of one operation: a line for all that looks the same to a user and settles the same way."""
    merged: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        settles = re.sub(r"^(correct the key|make room in the plan|have it allowed), then ", "", row["settles"])
        shown = re.sub(r"\b[A-Z]\w+Error: ", "error: ", row["sees"])
        merged.setdefault((shown, row["service"], row["state"], settles), []).append(row)
    lines = [
        f"| {'<br>'.join(met(same))} | {sees(shown, same)} | {service} | {state} | {code(settles)} |"
        for (shown, service, state, settles), same in merged.items()
    ]
    head = "| fault | you see | Outlit holds | the state holds | settles with |"
    return "\n".join([head, "|---|---|---|---|---|", *lines])


def code(text: str) -> str:
    """Text with what one types marked as such."""
    return re.sub(r"pulumi \w+|adopt_existing=True", r"`\g<0>`", text)


def sees(shown: str, rows: Iterable[Row]) -> str:
    """What a user sees, with the classes that the error can have."""
    classes = sorted({name for row in rows for name in re.findall(r"\b[A-Z]\w+Error(?=: )", row["sees"])})
    text = shown.replace("<", "&lt;").replace(">", "&gt;")
    return text + (f" ({', '.join(f'`{name}`' for name in classes)})" if classes else "")


def met(rows: Iterable[Row]) -> Iterable[str]:
    """The faults of some rows, by route."""
    routes: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        for name in row["cases"]:
            fault, often = name.rsplit(" ", 1)
            routes.setdefault(row["route"], {}).setdefault(fault, set()).add(often)
    for route, cases in routes.items():
        either = [fault for fault, often in cases.items() if len(often) == 2 or "+" in fault]
        named = [("", either)]
        named += [
            (f" *{often}*", [f for f, o in cases.items() if o == {often} and "+" not in f])
            for often in ("once", "always")
        ]
        for often, found in named:
            if found:
                yield f"**{route}**{often}: {', '.join(short(found, route))}"


def short(found: list[str], route: str) -> list[str]:
    """Names of faults, with those of a kind drawn together."""
    left = list(found)
    if route in READS:
        left = [fault.removesuffix("-before") for fault in left]
    for one in list(left):
        if one.endswith("-before") and (other := one.replace("-before", "-after")) in left:
            left[left.index(one)] = one.removesuffix("-before")
            left.remove(other)
    for family, members in FAMILIES.items():
        for ending in ("", "-before", "-after"):
            names = [member + ending for member in members]
            if all(name in left for name in names):
                left[left.index(names[0])] = f"{family}{ending}"
                left = [name for name in left if name not in names]
    of_members = [fault for fault in left if re.match(r"(missing|null)-(?!all$)", fault) and "+" not in fault]
    doubled: dict[str, list[str]] = {}
    for fault in left:
        if "+" in fault:
            first, second = fault.split("+")
            doubled.setdefault(first, []).append(second.removesuffix("-before"))
    names = [f"`{fault}`" for fault in left if fault not in of_members and "+" not in fault]
    for kind in ("missing", "null"):
        those = [fault.removeprefix(f"{kind}-") for fault in of_members if fault.startswith(f"{kind}-")]
        if those:
            names.append(f"`{kind}` {' '.join(those)}")
    for first, seconds in doubled.items():
        any_of = "any of " if len(seconds) > 1 else ""
        names.append(f"`{first}` + {any_of}{' '.join(f'`{one}`' for one in seconds)}")
    return names


def rules() -> str:
    """The rules, and the test that fails when one is broken."""
    sys.path.insert(0, str(ROOT))
    from tests.mutants.rules import RULES

    lines = [f"| {rule.says} | `{rule.file}` | `{rule.caught_by.rpartition('::')[2]}` |" for rule in RULES]
    return "\n".join(["| rule | kept in | caught by |", "|---|---|---|", *lines])


def main() -> int:
    """Writes the page, or checks it."""
    parser = argparse.ArgumentParser(prog="python tools/reliability", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    wanted = parser.parse_args()
    new = page()
    if not wanted.check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(new, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != new:
        print("docs/reliability.md is not up to date. Run: python tools/reliability")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
