"""How much memory the provider processes of a stack take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROCESSES = Path("/proc")


class Peak:
    """The most memory that one provider process was seen to take, in MiB; 0 where the system does not tell (all but Linux)."""

    def __init__(self) -> None:
        self.mib = 0.0

    def look(self, folder: Path) -> None:
        """Takes in the provider processes that run in a folder."""
        for process in _PROCESSES.glob("[0-9]*"):
            try:
                ours = b"pulumi.dynamic" in (process / "cmdline").read_bytes() and (process / "cwd").resolve() == folder
                lines = (process / "status").read_text().splitlines() if ours else []
            except OSError:
                continue  # it has ended
            for line in lines:
                if line.startswith("VmHWM:"):
                    self.mib = max(self.mib, int(line.split()[1]) / 1024)


@contextmanager
def provider_memory(folder: Path) -> Iterator[Peak]:
    """Watches the provider processes of the project in a folder while the block runs."""
    peak, done = Peak(), threading.Event()
    folder = folder.resolve()

    def watch() -> None:
        while not done.wait(0.1):
            peak.look(folder)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
