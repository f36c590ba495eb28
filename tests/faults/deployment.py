"""What the engine does with a program and a stack's state (ENGINE.md), one resource after another, in this process.

It knows which provider calls an `up`, a `refresh` and a `destroy` make, in which order, and what becomes of the state
after each; the real engine is held against the same promises in ``tests/engine``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from outlit_pulumi.errors import OutlitError
from outlit_pulumi.lifecycle import operations
from outlit_pulumi.lifecycle.check import check
from outlit_pulumi.lifecycle.decide import difference
from outlit_pulumi.lifecycle.workspace import Workspace

Inputs = dict[str, Any]
Program = dict[str, Inputs]
"""Declared integrations, by resource name."""


def declared(provider: str, config: dict[str, str] | None = None, *, retain: bool | None = None, **more: Any) -> Inputs:
    """The inputs of one integration. ``retain`` is its ``retain_on_delete``, which adoption turns on by default."""
    adopt = bool(more.get("adopt_existing", False))
    return {
        "provider": provider,
        "config": config,
        "adopt_existing": adopt,
        "on_config_change": more.get("on_config_change", "reconnect"),
        "retain": adopt if retain is None else retain,
    }


@dataclass
class Resource:
    """A resource in the state."""

    inputs: Inputs
    id: str
    outputs: dict[str, Any]


@dataclass
class Report:
    """What one command showed.

    Attributes:
        errors: What failed; the engine stops at the first.
        failures: What check refused, before anything was called.
        warnings: What was warned of.
        drift: The resources in which a refresh found a difference that counts.
    """

    errors: list[OutlitError] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether the command would exit with 0."""
        return not self.errors and not self.failures

    @property
    def shown(self) -> str:
        """All that a person gets to read."""
        return "\n".join([*self.failures, *self.warnings, *(str(error) for error in self.errors)])


_REPLACED = ", replaced "


def replaced(name: str, state: Container[str]) -> str:
    """What tells the old resource from the new one of the same name that was created first; nothing declares it."""
    return next(new for number in count() if (new := f"{name}{_REPLACED}{number}") not in state)


def original(name: str) -> str:
    """The name under which a resource was declared."""
    return name.partition(_REPLACED)[0]


class _Stopped(Exception):
    """A step failed, so the engine starts no further one."""


class Deployment:
    """One stack. Each command takes the workspace of a run of its own, as each is a process of its own.

    Attributes:
        state: The stack's state, by resource name.
        pending: Providers that were disconnected to be replaced, and not connected again yet, by resource name: an up
            asks about them, and all else drops them.
    """

    def __init__(self) -> None:
        self.state: dict[str, Resource] = {}
        self._report = Report()
        self.pending: dict[str, str] = {}
        self._program: Program = {}
        self._waiting: dict[str, Callable[[], None]] = {}

    def up(self, program: Program, run: Workspace) -> Report:
        """`pulumi up`: creates, updates and replaces what is declared, then deletes what is not, last made first."""
        self._report, self._program = Report(), program
        self.pending = {name: provider for name, provider in self.pending.items() if name in program}
        self._take_all({name: partial(self._step, name, inputs, run) for name, inputs in program.items()})
        if self._report.succeeded:
            rest = [name for name in reversed(self.state) if name not in program]
            self._take_all({name: partial(self._delete, name, run) for name in rest})
        return self._report

    def refresh(self, run: Workspace) -> Report:
        """`pulumi refresh`: reads every resource. One that cannot be read stays as it is, and fails the command."""
        self._report, self._program = Report(), {}
        self.pending.clear()
        self._take_all({name: partial(self._read, name, run) for name in self.state}, all_of_them=True)
        return self._report

    def destroy(self, run: Workspace) -> Report:
        """`pulumi destroy`: deletes every resource, last made first."""
        return self.up({}, run)

    def forget(self, name: str) -> None:
        """`pulumi state delete`."""
        del self.state[name]

    def beside(self, provider: str | None) -> None:
        """Takes a waiting step that is about other providers, while another is under way; the engine takes four."""
        for name in self._waiting if self._report.succeeded else ():
            about = [self.state[name].outputs] if name in self.state else []
            about += [self._program[name]] if name in self._program else []
            if all(inputs["provider"] != provider for inputs in about):
                self._take(name)
                return

    def _take_all(self, steps: dict[str, Callable[[], None]], *, all_of_them: bool = False) -> None:
        """Takes the steps in order, until one fails, but for those that were taken `beside` another."""
        self._waiting = steps
        while steps and (all_of_them or self._report.succeeded):
            self._take(next(iter(steps)))

    def _take(self, name: str) -> None:
        with suppress(_Stopped):
            self._waiting.pop(name)()

    def _read(self, name: str, run: Workspace) -> None:
        resource = self.state[name]
        with self._telling():
            found = operations.read(run, resource.id, resource.outputs, self._report.warnings.append)
        if found is None:
            del self.state[name]
        else:
            self.state[name] = Resource(resource.inputs, found.id, found.outputs)
        if found is None or difference(found.outputs, resource.inputs).changes:
            self._report.drift.append(name)

    def _check(self, inputs: Inputs, name: str, run: Workspace) -> None:
        olds = self.state[name].inputs if name in self.state else {}
        found = check(olds, inputs, offered=lambda: run.items(run.client.budget()))
        if found.failures:
            self._report.failures.extend(found.failures)
            raise _Stopped
        run.ledger.declare(inputs["provider"])

    def _step(self, name: str, inputs: Inputs, run: Workspace) -> None:
        self._check(inputs, name, run)
        resource = self.state.get(name)
        if resource is None:
            if name in self.pending:
                run.ledger.track(self.pending[name], name)
            self._create(name, inputs, run)
            return
        run.ledger.track(resource.outputs["provider"], name)
        run.ledger.belong(resource.outputs["organization_id"])
        found = difference(resource.outputs, inputs)
        if not found.replaces:
            run.ledger.keep(inputs["provider"], resource.outputs["connection_id"])
        if found.replaces and found.delete_first:
            self._delete(name, run)
            self.pending[name] = resource.outputs["provider"]
            self._create(name, inputs, run)
        elif found.replaces:
            self._create(name, inputs, run)
            # Deleted with all that is not declared, also by a later command if this one ends before that.
            self.state[replaced(name, self.state)] = resource
        elif found.changes:
            with self._telling():
                made = operations.update(run, resource.id, resource.outputs, inputs, self._report.warnings.append)
            self.state[name] = Resource(inputs, resource.id, copy.deepcopy(made.outputs))
        else:
            resource.inputs = inputs  # the engine saves the new inputs, and keeps the outputs

    def _create(self, name: str, inputs: Inputs, run: Workspace) -> None:
        with self._telling():
            made = operations.create(run, {**inputs, "resource_name": name}, self._report.warnings.append)
        self.pending.pop(name, None)
        self.state[name] = Resource(inputs, made.id, copy.deepcopy(made.outputs))

    def _delete(self, name: str, run: Workspace) -> None:
        resource = self.state[name]
        if not resource.inputs["retain"]:
            with self._telling():
                operations.delete(run, resource.id, resource.outputs, self._report.warnings.append)
        del self.state[name]

    def _telling(self) -> _Telling:
        return _Telling(self._report)


class _Telling:
    """Notes an anticipated error in the report and stops; any other is a bug and gets out."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OutlitError):
            self._report.errors.append(error)
            raise _Stopped from None
