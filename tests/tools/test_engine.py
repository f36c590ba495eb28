"""`python tools/engine` as the Makefile calls it: which engine it takes, what it says, and what it leaves in its cache.

``pulumi`` and ``go`` are scripts on a PATH of the test's own, and no download leaves the machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "engine"
PINNED = (TOOL / "cli" / "go.mod").read_text().partition("github.com/pulumi/pulumi/pkg/v3 v")[2].split()[0]
OTHERS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")

GO = """\
case "$1" in
build)
  echo $$ >> {root}/builds
  while [ -e {root}/hold ]; do /bin/sleep 0.05; done
  while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; package=$1; shift; done
  printf '#!/bin/sh\\necho {version}\\n' > "$out/${{package##*/}}"
  /bin/chmod 755 "$out/${{package##*/}}" ;;
list) echo {root}/source ;;
esac
"""

SDK = """\
import os, shutil
class PulumiCommand:
    @staticmethod
    def install(root, version):
        shutil.copytree({folder!r}, os.path.join(root, "bin"), dirs_exist_ok=True)
"""


class Machine:
    """A machine with nothing on its PATH but what a test puts there, and an empty cache."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.cache = root / "cache"
        self.hold = root / "hold"
        self.started: list[subprocess.Popen[bytes]] = []
        ours = ("OUTLIT_", "PULUMI_", "NO_PROXY", "no_proxy")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.env |= {"PATH": str(self.bin), "OUTLIT_ENGINE_CACHE": str(self.cache)}
        self.env |= dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")

    def script(self, path: Path, body: str = "") -> None:
        """Writes an executable."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def pulumi(self, folder: Path, version: str = "v3.147.0") -> None:
        """Puts a whole engine into a folder."""
        self.script(folder / "pulumi", f"echo {version}")
        for name in OTHERS:
            self.script(folder / name)

    def go(self, version: str = PINNED) -> None:
        """Puts a compiler on PATH that is done at once, or once the file ``hold`` is gone."""
        for path in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
            self.script(self.root / "source" / path)
        self.script(self.bin / "go", GO.format(root=self.root, version=version))

    def start(self, name: str = "tool") -> subprocess.Popen[bytes]:
        """Starts the tool, with each output in a file of that name."""
        argv: list[str | Path] = [sys.executable, TOOL]
        with (self.root / f"{name}.out").open("wb") as out, (self.root / f"{name}.err").open("wb") as err:
            self.started.append(subprocess.Popen(argv, env=self.env, stdout=out, stderr=err))
        return self.started[-1]

    def said(self, name: str = "tool") -> tuple[str, str]:
        """Stdout and stderr of the tool so far."""
        out, err = (self.root / f"{name}.out").read_text(), (self.root / f"{name}.err").read_text()
        assert "Traceback" not in err
        return out, err

    def run(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of the tool."""
        code = self.start().wait(120)
        return (code, *self.said())

    def builds(self) -> list[int]:
        """The process ids of the compilers that were started."""
        notes = self.root / "builds"
        return [int(line) for line in notes.read_text().split()] if notes.exists() else []

    def kept(self) -> set[str]:
        """What is in the cache beside the lock: the engine, the log of its build, anything half done."""
        names = {path.name.partition("-")[2] for path in self.cache.iterdir()}
        return {name.partition(".")[2] or "engine" for name in names} - {"lock"}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """An empty machine, whose processes end with the test."""
    machine = Machine(tmp_path)
    yield machine
    machine.hold.unlink(missing_ok=True)
    for process in machine.started:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until this is true; the bound only ends a test that is broken."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_engine_on_path_is_taken(machine: Machine) -> None:
    """Stdout has its folder alone, so that a Makefile can take it."""
    machine.pulumi(machine.bin)
    assert machine.run() == (0, f"{machine.bin}\n", "Trying pulumi on PATH\n  yes\n")


def test_a_link_on_path_leads_to_the_engine(machine: Machine) -> None:
    """Package managers link `pulumi` alone."""
    machine.pulumi(machine.root / "opt")
    (machine.bin / "pulumi").symlink_to(machine.root / "opt" / "pulumi")
    assert machine.run()[:2] == (0, f"{machine.root / 'opt'}\n")


@pytest.mark.parametrize(
    ("version", "lost", "reason"),
    [
        ("v3.146.9", None, "is version 3.146.9; needed is 3.147 or later of 3.x"),
        ("v4.200.0", None, "is version 4.200.0; needed is 3.147 or later of 3.x"),
        ("v3.200.0", OTHERS[2], f"lacks {OTHERS[2]}, beside it or on PATH"),
        ("nonsense; exit 3", None, "for its version failed (exit code 3: nonsense)"),
        ("nonsense", None, "for its version gave no version ('nonsense')"),
    ],
)
def test_an_unfit_engine_is_told_and_passed_over(machine: Machine, version: str, lost: str | None, reason: str) -> None:
    machine.pulumi(machine.bin, version)
    machine.go()
    if lost:
        (machine.bin / lost).unlink()
    code, out, err = machine.run()
    assert f"  no: {'asking ' if 'nonsense' in version else ''}{machine.bin / 'pulumi'} {reason}\n" in err
    assert (code, out.startswith(str(machine.cache))) == (0, True)


