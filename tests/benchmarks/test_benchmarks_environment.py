"""What is measured is not changed by how the benchmarks were started."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial

import pytest

_ASK = "import signal; print(signal.getsignal(signal.SIGINT) is not signal.SIG_IGN)"
_START = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_ASK!r}])"


@pytest.mark.parametrize(
    ("before", "heard"),
    [("", "False"), ("from benchmarks.environment import take_interrupts; take_interrupts(); ", "True")],
)
def test_what_is_started_in_the_background_hears_interrupts(before: str, heard: str) -> None:
    ignored = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    command = [sys.executable, "-c", before + _START]
    done = subprocess.run(command, preexec_fn=ignored, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [heard]
