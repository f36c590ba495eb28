"""The cache never holds anything half done, whoever is killed or runs at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_engine.engine import UnavailableError, Version
from pulumi_engine.store import Store, cache_root

VERSION = Version(3, 259, 0)
NAMES = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


def make_engine(home: Path, work: Path) -> None:
    """A maker whose engine passes every check."""
    (home / "bin").mkdir()
    for name in NAMES:
        (home / "bin" / name).write_text("#!/bin/sh\necho v3.259.0\n")
        (home / "bin" / name).chmod(0o755)


def must_not_run(home: Path, work: Path) -> None:
    """A maker that nobody should need."""
    raise AssertionError("made a second time")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A cache folder that does not exist yet."""
    return Store(tmp_path / "cache", VERSION, os.environ)


# Another process that makes an engine, for a second unless it is killed, and notes each time it does.
MAKER = """
import os, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from pulumi_engine.store import Store
from test_engine_store import VERSION, make_engine

def make(home, work):
    with open(sys.argv[2], "a") as notes:
        notes.write("made\\n")
    make_engine(home, work)
    print("making", flush=True)
    time.sleep(1)

print(Store(Path(sys.argv[1]), VERSION, os.environ).fill(make, lambda line: print(line, flush=True)))
"""


@pytest.fixture
def start(store: Store, tmp_path: Path) -> Callable[[], subprocess.Popen[str]]:
    """Starts that process."""
    tool = Path(__file__).parents[2] / "tools" / "engine"
    argv: list[str | Path] = [sys.executable, "-c", MAKER, store.root, tmp_path / "notes", tool, Path(__file__).parent]
    return lambda: subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def test_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's choice, then XDG's, then the usual place; a relative XDG folder counts as none."""
    monkeypatch.setenv("HOME", "/home/kim")
    assert cache_root({"OUTLIT_ENGINE_CACHE": "~/mine", "XDG_CACHE_HOME": "/x"}) == Path("/home/kim/mine")
    assert cache_root({"XDG_CACHE_HOME": "/x"}) == Path("/x/outlit-pulumi/engine")
    for env in ({}, {"XDG_CACHE_HOME": "here"}):
        assert cache_root(env) == Path("/home/kim/.cache/outlit-pulumi/engine")


def test_made_once_then_found(store: Store) -> None:
    """The point of a cache, and nothing temporary is left in it."""
    with pytest.raises(UnavailableError, match="nothing there yet"):
        store.get()
    folder = store.fill(make_engine, print)
    assert store.get() == folder == store.fill(must_not_run, print)
    assert sorted(path.name for path in store.root.iterdir()) == [store.name, f"{store.name}.lock"]


@pytest.mark.parametrize("lost", ["complete", "bin/pulumi", "bin/pulumi-resource-pulumi-python"])
def test_incomplete_copy_is_made_again(store: Store, lost: str) -> None:
    """A cache that was restored or cleaned in part."""
    store.fill(make_engine, print)
    (store.home / lost).unlink()
    with pytest.raises(UnavailableError, match="it is incomplete"):
        store.get()
    store.fill(make_engine, print)
    assert store.get()


def test_lost_run_bit_is_incomplete(store: Store) -> None:
    """Some CI caches drop it."""
    store.fill(make_engine, print)
    (store.bin / "pulumi-language-python-exec").chmod(0o644)
    with pytest.raises(UnavailableError, match="pulumi-language-python-exec is missing"):
        store.get()


def wrong_version(home: Path, work: Path) -> None:
    """Success of a kind, as a proxy's own mirror may give it."""
    make_engine(home, work)
    (home / "bin" / "pulumi").write_text("#!/bin/sh\necho v3.1.0\n")


def nothing(home: Path, work: Path) -> None:
    """Success that made nothing at all."""


@pytest.mark.parametrize(("make", "reason"), [(wrong_version, "version 3.1.0, not 3.259.0"), (nothing, "lacks pulumi")])
def test_false_success_is_not_kept(store: Store, make: Callable[[Path, Path], None], reason: str) -> None:
    """A maker's word is not enough."""
    with pytest.raises(UnavailableError, match=reason):
        store.fill(make, print)
    assert [path.name for path in store.root.iterdir()] == [f"{store.name}.lock"]


def test_unusable_cache_folder(tmp_path: Path) -> None:
    """The user reads which folder, and how to name another."""
    (tmp_path / "file").touch()
    with pytest.raises(
        UnavailableError, match=r"file/cache cannot be made \(.+\); OUTLIT_ENGINE_CACHE can name another"
    ):
        Store(tmp_path / "file" / "cache", VERSION, os.environ).fill(must_not_run, print)


def test_two_at_once(store: Store, start: Callable[[], subprocess.Popen[str]], tmp_path: Path) -> None:
    """The second says that it waits, and takes what the first one made."""
    first, second = start(), start()
    outputs = [first.communicate(timeout=60)[0].splitlines(), second.communicate(timeout=60)[0].splitlines()]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(outputs) == [
        ["another run is making the engine; waiting for it", str(store.bin)],
        ["making", str(store.bin)],
    ]
    assert (tmp_path / "notes").read_text() == "made\n"


def test_killed_run_leaves_nothing_that_looks_complete(
    store: Store, start: Callable[[], subprocess.Popen[str]]
) -> None:
    """Not even SIGKILL does; the next run gets the lock at once and tidies up."""
    with start() as killed:
        assert killed.stdout and killed.stdout.readline() == "making\n"
        killed.send_signal(signal.SIGKILL)
    assert list(store.root.glob("*.tmp-*"))
    with pytest.raises(UnavailableError, match="nothing there yet"):
        store.get()
    started = time.monotonic()
    store.fill(make_engine, print)
    assert time.monotonic() - started < 10
    assert not list(store.root.glob("*.tmp-*"))
