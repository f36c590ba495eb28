"""Sphinx's configuration of the documentation site, which `python tools/site` builds.

The site's source is the repository: docs/, README.md, CONTRIBUTING.md, CHANGELOG.md and the README of every example. So a
relative link leads to the same place here as in the repository's file view. A file of the repository that is no page of
the site becomes a download. A folder cannot be linked: link its README. The Markdown holds nothing that only Sphinx
understands, which is why the navigation is here.
"""

from __future__ import annotations

from html import escape
from typing import Any

from sphinx.application import Sphinx

NAVIGATION: dict[str, list[str]] = {
    "Start": [
        "Installation and configuration </docs/installation-configuration>",
        "Command line </docs/cli>",
    ],
    "Guides": [
        "Adopt what exists </docs/adopt>",
        "Browser providers </docs/browser-providers>",
        "Data functions </docs/data-functions>",
        "Rotate credentials </docs/rotate-credentials>",
        "Drift in CI </docs/drift-in-ci>",
        "Several workspaces </docs/several-workspaces>",
        "Many workspaces </docs/many-workspaces>",
        "Move between stacks </docs/move-between-stacks>",
    ],
    "Examples": ["/examples/*/README"],
    "Reference": ["/docs/reference", "/docs/limits", "/docs/reliability", "/docs/performance"],
    "Project": ["README </README>", "/CHANGELOG", "/CONTRIBUTING"],
}
"""The pages of each part of the sidebar, in order. A page that is in none of them is a warning, and so fails the build."""

project = "Outlit for Pulumi"
extensions = ["myst_parser"]
root_doc = "docs/_index"
include_patterns = ["docs/*.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/*/README.md"]
# Sphinx would search them for pages, also through links to other folders.
exclude_patterns = [".*", "build", "dist", "outlit_pulumi", "tests", "tools", "benchmarks", "examples/*/venv"]
highlight_language = "text"

# The Registry takes the title from the front matter, and so does the site.
myst_title_to_header = True
myst_heading_anchors = 4

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_static_path = ["static"]
html_css_files = ["site.css"]


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Appends the sidebar's pages to the first page."""
    if docname == app.config.root_doc:
        for caption, pages in NAVIGATION.items():
            listed = "\n".join(pages)
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{listed}\n```\n"


def describe(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Gives a page the description that its front matter has for the Registry."""
    if description := app.env.metadata.get(pagename, {}).get("meta_desc"):
        context["metatags"] += f'<meta name="description" content="{escape(description)}">'


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", describe)
