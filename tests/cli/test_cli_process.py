"""The command line as a process: a terminal, pipes, signals, and what is not installed."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import DEFAULT_API_KEY, Sandbox
from tests.processes import stat

from .terminal import CANARY

SECRET = "sk_CANARYstripe0123456789"
LONGEST = 120
"""Seconds; only ends a test that is broken."""


def environment(sandbox: Sandbox | None = None, **more: str) -> dict[str, str]:
    """A shell's environment that names the sandbox's workspace."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OUTLIT_")} | {"TERM": "xterm"}
    if sandbox is not None:
        env |= {"OUTLIT_API_URL": sandbox.url, "OUTLIT_API_KEY": sandbox.api_key}
    return env | more


def command(*arguments: str) -> list[str]:
    """`python -m outlit_pulumi` with arguments."""
    return [sys.executable, "-m", "outlit_pulumi", *arguments]


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs it with its output in pipes."""
    return subprocess.run(
        command(*arguments),
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_closed_outputs_are_no_traceback(sandbox: Sandbox) -> None:
    """As a service manager, or `>&-`, leaves them."""
    for closed, code, said in (
        ("1>&-", 3, "outlit-pulumi: standard output is closed.\n"),
        ("2>&-", 0, ""),
    ):
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" -m outlit_pulumi list --json {closed}', sys.executable],
            env=environment(sandbox),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert (done.returncode, done.stderr) == (code, said)


class Terminal:
    """A process on a terminal of its own, as its controlling one."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self.shown = ""

    def expect(self, text: str) -> None:
        """Reads until the text is shown."""
        end = time.monotonic() + LONGEST
        while text not in self.shown:
            assert time.monotonic() < end, self.shown
            assert self._read(), self.shown

    def expect_question(self, text: str) -> None:
        """Reads until the question is shown and the process sleeps, which it then does in reading the answer only.

        A signal in the microseconds between Python's last look at signals and the read would be seen at the next key.
        """
        self.expect(text)
        end = time.monotonic() + LONGEST
        while stat(self.process.pid)[0] != "S":
            assert time.monotonic() < end, self.shown
            time.sleep(0.005)

    def type(self, text: str) -> None:
        """Types it."""
        self.type_bytes(text.encode())

    def type_bytes(self, data: bytes) -> None:
        """Types what may be no text."""
        os.write(self._master, data)

    def end(self) -> int:
        """Reads the rest, and returns the exit code."""
        while self._read():
            pass
        return self.process.wait(LONGEST)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], LONGEST)
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # how Linux says that the other side is closed
            data = b""
        self.shown += data.decode(errors="replace")
        return bool(data)


@contextmanager
def terminal(*arguments: str, env: dict[str, str], typed: str = "") -> Iterator[Terminal]:
    """Starts it on a terminal, where something has been ``typed`` already."""
    code = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    master, slave = pty.openpty()
    os.write(master, typed.encode())
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command(*arguments)],
        env=env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    with process:
        try:
            yield Terminal(process, master)
        finally:
            process.kill()
            os.close(master)


