"""The documentation site: it builds without a warning, and something wrong in it fails the build."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tools.site.links import dead


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Runs the builder as `make docs` does."""
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "site"), "--source", str(source), "--out", str(site)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the site is made of."""
    copied = tmp_path / "source"
    copied.mkdir()
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, copied)
    ignored = shutil.ignore_patterns("venv", "__pycache__")
    for name in ("docs", "examples", "benchmarks/results"):
        shutil.copytree(ROOT / name, copied / name, ignore=ignored)
    return copied


def test_it_builds(copy: Path, tmp_path: Path) -> None:
    """Without a warning and without a dead link; the first page leads to the registry's."""
    site = tmp_path / "site"
    done = build(copy, site)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'url=docs/_index.html"' in (site / "index.html").read_text(encoding="utf-8")
    assert list(dead(site)) == []
    first = (site / "docs" / "_index.html").read_text(encoding="utf-8")
    assert "<h1>Outlit" in first and '<meta name="description"' in first


def test_what_is_wrong_fails_it(copy: Path, tmp_path: Path) -> None:
    """A dead link, anchor or picture, a folder as a link, a page outside the navigation, a language nobody knows."""
    wrong = {
        "See [this](missing-page.md).": "'missing-page.md'",
        "See [this](#missing-here).": "'missing-here'",
        "See [this](reference.md#missing-there).": "'missing-there'",
        "See [this](../examples/quickstart).": "'../examples/quickstart'",
        "![a picture](missing-picture.svg)": "missing-picture.svg",
        "```pithon\nx\n```": "'pithon'",
    }
    with (copy / "docs" / "limits.md").open("a", encoding="utf-8") as file:
        file.write("\n" + "\n\n".join(wrong) + "\n")
    (copy / "docs" / "new.md").write_text("# A page that the navigation lacks\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode != 0
    warnings = "\n".join(line for line in done.stderr.splitlines() if "WARNING" in line)
    assert [complaint for complaint in (*wrong.values(), "new.md") if complaint not in warnings] == []


def test_dead_links_of_pages(tmp_path: Path) -> None:
    """Files and anchors, in whatever tag; links to other sites are not looked at."""
    (tmp_path / "other.html").write_text('<h2 id="a%20b">x</h2>')
    (tmp_path / "page.html").write_text(
        '<a href="other.html#a%2520b">1</a><a href="other.html#b">2</a><a href="#top">3</a><img src="no.svg">'
        '<a href="https://x.invalid/y">4</a><a href="mailto:a@b">5</a><script src="?v=1"></script>'
    )
    assert list(dead(tmp_path)) == [
        "page.html: other.html#b (no such anchor)",
        "page.html: #top (no such anchor)",
        "page.html: no.svg (no such file)",
    ]


def test_the_pages_of_the_registry_have_its_front_matter() -> None:
    """The Registry takes these two files as they are."""
    for name in ("_index.md", "installation-configuration.md"):
        _, front, _ = (ROOT / "docs" / name).read_text(encoding="utf-8").split("---\n", 2)
        keys = [line.split(":")[0] for line in front.splitlines()]
        assert keys == ["title", "meta_desc", "layout"]
        assert "layout: package" in front


def test_the_first_page_leads_to_every_other() -> None:
    """Also where there is no navigation, as in the repository's file view."""
    first = (ROOT / "docs" / "_index.md").read_text(encoding="utf-8")
    others = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "_index.md"]
    assert [name for name in others if f"]({name})" not in first] == []
