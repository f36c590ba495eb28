"""The demo as a user runs it, a process on a real engine, and the picture that quotes it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools.demo.picture import PICTURE, draw

DEMO = Path(__file__).resolve().parents[2] / "tools" / "demo"
STORY = {
    "- pulumi-python:dynamic/outlit:Integration stripe deleted",
    "+ pulumi-python:dynamic/outlit:Integration stripe created",
}
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The folder in which the demo makes its temporary one."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def engine() -> None:
    """Needs an engine: never skipped in CI."""
    if "OUTLIT_ENGINE_BIN" not in os.environ and shutil.which("pulumi") is None and "CI" not in os.environ:
        pytest.skip("there is no Pulumi engine: run `make test`")


def start(scratch: Path, **env: str) -> subprocess.Popen[str]:
    """Starts the demo. The Outlit of the environment must not matter to it."""
    outlit = {"OUTLIT_API_KEY": "ok_must_not_matter", "OUTLIT_API_URL": "https://x.invalid"}
    return subprocess.Popen(
        [sys.executable, DEMO],
        env=os.environ | outlit | {"TMPDIR": str(scratch), "FORCE_COLOR": ""} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def fake_engine(tmp_path: Path, script: str) -> str:
    """Makes a ``pulumi`` from a shell script, and returns its folder."""
    folder = tmp_path / "engine"
    folder.mkdir()
    (folder / "pulumi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "pulumi").chmod(0o755)
    return str(folder)


def interrupt(process: subprocess.Popen[str], after: str, number: signal.Signals) -> str:
    """Sends the signal once the demo has printed ``after``, and returns what it prints from then on."""
    assert process.stdout is not None
    assert any(after in line for line in process.stdout)
    process.send_signal(number)
    return process.communicate(timeout=120)[0]


def left(scratch: Path) -> list[str]:
    """Files of the demo, and its processes, which have its folder in their environment; those are given time to end."""
    processes: list[str] = []
    for _ in range(100):
        processes.clear()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended, or is another user's
                if str(scratch).encode() in (process / "environ").read_bytes():
                    processes.append((process / "cmdline").read_text())
        if not processes:
            break
        time.sleep(0.1)
    return processes + [str(path) for path in scratch.rglob("*")]


def texts(picture: str) -> list[str]:
    """The lines of a picture."""
    rows: dict[str, str] = {}
    for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        row = text.attrib["y"]
        rows[row] = rows.get(row, "") + "".join(text.itertext())
    return [line for line in map(words, rows.values()) if line]


def words(text: str) -> str:
    """The text without what the picture sets otherwise: margins, line breaks and durations."""
    return " ".join(re.sub(r"^  \||\(\d[\d.]*s\)$", "", text.replace("\xa0", " "), flags=re.MULTILINE).split())


@pytest.mark.usefixtures("engine")
def test_every_step_does_what_it_should_and_the_picture_quotes_it(scratch: Path) -> None:
    """One run for both: it takes most of the time that these tests take."""
    process = start(scratch)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "Every step did what it should" in output
    assert "made_up_for_the_demo" not in output
    assert left(scratch) == []

    told = words(output)
    for title, *lines in (texts(PICTURE.read_text(encoding="utf-8")), texts(draw(output))):
        assert title == "make demo"
        assert set(lines) >= STORY
        at = 0
        for line in lines:
            assert line in told[at:], "the demo prints something else by now: run tools/demo/picture.py"
            at = told.index(line, at) + len(line)


@pytest.mark.full
@pytest.mark.usefixtures("engine")
def test_interrupted_in_an_update_it_leaves_nothing(scratch: Path) -> None:
    process = start(scratch)
    output = interrupt(process, "Updating (demo)", signal.SIGINT)
    assert process.returncode == 130, output
    assert "Interrupted" in output
    assert left(scratch) == []


@pytest.mark.full
@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_interrupted_it_lets_pulumi_end(tmp_path: Path, scratch: Path, number: signal.Signals, code: int) -> None:
    """A killed Pulumi would leave its plugins behind, and its lock on the stack."""
    ended = tmp_path / "ended"
    script = f"""
        [ "$1 $2" != "config --non-interactive" ] && exit
        trap 'sleep 1; echo > "{ended}"; exit 1' INT
        echo waiting
        while :; do sleep 0.1; done
    """
    process = start(scratch, OUTLIT_ENGINE_BIN=fake_engine(tmp_path, script))
    output = interrupt(process, "waiting", number)
    assert process.returncode == code, output
    assert "Interrupted" in output
    assert ended.exists()
    assert left(scratch) == []


def test_without_an_engine_it_says_so(scratch: Path) -> None:
    process = start(scratch, OUTLIT_ENGINE_BIN="/nowhere", PATH="/nowhere")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The demo failed: pulumi cannot be started" in output
    assert "Traceback" not in output
    assert left(scratch) == []


def test_a_step_that_goes_wrong_fails_the_demo(tmp_path: Path, scratch: Path) -> None:
    """The exit code tells, and a line says which step, with what Pulumi said."""
    process = start(scratch, OUTLIT_ENGINE_BIN=fake_engine(tmp_path, "echo broken; exit 3"))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The demo failed: `pulumi stack` ended with exit code 3:\n  | broken." in output
    assert "Traceback" not in output
    assert left(scratch) == []


def test_the_picture_loads_nothing() -> None:
    """It is on the first page of the documents: no script, font or picture from elsewhere, no path of a machine."""
    picture = PICTURE.read_text(encoding="utf-8")
    assert re.findall(r"<script|<image|@import|@font-face|href=|url\((?!#)|/(?:root|home|tmp|Users)/", picture) == []
    assert set(re.findall(r"https?://[^\s\"<]+", picture)) == {"http://www.w3.org/2000/svg"}
