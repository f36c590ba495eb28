"""What is compared: each contender is a project in ``projects``, and how its operations are run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PROJECTS = Path(__file__).parent / "projects"

OPERATIONS = ("preview", "up", "no-op up", "refresh", "destroy")
"""The life of a stack: a first preview, the up that makes all, one that has nothing to do, a refresh, and the end."""


def _pulumi() -> dict[str, tuple[str, ...]]:
    commands = {"no-op up": "up", **{name: name for name in ("preview", "up", "refresh", "destroy")}}
    return {
        operation: (
            "pulumi",
            command,
            *(() if command == "preview" else ("--yes", "--skip-preview")),
            "--non-interactive",
        )
        for operation, command in commands.items()
    }


@dataclass(frozen=True)
class Contender:
    """One way to have integrations.

    Attributes:
        name: What it is called in results.
        title: What it is called on the page.
        commands: The command line of each operation; one that it does not know is left out.
        needs_environment: Whether it takes key and address of the service from the environment.
        folder: Its folder in ``projects``; None where that has its name.
    """

    name: str
    title: str
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=_pulumi)
    needs_environment: bool = False
    folder: str | None = None

    @property
    def project(self) -> Path:
        """The folder with its files."""
        return _PROJECTS / (self.folder or self.name)

    @property
    def pulumi(self) -> bool:
        """Whether it is a Pulumi project."""
        return "preview" in self.commands


FLOOR = Contender("floor", "do-nothing resource")
"""Resources that do nothing: what Pulumi itself takes."""

CALLS = Contender("calls", "do-nothing resource that makes the calls", needs_environment=True, folder="floor")
"""The same, but each makes its call of the service, in the cheapest way that Python has."""

OURS = Contender("ours", "outlit-pulumi")
"""`outlit_pulumi.Integration`."""

HANDWRITTEN = Contender("handwritten", "hand-written provider", needs_environment=True)
"""A dynamic provider of forty lines that makes a request per call."""

CURL = Contender(
    "curl",
    "curl script",
    {name: ("./integrations.sh", name) for name in ("up", "refresh", "destroy")},
    needs_environment=True,
)
"""A shell script that calls curl."""

ALL = (FLOOR, CALLS, OURS, HANDWRITTEN, CURL)
"""All of them, in the order in which they are shown."""
