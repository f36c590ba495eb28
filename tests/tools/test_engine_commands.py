"""Other programs end when they should, with everything they started."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from pulumi_engine.commands import Ended, run, spell

from tests.processes import stat

Script = Callable[..., Path]


def gone(pid: int) -> bool:
    """Whether this process ends within a few seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # In a container nobody may collect an orphan: a zombie has ended all the same.
        with suppress(OSError):
            if stat(pid)[0] == "Z":
                return True
        time.sleep(0.05)
    return False


def test_output_and_exit_code(script: Script) -> None:
    """Both streams are kept apart."""
    assert run([script("it", "echo out; echo err >&2; exit 3")], limit=30, env={}) == Ended(3, "out\n", "err\n")


def test_limit_ends_grandchildren_too(script: Script) -> None:
    """An installer's downloader must not go on in the background."""
    ended = run([script("it", "/bin/sleep 60 & echo $!; wait")], limit=0.5, env={})
    assert ended.code is None
    assert gone(int(ended.out))


def test_signs_of_life(script: Script) -> None:
    """A long step tells its elapsed time again and again."""
    seen: list[float] = []
    run([script("it", "exec /bin/sleep 0.5")], limit=30, env={}, alive=seen.append, every=0.1)
    assert len(seen) >= 2
    assert seen == sorted(seen)


def test_log_is_added_to(script: Script, tmp_path: Path) -> None:
    """Each step of a build returns its own part of the log that all share."""
    log = tmp_path / "log"
    for word in ("one", "two"):
        assert run([script("it", f"echo {word} >&2")], limit=30, env={}, log=log).out == f"{word}\n"
    assert log.read_text() == "one\ntwo\n"


@pytest.mark.parametrize(
    ("ended", "line"),
    [
        (Ended(1, "a\nb\n\n", ""), "b"),
        (Ended(1, "a", "\x1b[1;31merror: c\x1b[0m\n"), "error: c"),
        (Ended(1, " \n", ""), "it printed nothing"),
    ],
)
def test_last_line(ended: Ended, line: str) -> None:
    """The reason of a failure, without colours, from stderr if that has anything."""
    assert ended.last_line == line


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s")])
def test_durations(seconds: float, text: str) -> None:
    """As people say them."""
    assert spell(seconds) == text
