"""Sphinx's configuration of the documentation site: `make docs`.

The site's source is the repository: docs/, README.md, CONTRIBUTING.md, CHANGELOG.md and the READMEs of the examples. So
a relative link leads to the same place here as in the repository's file view. A file of the repository that is no page
of the site becomes a download. A folder cannot be linked: link its README. Only docs/reference.md, which shows
docstrings, needs Sphinx to be read; the other pages are plain Markdown, so the navigation is here.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from pulumi import Resource
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject  # type: ignore[attr-defined]  # not in its __all__, but meant for extensions
from sphinx.pycode import ModuleAnalyzer

from outlit_pulumi import ConfigArgs

NAVIGATION: dict[str, list[str]] = {
    "Start": [
        "Get started </docs/get-started>",
        "How it works </docs/how-it-works>",
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
        "Sandbox </docs/sandbox>",
        "Interruptions </docs/interruptions>",
    ],
    "Examples": ["Overview </examples/README>", "/examples/*/README"],
    "Reference": ["/docs/reference", "/docs/limits", "/docs/reliability", "/docs/performance"],
    "Project": ["README </README>", "/CHANGELOG", "/CONTRIBUTING", "/SECURITY"],
}
"""The pages of each part of the sidebar, in order. A page that is in none of them fails the build."""

project = "Outlit for Pulumi"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/_index"
include_patterns = ["docs/*.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
include_patterns += ["examples/README.md", "examples/*/README.md"]
# Sphinx would search them for pages, also through links to other folders.
exclude_patterns = [".*", "build", "dist", "outlit_pulumi", "tests", "tools", "benchmarks", "examples/*/venv"]
highlight_language = "text"
default_role = "py:obj"  # a name in single backticks in a docstring

# The Registry takes the title from the front matter, and so does the site.
myst_title_to_header = True
myst_heading_anchors = 4

nitpicky = True
# Pulumi's own classes and aliases: a build fetches nothing, so it has no index of them.
nitpick_ignore_regex = [("py:.*", r"(pulumi\.)?(Input|Output|RunError|ResourceOptions|(invoke\.)?Invoke\w*Options)")]

autoclass_content = "both"  # the arguments of a resource are documented where an editor looks for them
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_use_ivar = True
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_static_path = ["static"]
html_css_files = ["site.css"]
# The Registry wants the first page to be docs/_index.md; a web server wants it to be index.html.
html_extra_path = ["root"]


_ABSOLUTE = re.compile(
    r"https://(github\.com/outlit/outlit-pulumi/blob|raw\.githubusercontent\.com/outlit/outlit-pulumi)/main/"
)
"""How README.md begins its links to files of the repository, for the package index."""


def stay_here(app: Sphinx, docname: str, source: list[str]) -> None:
    """Has the links of README.md lead to pages of the site, and so finds dead ones."""
    if docname == "README":
        source[0] = _ABSOLUTE.sub("", source[0])


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Appends the sidebar's pages to the first page."""
    if docname == app.config.root_doc:
        for caption, pages in NAVIGATION.items():
            listed = "\n".join(pages)
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{listed}\n```\n"


def add_fields(app: Sphinx, what: str, name: str, documented: object, options: object, lines: list[str]) -> None:
    """Documents the fields of a class of credentials as the catalogue describes them."""
    if isinstance(documented, type) and issubclass(documented, ConfigArgs) and documented is not ConfigArgs:
        lines += ["Args:"]
        for item in documented.config_fields():
            limits = f" One of {', '.join(f'``{choice}``' for choice in item.choices)}." if item.choices else ""
            told = f"{item.doc.replace('`', '``')}{limits} The API's name: ``{item.name}``. "
            lines += [f"    {item.attribute}: {told}{'Secret.' if item.secret else 'Not secret.'}"]


def hide_constructor(
    app: Sphinx, what: str, name: str, documented: object, options: object, signature: str | None, returns: str | None
) -> tuple[str, str] | None:
    """Leaves out how errors and results are made: a program only receives them."""
    received = isinstance(documented, type) and not issubclass(documented, (Resource, ConfigArgs))
    return ("", "") if signature and received else None


def describe(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Gives a page the description that its front matter has for the Registry."""
    if description := app.env.metadata.get(pagename, {}).get("meta_desc"):
        context["metatags"] += f'<meta name="description" content="{escape(description)}">'


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    # Napoleon turns the section Attributes of a docstring into a field that Sphinx calls Variables.
    next(kind for kind in PyObject.doc_field_types if kind.name == "variable").label = "Attributes"
    # The page shows one signature of a resource. Its overloads are for editors.
    resources = ModuleAnalyzer.for_module("outlit_pulumi.resources")
    resources.analyze()
    resources.overloads.clear()
    app.connect("source-read", stay_here)
    app.connect("source-read", add_navigation)
    app.connect("autodoc-process-docstring", add_fields, priority=400)  # before napoleon reads the sections
    app.connect("autodoc-process-signature", hide_constructor)
    app.connect("html-page-context", describe)
