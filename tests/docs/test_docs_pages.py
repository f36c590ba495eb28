"""The pages: their links, the settings, messages and tests that they name, and what the Registry asks of them."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outlit_pulumi import settings
from tests.docs.pages import ROOT, inline, pages, text

SETTINGS = {value for name, value in vars(settings).items() if name.isupper() and str(value).startswith("outlit:")}
VARIABLES = {"OUTLIT_API_KEY", "OUTLIT_API_URL"}
OURS = {"OUTLIT_ENGINE_BIN", "OUTLIT_LONG", "OUTLIT_WRITE_STATE"}
"""Those of the repository's own tools and tests."""

RELIABILITY = Path("docs/reliability.md")


def test_the_page_lists_every_setting() -> None:
    """All that a user sets."""
    page = text(Path("docs/installation-configuration.md"))
    table = re.findall(r"^\| `(outlit:\w+)` \|", page, re.MULTILINE)
    assert set(table) == SETTINGS - {settings.EXPLICIT}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_the_page_names_no_other_setting(page: Path) -> None:
    """A misspelt one."""
    assert set(re.findall(r"\boutlit:[a-z]\w*", text(page))) <= SETTINGS
    assert set(re.findall(r"\bOUTLIT_\w+", text(page))) <= VARIABLES | OURS


def test_the_page_has_the_defaults() -> None:
    """As they are in the code."""
    page = text(Path("docs/installation-configuration.md"))
    assert f"by default `{settings.DEFAULT_BASE_URL}`" in page
    assert f"by default {settings.DEFAULT_TIMEOUT:.0f}." in page


def test_the_tests_that_show_the_rules_exist() -> None:
    """docs/reliability.md names a test for each rule."""
    named = {code for code in inline(RELIABILITY) if code.startswith("tests/") and "::" in code}
    functions = {
        f"{file}::{node.name}"
        for file in {code.partition("::")[0] for code in named}
        for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert named - functions == set()
    rules = text(RELIABILITY).split("\n## The rules\n\n- ")[1].split("\n\n")[0]
    assert [rule for rule in rules.split("\n- ") if "::test_" not in rule] == []


def test_the_outcomes_on_the_page_are_those_of_the_tests() -> None:
    """Each message is one that a user sees in a fault test, and each error or warning of these is on the page."""
    table = text(RELIABILITY).split("\n|---|---|---|\n")[1].split("\n\n")[0]
    listed = [code for row in table.splitlines() for code in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    rows = json.loads((ROOT / "tests" / "faults" / "outcomes.json").read_text(encoding="utf-8"))["rows"]
    seen = {row["sees"] for row in rows} - {"success"}
    assert [message for message in listed if not any(message in told for told in seen)] == []
    assert [told for told in seen if not any(message in told for message in listed)] == []


def test_the_pages_of_the_registry_have_its_front_matter() -> None:
    """The Registry takes these two files as they are."""
    for name in ("_index.md", "installation-configuration.md"):
        _, front, _ = (ROOT / "docs" / name).read_text(encoding="utf-8").split("---\n", 2)
        keys = [line.split(":")[0] for line in front.splitlines()]
        assert keys == ["title", "meta_desc", "layout"]
        assert "layout: package" in front


def test_the_links_of_the_readme_lead_somewhere() -> None:
    """They are absolute, so that they work on the package index, too."""
    readme = text(Path("README.md"))
    links = re.findall(r"\]\(([^)\s]+)\)", readme)
    ours = [link for link in links if "/outlit-pulumi/" in link]
    assert [link for link in links if not link.startswith("https://")] == []
    paths = [re.sub(r"^https://\S+/outlit-pulumi/(blob/)?main/", "", link) for link in ours]
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_the_first_page_leads_to_every_other() -> None:
    """Also where there is no navigation, as in the repository's file view."""
    first = text(Path("docs/_index.md"))
    others = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "_index.md"]
    assert [name for name in others if f"]({name})" not in first] == []


@pytest.mark.full
def test_the_site_builds_and_a_build_finds_what_is_wrong(tmp_path: Path) -> None:
    """Dead links of each kind, a page outside the navigation, an unknown language: `make docs` warns of these alone."""
    wrong = {
        "See [this](missing-page.md).": "'missing-page.md'",
        "See [this](#missing-here).": "'missing-here'",
        "See [this](reference.md#missing-there).": "'missing-there'",
        "See [this](../examples/quickstart).": "'../examples/quickstart'",
        "![a picture](missing-picture.svg)": "missing-picture.svg",
        "```pithon\nx\n```": "'pithon'",
        "```{eval-rst}\n.. autofunction:: outlit_pulumi.missing_function\n```": "missing_function",
        "```{eval-rst}\n`outlit_pulumi.missing_name` in a docstring\n```": "missing_name",
    }
    source, site = tmp_path / "source", tmp_path / "site"
    for name in ("docs", "examples", "benchmarks", "outlit_pulumi", "tools/site"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("venv", "__pycache__"))
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    with (source / "docs" / "limits.md").open("a", encoding="utf-8") as file:
        file.write("\n" + "\n\n".join(wrong) + "\n")
    (source / "docs" / "new.md").write_text("# A page that the navigation lacks\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-c", "tools/site", ".", str(site)],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    warnings = re.findall(r"^.*WARNING: .*$", done.stderr, re.MULTILINE)
    complaints = [*wrong.values(), "new.md"]
    assert [complaint for complaint in complaints if not any(complaint in line for line in warnings)] == []
    assert [line for line in warnings if not any(complaint in line for complaint in complaints)] == []
    assert 'url=docs/_index.html"' in (site / "index.html").read_text(encoding="utf-8")
    first = (site / "docs" / "_index.html").read_text(encoding="utf-8")
    assert "<h1>Outlit" in first
    assert '<meta name="description"' in first
    assert "Disconnect one, or upgrade the plan." in (site / "docs" / "reference.html").read_text(encoding="utf-8")
