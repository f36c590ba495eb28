"""Stacks on the real engine, and how much memory their provider processes take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.conftest import Stack, engine_path, sandbox, stack

__all__ = ["Peak", "engine_path", "provider_memory", "sandbox", "stack"]

_PROCESSES = Path("/proc")


class Peak:
    """The most memory that one provider process took so far, in MiB; 0 where the system does not tell."""

    def __init__(self) -> None:
        self.mib = 0.0

    def look(self, folder: Path) -> None:
        """Takes in the provider processes that run in a folder."""
        for process in _PROCESSES.glob("[0-9]*"):
            try:
                ours = (process / "cwd").resolve() == folder and b"pulumi.dynamic" in (process / "cmdline").read_bytes()
                lines = (process / "status").read_text().splitlines() if ours else []
            except OSError:
                continue  # it has ended
            for line in lines:
                if line.startswith("VmHWM:"):
                    self.mib = max(self.mib, int(line.split()[1]) / 1024)


@contextmanager
def provider_memory(stack: Stack) -> Iterator[Peak]:
    """Watches the stack's provider processes while the block runs."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            peak.look(stack.folder.resolve())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
