"""What an engine consists of, how its version is read, and whether `PATH` has one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from .commands import run

EXECUTABLES = (
    "pulumi",
    "pulumi-language-python",  # the language host: runs the user's program
    "pulumi-language-python-exec",  # the script that the language host starts
    "pulumi-resource-pulumi-python",  # the script that starts dynamic providers
)


class Version(NamedTuple):
    """A release of Pulumi; what follows the three numbers (`-dev.0`, `-alpha.1`) does not matter here."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The version that `pulumi version` printed, or None when there is none in it."""
        match = re.search(r"^v?(\d+)\.(\d+)\.(\d+)(?![.\d])", text, re.MULTILINE)
        return cls(*map(int, match.groups())) if match else None


OLDEST = Version(3, 147, 0)
NEEDED = f"{OLDEST.major}.{OLDEST.minor} or later"
ANSWER_SECONDS = 30.0
"""How long `pulumi version` may take; it needs a fraction of a second unless the machine is very busy."""


class UnavailableError(Exception):
    """This way of getting an engine does not work here; the message is the reason, as part of a sentence."""


def version_of(pulumi: Path, env: Mapping[str, str], limit: float = ANSWER_SECONDS) -> Version:
    """The version of this `pulumi` executable. Raises UnavailableError when it does not tell."""
    try:
        ended = run([pulumi, "version"], limit=limit, env={**env, "PULUMI_SKIP_UPDATE_CHECK": "true"})
    except OSError as error:
        raise UnavailableError(f"{pulumi} cannot be run ({error.strerror})") from error
    if ended.code is None:
        raise UnavailableError(f"the version of {pulumi} cannot be read (no answer within {limit:.0f} s)")
    version = Version.parse(ended.out)
    if ended.code != 0 or version is None:
        raise UnavailableError(f"the version of {pulumi} cannot be read (exit code {ended.code}: {ended.last_line})")
    return version


def missing(folders: Iterable[Path]) -> list[str]:
    """The executables of an engine that none of these folders has."""
    path = os.pathsep.join(str(folder) for folder in folders)
    return [name for name in EXECUTABLES if not shutil.which(name, path=path)]


def check(folder: Path, version: Version, env: Mapping[str, str]) -> None:
    """Raise UnavailableError unless this folder holds a whole engine of exactly this version, which runs."""
    if absent := missing([folder]):
        raise UnavailableError(f"the result lacks {', '.join(absent)}")
    if (found := version_of(folder / "pulumi", env)) != version:
        raise UnavailableError(f"the result is version {found}, not {version}")


def on_path(env: Mapping[str, str], limit: float = ANSWER_SECONDS) -> Path:
    """The folder of the `pulumi` on `PATH`. Raises UnavailableError when it is too old or not whole."""
    search = env.get("PATH", os.defpath)
    found = shutil.which("pulumi", path=search)
    if not found:
        raise UnavailableError("there is none")
    pulumi = Path(found).absolute()
    try:
        version = version_of(pulumi, env, limit)
    except UnavailableError as error:
        raise UnavailableError(f"{error}; needed is {NEEDED}") from error
    if version < OLDEST or version.major != OLDEST.major:
        raise UnavailableError(f"{pulumi} is version {version}; needed is {NEEDED} of {OLDEST.major}.x")
    # Pulumi looks for the others on PATH and beside its own executable, also where that is a link to elsewhere.
    beside = [pulumi.parent, pulumi.resolve().parent]
    for folder in beside:
        if not missing([folder]):
            return folder
    if absent := missing([*beside, *map(Path, search.split(os.pathsep))]):
        raise UnavailableError(f"{pulumi} (version {version}) lacks {', '.join(absent)}, beside it or on PATH")
    return pulumi.parent
