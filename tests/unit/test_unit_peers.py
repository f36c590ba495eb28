"""What the processes of one run tell each other about the connections that they hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

import outlit_pulumi as outlit
from outlit_pulumi.dynamic import Workspaces
from outlit_pulumi.lifecycle.ledger import Ledger
from outlit_pulumi.lifecycle.peers import Peers
from outlit_pulumi.settings import Settings

RUN = "127.0.0.1:4711"

Process = Callable[..., Peers]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the notes are; there is no such folder yet."""
    return tmp_path / "home" / "notes"


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    """Starts what stands for a provider process; it ends with the test, or when closed."""
    with ExitStack() as ends:

        def start(run: str = RUN, notes: Path = folder) -> Peers:
            return ends.enter_context(closing(Peers(run, notes)))

        yield start


# --- who knows what


def test_the_processes_of_a_run_see_each_other_s_notes(process: Process) -> None:
    mine, other = process(), process()
    assert not mine.notes().have("stripe-1", "held")
    other.note("stripe-1", "held")
    other.note("clerk-1", "held")
    assert mine.notes().have("stripe-1", "held")
    assert mine.notes().have("clerk-1", "held")
    assert other.notes().have("stripe-1", "held")
    assert not mine.notes().have("stripe-2", "held")
    assert not mine.notes().have("stripe-1", "refused")


def test_other_runs_do_not(process: Process) -> None:
    process().note("stripe-1", "held")
    assert not process(run="127.0.0.1:4712").notes().have("stripe-1", "held")


def test_the_url_of_the_service_plays_no_part(process: Process) -> None:
    """Processes can reach one workspace by two URLs; the service's ids tell its workspaces apart."""
    one = Workspaces(process()).ledger(Settings("ok_one", "https://outlit.test"))
    two = Workspaces(process()).ledger(Settings("ok_two", "https://emea.outlit.test/"))
    one.declare("stripe")
    one.keep("stripe", "stripe-1")
    assert two.facts("stripe", "stripe-1").held
    assert (two.facts("stripe", "stripe-1").elsewhere, one.facts("stripe", "stripe-1").elsewhere) == (True, False)


def test_an_id_that_two_providers_have_is_two_connections(process: Process) -> None:
    mine, other = Ledger(process()), Ledger(process())
    mine.hold("stripe", "1")
    assert other.facts("stripe", "1").held
    assert not other.facts("clerk", "1").held


def test_what_a_program_reads_is_held_in_every_process_unless_it_manages_it_there(process: Process) -> None:
    reader, other = Ledger(process()), Ledger(process())
    reader.read("stripe", "stripe-1")
    assert other.facts("stripe", "stripe-1").held
    assert not other.facts("stripe", "stripe-2").held
    other.declare("stripe")
    assert not other.facts("stripe", "stripe-1").held


def test_who_is_about_to_connect_is_known_where_the_organization_is(process: Process) -> None:
    mine, other = Ledger(process()), Ledger(process())
    mine.claim("stripe", "org_a")
    assert other.facts("stripe", "stripe-1", organization="org_a").taken
    for facts in (
        other.facts("stripe", "stripe-1", organization="org_b"),
        other.facts("stripe", "stripe-1"),
        other.facts("clerk", "clerk-1", organization="org_a"),
    ):
        assert not facts.taken
    mine.claim("clerk", None)
    assert not other.facts("clerk", "clerk-1").taken


def test_both_words_go_together(process: Process) -> None:
    """A failed create counts in every process, whatever connection it is about to delete."""
    mine, other = Ledger(process()), Ledger(process())
    mine.hold("stripe", "stripe-1")
    mine.fail("stripe")
    mine.fail("stripe")
    facts = other.facts("stripe", "stripe-1")
    assert (facts.held, facts.failed) == (True, True)
    assert other.facts("stripe", "stripe-2").failed
    assert not other.facts("clerk", "clerk-1").failed


def test_a_ledger_without_peers_has_its_own_notes() -> None:
    ledger = Ledger()
    ledger.fail("stripe")
    assert ledger.facts("stripe", "stripe-1").failed
    assert not Ledger().facts("stripe", "stripe-1").failed
    ledger.peers.close()


# --- files


def test_notes_have_one_form_which_holds_no_id(process: Process, folder: Path) -> None:
    process().note("stripe-org_acme", "held")
    process().note("\ud800", "refused")
    names = os.listdir(folder)
    assert sorted(name.split("-")[2] for name in names) == ["held", "refused"]
    for name in names:
        assert re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]{32}-(held|refused)-[0-9a-f]{32}", name)
        assert (folder / name).read_bytes() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_notes_are_this_user_s_alone(process: Process, folder: Path) -> None:
    process().note("stripe-1", "held")
    assert folder.stat().st_mode & 0o777 == 0o700
    (note,) = folder.iterdir()
    assert note.stat().st_mode & 0o777 == 0o600


def test_a_note_does_not_outlive_its_process(process: Process, folder: Path) -> None:
    first, second = process(), process()
    first.note("stripe-1", "held")
    second.note("stripe-1", "held")
    first.close()
    assert second.notes().have("stripe-1", "held")
    assert process().notes().have("stripe-1", "held")
    second.close()
    assert not process().notes().have("stripe-1", "held")
    assert list(folder.iterdir()) == []


def test_who_leaves_no_note_makes_no_folder(process: Process, folder: Path) -> None:
    mine = process()
    assert not mine.notes().have("stripe-1", "held")
    mine.close()
    assert not folder.parent.exists()