def test_what_a_person_types_as_a_secret_is_not_shown(sandbox: Sandbox) -> None:
    with terminal("connect", "stripe", env=environment(sandbox)) as screen:
        screen.expect("Stripe secret or restricted key, not shown: ")
        screen.type(f"{SECRET}\n")
        assert screen.end() == 0
    assert "Stripe is connected (connection stripe-org_acme)." in screen.shown
    assert CANARY not in screen.shown


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs to see what a process does")
def test_what_is_typed_before_the_question_is_no_answer(sandbox: Sandbox) -> None:
    """Nobody has seen by then what will be lost."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    with terminal("disconnect", "stripe", env=environment(sandbox), typed="y\n") as screen:
        screen.expect_question("Disconnect Stripe? [y/N] ")
        screen.type("n\n")
        assert screen.end() == 1
    assert len(sandbox.connections()) == 1


def test_what_is_typed_in_another_encoding_is_no_bug(sandbox: Sandbox) -> None:
    with terminal("connect", "stripe", env=environment(sandbox, LC_ALL="C.UTF-8")) as screen:
        screen.expect_question("not shown: ")
        screen.type_bytes(f"{SECRET}\xe9\n".encode("latin-1"))
        assert screen.end() == 2
    said = " ".join(screen.shown.split())
    assert said.endswith("outlit-pulumi: What was typed is no text in this terminal's encoding. Nothing was done.")
    assert CANARY not in screen.shown


def test_ctrl_c_at_a_question(sandbox: Sandbox) -> None:
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    with terminal("disconnect", "stripe", env=environment(sandbox)) as screen:
        screen.expect_question("Disconnect Stripe? [y/N] ")
        screen.type("\x03")
        assert screen.end() == 130
    assert screen.shown.endswith("\nInterrupted.\r\n")
    assert "Traceback" not in screen.shown
    assert len(sandbox.connections()) == 1


@pytest.mark.parametrize(("what", "done"), [("connect", "connected"), ("disconnect", "disconnected")])
def test_ctrl_c_while_a_request_is_under_way(sandbox: Sandbox, what: str, done: str) -> None:
    """It may be carried out all the same, and a disconnect deletes data."""
    connecting = what == "connect"
    if not connecting:
        sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    sandbox.clear_calls()
    sandbox.fault("connect" if connecting else "disconnect", kind="delay", seconds=LONGEST)
    with terminal(what, "stripe", env=environment(sandbox)) as screen:
        screen.expect_question("not shown: " if connecting else "[y/N] ")
        screen.type(f"{SECRET}\n" if connecting else "y\n")
        while what not in [call["route"] for call in sandbox.calls()]:
            assert screen.process.poll() is None
            time.sleep(0.01)
        screen.type("\x03")
        assert screen.end() == 130
    said = " ".join(screen.shown.split())
    assert said.endswith(f"warning: Stripe may or may not be {done}. `outlit-pulumi list` tells. Interrupted.")
    assert CANARY not in screen.shown


def test_ctrl_c_while_it_waits_for_the_browser(sandbox: Sandbox) -> None:
    with terminal("connect", "slack", "--no-browser", env=environment(sandbox)) as screen:
        screen.expect("Waiting up to 300 s for Slack")
        screen.type("\x03")
        assert screen.end() == 130
    assert "Stopped waiting." in screen.shown
    assert "Traceback" not in screen.shown


def test_it_opens_what_the_person_uses_as_a_browser(sandbox: Sandbox, tmp_path: Path) -> None:
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/part && mv {tmp_path}/part {tmp_path}/opened\n')
    script.chmod(0o755)
    with terminal("connect", "slack", env=environment(sandbox, BROWSER=f"{script} %s")) as screen:
        screen.expect("Opened this link in the browser")
        screen.type("\x03")
        screen.end()
    assert (tmp_path / "opened").read_text() == f"{sandbox.url}/integrations"


def test_a_signal_to_a_watch(sandbox: Sandbox) -> None:
    with subprocess.Popen(
        command("status", "--watch", "--json"), env=environment(sandbox), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout
            assert json.loads(process.stdout.readline()) == {"failing": False, "items": []}
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=LONGEST)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, b"Interrupted.\n")


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("status", "--watch", "--json")])
def test_a_reader_that_stops_reading(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(command(*arguments), env=environment(sandbox), stdout=writing, stderr=subprocess.PIPE) as it:
        os.close(writing)
        _, err = it.communicate(timeout=LONGEST)
    assert (it.returncode, err) == (141, b"")


@pytest.mark.parametrize("arguments", [("lst", "--json"), ("connect", "slack", "--json")])
def test_an_error_that_nobody_reads(arguments: tuple[str, ...]) -> None:
    """It is on standard error, as one line."""
    reading, writing = os.pipe()
    os.close(reading)
    env = environment(PATH="/nonexistent")
    with subprocess.Popen(command(*arguments), env=env, stdout=writing, stderr=subprocess.PIPE) as it:
        os.close(writing)
        _, err = it.communicate(timeout=LONGEST)
    assert (it.returncode, err.count(b"\n")) == (141, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "--json"),
        ("status", "--watch", "--json"),
        ("sandbox", "--port", "0", "--json"),
        ("--version",),
        ("--help",),
    ],
)
def test_standard_output_that_cannot_be_written(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """One line, and no traceback of Python's at its end either."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(*arguments),
            env=environment(sandbox),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    said = f"outlit-pulumi: standard output cannot be written: {os.strerror(errno.ENOSPC)}.\n"
    assert (done.returncode, done.stderr) == (3, said)


