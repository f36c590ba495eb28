"""The code in documents and docstrings: mypy accepts the Python, and YAML and JSON can be read.

The blocks of a file are one module, in their order, so that they can build on one another. A block that begins with an
import begins a module of its own. A module that does not import anything at its start gets `PREAMBLE`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from tests.docs.pages import ROOT, Block, blocks, examples, pages

PREAMBLE = "import pulumi; import outlit_pulumi as outlit; config = pulumi.Config()"
PYTHON = [block for page in pages() for block in blocks(page) if block.language == "python"]
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.glob("outlit_pulumi/*.py"))
DOCSTRINGS = [block for module in MODULES for block in examples(module)]


def begins(block: Block) -> bool:
    """Whether it begins a module."""
    return re.match(r'(""".*?"""\s*)?(#[^\n]*\n|\s)*(import|from) ', block.code, re.DOTALL) is not None


def modules() -> dict[str, str]:
    """The modules by name. Each line has the number that it has in its document."""
    made: dict[str, list[str]] = {}
    name = ""
    for block in PYTHON + DOCSTRINGS:
        page = re.sub(r"\W", "_", str(block.page))
        if begins(block) or not name.startswith(f"{page}_line_"):
            name = f"{page}_line_{block.line}"
            made[name] = [] if begins(block) else [PREAMBLE]
        lines = made[name]
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def test_mypy_accepts_it(tmp_path: Path) -> None:
    """All of it in one run, as strict as the package's own code; only what is wrong on purpose is found."""
    sources = modules()
    assert any(name.startswith("README_md") for name in sources)
    assert any(name.startswith("outlit_pulumi_functions_py") for name in sources)
    misspelt = 'outlit.Integration("posthog", provider="posthog", adopt_existing=True).conection_id'
    for name, source in {**sources, "wrong": f"{PREAMBLE}\n{misspelt}\n"}.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run([*mypy, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [line for line in errors if "wrong.py:2: error" not in line] == [], done.stdout + done.stderr
    assert len(errors) == 1, done.stdout + done.stderr


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
