"""mypy and pyright agree on what a program may declare: `accepted` holds what is right, `refused` what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHECKERS = {
    "mypy": ["mypy", "--strict", "tests/typing/accepted.py", "tests/typing/refused.py"],
    "pyright": ["basedpyright", "--project", "tests/typing", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("name", CHECKERS)
def test_a_checker_refuses_what_is_wrong_and_nothing_else(name: str) -> None:
    """A line of `refused` that it accepts is an error, too: its ``type: ignore`` is not needed."""
    command = [sys.executable, "-m", *CHECKERS[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
