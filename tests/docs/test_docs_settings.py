"""The settings in the documents are those of `outlit_pulumi.settings`."""

from __future__ import annotations

import re

from outlit_pulumi import settings
from tests.docs.pages import ROOT, pages, text

KNOWN = {value for name, value in vars(settings).items() if name.isupper() and str(value).startswith("outlit:")}
VARIABLES = {"OUTLIT_API_KEY", "OUTLIT_API_URL"}
OURS = {"OUTLIT_ENGINE_BIN", "OUTLIT_LONG"}
"""Those of the repository's own tools and tests."""


def table(page: str) -> set[str]:
    """The settings that the first column of a page's table lists."""
    return set(re.findall(r"^\| `(outlit:\w+)` \|", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_page_lists_all() -> None:
    """All that a user sets."""
    assert table("docs/installation-configuration.md") == KNOWN - {settings.EXPLICIT}


def test_readme_lists_all() -> None:
    """The first page that a user reads, too."""
    assert table("README.md") == KNOWN - {settings.EXPLICIT}


def test_no_page_names_another() -> None:
    """A misspelt one."""
    for page in pages():
        named = set(re.findall(r"\boutlit:[a-z]\w*", text(page)))
        assert named <= KNOWN, page
        assert set(re.findall(r"\bOUTLIT_\w+", text(page))) <= VARIABLES | OURS, page


def test_the_pages_have_the_defaults() -> None:
    """As they are in the code."""
    page = (ROOT / "docs" / "installation-configuration.md").read_text(encoding="utf-8")
    assert f"by default `{settings.DEFAULT_BASE_URL}`" in page
    assert f"by default {settings.DEFAULT_TIMEOUT:.0f}." in page
