"""What the provider processes of one run tell each other: which connections a resource of the program has taken over.

The engine starts a process for the stack and one for each explicit `Provider`. Where an integration moves from one to
another under a new name, one process takes the connection over, and another deletes the old resource, last. It must not
disconnect.

Each process notes its connections in a file that it keeps locked while it lives, so that no note outlives its run.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: each process knows of its own part only
    fcntl = None  # type: ignore[assignment]


class Handover:
    """The notes of one run. Where they cannot be written, each process knows of its own part only.

    Args:
        run: What the processes of the run have in common: the engine's address.
        service: The base URL; two services may use the same ids.
        folder: Where the notes are; by default in Pulumi's own folder, which is this user's.
    """

    def __init__(self, run: str, service: str, folder: Path | None = None) -> None:
        self._folder = folder or Path(os.environ.get("PULUMI_HOME") or os.path.expanduser("~/.pulumi")) / "outlit"
        self._run = _digest(run)
        self._service = service
        self._lock = threading.Lock()
        self._file: int | None = None

    def note(self, connection_id: str) -> None:
        """A resource of this process created, updated or took over this connection."""
        with self._lock:
            try:
                if self._file is None:
                    self._file = self._open()
                os.write(self._file, f"{_digest(self._service, connection_id)}\n".encode())
            except OSError:
                pass

    def noted(self, connection_id: str) -> bool:
        """Whether a resource of the run has this connection, whichever process it is in."""
        wanted = _digest(self._service, connection_id)
        return any(wanted in notes.split() for name, notes in self._living() if name.startswith(self._run))

    def close(self) -> None:
        """Withdraws the notes of this process, as its end does."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _open(self) -> int:
        if fcntl is None:
            raise OSError("no file locks")
        for _ in self._living():
            pass  # clears away what earlier runs left
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._ours():
            raise OSError("somebody else's folder")
        while True:
            # Found before it is locked, it is taken for a leftover and removed: then another one.
            path = self._folder / f"{self._run}-{uuid.uuid4().hex}"
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                return file
            os.close(file)

    def _ours(self) -> bool:
        """Whether nobody else could have put something into the folder."""
        found = self._folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()

    def _living(self) -> Iterator[tuple[str, str]]:
        """Name and notes of every process that lives. Those of others are removed."""
        if fcntl is None:
            return
        try:
            paths = list(self._folder.iterdir()) if self._ours() else []
        except OSError:
            return
        for path in paths:
            try:
                with path.open("r", encoding="ascii") as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    except BlockingIOError:
                        yield path.name, file.read()
                    else:
                        path.unlink()
            except (OSError, ValueError):
                continue


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]
