"""The download and the build, with stand-ins for the installer and for go."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_engine.engine import UnavailableError, Version
from pulumi_engine.makers import Modules, build, download, go_version
from pulumi_engine.store import Store

VERSION = Version(3, 259, 0)
Script = Callable[..., Path]

# Does what the build asks of go: tells its version, writes the executable, names a module's folder.
GO = f"""#!{sys.executable}
import os, pathlib, sys
match sys.argv[1]:
    case "version":
        print("go version go1.26.8 linux/amd64")
    case "build":
        assert "-mod=readonly" in sys.argv and "-trimpath" in sys.argv and os.environ["GOWORK"] == "off"
        output = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
        version = sys.argv[sys.argv.index("-ldflags") + 1].rpartition("=")[2]
        output.write_text(f"#!/bin/sh\\necho {{version}}\\n")
        output.chmod(0o755)
    case "list":
        print("go: downloading something", file=sys.stderr)
        print(pathlib.Path(__file__).parent / "sdk")
"""


@pytest.fixture
def said() -> list[str]:
    """What the user was told."""
    return []


@pytest.fixture
def store(tmp_path: Path, only_bin: dict[str, str]) -> Store:
    """An empty cache folder."""
    return Store(tmp_path / "cache", VERSION, only_bin)


@pytest.fixture
def go(script: Script) -> Path:
    """A go that builds at once, and the module folder with the two launcher scripts, without their run bits."""
    path = script("go")
    path.write_text(GO)
    for name in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        script(Path(name).name, folder=f"bin/sdk/{Path(name).parent}").chmod(0o444)
    return path


@pytest.fixture
def build_it(store: Store, only_bin: dict[str, str], said: list[str], tmp_path: Path) -> Callable[[], Path]:
    """Runs the build into the cache."""
    maker = build(Modules(), only_bin, said.append, tmp_path / "build.log")
    return lambda: store.fill(maker, said.append)


def test_pins_come_from_the_committed_modules() -> None:
    """One place for each version: the go.mod that builds it. The cache, the download and the build agree by that."""
    modules = Modules()
    assert modules.version >= (3, 147, 0)
    assert modules.host_version == (3, 79, 0)
    assert modules.go == (1, 26)


def test_download(script: Script, store: Store, only_bin: dict[str, str], said: list[str]) -> None:
    """The installer is given the folder and the version, and its result is kept."""
    body = """
    /bin/mkdir "$1/bin"
    for name in pulumi pulumi-language-python pulumi-language-python-exec pulumi-resource-pulumi-python; do
      printf '#!/bin/sh\\necho v%s\\n' "$2" > "$1/bin/$name"
      /bin/chmod +x "$1/bin/$name"
    done"""
    installer = script("installer", body)
    assert store.fill(download(VERSION, only_bin, said.append, [installer]), said.append) == store.bin


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo the site cannot be reached >&2; exit 1", "the site cannot be reached"),
        ("exec /bin/sleep 60", "it did not finish within 0 s"),
        ("echo done", "the result lacks pulumi"),
    ],
)
def test_download_that_fails(
    script: Script, store: Store, only_bin: dict[str, str], said: list[str], body: str, reason: str
) -> None:
    """Closed network, hanging network, success in name only: a short reason each."""
    limit = 0.3 if "sleep" in body else 30.0
    with pytest.raises(UnavailableError, match=reason):
        store.fill(download(VERSION, only_bin, said.append, [script("installer", body)], limit), said.append)


def test_build(go: Path, build_it: Callable[[], Path], said: list[str]) -> None:
    """Both executables are stamped with their versions, the scripts are copied and can be run."""
    folder = build_it()
    assert "v3.259.0" in (folder / "pulumi").read_text()
    assert "v3.79.0" in (folder / "pulumi-language-python").read_text()
    assert said == [
        "this takes a few minutes, once",
        "building the Python language host",
        "building the pulumi command",
        "finding the launcher scripts",
    ]


def test_no_go(build_it: Callable[[], Path]) -> None:
    """What is needed, and how new."""
    with pytest.raises(UnavailableError, match=r"there is no go command on PATH; needed is Go 1\.26 or later"):
        build_it()


def test_go_too_old(script: Script, build_it: Callable[[], Path]) -> None:
    """What was found, and what is needed."""
    script("go", "echo go version go1.19.8 linux/amd64")
    with pytest.raises(UnavailableError, match=r"bin/go is Go 1\.19; needed is Go 1\.26 or later"):
        build_it()


def test_go_that_fails(script: Script, build_it: Callable[[], Path]) -> None:
    """Such as one that wants a newer toolchain and cannot have it."""
    script("go", "echo 'go: download go1.26.0: toolchain not available' >&2; exit 1")
    with pytest.raises(UnavailableError, match=r"cannot be read \(go: download go1\.26\.0: toolchain not available\)"):
        build_it()


@pytest.mark.parametrize(
    ("printed", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.27rc1 darwin/arm64", (1, 27)), ("gccgo", None)],
)
def test_go_version(printed: str, version: tuple[int, int] | None) -> None:
    """Releases and release candidates."""
    assert go_version(printed) == version


def test_failing_build_shows_its_end(
    script: Script, store: Store, build_it: Callable[[], Path], said: list[str], tmp_path: Path
) -> None:
    """The last lines of the compiler's output, and the file with all of it."""
    lines = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo line $n >&2; done"
    script("go", f'[ "$1" = version ] && echo go version go1.26.8 && exit\n{lines}\nexit 2')
    with pytest.raises(UnavailableError) as caught:
        build_it()
    log = tmp_path / "build.log"
    assert str(caught.value) == (
        f"building the Python language host failed (exit code 2); its whole output is in {log}"
    )
    assert said[2:] == [f"| line {n}" for n in range(6, 21)]
    assert len(log.read_text().splitlines()) == 20
    with pytest.raises(UnavailableError, match="nothing there yet"):
        store.get()
