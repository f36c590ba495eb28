"""What the processes of one run tell each other about the connections that they took over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.handover import Handover
from outlit_pulumi.run import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs file locks of POSIX")

RUN = "127.0.0.1:4711"
SERVICE = "https://outlit.test"


Process = Callable[..., Handover]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Starts what stands for a provider process; it ends with the test, or when closed."""
    with ExitStack() as ends:

        def start(run: str = RUN, service: str = SERVICE, folder: Path = tmp_path) -> Handover:
            return ends.enter_context(closing(Handover(run, service, folder)))

        yield start


def test_another_process_of_the_run_is_told(process: Process, tmp_path: Path) -> None:
    mine, other = process(folder=tmp_path / "notes"), process(folder=tmp_path / "notes")
    assert not mine.noted("stripe-1")
    other.note("stripe-1")
    other.note("clerk-1")
    assert mine.noted("stripe-1")
    assert mine.noted("clerk-1")
    assert other.noted("stripe-1")
    assert not mine.noted("stripe-2")


def test_other_runs_and_other_services_are_not(process: Process) -> None:
    process().note("stripe-1")
    assert not process(run="127.0.0.1:4712").noted("stripe-1")
    assert not process(service="https://emea.outlit.test").noted("stripe-1")


def test_a_note_does_not_outlive_its_process(process: Process, tmp_path: Path) -> None:
    """A later run whose engine has the same address must not take it for its own; nothing is left lying around."""
    ended, later = process(), process()
    ended.note("stripe-1")
    ended.close()
    assert not later.noted("stripe-1")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_no_error(process: Process, tmp_path: Path) -> None:
    """Nothing after a successful connect may raise."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    handover = process(folder=blocked)
    handover.note("stripe-1")
    assert not handover.noted("stripe-1")


def test_notes_hold_no_ids(process: Process, tmp_path: Path) -> None:
    process().note("stripe-org_acme")
    (notes,) = tmp_path.iterdir()
    assert "stripe" not in notes.read_text() + notes.name


def test_a_run_knows_what_other_processes_took_over(process: Process) -> None:
    """And tells them what it took over or keeps itself."""
    mine, others = Run(process()), Run(process())
    others.connected("stripe", "stripe-1")
    others.declare("clerk")
    others.keep("clerk", "clerk-1")
    for run in (mine, others):
        assert run.holds("stripe-1")
        assert run.holds("clerk-1")
        assert not run.holds("stripe-2")


def test_processes_that_start_together_lose_no_note(tmp_path: Path) -> None:
    """Each clears away what ended before it: that must not be what another is just about to write."""
    code = (
        "import sys; from pathlib import Path; from outlit_pulumi.handover import Handover\n"
        "mine = Handover('run', 'service', Path(sys.argv[1])); sys.stdin.readline()\n"
        "mine.note(sys.argv[2]); print('noted', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    names = [f"stripe-{number}" for number in range(8)]
    processes = [subprocess.Popen([*command, name], **pipes) for name in names]
    try:
        for each in processes:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in processes:
            assert each.stdout is not None
            assert each.stdout.readline() == "noted\n"
        with closing(Handover("run", "service", tmp_path)) as reader:
            assert [name for name in names if not reader.noted(name)] == []
    finally:
        for each in processes:
            each.communicate("end\n", timeout=30)


def test_a_folder_of_somebody_else_is_not_believed(process: Process, tmp_path: Path) -> None:
    """Its place is known, so another user of the machine may have made it first."""
    (tmp_path / "theirs").mkdir()
    linked = tmp_path / "link"
    linked.symlink_to(tmp_path / "theirs")
    handover = process(folder=linked)
    handover.note("stripe-1")
    assert not handover.noted("stripe-1")
    assert list((tmp_path / "theirs").iterdir()) == []
