"""What the provider processes of one run tell each other: which connections the program holds, makes and reads.

The engine starts a process for the stack and one for each explicit `Provider`. Where an integration moves from one to
another under a new name, one process takes the connection over, and another deletes the old resource, last. It must not
disconnect.

A note is an empty file whose name says all: the run, the subject, the word, the process. Its process removes it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import ConfigurationError

Word = Literal["held", "read", "refused"]
"""A resource of the program has the subject or is about to (``held``), the program reads it, or it is not to be touched
(``refused``)."""

_FORM = re.compile(r"[0-9a-f]{16}-[0-9a-f]{32}-(?:held|read|refused)-[0-9a-f]{32}")

_DAY = 86_400.0
"""Seconds after which the notes of a killed process are cleared away; its run has ended by then."""


@dataclass(frozen=True)
class Notes:
    """What was noted at a moment: by this process, and by the others; both as what a note's name begins with."""

    mine: frozenset[str]
    others: frozenset[str]
    begin: Callable[[str, Word], str]

    def have(self, subject: str, word: Word, *, elsewhere: bool = False) -> bool:
        """Whether a process of this run left that note: this one or, ``elsewhere``, another one."""
        begin = self.begin(subject, word)
        return begin in self.others or (not elsewhere and begin in self.mine)


class Peers:
    """The notes of one run. Safe to share between threads."""

    def __init__(self, run: str = "", folder: Path | None = None) -> None:
        self._folder = folder
        self._run = hashlib.sha256(run.encode()).hexdigest()[:16]
        self._process = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._mine: set[str] = set()

    def note(self, subject: str, word: Word) -> None:
        """Tells the other processes."""
        begin = self._begin(subject, word)
        with self._lock:
            if begin in self._mine:
                return
            if self._folder is not None:
                try:
                    if not self._mine:
                        self._prepare(self._folder)
                    (self._folder / f"{begin}{self._process}").touch(0o600, exist_ok=False)
                except OSError as error:
                    raise self._unusable(error) from None
            self._mine.add(begin)

    def notes(self) -> Notes:
        """What the processes of this run have noted by now."""
        with self._lock:
            mine = frozenset(self._mine)
        return Notes(mine, frozenset(self._others()), self._begin)

    def _others(self) -> list[str]:
        if self._folder is None:
            return []
        try:
            self._check(self._folder)
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unusable(error) from None
        return [name[: -len(self._process)] for name in names if not name.endswith(self._process)]

    def close(self) -> None:
        """Removes the notes of this process. One that cannot be removed says nothing to a later run."""
        with self._lock:
            if self._folder is None or not self._mine:
                return
            for begin in self._mine:
                with suppress(OSError):
                    (self._folder / f"{begin}{self._process}").unlink()
            self._mine.clear()

    def _begin(self, subject: str, word: Word) -> str:
        digest = hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()[:32]
        return f"{self._run}-{digest}-{word}-"

    def _prepare(self, folder: Path) -> None:
        """Makes the folder, and clears away what killed processes left in it: notes of our form, and nothing else."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check(folder)
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # another process cleared it away
                others = _FORM.fullmatch(path.name) and not path.name.startswith(self._run)
                if others and time.time() - path.lstat().st_mtime > _DAY:
                    path.unlink()

    @staticmethod
    def _check(folder: Path) -> None:
        """Makes sure that nobody else could add or remove notes."""
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError("it is no folder")
        if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o022):
            raise PermissionError("other users can write to it")

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"the folder {self._folder}, in which the provider processes of a run tell each other which connections "
            f"are in use, cannot be used ({error.strerror or error}). Make it a writable folder of your own, or set "
            "PULUMI_HOME."
        )
