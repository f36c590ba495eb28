"""Waits between tries, and work in threads, which calls share."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading

import pytest

from outlit_pulumi.api.retry import Retries, in_thread

_WITHOUT_THREADS = """
import threading
from outlit_pulumi import UnreachableError
from outlit_pulumi.api.retry import in_thread

threading.stack_size(2**46)  # no machine has room for that
try:
    in_thread(int)
except UnreachableError as error:
    print(error.took_effect, error)
threading.stack_size(0)
print(in_thread(int).result(60))
"""


_FORKED = """
import os, warnings
from outlit_pulumi.api.retry import _IDLE, in_thread

in_thread(int).result(60)
_IDLE.acquire()  # once the thread is idle
_IDLE.release()
warnings.simplefilter("ignore")  # of newer Pythons, where threads run
child = os.fork()
if not child:
    os._exit(in_thread(lambda: 7).result(60))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    run = subprocess.run([sys.executable, "-c", _FORKED], capture_output=True, text=True, check=True)
    assert run.stdout == "7\n"


def test_work_that_does_not_end_keeps_nothing_else_waiting() -> None:
    ends = threading.Event()
    given_up = [in_thread(ends.wait) for _ in range(20)]
    try:
        assert [in_thread(int).result(60) for _ in range(20)] == [0] * 20
    finally:
        ends.set()
    assert all(work.result(60) for work in given_up)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no stack size that it cannot serve")
def test_a_machine_without_a_thread_to_spare_is_one_clear_error() -> None:
    run = subprocess.run([sys.executable, "-c", _WITHOUT_THREADS], capture_output=True, text=True, check=True)
    refused, worked = run.stdout.splitlines()
    assert refused.startswith("False this machine starts no further thread. Run again")
    assert worked == "0"


def test_the_random_numbers_of_a_program_are_left_alone() -> None:
    """It may have seeded them, and its data functions may be asked again."""
    before = random.getstate()
    Retries().wait(1, None)
    assert random.getstate() == before
