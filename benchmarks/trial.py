"""Contenders of one shape, measured side by side: after each other with each operation, in turns, again and again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from outlit_pulumi.sandbox import Sandbox

from .contenders import OPERATIONS, Contender
from .deployment import Deployment, Run, Shape


class Trial:
    """Contenders with one shape, each with an empty stack between repeats."""

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self._deployments = deployments
        self._repeats = 0

    def repeat(self, operations: Sequence[str] = OPERATIONS, of: Sequence[Contender] | None = None) -> list[Run]:
        """Runs operations, which begin with an empty stack and end with one, of all contenders, or of those given, once.

        Who begins alternates, the last one first: to come second, with warm caches, is an advantage.
        """
        order = self._deployments if self._repeats % 2 else self._deployments[::-1]
        runs = [
            deployment.run(operation, self._repeats)
            for operation in operations
            for deployment in order
            if deployment.knows(operation) and (of is None or deployment.contender in of)
        ]
        self._repeats += 1
        return runs


@contextmanager
def trial(contenders: Sequence[Contender], shape: Shape) -> Iterator[Trial]:
    """A trial on an engine, with a sandbox in a process of its own. A preview of each warms caches up."""
    with (
        tempfile.TemporaryDirectory(prefix="outlit-benchmark-") as scratch,
        Sandbox(extra_providers=shape.integrations, process=True) as sandbox,
    ):
        deployments = [Deployment(contender, shape, Path(scratch), sandbox) for contender in contenders]
        for deployment in deployments:
            if deployment.knows("preview"):
                deployment.run("preview", 0)
        if shape.latency:
            sandbox.fault("*", kind="delay", times=None, seconds=shape.latency)
        yield Trial(deployments)
