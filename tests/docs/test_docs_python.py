"""The Python in the documents: it compiles, and mypy accepts it.

The blocks of a page are one module, in their order, so that they can build on one another. A block that begins with an
import begins a module of its own. A module that does not import anything at its start gets `PREAMBLE`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks, pages

PREAMBLE = "import pulumi; import outlit_pulumi as outlit; config = pulumi.Config()"
PYTHON = [block for page in pages() for block in blocks(page) if block.language == "python"]


def begins(block: Block) -> bool:
    """Whether it begins a module."""
    return re.match(r'(""".*?"""\s*)?(#[^\n]*\n|\s)*(import|from) ', block.code, re.DOTALL) is not None


def modules() -> dict[str, str]:
    """The modules by name. Each line has the number that it has in its document."""
    made: dict[str, list[str]] = {}
    name = ""
    for block in PYTHON:
        page = re.sub(r"\W", "_", str(block.page))
        if begins(block) or not name.startswith(f"{page}_line_"):
            name = f"{page}_line_{block.line}"
            made[name] = [] if begins(block) else [PREAMBLE]
        lines = made[name]
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def check(folder: Path, sources: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs mypy on some modules."""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--cache-dir",
            str(folder / "cache"),
            str(folder),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_there_is_some() -> None:
    """So that the tests below test something."""
    assert {"README.md", "docs/_index.md"} <= {str(block.page) for block in PYTHON}


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_it_compiles(block: Block) -> None:
    """Each block by itself."""
    compile(block.code, str(block), "exec")


def test_mypy_accepts_it(tmp_path: Path) -> None:
    """All of it in one run, as strict as the package's own code."""
    done = check(tmp_path, modules())
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_finds_what_is_wrong(tmp_path: Path) -> None:
    """A page whose second block misspells what the first one made."""
    first = 'posthog = outlit.Integration("posthog", provider="posthog", adopt_existing=True)'
    done = check(tmp_path, {"page": f'{PREAMBLE}\n{first}\npulumi.export("id", posthog.conection_id)\n'})
    assert done.returncode == 1
    assert "page.py:3: error" in done.stdout


def test_python_is_marked_as_such() -> None:
    """A block without a language would escape the tests above."""
    unmarked = [block for page in pages() for block in blocks(page) if not block.language]
    assert [str(block) for block in unmarked if re.search(r"^import |outlit\.\w+\(", block.code, re.MULTILINE)] == []


def test_yaml_and_json_can_be_read() -> None:
    """Pulumi.yaml, workflows, import files."""
    readers = {"yaml": import_module("yaml").safe_load, "json": import_module("json").loads}
    for page in pages():
        for block in blocks(page):
            if block.language in readers:
                readers[block.language](block.code)
