"""The cache folder: one writer at a time, nothing that is half done."""

from __future__ import annotations

import fcntl
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .commands import SIGN_OF_LIFE_SECONDS, Say, spell
from .engine import UnavailableError, Version, check, missing

Maker = Callable[[Path, Path], None]
"""Makes an engine in the first folder, with the second one for its temporary files."""

MARKER = "complete"


def cache_root(env: Mapping[str, str]) -> Path:
    """Where engines are kept between runs: always outside the checkout, unless the user says otherwise."""
    if chosen := env.get("OUTLIT_ENGINE_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = Path(env.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # the XDG rules say to ignore it then
        base = Path("~/.cache").expanduser()
    return base / "outlit-pulumi" / "engine"


class Store:
    """The place of one version of the engine, for this platform, in the cache folder.

    An engine is made in a temporary folder beside its place and moved there when it is whole, so a run that is killed
    leaves nothing that could be taken for an engine; what it does leave, the next run removes.
    """

    def __init__(self, root: Path, version: Version, env: Mapping[str, str]) -> None:
        self.root = root
        self.version = version
        self.name = f"v{version}-{platform.system().lower()}-{platform.machine()}"
        self.home = root / self.name
        self.bin = self.home / "bin"
        self._env = env

    def get(self) -> Path:
        """The folder of a copy made earlier. Raises UnavailableError when there is none or it is not whole."""
        if not self.home.exists():
            raise UnavailableError("nothing there yet")
        # A cache folder that was copied or restored in part can lack either.
        if absent := missing([self.bin]):
            raise UnavailableError(f"it is incomplete: {', '.join(absent)} is missing")
        if not (self.home / MARKER).is_file():
            raise UnavailableError("it is incomplete: the mark that it was finished is missing")
        return self.bin

    def fill(self, make: Maker, say: Say) -> Path:
        """Make an engine and keep it, or take the one that another run made while this one waited for its turn.

        Raises UnavailableError when the maker does, or when what it made is not a working engine of this version.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"the cache folder {self.root} cannot be made ({error.strerror}); OUTLIT_ENGINE_CACHE can name another"
            ) from error
        with self._lock(say):
            try:
                return self.get()
            except UnavailableError:
                pass
            with self._scratch() as scratch:
                home, work = scratch / "engine", scratch / "work"
                home.mkdir()
                work.mkdir()
                make(home, work)
                check(home / "bin", self.version, self._env)
                (home / MARKER).touch()
                shutil.rmtree(self.home, ignore_errors=True)
                home.rename(self.home)
        return self.bin

    @contextmanager
    def _lock(self, say: Say) -> Iterator[None]:
        """Hold the one writer's place. The system frees it when a process ends, however it ends."""
        with open(self.root / f"{self.name}.lock", "a") as file:
            started = time.monotonic()
            told = None
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    waited = time.monotonic() - started
                    if told is None:
                        say("another run is making the engine; waiting for it")
                        told = waited
                    elif waited - told >= SIGN_OF_LIFE_SECONDS:
                        say(f"still waiting for the other run: {spell(waited)}")
                        told = waited
                    time.sleep(0.2)
            yield

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A temporary folder on the same disk. Call it with the lock held: it removes those of killed runs too."""
        prefix = f"{self.name}.tmp-"

        def tidy() -> None:
            for folder in self.root.glob(f"{prefix}*"):
                shutil.rmtree(folder, ignore_errors=True)

        tidy()
        try:
            yield Path(tempfile.mkdtemp(prefix=prefix, dir=self.root))
        finally:
            tidy()  # again all of them: a compiler that outlived its killed run may have written in between
