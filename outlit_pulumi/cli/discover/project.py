"""The files of the project, as text, and what to do with them. Pure, apart from asking which version this is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

from ... import catalog
from ...api.redaction import Redactor
from ...settings import API_KEY, BASE_URL, DEFAULT_BASE_URL
from .. import snippets
from .found import Found

_PACKAGE = "outlit-pulumi"
_DEFAULT_NAME = "outlit-integrations"
_WIDEST = 56
"""Columns of a command before its remark; a longer one, such as one with a URL, does not move the others."""

CREDENTIALS = (
    "Give the credentials that are in use now; Outlit does not say which ones those are, so nobody checks. In a stack "
    "that does not track these connections yet, they are recorded and not sent; in one that does, `pulumi up` sends "
    "them, as it sends any that you change later. What is disconnected by then is connected with them."
)
"""What people should know before they set the credentials."""


@dataclass(frozen=True)
class Step:
    """A command to run, and a remark on it for people; empty when there is nothing to say."""

    command: str
    remark: str = ""


@dataclass(frozen=True)
class Project:
    """What is to be written.

    Attributes:
        name: The name of the Pulumi project.
        found: What it declares.
        credentials: Whether it declares the credentials, too.
        base_url: The service, as `base_url_to_set` has it.
    """

    name: str
    found: Sequence[Found]
    credentials: bool
    base_url: str | None

    def fields(self) -> list[tuple[catalog.ProviderSpec, catalog.ConfigField]]:
        """The credentials that the program requires from the stack's configuration, each with its provider."""
        specs = [item.spec for item in self.found if item.spec and self.credentials]
        return [(spec, field) for spec in specs for field in spec.fields]

    def steps(self) -> list[Step]:
        """What makes the stack ready and Pulumi track the connections. `pulumi config set` asks for each value."""
        steps = [Step("pulumi install", "makes venv and installs requirements.txt"), Step("pulumi stack init dev")]
        if self.base_url is not None:
            steps.append(
                Step(f"pulumi config set {BASE_URL} {shlex.quote(self.base_url) if self.base_url else ''}".rstrip())
            )
        steps.append(Step(f"pulumi config set --secret {API_KEY}", "asks for the workspace's API key"))
        for spec, field in self.fields():
            doc = field.doc.partition(",")[0].replace("`", "").rstrip(".")  # what follows is about programs
            steps.append(Step(snippets.setting(spec, field), " or ".join(field.choices) or doc))
        return [
            *steps,
            Step("pulumi up", "takes each connection over as it is"),
            Step("pulumi preview --expect-no-changes", "from now on, nothing to do"),
        ]

    def files(self) -> dict[str, str]:
        """Every file, by name."""
        return {
            "Pulumi.yaml": _project_file(self.name),
            "__main__.py": program(self.found, credentials=self.credentials),
            "requirements.txt": _requirements(),
            ".gitignore": "__pycache__/\nvenv/\n",
            "README.md": self._readme(),
        }

    def _readme(self) -> str:
        commands = "".join(f"    {line}\n" for line in lines(self.steps()))
        return _README.format(
            name=self.name, commands=commands, credentials=f"{CREDENTIALS}\n" if self.credentials else ""
        )


def program(found: Sequence[Found], *, credentials: bool) -> str:
    """The text of ``__main__.py``. Of the service it holds only escaped ids.

    Args:
        found: What to declare.
        credentials: Whether to declare the credentials, too, as configuration that is still to be set.
    """
    configured = [item.spec if credentials and item.fields else None for item in found]
    resources = [
        snippets.integration(item.name, item.provider, variable=item.variable, config=spec, adopt=True)
        for item, spec in zip(found, configured, strict=True)
    ]
    exports = [snippets.export(item.name, item.variable) for item in found]
    config = ["config = pulumi.Config()", ""] if any(configured) else []
    return "\n".join([_PROGRAM, *config, *resources, "", *exports, ""])


def project_name(folder: str) -> str:
    """A Pulumi project's name made of a folder's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder)[:100].strip("._-") or _DEFAULT_NAME


def base_url_to_set(base_url: str, hide: Redactor) -> str | None:
    """The base URL that the stack's configuration needs; None for Outlit's own, empty if it must not be shown."""
    if base_url == DEFAULT_BASE_URL:
        return None
    return base_url if hide(base_url) == base_url else ""


def lines(steps: Sequence[Step]) -> list[str]:
    """The steps as lines, with the remarks one below the other."""
    width = max(len(step.command) for step in steps if len(step.command) <= _WIDEST)
    return [f"{step.command:<{width}}  # {step.remark}" if step.remark else step.command for step in steps]


def _project_file(name: str) -> str:
    # In quotes, for a name such as "no" or "1e3", which YAML takes for something else than text.
    return f"""\
name: "{name}"
description: The integrations of an Outlit workspace
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: venv
"""


def requirement(version: str, direct_url: str | None) -> str:
    """The line that installs this package, from where this copy came: an index, or a folder of this machine.

    Args:
        version: The version.
        direct_url: ``direct_url.json`` (PEP 610), as pip leaves it where a package did not come from an index.
    """
    url = json.loads(direct_url).get("url", "") if direct_url else ""
    # Another URL than a file's could have a password in it.
    return f"{_PACKAGE} @ {url}" if url.startswith("file:///") else f"{_PACKAGE}>={version}"


def _requirements() -> str:
    try:
        installed = metadata.distribution(_PACKAGE)
    except metadata.PackageNotFoundError:  # a copy that nobody installed
        return f"{_PACKAGE}\n"
    return requirement(installed.version, installed.read_text("direct_url.json")) + "\n"


_PROGRAM = '''\
"""The integrations that are connected to an Outlit workspace, as code.

Next: set up a stack with the commands in README.md. `pulumi up` then takes each connection over as it is.
"""

import outlit_pulumi as outlit
import pulumi
'''

_README = """\
# {name}

The integrations that are connected to an Outlit workspace, declared in `__main__.py`. `outlit-pulumi discover` wrote this project.
From here on it is yours to change.

The variables `OUTLIT_API_KEY` and `OUTLIT_API_URL` win over the stack's configuration: `unset` those that mean another workspace.
{credentials}Then, in this folder:

{commands}
A connection stays as it is when it is taken over, and `pulumi destroy` keeps it.
"""  # noqa: E501  # the lines are the generated page's
