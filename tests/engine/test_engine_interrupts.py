"""Runs that are cut off, on the real engine: a provider process that is killed, and Ctrl-C.

The sandbox holds an answer back, and with it the moment: what happens is made to happen then, and waits for no clock.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.sandbox.faults import RouteName
from tests.processes import stat

from .conftest import SK, Running, Stack, assert_settled, counted, provider_tracebacks, until
from .programs import stripe

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(os.name != "posix", reason="signals and process groups are POSIX"),
]

ADOPT = ", adopt_existing=True"
NEW = SK + "new"
CANCELLING = "^C received; cancelling"
UP = ("up", "--yes", "--skip-preview")


def processes() -> list[tuple[int, int, str]]:
    """Id, parent's id and command line of every process."""
    if not sys.platform.startswith("linux"):
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
        return [(int(row[0]), int(row[1]), row[-1]) for row in rows]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = stat(int(folder.name))[1]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        found.append((int(folder.name), int(parent), command))
    return found


def kill_provider(run: Running) -> None:
    """Kills the provider process of a run, as the kernel does when memory runs out."""
    everything, family, provider = processes(), {run.pid}, []
    while grown := {pid for pid, parent, _ in everything if parent in family} - family:
        family |= grown
    for pid, _, command in everything:
        # Its parent, a shell script, is called something else.
        if pid in family and " -m pulumi.dynamic" in command:
            provider.append(pid)
    (pid,) = provider
    os.kill(pid, signal.SIGKILL)


def interrupt(run: Running) -> None:
    """Ctrl-C: the terminal signals the whole process group."""
    os.killpg(run.pid, signal.SIGINT)


def hold(sandbox: Sandbox, route: RouteName) -> None:
    """Keeps the next answer of a route back: the work, if there is any, is done. `refusing` lets the answer go."""
    counted(sandbox)
    sandbox.fault(route, kind="delay", seconds=300, after=True)


def until_held(sandbox: Sandbox) -> None:
    """Waits until an answer is kept back."""
    until(lambda: any(call["fault"] for call in sandbox.calls()), "the call whose answer is kept back")


def killed(stack: Stack, sandbox: Sandbox) -> None:
    """An up whose provider process is killed while an answer is kept back."""
    with stack.running(*UP) as up:
        until_held(sandbox)
        kill_provider(up)
        result = up.result()
    assert result.code != 0
    # The kernel decides how the engine learns of it: the end of the stream, or a reset.
    assert re.search("error reading from server: (EOF|.*connection reset by peer)", result.diagnostics)
    assert provider_tracebacks(result.output) == []
    assert stack.pending() == []


def interrupted_twice(stack: Stack, sandbox: Sandbox) -> None:
    """An up that gets Ctrl-C twice while an answer is kept back."""
    with stack.running(*UP) as up:
        until_held(sandbox)
        interrupt(up)
        until(lambda: CANCELLING in up.shown(), "the cancelling")
        interrupt(up)
        result = up.result()
    assert result.code != 0
    assert provider_tracebacks(result.output) == []


def adopted(stack: Stack, sandbox: Sandbox) -> None:
    """The next up refuses and names the way out, which works; full ownership comes back with a second edit."""
    counted(sandbox)
    shown = stack.fails(*UP).diagnostics
    assert (
        "Stripe was not created: it is already connected in this workspace, and not by this resource. "
        "No credentials were applied." in shown
    )
    assert "or by a first pulumi up that was interrupted, set adopt_existing=True" in shown
    assert counted(sandbox) == {"list": 1}
    stack.program(stripe(more=ADOPT))
    stack.up()
    stack.program(stripe())
    assert_settled(stack, sandbox, stripe={"apiKey": SK})


def test_provider_killed_in_a_create_that_took_effect(stack: Stack, sandbox: Sandbox) -> None:
    """The engine records nothing, so refresh has nothing to find; the next up says how to take the connection over."""
    stack.program(stripe())
    hold(sandbox, "connect")
    killed(stack, sandbox)
    assert stack.resources() == {}
    stack.ok("refresh", "--yes", "--skip-preview")
    adopted(stack, sandbox)
    stack.destroy()
    assert sandbox.connections() == []


