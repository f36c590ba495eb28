"""A mutant: one small change of the code, which the tests ought to notice."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

PACKAGE = "outlit_pulumi"

_CLASS = "ǁ"
"""What mutmut puts around the name of a class."""


@dataclass(frozen=True)
class Change:
    """What a mutant changes. It stays the same when the code around it moves.

    Attributes:
        function: Module and function, such as ``client.OutlitClient._call``.
        diff: The lines that go, each after a ``-``, and those that come, each after a ``+``, without indentation.
    """

    function: str
    diff: tuple[str, ...]


@dataclass(frozen=True)
class Mutant:
    """A mutant that mutmut made.

    Attributes:
        name: What mutmut calls it; holds a number, which changes with the code.
        change: What it changes.
        wording: Whether all that it changes is a text with a blank in it: the wording of a message.
    """

    name: str
    change: Change
    wording: bool


def mutants(source: str, module: str) -> dict[str, Mutant]:
    """The mutants in a file of mutmut's, which holds every function once as it was and once for each mutant."""
    lines = source.splitlines()
    functions = {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    made = {}
    for function, mutant in functions.items():
        mangled, marked, number = function.partition("__mutmut_")
        if not marked or number == "orig":
            continue
        original = functions[f"{mangled}__mutmut_orig"]
        before, after = (lines[node.lineno : node.end_lineno] for node in (original, mutant))
        name = f"{PACKAGE}.{module}.{function}"
        change = Change(f"{module}.{_plain(mangled)}", _diff(before, after))
        made[name] = Mutant(name, change, _wording(original, mutant))
    return made


def pattern(function: str) -> str:
    """mutmut's pattern for the mutants of a module or a function, named as in `Change`."""
    module, *names = function.split(".")
    if not names:
        return f"{PACKAGE}.{module}.x*"
    mangled = f"x_{names[0]}" if len(names) == 1 else _CLASS.join(["x", *names])
    return f"{PACKAGE}.{module}.{mangled}__mutmut_*"


def _plain(mangled: str) -> str:
    return ".".join(mangled.split(_CLASS)[1:]) if _CLASS in mangled else mangled.removeprefix("x_")


def _diff(before: list[str], after: list[str]) -> tuple[str, ...]:
    lines = difflib.unified_diff(before, after, n=0, lineterm="")
    return tuple(line[0] + line[1:].strip() for line in list(lines)[2:] if line[0] in "-+")


def _wording(original: ast.AST, mutant: ast.AST) -> bool:
    try:
        changed = list(_texts(original, mutant))
    except _OtherwiseDifferent:
        return False
    return bool(changed) and all(" " in text for text in changed)


class _OtherwiseDifferent(Exception):
    """Not only texts differ."""


def _texts(one: object, other: object) -> Iterator[str]:
    """The texts in a piece of code that are others in another piece; the names of functions do not count."""
    if isinstance(one, ast.Constant) and isinstance(other, ast.Constant):
        if isinstance(one.value, str) and isinstance(other.value, str):
            if one.value != other.value:
                yield one.value
        elif (type(one.value), one.value) != (type(other.value), other.value):
            raise _OtherwiseDifferent
    elif isinstance(one, ast.AST) and type(one) is type(other):
        for field in one._fields:
            if not (field == "name" and isinstance(one, ast.FunctionDef)):
                yield from _texts(getattr(one, field, None), getattr(other, field, None))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for member, its in zip(one, other, strict=True):
            yield from _texts(member, its)
    elif one != other:
        raise _OtherwiseDifferent
