"""Runs a program or the provider host of Pulumi under pyinstrument: ``profiled.py RESULT dynamic|program ARGUMENTS``.

The provider host serves each call on one of several threads and is killed at the end: each call is profiled by itself, and what
was gathered is written down as it comes.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

from pyinstrument import Profiler
from pyinstrument.session import Session

_INTERVAL = 0.001
"""Seconds between looks at the stack."""


class Gathered:
    """The calls so far, as one session."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._changed = threading.Event()
        threading.Thread(target=self._write, daemon=True).start()

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Calls, and adds what it took."""
        profiler = Profiler(interval=_INTERVAL, async_mode="disabled")
        profiler.start()
        try:
            return function(*arguments, **named)
        finally:
            session = profiler.stop()
            with self._lock:
                self._session = session if self._session is None else Session.combine(self._session, session)
            self._changed.set()

    def _write(self) -> None:
        while self._changed.wait():
            self._changed.clear()
            with self._lock:
                assert self._session is not None
                self._session.save(f"{self._file}.part")
            os.replace(f"{self._file}.part", self._file)  # whole at any time: the end comes without a warning
            time.sleep(0.1)


def dynamic(file: str) -> None:
    """The provider host."""
    gathered = Gathered(file)

    class Profiled(futures.ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
            return super().submit(gathered.call, fn, *args, **kwargs)

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
        profiler.stop().save(file)


if __name__ == "__main__":
    _, result, kind, *rest = sys.argv
    while rest[0].startswith("-"):  # options of the interpreter
        rest.pop(0)
        if rest[0] == "pulumi.dynamic":
            break
    sys.argv = rest
    dynamic(result) if kind == "dynamic" else program(result)
