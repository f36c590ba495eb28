"""Google-style docstrings as data, and as Markdown."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

ITEMS = ("Args", "Attributes", "Raises")
"""Sections that list names with what they mean; the others are text."""

TEXTS = ("Returns", "Cause", "Cure")


@dataclass
class Docstring:
    """A docstring, with its line breaks undone.

    Attributes:
        text: What comes before the sections, as paragraphs.
        items: Name and meaning, per section that lists them.
        texts: The other sections.
    """

    text: str
    items: dict[str, dict[str, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def parse(documented: object) -> Docstring:
    """The docstring of something.

    Raises:
        ValueError: it has none, or not in the expected form.
    """
    name = getattr(documented, "__qualname__", str(documented))
    own = documented.__dict__.get("__doc__") if isinstance(documented, type) else documented.__doc__
    if not own:
        raise ValueError(f"{name} has no docstring")
    lead, *sections = re.split(r"\n\n?(?=[A-Z]\w+:\n)", inspect.cleandoc(own))
    found = Docstring(markdown(lead))
    for section in sections:
        title, body = section.split(":\n", 1)
        body = inspect.cleandoc("\n" + body)
        if title in ITEMS:
            found.items[title] = _items(body, name)
        elif title in TEXTS:
            found.texts[title] = markdown(body)
        else:
            raise ValueError(f"{name} has a section {title}, which the reference does not know")
    return found


def _items(body: str, name: str) -> dict[str, str]:
    found = {}
    for item in re.split(r"\n(?! )", body):
        named = re.fullmatch(r"(\w+): (.+)", item, re.DOTALL)
        if named is None:
            raise ValueError(f"{name} lists {item!r}, which is no name with its meaning")
        found[named[1]] = markdown(named[2])
    return found


def markdown(text: str) -> str:
    """Text of a docstring as Markdown: one line per paragraph, literals in single backticks."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return "\n\n".join(paragraphs).replace("``", "`")
