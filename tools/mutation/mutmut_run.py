"""Runs mutmut, a mutation testing tool, in a copy of the package, and says what came of each mutant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from .mutant import PACKAGE, Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]

_SETTINGS = """\
[mutmut]
source_paths={package}
only_mutate={modules}
pytest_add_cli_args={arguments}
pytest_add_cli_args_test_selection={tests}
use_git_change_detection=false
timeout_multiplier=5
timeout_constant=30
"""
# The page's test looks at files outside the copy; it says nothing about the package.
_ARGUMENTS = ("-p", "no:cacheprovider", "--deselect=tests/faults/test_faults_matrix.py::test_the_page_is_up_to_date")

_WORDS = {1: "killed", 3: "killed", 0: "survived", 5: "survived", 33: "survived", 36: "timeout", -24: "timeout"}
"""mutmut's exit codes. 5 and 33: no test calls the function."""


WORDING = "wording only"
"""What is said of a mutant that is not tried, as no test has to notice it."""


class MutationError(Exception):
    """mutmut did not run as it should."""


def tried(folder: Path, modules: Iterable[str], tests: Iterable[str], only: Iterable[str]) -> dict[Mutant, str]:
    """Makes the mutants, runs the tests on each until one fails, and tells what came of them.

    Those that only change the wording of a message are not tried.

    Args:
        folder: An empty one, for the copy and what mutmut writes.
        modules: The modules to mutate.
        tests: The test files.
        only: Names or patterns of mutants, as mutmut has them; empty for all.

    Raises:
        MutationError: mutmut failed, or some mutants could not be judged.
    """
    modules = list(modules)
    _copy(folder)
    lists = {
        "modules": [f"{PACKAGE}/{module}.py" for module in modules],
        "arguments": _ARGUMENTS,
        "tests": tests,
    }
    indented = {name: "".join(f"\n    {line}" for line in lines) for name, lines in lists.items()}
    (folder / "setup.cfg").write_text(_SETTINGS.format(package=PACKAGE, **indented), encoding="utf-8")
    # mutmut makes all mutants before it finds that none has this name, and keeps them.
    log, _ = _mutmut(folder, ["none"])
    made: dict[str, Mutant] = {}
    for module in modules:
        source = folder / "mutants" / PACKAGE / f"{module}.py"
        if not source.exists():
            raise _failed(log)
        made |= mutants(source.read_text(encoding="utf-8"), module)
    patterns = list(only) or ["*"]
    chosen = {name: mutant for name, mutant in made.items() if any(fnmatch(name, pattern) for pattern in patterns)}
    outcomes = {mutant: WORDING for mutant in chosen.values() if mutant.wording}
    names = [name for name, mutant in chosen.items() if not mutant.wording]
    if names:
        log, code = _mutmut(folder, names)
        if code:
            raise _failed(log)
    for module in modules:
        codes = json.loads((folder / "mutants" / PACKAGE / f"{module}.py.meta").read_text("utf-8"))["exit_code_by_key"]
        outcomes |= {
            made[name]: _WORDS.get(code, f"ended with {code}") for name, code in codes.items() if name in names
        }
    known = (WORDING, *_WORDS.values())
    odd = {f"{mutant.name}: {word}" for mutant, word in outcomes.items() if word not in known}
    if odd:
        raise MutationError("mutmut could not judge these:\n" + "\n".join(sorted(odd)))
    return outcomes


def _copy(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in (PACKAGE, "tests/unit", "tests/faults"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py"):
        shutil.copy(ROOT / name, folder / name)


def _mutmut(folder: Path, only: Iterable[str]) -> tuple[Path, int]:
    """Runs it, and returns where it wrote what it said, and its exit code."""
    # The tests wait for sockets most of the time: a core takes several.
    children = str(3 * (os.cpu_count() or 1))
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", children, *only]
    env = {k: v for k, v in os.environ.items() if k not in ("OUTLIT_LONG", "PYTEST_ADDOPTS")}
    log = folder / "mutmut.log"
    with log.open("wb") as output:
        code = subprocess.run(
            command, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    return log, code


def _failed(log: Path) -> MutationError:
    said = log.read_text("utf-8", "replace").replace("\r", "\n").splitlines()
    return MutationError("\n".join(["mutmut failed:", *said[-40:]]))
