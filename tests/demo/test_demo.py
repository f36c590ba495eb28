"""The demo as a user runs it: a process, on a real engine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def start(scratch: Path) -> subprocess.Popen[str]:
    """Starts the demo, with its temporary folder in ``scratch``."""
    env = os.environ | {
        "TMPDIR": str(scratch),
        "OUTLIT_API_KEY": "ok_must_not_matter",
        "OUTLIT_API_URL": "https://x.invalid",
    }
    return subprocess.Popen(
        [sys.executable, ROOT / "tools" / "demo"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def engine() -> None:
    """Needs an engine: never skipped in CI."""
    if "OUTLIT_ENGINE_BIN" not in os.environ and shutil.which("pulumi") is None and "CI" not in os.environ:
        pytest.skip("there is no Pulumi engine: run `make test`")


@pytest.mark.usefixtures("engine")
def test_every_step_does_what_it_should(tmp_path: Path) -> None:
    """Also with an Outlit key in the environment, which must not reach it."""
    process = start(tmp_path)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "Every step did what it should" in output
    assert "made_up_for_the_demo" not in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_cleans_up(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """In the middle of an update, so that Pulumi runs."""
    process = start(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if "Updating (demo)" in line:
            break
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == code, output
    assert "Interrupted" in output
    assert list(tmp_path.iterdir()) == []


def test_without_an_engine_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line, no traceback."""
    monkeypatch.setenv("OUTLIT_ENGINE_BIN", str(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = start(scratch)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The demo failed: pulumi cannot be started" in output
    assert "Traceback" not in output
    assert list(scratch.iterdir()) == []


def test_a_step_that_goes_wrong_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code tells, and one line says which step."""
    engine, scratch = tmp_path / "engine", tmp_path / "scratch"
    engine.mkdir()
    scratch.mkdir()
    (engine / "pulumi").write_text("#!/bin/sh\nexit 3\n")
    (engine / "pulumi").chmod(0o755)
    monkeypatch.setenv("OUTLIT_ENGINE_BIN", str(engine))
    process = start(scratch)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The demo failed: `pulumi stack init demo` ended with exit code 3" in output
    assert list(scratch.iterdir()) == []
