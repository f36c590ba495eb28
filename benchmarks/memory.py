"""How much memory the provider processes of a stack take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Peak:
    """The most memory that one provider process took, in MiB; 0 on all systems but Linux."""

    mib: float = 0.0


@contextmanager
def provider_memory(folder: Path) -> Iterator[Peak]:
    """Watches the provider processes of the project in a folder while the block runs."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            peak.mib = max([peak.mib, *_peaks(folder.resolve())])

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _peaks(folder: Path) -> Iterator[float]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"pulumi.dynamic" in (process / "cmdline").read_bytes() and (process / "cwd").resolve() == folder:
                for line in (process / "status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        yield int(line.split()[1]) / 1024
        except OSError:
            continue  # The process has ended, or belongs to another user.
