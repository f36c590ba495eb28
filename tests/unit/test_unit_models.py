"""Reading answers on several threads."""

from __future__ import annotations

import subprocess
import sys

_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from outlit_pulumi.models import Answer, parse

sys.setswitchinterval(1e-6)

def first(shape, barrier):
    barrier.wait()
    return parse(b'{"one": {"two": "x"}, "three": [1]}', shape)

with ThreadPoolExecutor(4) as threads:
    for _ in range(300):
        class Inner(Answer, frozen=True):
            two: str

        class Outer(Answer, frozen=True):
            one: Inner
            three: list[int]
            four: str | None = None

        barrier = Barrier(4)
        answers = [thread.result() for thread in [threads.submit(first, Outer, barrier) for _ in range(4)]]
        assert answers == 4 * [Outer(Inner("x"), [1])]
"""


def test_the_first_answers_of_a_shape_may_come_at_once() -> None:
    """As the four first calls of a provider process do. In a process of its own: what could go wrong ends it."""
    ended = subprocess.run([sys.executable, "-c", _AT_ONCE], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