def test_nothing_else_in_the_folder_is_touched(process: Process, folder: Path) -> None:
    """Neither what looks unlike a note nor the notes of runs that may still go on, however old the former is."""
    folder.mkdir(parents=True)
    own = folder / "important.txt"
    own.write_text("mine")
    like = folder / "0123456789abcdef-held"
    like.write_text("mine, too")
    (folder / "folder").mkdir()
    recent = process(run="another run")
    recent.note("stripe-1", "held")
    for path in (own, like, folder / "folder"):
        age(path, days=400)
    before = {path.name for path in folder.iterdir()}
    mine = process()
    mine.note("stripe-1", "held")
    assert not mine.notes().have("clerk-1", "held")
    mine.close()
    assert {path.name for path in folder.iterdir()} == before
    assert (own.read_text(), like.read_text()) == ("mine", "mine, too")
    assert recent.notes().have("stripe-1", "held")


def test_what_killed_processes_left_is_cleared_away(process: Process, folder: Path) -> None:
    killed = process(run="an old run")
    killed.note("stripe-1", "held")
    killed.note("clerk-1", "held")
    for note in folder.iterdir():
        age(note, days=2)
    recent = process(run="a run of today")
    recent._prepare(folder)
    assert list(folder.iterdir()) == []
    recent.note("stripe-1", "held")
    assert len(os.listdir(folder)) == 1


def test_notes_of_a_run_that_goes_on_stay_however_old_they_look(process: Process, folder: Path) -> None:
    """It may last for days, and a clock can jump."""
    mine, late = process(), process()
    mine.note("stripe-1", "held")
    for note in folder.iterdir():
        age(note, days=2)
    late.note("clerk-1", "held")
    assert late.notes().have("stripe-1", "held")


def age(path: Path, *, days: float) -> None:
    """Makes it look as if it had been written that long ago."""
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_processes_that_start_together_lose_no_note(folder: Path) -> None:
    """Each clears away what ended before it: that must not be what another is just about to write."""
    folder.mkdir(parents=True)
    for number in range(50):
        left = folder / f"{number:016x}-{number:032x}-held-{number:032x}"
        left.touch()
        age(left, days=2)
    code = (
        "import sys; from pathlib import Path; from outlit_pulumi.lifecycle.peers import Peers\n"
        "mine = Peers('run', Path(sys.argv[1])); sys.stdin.readline()\n"
        "mine.note(sys.argv[2], 'held'); print('noted', flush=True); sys.stdin.readline(); mine.close()"
    )
    command = [sys.executable, "-c", code, str(folder)]
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
        assert len(os.listdir(folder)) == len(names)
        with closing(Peers("run", folder)) as reader:
            assert [name for name in names if not reader.notes().have(name, "held")] == []
    finally:
        for each in processes:
            each.communicate("end\n", timeout=30)
    assert list(folder.iterdir()) == []


# --- a folder that cannot be used


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def below_a_file(folder: Path) -> Path:
    folder.parent.mkdir()
    folder.write_text("in the way")
    return folder / "notes"


def a_file(folder: Path) -> Path:
    folder.parent.mkdir()
    folder.write_text("in the way")
    return folder


def a_link(folder: Path) -> Path:
    """Its place is known, so another user of the machine may have made it first."""
    theirs = folder.parent / "theirs"
    theirs.mkdir(parents=True)
    folder.symlink_to(theirs)
    return folder


def a_link_to_nowhere(folder: Path) -> Path:
    folder.parent.mkdir()
    folder.symlink_to(folder.parent / "nowhere")
    return folder


def another_user_s(folder: Path) -> Path:
    folder.mkdir(parents=True)
    os.chown(folder, 12345, 12345)
    return folder


BLOCKED = [
    below_a_file,
    a_file,
    pytest.param(a_link, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a right for links")),
    pytest.param(
        a_link_to_nowhere, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a right for links")
    ),
    pytest.param(another_user_s, marks=pytest.mark.skipif(not is_root(), reason="only root gives a folder away")),
]


@pytest.mark.parametrize("block", BLOCKED)
def test_a_folder_that_cannot_be_trusted_is_an_error(
    process: Process, folder: Path, block: Callable[[Path], Path]
) -> None:
    """Neither what it says is believed, nor is anything written there."""
    notes = block(folder)
    mine = process(notes=notes)
    for word in ("held", "refused"):
        with pytest.raises(outlit.ConfigurationError, match=f"^the folder {re.escape(str(notes))}, in which") as caught:
            mine.notes().have("stripe-1", word)
        assert "Make it a writable folder of your own, or set PULUMI_HOME." in str(caught.value)
        with pytest.raises(outlit.ConfigurationError, match="cannot be used"):
            mine.note("stripe-1", word)
        assert caught.value.__cause__ is None
    mine.close()
    assert not (folder.parent / "nowhere").exists()
    if folder.is_dir():
        assert list(folder.iterdir()) == []


@pytest.mark.skipif(is_root() or sys.platform == "win32", reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_an_error_for_who_leaves_a_note(process: Process, folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o500)
    mine = process()
    assert not mine.notes().have("stripe-1", "held")
    with pytest.raises(outlit.ConfigurationError, match=r"cannot be used \(Permission denied\)"):
        mine.note("stripe-1", "held")


def test_a_note_that_could_not_be_left_is_not_taken_for_left(process: Process, folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")
    mine = process()
    with pytest.raises(outlit.ConfigurationError):
        mine.note("stripe-1", "held")
    folder.unlink()
    assert not mine.notes().have("stripe-1", "held")
    mine.note("stripe-1", "held")
    assert process().notes().have("stripe-1", "held")