def test_forced_colour_in_a_pipe_neither_folds_nor_animates(sandbox: Sandbox) -> None:
    """And nobody is asked at it."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    sandbox.set_sync("stripe", "FAILED", error_message="word " * 30)
    env = environment(sandbox, FORCE_COLOR="1", COLUMNS="40")
    listed = run("list", "--connected", env=env).stdout
    assert "\x1b[31m" in listed
    assert len(listed.splitlines()) == 2
    with subprocess.Popen(command("status", "--watch"), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as it:
        try:
            assert it.stdout
            shown = b""
            while b"Ctrl-C ends it." not in shown:
                shown += it.stdout.readline()
            it.send_signal(signal.SIGINT)
            it.communicate(timeout=LONGEST)
        finally:
            it.kill()
    assert b"\x1b[?25l" not in shown  # hides the cursor
    assert b"word word" in shown
    assert run("disconnect", "stripe", env=env).returncode == 2


def test_a_locale_that_lacks_the_characters(sandbox: Sandbox) -> None:
    body = json.dumps({"items": [{"id": "x", "status": "connected", "name": "Zoë \U0001f600"}]})
    sandbox.fault("list", status=200, body=body, times=2)
    env = environment(sandbox, PYTHONIOENCODING="ascii")
    assert "Zo? ?" in run("list", env=env).stdout
    assert json.loads(run("list", "--json", env=env).stdout)["items"][0]["name"] == "Zoë \U0001f600"


def test_the_sandbox_until_a_signal() -> None:
    with subprocess.Popen(command("sandbox", "--port", "0", "--json"), env=environment(), stdout=subprocess.PIPE) as it:
        try:
            assert it.stdout
            ready = json.loads(it.stdout.readline())
            assert ready["apiKey"] == DEFAULT_API_KEY
            env = environment(OUTLIT_API_URL=ready["url"], OUTLIT_API_KEY=ready["apiKey"])
            assert run("list", env=env).returncode == 0
            it.send_signal(signal.SIGINT)
            assert it.wait(LONGEST) == 0
        finally:
            it.kill()


def test_the_sandboxs_options_are_its_own() -> None:
    helped = run("sandbox", "--help", env=environment())
    assert helped.stdout.startswith("usage: outlit-pulumi sandbox ")
    assert "--extra-providers" in helped.stdout
    assert run("sandbox", "--api-key", "ok_short", env=environment()).returncode == 2
    wrong = run("sandbox", "--made-up", env=environment())
    said = "outlit sandbox: Unrecognized arguments: --made-up. `outlit-pulumi sandbox --help` shows the usage.\n"
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", said)


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("typer", ("list",), "cli"),
        ("rich", ("list",), "cli"),
        ("uvicorn", ("sandbox",), "sandbox"),
        ("fastapi", ("sandbox",), "sandbox"),
    ],
)
def test_without_an_extra_it_says_how_to_get_it(
    tmp_path: Path, missing: str, arguments: tuple[str, ...], extra: str
) -> None:
    """Python finds no such package: a finder in front of all others says so."""
    done = run(*arguments, env=environment(PYTHONPATH=without(missing, tmp_path)))
    assert done.returncode == 2
    assert done.stderr.endswith(f"pip install 'path/to/outlit-pulumi[{extra}]'\n")
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


def test_the_sandbox_by_itself_without_its_extra(tmp_path: Path) -> None:
    """As a program and in one: a sentence that names the extra."""
    env = environment(PYTHONPATH=without("uvicorn", tmp_path))
    said = "the sandbox needs the extra sandbox: pip install 'path/to/outlit-pulumi[sandbox]'"
    for arguments, code in ((["-m", "outlit_pulumi.sandbox"], 2), (["-c", "import outlit_pulumi.sandbox"], 1)):
        done = subprocess.run(
            [sys.executable, *arguments], env=env, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        assert done.returncode == code
        assert done.stderr.splitlines()[-1].endswith(said)
        assert (done.stderr.count("\n") == 1) is (code == 2)


def without(missing: str, folder: Path) -> str:
    """A folder for PYTHONPATH with which Python finds no package of that name."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {missing!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    return str(folder)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("outlit-pulumi dis", ["disconnect", "discover"]),
        ("outlit-pulumi connect s", ["slack", "stripe", "supabase"]),
        ("outlit-pulumi list --co", ["--connected"]),
    ],
)
def test_a_shell_completes_commands_providers_and_options(words: str, offered: list[str]) -> None:
    """Without settings, and without asking anybody."""
    env = environment(_OUTLIT_PULUMI_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
    script = Path(sys.executable).parent / "outlit-pulumi"
    done = subprocess.run([script], env=env, capture_output=True, text=True, timeout=LONGEST, check=True)
    assert sorted(done.stdout.split()) == offered


def test_completion_that_cannot_be_installed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")
    # Told, or the shell would be whichever started the tests.
    env = environment(HOME=str(home), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    done = run("--install-completion", "bash", env=env)
    said = f"outlit-pulumi: {home} cannot be written: File exists.\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", said)


def test_the_console_script_is_the_same_program() -> None:
    script = Path(sys.executable).parent / "outlit-pulumi"
    for arguments in (["--version"], ["--help"]):
        by_name = subprocess.run([script, *arguments], capture_output=True, text=True, timeout=LONGEST, check=True)
        assert by_name.stdout == run(*arguments, env=dict(os.environ)).stdout
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", run("--version", env=environment()).stdout)
