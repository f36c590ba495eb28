"""Other programs: bounded in time, with a sign of life, never outliving this one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Say = Callable[[str], None]
"""Shows the user one line."""

SIGN_OF_LIFE_SECONDS = 15.0


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code, or None when its time was up, and what it printed."""

    code: int | None
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line it printed that says something, which is where programs put the reason of a failure."""
        plain = re.sub(r"\x1b\[[0-9;]*m", "", f"{self.out}\n{self.err}")
        lines = [line.strip() for line in plain.splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it printed nothing"


def run(
    argv: Sequence[str | Path],
    *,
    limit: float,
    env: Mapping[str, str],
    cwd: Path | None = None,
    log: Path | None = None,
    alive: Callable[[float], None] = lambda seconds: None,
    every: float = SIGN_OF_LIFE_SECONDS,
) -> Ended:
    """Run a program to its end, for at most `limit` seconds, and call `alive` with the elapsed time as it goes on.

    What it prints is returned, and added to `log` too when given (there as it comes). When its time is up, or this
    process is interrupted, the program is killed together with everything it started. Raises OSError when the
    program cannot be started.
    """
    # Files, not pipes: a grandchild that keeps a pipe open cannot hold us up.
    with tempfile.TemporaryFile() as err, _output(log) as out:
        begin = out.seek(0, os.SEEK_END)
        started = time.monotonic()
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out if log else err,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,  # a process group of its own, so that all of it can be killed
        )
        try:
            code = _wait(process, started, limit, alive, every)
        finally:
            _end(process)
        return Ended(code, _text(out, begin), _text(err, 0))


def spell(seconds: float) -> str:
    """A duration as people say it: `45 s`, `3 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _wait(
    process: subprocess.Popen[bytes], started: float, limit: float, alive: Callable[[float], None], every: float
) -> int | None:
    while (left := started + limit - time.monotonic()) > 0:
        try:
            return process.wait(timeout=min(every, left))
        except subprocess.TimeoutExpired:
            alive(time.monotonic() - started)
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # it ended by itself meanwhile
        process.wait()


def _output(log: Path | None) -> IO[bytes]:
    return open(log, "a+b") if log else tempfile.TemporaryFile()


def _text(file: IO[bytes], begin: int) -> str:
    file.seek(begin)
    return file.read().decode(errors="replace")