def test_no_way_leads_to_an_engine(machine: Machine) -> None:
    """One message: what was tried, why it failed, and what to do."""
    code, out, err = machine.run()
    assert (code, out) == (1, "")
    summary = err.partition("No Pulumi engine could be found or made. Tried:\n")[2].splitlines()
    assert [line.partition(": ")[2].partition(" (")[0] for line in summary[:4]] == [
        "there is none",
        "nothing there yet",
        "the download failed",
        "there is no go command on PATH",
    ]
    assert summary[5] == "Install Pulumi by hand, 3.147 or later:  https://www.pulumi.com/docs/install/"


def test_the_download_comes_before_a_build(machine: Machine) -> None:
    machine.pulumi(machine.root / "release", PINNED)
    package = machine.root / "python" / "pulumi"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "automation.py").write_text(SDK.format(folder=str(machine.root / "release")))
    machine.env["PYTHONPATH"] = str(package.parent)
    machine.go()
    assert machine.run()[0] == 0
    assert (machine.kept(), machine.builds()) == ({"engine"}, [])


def test_an_engine_is_built_once_and_then_found(machine: Machine) -> None:
    machine.go()
    first, second = machine.run(), machine.run()
    assert first[:2] == second[:2] == (0, first[1])
    assert machine.kept() == {"engine", "build.log"}
    assert len(machine.builds()) == 2  # the language host and the command line


@pytest.mark.parametrize("lost", ["complete", "bin/pulumi", "bin/pulumi-resource-pulumi-python"])
def test_an_incomplete_copy_is_made_again(machine: Machine, lost: str) -> None:
    """A cache that was restored or cleaned in part."""
    machine.go()
    home = Path(machine.run()[1].strip()).parent
    (home / lost).unlink()
    code, _, err = machine.run()
    assert code == 0
    assert "it is incomplete" in err
    assert (home / lost).exists()


def test_a_failing_build_shows_its_end_and_leaves_nothing(machine: Machine) -> None:
    machine.script(machine.bin / "go", "echo compiling; echo no space left on device; exit 2")
    machine.run()
    code, _, err = machine.run()
    assert code == 1
    assert "  | compiling\n  | no space left on device\n" in err
    assert "building the Python language host failed (exit code 2: no space left on device); its whole output" in err
    assert machine.kept() == {"build.log"}
    assert next(machine.cache.glob("*.build.log")).read_text() == "compiling\nno space left on device\n"


def test_a_build_of_another_version_is_not_kept(machine: Machine) -> None:
    """A compiler's word is not enough."""
    machine.go("v3.1.0")
    code, _, err = machine.run()
    assert code == 1
    assert f"the result is version 3.1.0, not {PINNED}" in err
    assert machine.kept() == {"build.log"}


def test_two_at_once_make_it_once(machine: Machine) -> None:
    """The second waits, says so, and takes what the first made."""
    machine.go()
    machine.hold.touch()
    first = machine.start("first")
    wait_for(machine.builds)
    second = machine.start("second")
    wait_for(lambda: "another run is making the engine; waiting for it" in machine.said("second")[1])
    machine.hold.unlink()
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert machine.said("first")[0] == machine.said("second")[0]
    assert len(machine.builds()) == 2


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (signal.SIGINT, 130, "Stopped. Nothing is left half done"),
        (signal.SIGTERM, 143, ""),
        (signal.SIGKILL, -9, ""),
    ],
)
def test_interrupted(machine: Machine, number: int, code: int, told: str) -> None:
    """No traceback, no compiler left, and nothing that the next run takes for an engine."""
    machine.go()
    machine.hold.touch()
    process = machine.start()
    wait_for(machine.builds)
    process.send_signal(number)
    assert process.wait(60) == code
    out, err = machine.said()
    assert out == ""
    assert told in err
    if number == signal.SIGKILL:  # which lets nobody clean up
        os.kill(machine.builds()[0], signal.SIGKILL)
    else:
        assert machine.kept() == {"build.log"}
        with pytest.raises(ProcessLookupError):
            os.kill(machine.builds()[0], 0)
    machine.hold.unlink()
    assert machine.run()[0] == 0
    assert len(machine.builds()) == 3
    assert machine.kept() == {"engine", "build.log"}
