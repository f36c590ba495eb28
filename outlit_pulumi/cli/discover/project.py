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
from ..snippets import config_key
from .found import Found
from .program import program

_PACKAGE = "outlit-pulumi"
_DEFAULT_NAME = "outlit-integrations"
_WIDEST = 56
"""Columns of a command before its remark; a longer one, such as one with a URL, does not move the others."""


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
    found: tuple[Found, ...]
    credentials: bool
    base_url: str | None

    def fields(self) -> list[tuple[str, catalog.ConfigField]]:
        """The stack's configuration that the program requires: key and what it holds."""
        if not self.credentials:
            return []
        specs = [catalog.PROVIDERS[item.provider] for item in self.found if item.in_catalog]
        return [(config_key(spec, field), field) for spec in specs for field in spec.fields]

    def set_up(self) -> list[Step]:
        """What makes the stack ready. No value is in it; `pulumi config set` asks for each."""
        steps = [Step("pulumi install", "makes venv and installs requirements.txt"), Step("pulumi stack init dev")]
        if self.base_url is not None:
            steps.append(
                Step(f"pulumi config set {BASE_URL} {shlex.quote(self.base_url) if self.base_url else ''}".rstrip())
            )
        steps.append(Step(f"pulumi config set --secret {API_KEY}", "asks for the workspace's API key"))
        for key, field in self.fields():
            secret = "--secret " if field.secret else ""
            doc = field.doc.partition(",")[0].replace("`", "").rstrip(".")  # what follows is about programs
            steps.append(Step(f"pulumi config set {secret}{key}", " or ".join(field.choices) or doc))
        return steps

    def take_over(self) -> list[Step]:
        """What makes Pulumi track the connections."""
        return [
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
        parts = [_README_HEAD.format(name=self.name), _block(self.set_up())]
        if self.credentials:
            parts.append(_README_CREDENTIALS)
        parts += [_README_TAKE_OVER, _block(self.take_over()), _README_KEPT]
        return "\n".join(parts)


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


def _block(steps: Sequence[Step]) -> str:
    return "".join(f"    {line}\n" for line in lines(steps))


def _project_file(name: str) -> str:
    # A name such as "no" or "1e3" is something else to YAML than text.
    plain = re.fullmatch(r"[A-Za-z]+[-_][A-Za-z-_]*", name) is not None
    return f"""\
name: {name if plain else json.dumps(name)}
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


_README_HEAD = """\
# {name}

The integrations that are connected to an Outlit workspace, declared in `__main__.py`. `outlit-pulumi discover` wrote this project.
From here on it is yours to change.

## Set up

In this folder:
"""  # noqa: E501  # the lines are the generated page's

_README_CREDENTIALS = """\
Each `pulumi config set` asks for a value. Give the credentials that the connections use now: in this new stack, `pulumi up`
records them as the ones in use and does not send them. Outlit does not say which ones those are, so nobody checks. When you
change one later, `pulumi up` sends it. It sends them all in a stack that tracks the connections already, and connects with them
what is disconnected by then.
"""  # noqa: E501  # likewise

_README_TAKE_OVER = """\
## Take over

The variables `OUTLIT_API_KEY` and `OUTLIT_API_URL` win over the stack's configuration: `unset` those that mean another workspace.
"""  # noqa: E501  # likewise

_README_KEPT = """\
A connection stays as it is when it is taken over, and `pulumi destroy` keeps it.
"""
