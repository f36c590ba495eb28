"""The routes in their order, what the user reads, and how an interrupted run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_engine.engine import UnavailableError
from pulumi_engine.search import NoEngineError, Route, find, main, routes

Script = Callable[..., Path]
TOOL = Path(__file__).parents[2] / "tools" / "engine"


def leads_to(folder: str) -> Callable[[], Path]:
    """An attempt that succeeds."""
    return lambda: Path(folder)


def fails(reason: str, kind: type[Exception] = UnavailableError) -> Callable[[], Path]:
    """An attempt that does not."""

    def attempt() -> Path:
        raise kind(reason)

    return attempt


def test_first_success_wins() -> None:
    """Later routes are not tried; each one before says what it was and why it was left."""
    said: list[str] = []
    ways = [
        Route("one", fails("not here")),
        Route("two", leads_to("/two")),
        Route("three", fails("never tried", AssertionError)),
    ]
    assert find(ways, said.append) == Path("/two")
    assert said == ["Trying one", "  no: not here", "Trying two", "  yes"]


def test_nothing_works() -> None:
    """One message: everything that was tried, why it failed, and how to install Pulumi by hand."""
    ways = [Route("one", fails("not here")), Route("two", fails("disk full", OSError))]
    with pytest.raises(NoEngineError) as caught:
        find(ways, print)
    assert str(caught.value).splitlines() == [
        "No Pulumi engine could be found or made. Tried:",
        "  - one: not here",
        "  - two: disk full",
        "",
        "Install Pulumi by hand, 3.147 or later:  https://www.pulumi.com/docs/install/",
        "Then run this command again in a new terminal.",
    ]


def test_order_of_the_real_routes() -> None:
    """PATH, cache, download, build."""
    titles = [route.title.split(",")[0] for route in routes(print)]
    assert [title.split(" of ")[0] for title in titles] == [
        "pulumi on PATH",
        "a copy made earlier",
        "the official download",
        "a build",
    ]


def test_stdout_is_the_folder_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a Makefile can take it."""
    assert main(lambda say: [Route("one", fails("no")), Route("two", leads_to("/there"))]) == 0
    assert capsys.readouterr().out == "/there\n"


def test_failure_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing on stdout, exit code 1."""
    assert main(lambda say: [Route("one", fails("no"))]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "No Pulumi engine could be found or made" in output.err


def test_command_line(engine_scripts: Callable[..., None], only_bin: dict[str, str], tmp_path: Path) -> None:
    """`python tools/engine` as the Makefile calls it, from any folder; it leaves nothing there."""
    engine_scripts()
    (tmp_path / "here").mkdir()
    done = subprocess.run(
        [sys.executable, TOOL], cwd=tmp_path / "here", env=only_bin, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path / 'bin'}\n"
    assert done.stderr == "Trying pulumi on PATH\n  yes\n"
    assert not list((tmp_path / "here").iterdir())


INTERRUPTED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pulumi_engine.engine import Version
from pulumi_engine.commands import run
from pulumi_engine.search import Route, main
from pulumi_engine.store import Store

def make(home, work):
    run([sys.argv[2]], limit=60, env=os.environ, cwd=work, alive=lambda seconds: print(flush=True), every=0.1)

store = Store(Path(sys.argv[3]), Version(3, 259, 0), os.environ)
sys.exit(main(lambda say: [Route("a slow build", lambda: store.fill(make, say))]))
"""


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [(signal.SIGINT, 130, "\nStopped. Nothing is left half done"), (signal.SIGTERM, 143, "")],
)
def test_interrupted(script: Script, tmp_path: Path, number: int, code: int, told: str) -> None:
    """No traceback, no child left, no temporary folder left, and an exit code that shells know."""
    child = script("child", f"echo $$ > {tmp_path}/pid; exec /bin/sleep 60")
    argv: list[str | Path] = [sys.executable, "-c", INTERRUPTED, TOOL, child, tmp_path / "cache"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()  # the child runs
        process.send_signal(number)
        error = process.stderr.read()
    assert process.returncode == code
    assert error.removeprefix("Trying a slow build\n").startswith(told)
    assert "Traceback" not in error
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
