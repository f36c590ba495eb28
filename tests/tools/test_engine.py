"""`python tools/engine` as the Makefile calls it: which engine it takes, what it says, and what it leaves in its cache.

``go`` and ``pulumi`` are scripts on a PATH of the test's own, and no download gets through.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "engine"
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


class Machine:
    """A machine with nothing on its PATH but what a test puts there, and an empty cache."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.cache = root / "cache"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTLIT_", "PULUMI_"))}
        self.env |= {"PATH": str(self.bin), "OUTLIT_ENGINE_CACHE": str(self.cache)}
        self.env |= dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9")

    def script(self, name: str, body: str = "") -> None:
        """Puts an executable on PATH."""
        (self.bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.bin / name).chmod(0o755)

    def pulumi(self, version: str = "v3.147.0") -> None:
        """Puts a whole engine on PATH."""
        self.script("pulumi", f"echo {version}")
        for name in OTHERS:
            self.script(name)

    def go(self, version: str = "v3.259.0") -> None:
        """Puts a compiler on PATH that is done at once, or once the file ``hold`` is gone."""
        for path in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
            (self.root / "source" / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / "source" / path).write_text("#!/bin/sh\n")
        self.script("go", GO.format(root=self.root, version=version))

    def start(self) -> subprocess.Popen[str]:
        """Starts the tool, with each output in a pipe of its own."""
        argv: list[str | Path] = [sys.executable, TOOL]
        return subprocess.Popen(argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of the tool."""
        process = self.start()
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        return process.returncode, out, err

    def builds(self) -> list[str]:
        """The process ids of the compilers that were started."""
        notes = self.root / "builds"
        return notes.read_text().split() if notes.exists() else []

    def kept(self) -> set[str]:
        """What is in the cache beside the lock: the engine, the log of its build, anything half done."""
        names = {path.name.partition("-")[2] for path in self.cache.iterdir()}
        return {name.partition(".")[2] or "engine" for name in names} - {"lock"}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty machine."""
    return Machine(tmp_path)


def test_an_engine_on_path_is_taken(machine: Machine) -> None:
    """Stdout has its folder alone, so that a Makefile can take it."""
    machine.pulumi()
    assert machine.run() == (0, f"{machine.bin}\n", "Trying pulumi on PATH\n  yes\n")


@pytest.mark.parametrize(
    ("version", "lost", "reason"),
    [
        ("v3.146.9", None, "is version 3.146.9; needed is 3.147 or later of 3.x"),
        ("v4.0.0", None, "is version 4.0.0; needed is 3.147 or later of 3.x"),
        ("v3.200.0", OTHERS[2], f"lacks {OTHERS[2]}, beside it or on PATH"),
        ("nonsense; exit 3", None, "cannot be read (exit code 3: nonsense)"),
    ],
)
def test_an_unfit_engine_is_told_and_passed_over(machine: Machine, version: str, lost: str | None, reason: str) -> None:
    machine.pulumi(version)
    machine.go()
    if lost:
        (machine.bin / lost).unlink()
    code, out, err = machine.run()
    assert reason in err
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


def test_an_engine_is_built_once_and_then_found(machine: Machine) -> None:
    machine.go()
    first, second = machine.run(), machine.run()
    assert first[0] == second[0] == 0
    assert first[1] == second[1]
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
    machine.script("go", "echo compiling; echo no space left on device; exit 2")
    code, _, err = machine.run()
    assert code == 1
    assert "  | no space left on device\n" in err
    assert "building the Python language host failed (exit code 2); its whole output is in" in err
    assert machine.kept() == {"build.log"}


def test_a_build_of_another_version_is_not_kept(machine: Machine) -> None:
    """A compiler's word is not enough."""
    machine.go("v3.1.0")
    code, _, err = machine.run()
    assert code == 1
    assert "the result is version 3.1.0, not 3.259.0" in err
    assert machine.kept() == {"build.log"}


def wait_for_a_build(machine: Machine) -> None:
    """Waits until the compiler runs; the bound only ends a test that is broken."""
    end = time.monotonic() + 60
    while not machine.builds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_two_at_once_make_it_once(machine: Machine) -> None:
    """The second waits, says so, and takes what the first made."""
    machine.go()
    (machine.root / "hold").touch()
    with machine.start() as first:
        wait_for_a_build(machine)
        with machine.start() as second:
            assert second.stderr
            while "another run is making the engine; waiting for it" not in second.stderr.readline():
                pass
            (machine.root / "hold").unlink()
            assert second.communicate(timeout=60)[0] == first.communicate(timeout=60)[0] != ""
    assert len(machine.builds()) == 2


@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, "Stopped. Nothing is left half done"), (signal.SIGTERM, 143, "")]
)
def test_interrupted(machine: Machine, number: int, code: int, told: str) -> None:
    """No traceback, no compiler left, and nothing in the cache that a later run takes for an engine."""
    machine.go()
    (machine.root / "hold").touch()
    with machine.start() as process:
        wait_for_a_build(machine)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert told in err
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(int(machine.builds()[0]), 0)
    assert machine.kept() == {"build.log"}
