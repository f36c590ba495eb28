"""A user, a stack and two workspaces, put through every order of events that Hypothesis comes up with.

After each command the `Ledger` compares what the state says with what the service holds. The rules add what is promised
of one command. What must never happen, whatever goes wrong: that a connection is touched which the state did not hold;
that credentials go anywhere but where the program declares them, or show; that a connection is lost without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from outlit_pulumi.errors import (
    AlreadyConnectedError,
    BrowserRequiredError,
    ConnectionChangedError,
    OutlitError,
    WrongOrganizationError,
)
from outlit_pulumi.sandbox.store import Habits
from tests.faults.deployment import Report, declared
from tests.faults.model import CONFIGS, LABELS, Command, Ledger, Plan, connection, plain_secrets, plans, recorded
from tests.faults.service import URL, Service

_NAMES = ("one", "two", "three")
_LAGS = (["list"], ["sync_status"], ["list", "sync_status"])


def _of(choose: Callable[[Any], Sequence[Any]]) -> st.SearchStrategy[Any]:
    """One of what the machine has to choose from at this moment."""
    return st.runner().flatmap(lambda machine: st.sampled_from(choose(machine)))


_declared = _of(lambda machine: list(machine.program))
_free_name = _of(lambda machine: machine.free_names())
_free_provider = _of(lambda machine: machine.free_providers())
_some_declared = precondition(lambda machine: machine.program)
_some_free = precondition(lambda machine: machine.free_names())
_something_to_do = precondition(lambda machine: machine.now() != machine.settled)
_some_state = precondition(lambda machine: machine.deployment.state)
_nothing_wrong: list[Plan] = []


class UserAndService(RuleBasedStateMachine):
    """See the module.

    Attributes:
        service: The service of all examples, each of which has two workspaces of its own.
    """

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(self.service)
        self.deployment = self.ledger.deployment
        self.program = self.ledger.program
        self.settled: object = None
        self.stuck: object = None
        self.reason: OutlitError | None = None

    def now(self) -> object:
        """What an up depends on: one that succeeded has nothing to do again until this changes."""
        return self.ledger.key, dict(self.program), self.ledger.look()

    # The program. Assumed, as README has it: a provider is declared once per workspace.

    def free_names(self) -> list[str]:
        """Names that no resource of the program has."""
        return [name for name in _NAMES if name not in self.program]

    def free_providers(self) -> list[str]:
        """Providers that no resource of the program has."""
        taken = {inputs["provider"] for inputs in self.program.values()}
        return [provider for provider in CONFIGS if provider not in taken]

    def connecting(self) -> list[str]:
        """The declared integrations that Pulumi can connect."""
        return [name for name, inputs in self.program.items() if CONFIGS[inputs["provider"]]]

    def adopting(self) -> list[str]:
        """The declared integrations with a config that is not needed."""
        return [name for name in self.connecting() if self.program[name]["adopt_existing"]]

    def replaceable(self) -> list[str]:
        """The declared integrations that may be disconnected to be replaced."""
        return [name for name in self.connecting() if not self.program[name]["adopt_existing"]]

    def _declare(self, name: str, provider: str, number: int, *, adopt: bool, **more: Any) -> None:
        configs = CONFIGS[provider]
        config = configs[number % len(configs)] if configs else None
        self.program[name] = declared(provider, config, adopt_existing=adopt or not configs, **more)

    @initialize(
        first=st.lists(st.sampled_from(sorted(CONFIGS)), min_size=1, max_size=3, unique=True),
        applied=st.booleans(),
        habits=st.builds(Habits, st.sampled_from([True, True, False]), st.booleans(), st.booleans()),
    )
    def begin(self, first: list[str], applied: bool, habits: Habits) -> None:
        self.service.store.habits = habits
        for workspace in self.ledger.workspaces:
            self.ledger.outside(workspace, "slack", "connect")
        for name, provider in zip(_NAMES, first, strict=False):
            self._declare(name, provider, 0, adopt=False)
        if applied:
            self.settle()

    @_some_free
    @rule(
        name=_free_name,
        provider=_free_provider,
        number=st.integers(0, 2),
        adopt=st.booleans(),
        retain=st.sampled_from([None, None, False, True]),
    )
    def declare(self, name: str, provider: str, number: int, adopt: bool, retain: bool | None) -> None:
        self._declare(name, provider, number, adopt=adopt, retain=retain)

    @precondition(lambda machine: machine.connecting())
    @rule(name=_of(lambda machine: machine.connecting()), number=st.integers(0, 2))
    def change_config(self, name: str, number: int) -> None:
        inputs = self.program[name]
        others = [config for config in CONFIGS[inputs["provider"]] if config != inputs["config"]]
        self.program[name] = {**inputs, "config": others[number % len(others)]}

    @precondition(lambda machine: machine.adopting())
    @rule(name=_of(lambda machine: machine.adopting()))
    def drop_config(self, name: str) -> None:
        self.program[name] = {**self.program[name], "config": None}

    @_some_declared
    @rule(name=_declared, provider=_free_provider, number=st.integers(0, 2), adopt=st.booleans())
    def change_provider(self, name: str, provider: str, number: int, adopt: bool) -> None:
        self._declare(name, provider, number, adopt=adopt)

    @_some_declared
    @rule(name=_declared, adopt=st.booleans())
    def adopt(self, name: str, adopt: bool) -> None:
        inputs = self.program[name]
        configs = CONFIGS[inputs["provider"]]
        self.program[name] = declared(
            inputs["provider"],
            inputs["config"] or (configs[0] if configs and not adopt else None),
            adopt_existing=adopt or not configs,
        )

    @precondition(lambda machine: machine.replaceable())
    @rule(name=_of(lambda machine: machine.replaceable()), mode=st.sampled_from(["replace", "reconnect"]))
    def on_config_change(self, name: str, mode: str) -> None:
        self.program[name] = {**self.program[name], "on_config_change": mode}

    @precondition(lambda machine: len(machine.program) > 1)
    @rule(name=_declared)
    def remove(self, name: str) -> None:
        del self.program[name]

    @precondition(lambda machine: machine.program and machine.free_names())
    @rule(old=_declared, new=_free_name, adopt=st.booleans(), more=st.booleans())
    def rename(self, old: str, new: str, adopt: bool, more: bool) -> None:
        """Renames in place; with ``more``, as part of a larger change, which can fail half-way."""
        in_order = [(new if name == old else name, inputs) for name, inputs in self.program.items()]
        self.program.clear()
        self.program.update(in_order)
        self.adopt(new, adopt or self.program[new]["adopt_existing"])
        for name in self.connecting():
            if more and name != new:
                self.change_config(name, 0)

    @precondition(lambda machine: not machine.deployment.state)
    @rule()
    def move(self) -> None:
        """With nothing in its state, a stack may go on in another workspace."""
        self._switch_key()

    @_some_state
    @rule(
        command=st.sampled_from(["refresh", "destroy", "up"]),
        planned=st.just(_nothing_wrong) | plans("list", "sync_status", "validate_key", "*"),
    )
    def with_another_key(self, command: str, planned: list[Plan]) -> None:
        """A command with the key of another workspace changes nothing: neither in the state, nor at the service."""
        if self.service.store.habits.key_check:
            self._switch_key()
            # An up may connect what it meets before the first resource that the state has.
            known = {name: self.program[name] for name in self.program if name in self.deployment.state}
            acts: dict[str, Callable[[Any], Report]] = {
                "refresh": self.deployment.refresh,
                "destroy": self.deployment.destroy,
                "up": lambda run: self.deployment.up(known or self.program, run),
            }
            if command != "up" or known:
                # Not promised: that a create does not go on where it cannot be asked whose the key is.
                done = self.ledger.command(acts[command], _nothing_wrong if command == "up" else planned)
                assert not done.writes
                assert done.old.keys() == done.new.keys() or command != "refresh"
            self._switch_key()

    def _switch_key(self) -> None:
        here, there = self.ledger.workspaces
        self.ledger.key = there if self.ledger.key is here else here

    # What others do

    @rule(
        number=st.integers(0, 1),
        provider=st.sampled_from(sorted(CONFIGS)),
        what=st.sampled_from(["connect", "disconnect", "reconnect", "rotate"]),
    )
    def outside(self, number: int, provider: str, what: str) -> None:
        self.ledger.outside(self.ledger.workspaces[number], provider, what)

    @rule(routes=st.sampled_from(_LAGS), seconds=st.sampled_from([2, 10, None]))
    def lag(self, routes: Sequence[str], seconds: float | None) -> None:
        """The service shows what was, for as long or until it is told otherwise."""
        self.ledger.lag(routes, seconds)

    @precondition(lambda machine: machine.ledger.lagging)
    @rule()
    def catch_up(self) -> None:
        self.ledger.lag(_LAGS[-1], 0)

    @precondition(lambda machine: machine.ledger.in_use() and not machine.ledger.lagging)
    @rule(name=_of(lambda machine: machine.ledger.in_use()))
    def fail_sync(self, name: str) -> None:
        self.ledger.fail_sync(name)

    # What the stack does

    @_something_to_do
    @rule(planned=plans("connect", "connect", "disconnect", "disconnect", "list", "*"))
    def up(self, planned: list[Plan]) -> None:
        self._up(planned)

    @_something_to_do
    @rule()
    def up_without_faults(self) -> None:
        self._up(_nothing_wrong)

    @_some_state
    @rule(planned=plans("sync_status", "list", "*"))
    def refresh(self, planned: list[Plan]) -> None:
        self._refresh(planned)

    @_some_state
    @rule(planned=st.just(_nothing_wrong) | plans("disconnect", "disconnect", "list", "*"), refresh=st.booleans())
    def destroy(self, planned: list[Plan], refresh: bool) -> None:
        """`pulumi destroy`. With ``--refresh``, it may only disconnect what the state held before."""
        held = self.ledger.held()

        def act(run: Any) -> Report:
            report = self.deployment.refresh(run) if refresh else Report()
            if report.succeeded:
                rest = self.deployment.destroy(run)
                report = Report(rest.errors, rest.failures, report.warnings + rest.warnings, report.drift)
            return report

        self._check_excuse(self.ledger.command(act, planned, held=held))

    @precondition(lambda machine: machine.now() == machine.stuck)
    @rule()
    def take_the_way_out(self) -> None:
        assert self.reason is not None
        self._take_the_way_out(self.reason)

    def settle(self) -> None:
        """However things are: one refresh, then doing what each error says, leads to what is declared."""
        self.catch_up()
        self._refresh(_nothing_wrong)
        for _ in range(3 * len(_NAMES)):
            done = self._up(_nothing_wrong)
            if done.report.succeeded:
                break
            self._take_the_way_out(done.report.errors[0])
        assert done.report.succeeded, done.report.shown
        held = self.service.held(self.ledger.key)
        for name, resource in self.deployment.state.items():
            assert held[self.program[name]["provider"]][0] == connection(resource)

    def teardown(self) -> None:
        """In the end all settles, and then a destroy leaves nothing in the state."""
        self.settle()
        done = self.ledger.command(self.deployment.destroy)
        assert done.report.succeeded, done.report.shown
        assert not self.deployment.state

    # What is promised of a command

    def _up(self, planned: list[Plan]) -> Command:
        done = self.ledger.command(lambda run: self.deployment.up(self.program, run), planned)
        self._check_credentials_sent(done)
        self._check_excuse(done)
        if done.faultless and not done.report.succeeded:
            (self.reason,), self.stuck = done.report.errors, self.now()
        if done.faultless and done.report.succeeded:
            assert set(self.deployment.state) == set(self.program)
            for name, inputs in self.program.items():
                resource = self.deployment.state[name]
                assert resource.outputs["provider"] == inputs["provider"]
                assert inputs["config"] in (None, recorded(resource))
                if name not in done.old or connection(done.old[name]) != connection(resource):
                    assert self.service.held(done.key)[inputs["provider"]][0] == connection(resource)
            again = self.ledger.command(lambda run: self.deployment.up(self.program, run))
            assert again.report.succeeded
            assert not again.sent, "a second up had something to do"
            self.settled = self.now()
        return done

    def _refresh(self, planned: list[Plan]) -> None:
        done = self.ledger.command(self.deployment.refresh, planned)
        assert not done.writes
        if done.faultless:
            assert done.report.succeeded, done.report.shown
            held = self.service.held(self.ledger.key)
            for resource in self.deployment.state.values():
                assert held[resource.outputs["provider"]][0] == connection(resource) == resource.id
            for name in done.old.keys() - done.new.keys():
                assert done.old[name].outputs["provider"] not in held

    def _check_credentials_sent(self, done: Command) -> None:
        """Only what is declared at this moment, only for its provider, only to the workspace of the key."""
        configs = {inputs["provider"]: inputs["config"] for inputs in self.program.values()}
        for sent in done.sent:
            assert str(sent.request.url).startswith(f"{URL}/api/")
            assert sent.request.headers["Authorization"] == f"Bearer {self.ledger.key.api_key}"
            if sent.config is None:
                assert not plain_secrets(f"{sent.request.url} {sent.request.content.decode()}")
            else:
                assert sent.config == configs[sent.provider]
            if sent.force:
                assert sent.provider in [old.outputs["provider"] for old in done.old.values()]

    def _check_excuse(self, done: Command) -> None:
        """Where nothing was in the way, only what a person has to decide stops a command, and the error is right."""
        if not done.faultless or done.report.succeeded:
            return
        (error,) = done.report.errors
        provider = self._provider_of(error)
        held = self.service.held(done.key).get(provider, (None, None))[0]
        if isinstance(error, AlreadyConnectedError):
            assert held is not None
        elif isinstance(error, BrowserRequiredError):
            assert held is None
        elif isinstance(error, WrongOrganizationError):
            assert "pulumi state delete" in str(error)
        else:
            assert isinstance(error, ConnectionChangedError)
            assert [old for old in done.old.values() if old.outputs["provider"] == provider and connection(old) != held]

    @staticmethod
    def _provider_of(error: OutlitError) -> str:
        (provider,) = [provider for provider, label in LABELS.items() if label in str(error)]
        return provider

    def _take_the_way_out(self, error: OutlitError) -> None:
        """Does what the error says."""
        provider = self._provider_of(error)
        name = next((name for name, inputs in self.program.items() if inputs["provider"] == provider), "")
        if isinstance(error, ConnectionChangedError):
            assert "pulumi refresh" in str(error)
            self._refresh(_nothing_wrong)
        elif isinstance(error, AlreadyConnectedError):
            assert "adopt_existing=True" in str(error)
            self.adopt(name, True)
        elif "Declare its config" in str(error):
            self.change_config(name, 0)
        else:
            assert "Connect it once in the browser" in str(error)
            self.ledger.outside(self.ledger.key, provider, "connect")


def play(number: int, examples: int) -> None:
    """One round: Hypothesis and the service keep all that was tried until a round is over."""
    one_round = seed(number)(type("Round", (UserAndService,), {"service": Service(extra_providers=2)}))
    run_state_machine_as_test(one_round, settings=settings(max_examples=examples))


def test_user_and_service() -> None:
    """Whatever a user and a failing service do, in 60 stories."""
    play(0, 60)


@pytest.mark.full
@pytest.mark.parametrize("number", range(settings().max_examples // 100))
def test_user_and_service_in_many_stories(number: int) -> None:
    play(number, 300)
