"""Runs a program or the provider host of Pulumi under pyinstrument: ``profiled.py RESULT dynamic|program ARGUMENTS``.

The provider host serves each call on one of several threads and is killed at the end: each call is profiled by itself, and written
down before it is answered.
"""

from __future__ import annotations

import marshal
import runpy
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any

from pyinstrument import Profiler
from pyinstrument.session import Session

_INTERVAL = 0.001
"""Seconds between looks at the stack."""


def dynamic(file: str) -> None:
    """The provider host."""
    lock = threading.Lock()

    def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        profiler = Profiler(interval=_INTERVAL, async_mode="disabled")
        profiler.start()
        try:
            return function(*arguments, **named)
        finally:
            _add(profiler.stop(), file, lock)

    class Profiled(futures.ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
            return super().submit(call, fn, *args, **kwargs)

    futures.ThreadPoolExecutor = Profiled  # type: ignore[misc]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


def program(file: str) -> None:
    """The program, which ends by itself."""
    script = sys.argv[0]
    profiler = Profiler(interval=_INTERVAL, async_mode="enabled")
    profiler.start()
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        _add(profiler.stop(), file, threading.Lock())


def _add(session: Session, file: str, lock: threading.Lock) -> None:
    """Adds to a file, so fast that it hardly shows in what is measured."""
    written = marshal.dumps(session.to_json())
    with lock, open(file, "ab") as sessions:
        sessions.write(written)


def read(file: Path) -> Session:
    """All that was added to a file, as one session."""
    sessions = []
    with file.open("rb") as content, suppress(EOFError):
        while True:
            sessions.append(Session.from_json(marshal.load(content)))
    return reduce(Session.combine, sessions)


if __name__ == "__main__":
    _, result, kind, *rest = sys.argv
    while rest[0].startswith("-"):  # options of the interpreter
        rest.pop(0)
        if rest[0] == "pulumi.dynamic":
            break
    sys.argv = rest
    dynamic(result) if kind == "dynamic" else program(result)