def test_provider_killed_in_a_create_before_it_was_sent(stack: Stack, sandbox: Sandbox) -> None:
    """Nothing happened: the next up connects."""
    stack.program(stripe())
    hold(sandbox, "list")
    killed(stack, sandbox)
    assert (stack.resources(), sandbox.connections()) == ({}, [])
    stack.ok("refresh", "--yes", "--skip-preview")
    stack.up()
    assert_settled(stack, sandbox, stripe={"apiKey": SK})


@pytest.mark.parametrize("held", ["connect", "list"], ids=["took effect", "not sent"])
def test_provider_killed_in_an_update(stack: Stack, sandbox: Sandbox, held: RouteName) -> None:
    """The state keeps the old config, whatever took effect: the next up sends the declared one again."""
    stack.program(stripe())
    stack.up()
    stack.secret("sk", NEW)
    hold(sandbox, held)
    killed(stack, sandbox)
    stack.ok("refresh", "--yes", "--skip-preview")
    counted(sandbox)
    assert "1 updated" in stack.up().output
    assert counted(sandbox) == {"list": 1, "connect": 1}
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})


def test_one_interrupt_in_a_slow_create_waits_for_its_end(stack: Stack, sandbox: Sandbox) -> None:
    """The engine starts nothing further, and the connection that comes of the call under way is in the state."""
    stack.program(
        "x = " + stripe() + "outlit.Integration("
        '"clerk", "clerk", {"secretKey": config.require_secret("sk")}, opts=ResourceOptions(depends_on=[x]))'
    )
    hold(sandbox, "connect")
    with stack.running(*UP) as up:
        until_held(sandbox)
        interrupt(up)
        until(lambda: CANCELLING in up.shown(), "the cancelling")
        with sandbox.refusing():
            pass
        result = up.result()
    assert result.code != 0
    assert "update canceled" in result.diagnostics
    assert provider_tracebacks(result.output) == []
    assert set(stack.resources()) == {"stripe"}
    assert stack.pending() == []
    stack.up()
    assert_settled(stack, sandbox, stripe={"apiKey": SK}, clerk={"secretKey": SK})


def test_one_interrupt_in_a_create_whose_answer_never_comes(stack: Stack, sandbox: Sandbox) -> None:
    """The provider gives up within the timeout and looks; the next up sends the config once more."""
    stack.ok("config", "set", "outlit:timeout", "6")
    stack.program(stripe())
    hold(sandbox, "connect")
    with stack.running(*UP) as up:
        until_held(sandbox)
        interrupt(up)
        result = up.result()
    assert result.code != 0
    assert "the answer to the connect request was lost" in result.diagnostics
    assert provider_tracebacks(result.output) == []
    assert set(stack.resources()) == {"stripe"}
    assert stack.pending() == []
    assert "1 updated" in stack.up().output
    assert_settled(stack, sandbox, stripe={"apiKey": SK})


def test_two_interrupts_in_a_slow_create(stack: Stack, sandbox: Sandbox) -> None:
    """The engine gives up and remembers a create under way, until a refresh is told to forget it."""
    stack.program(stripe())
    hold(sandbox, "connect")
    interrupted_twice(stack, sandbox)
    assert (stack.resources(), stack.pending()) == ({}, ["creating"])

    stack.ok("refresh", "--yes", "--skip-preview")
    assert stack.pending() == ["creating"]
    adopted(stack, sandbox)
    stack.ok("refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--expect-no-changes")
    assert stack.pending() == []
    assert "pending" not in stack.up().output


def test_two_interrupts_in_a_slow_update(stack: Stack, sandbox: Sandbox) -> None:
    """A refresh settles what the engine remembers of it, and the next up sends the config again."""
    stack.program(stripe())
    stack.up()
    stack.secret("sk", NEW)
    hold(sandbox, "connect")
    interrupted_twice(stack, sandbox)
    assert stack.pending() == ["updating"]
    stack.ok("refresh", "--yes", "--skip-preview")
    assert stack.pending() == []
    assert "1 updated" in stack.up().output
    assert_settled(stack, sandbox, stripe={"apiKey": NEW})
