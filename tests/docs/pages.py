"""The documents, and the code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
SHELL = ("sh", "bash", "console")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: Its document, relative to the repository.
        line: The line of the document that the code begins in.
        language: What the document says that it is; empty for an indented block.
        code: The code.
    """

    page: Path
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every document that users read, relative to the repository."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")]
    return sorted(path.relative_to(ROOT) for path in found)


def text(page: Path) -> str:
    """A document, with blank lines for its front matter, which is no Markdown."""
    whole = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(r"\A---\n.*?\n---\n", lambda found: "\n" * found[0].count("\n"), whole, flags=re.DOTALL)


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of code of a document, also those in lists."""
    for token in MarkdownIt().parse(text(page)):
        if token.type in ("fence", "code_block") and token.map is not None:
            first = token.map[0] + (2 if token.type == "fence" else 1)
            yield Block(page, first, token.info.strip(), token.content)


def examples(module: Path) -> Iterator[Block]:
    """The Python examples in the docstrings of a module of the package."""
    source = (ROOT / module).read_text(encoding="utf-8")
    for found in re.finditer(r"^( *)\.\. code-block:: python\n\n((?:\1    .*\n|\n)+)", source, re.MULTILINE):
        yield Block(module, source.count("\n", 0, found.start(2)) + 1, "python", dedent(found[2]))


def inline(page: Path) -> Iterator[str]:
    """The code within sentences, also that of tables."""
    for token in MarkdownIt().enable("table").parse(text(page)):
        for child in token.children or []:
            if child.type == "code_inline":
                yield child.content
