"""Where the time goes: pyinstrument in the program and in the provider process of a stack, during an up and a refresh.

The engine starts both as ``python``, which is found on the path: a script of that name starts them under the profiler.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pyinstrument.frame import Frame
from pyinstrument.renderers import ConsoleRenderer
from pyinstrument.session import Session

from outlit_pulumi.sandbox import Sandbox

from .contenders import OURS
from .deployment import BenchmarkError, Deployment, Shape
from .figures import largest_first
from .profiled import read

_SCRIPT = """#!/bin/sh
case " $* " in
  *" pulumi.dynamic "*) exec {python} -u {profiled} {provider} dynamic "$@" ;;
  *pulumi-language-python-exec*) exec {python} -u {profiled} {program} program "$@" ;;
  *) exec {python} "$@" ;;
esac
"""

_WAITS = ("poll", "recv", "acquire", "select", "sleep")
"""What built-in functions that wait are called."""

_ABSOLUTE = re.compile(r"(?<=\s)(?:\.\.)*/(?:[^\s:/]+/)+")
"""Folders of this machine."""


@dataclass(frozen=True)
class Profile:
    """What one process did.

    Attributes:
        packages: Seconds that each package took itself, the largest first.
        text: The call tree, as pyinstrument draws it.
    """

    packages: dict[str, float]
    text: str


def profiles(shape: Shape) -> dict[str, Profile]:
    """Profiles by process and operation: a first up has a program and a provider process, a refresh has no program.

    Raises:
        BenchmarkError: a command failed, or a process left no profile.
        SandboxStartError: the service did not start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="outlit-benchmark-") as scratch,
        Sandbox(extra_providers=shape.integrations, process=True) as sandbox,
    ):
        folder = Path(scratch)
        deployment = Deployment(OURS, shape, folder, sandbox)
        deployment.run("preview", 0)  # caches
        files = {process: folder / f"{process}.profile" for process in ("program", "provider")}
        scripts = folder / "bin"
        scripts.mkdir()
        for name in ("python", "python3"):
            script = scripts / name
            profiled = Path(__file__).with_name("profiled.py")
            script.write_text(_SCRIPT.format(python=sys.executable, profiled=profiled, **files))
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        deployment.env["PATH"] = os.pathsep.join((str(scripts), deployment.env["PATH"]))
        found = {}
        for operation, processes in (("up", files), ("refresh", ["provider"])):
            deployment.run(operation, 0)
            for process in processes:
                if not files[process].exists():
                    raise BenchmarkError(f"The {process} process left no profile of its {operation}.")
                found[f"{process}-{operation}"] = _profile(read(files[process]), scratch)
                files[process].unlink()
        return found


def _profile(session: Session, scratch: str) -> Profile:
    packages: defaultdict[str, float] = defaultdict(float)
    root = session.root_frame()
    if root is not None:
        _add(root, "python", packages)
    drawn = ConsoleRenderer(unicode=True, color=False).render(session)
    text = _ABSOLUTE.sub("", "\n".join(line.rstrip() for line in drawn.splitlines()))
    for folder in (scratch, *sys.path, sys.prefix, sys.base_prefix, str(Path.home())):
        text = text.replace(f"{folder.rstrip(os.sep)}{os.sep}", "") if folder else text
    return Profile(largest_first(packages), f"{text.strip()}\n")


def _add(frame: Frame, caller: str, packages: defaultdict[str, float]) -> None:
    """Adds what a frame took itself, and what is below it. What is built in counts for the package that calls it."""
    package = _package(frame) or caller
    if not frame.children:
        function = frame.parent.function if frame.is_synthetic and frame.parent else frame.function
        waits = any(word in function for word in _WAITS)
        packages["(waiting)" if waits else package] += frame.time
    packages[package] += frame.absorbed_time if frame.children else 0
    for child in frame.children:
        _add(child, package, packages)


def _package(frame: Frame) -> str | None:
    """The package that a frame is of; None for one that is built in or stands for a thread."""
    if frame.is_synthetic or not frame.file_path or frame.file_path.startswith("<"):
        return None
    path = Path(frame.file_path_short or frame.file_path)
    return path.name.removesuffix(".py") if path.is_absolute() else path.parts[0].removesuffix(".py")
