"""Users, their stacks and two workspaces, put through every order of events that Hypothesis comes up with.

After each command the `Ledger` compares what the state says with what the service holds, and the `User` adds what is
promised of the command. What must never happen, whatever goes wrong: that a connection is touched which the state did
not hold; that credentials go anywhere but where the program declares them, or show; that a connection is lost without a
word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

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

from outlit_pulumi.sandbox.store import Habits
from tests.faults.model import LIST, STATUS, Meanwhile, World
from tests.faults.plans import CONFIGS, Plan, plans
from tests.faults.service import Service
from tests.faults.user import NAMES, User

_F = TypeVar("_F", bound=Callable[..., Any])


def _of(choose: Callable[[User], Sequence[Any]]) -> st.SearchStrategy[Any]:
    """One of what the user has to choose from at this moment."""
    return st.runner().flatmap(lambda machine: st.sampled_from(choose(machine.user)))


def _if(so: Callable[[User], object]) -> Callable[[_F], _F]:
    return precondition(lambda machine: bool(so(machine.user)))


_nothing_wrong: st.SearchStrategy[list[Plan]] = st.just([])
_number = st.integers(0, 2)
_provider = st.sampled_from(sorted(CONFIGS))
_retain = st.sampled_from([None, None, False, True])
_commands = st.sampled_from(["up", "refresh", "destroy"])
_act = st.tuples(
    st.sampled_from(["another", "another", "the same", "as before"]),
    _provider,
    _number,
    st.booleans(),
    _retain,
    st.sampled_from(["up", "up", "up", "destroy", "refresh"]),
)
"""What a colleague does: the program of the user at this time, or one integration, or what it was; and a command."""
_meanwhile = st.none() | st.tuples(st.sampled_from([0, 0, 1, 2]), st.just("beside") | _act)
_plans_of_up = plans("connect", "connect", "disconnect", "disconnect", "list", "validate_key", "*")


class UsersAndService(RuleBasedStateMachine):
    """See the module.

    Attributes:
        service: The service of all examples, each of which has two workspaces of its own.
        door: The colleague's way to it.
        user: Whose stack meets everything.
        colleague: Another one with a stack in the same workspace, whose requests meet no faults.
    """

    service: Service
    door: Service

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.service)
        self.user = User(self.world, self.service)
        self.colleague = User(self.world, self.door)

    # The program

    @initialize(
        first=st.lists(st.sampled_from(sorted(CONFIGS)), min_size=1, max_size=3, unique=True),
        applied=st.booleans(),
        habits=st.builds(Habits, st.sampled_from([True, True, False]), st.booleans(), st.booleans()),
    )
    def begin(self, first: list[str], applied: bool, habits: Habits) -> None:
        self.service.store.habits = habits
        for workspace in self.world.workspaces:
            self.world.outside(workspace, "slack", "connect")
        for name, provider in zip(NAMES, first, strict=False):
            self.user.declare(name, provider, 0, adopt=False)
        if applied:
            self.user.settle()

    @rule(edit=_of(User.edits), number=_number, adopt=st.booleans(), retain=_retain)
    def edit(self, edit: tuple[str, ...], number: int, adopt: bool, retain: bool | None) -> None:
        """The user changes the program."""
        what, *about = edit
        more: dict[str, dict[str, Any]] = {
            "declare": {"number": number, "adopt": adopt, "retain": retain},
            "change_config": {"number": number},
            "adopt": {"adopt": adopt},
            "rename": {"adopt": adopt},
        }
        getattr(self.user, what)(*about, **more.get(what, {}))

    # The keys

    @precondition(lambda machine: machine.service.store.habits.key_check or not machine.user.deployment.state)
    @rule(
        command=_commands,
        planned=_nothing_wrong | plans("list", "sync_status", "validate_key", "*"),
        stay=st.sampled_from([*[False] * 7, True]),
    )
    def with_another_key(self, command: str, planned: list[Plan], stay: bool) -> None:
        """By mistake, or to stay: then what the state holds is taken out of it first, as the errors say."""
        here, there = self.user.ledger.key, self._other_workspace()
        if self.user.deployment.state:
            self.user.with_another_key(there, command, planned)
        if stay:
            self.user.ledger.key = there
            self.user.forget(self.user.refresh().report.errors)
            if self.user.deployment.state:  # the list lags
                self.user.ledger.key, self.user.advice = here, ()

    def _other_workspace(self) -> Any:
        here, there = self.world.workspaces
        return there if self.user.ledger.key is here else here

    # What others do

    @rule(
        number=st.integers(0, 1),
        provider=_provider,
        what=st.sampled_from(["connect", "disconnect", "reconnect", "rotate"]),
    )
    def outside(self, number: int, provider: str, what: str) -> None:
        self.world.outside(self.world.workspaces[number], provider, what)

    @rule(route=st.sampled_from([LIST, STATUS]), seconds=st.sampled_from([2, 10, None, None, 0]))
    def lag(self, route: str, seconds: float | None) -> None:
        """A route shows what was, for as long or until it is told otherwise."""
        self.world.lag(route, seconds)

    @precondition(lambda machine: machine.user.ledger.in_use() and not machine.world.lags)
    @rule(name=_of(lambda user: user.ledger.in_use()))
    def fail_sync(self, name: str) -> None:
        self.world.fail_sync(self.user.ledger, name)

    @rule(act=_act)
    def act_as_colleague(self, act: tuple[str, str, int, bool, bool | None, str]) -> None:
        program, provider, number, adopt, retain, command = act
        if program != "as before":
            self.colleague.program.clear()
            self.colleague.stuck = None
        if program == "the same":
            self.colleague.program.update(self.user.program)
        if program == "another":
            self.colleague.declare(NAMES[0], provider, number, adopt=adopt, retain=retain)
        self.colleague.take_the_way_out()
        getattr(self.colleague, command)()

    # What the stack does

    def _during(self, meanwhile: tuple[int, Any] | None) -> Meanwhile | None:
        if meanwhile is None:
            return None
        skip, act = meanwhile
        return Meanwhile(skip, None if act == "beside" else partial(self.act_as_colleague, act=act))

    @_if(lambda user: user.now() != user.settled)
    @rule(planned=_plans_of_up, meanwhile=_meanwhile)
    def up(self, planned: list[Plan], meanwhile: tuple[int, Any] | None) -> None:
        self.user.up(planned, self._during(meanwhile))

    @_if(lambda user: user.now() != user.settled)
    @rule(meanwhile=_meanwhile)
    def up_without_faults(self, meanwhile: tuple[int, Any] | None) -> None:
        self.user.up(meanwhile=self._during(meanwhile))

    @_if(lambda user: user.deployment.state)
    @rule(planned=_nothing_wrong | plans("sync_status", "list", "validate_key", "*"), meanwhile=_meanwhile)
    def refresh(self, planned: list[Plan], meanwhile: tuple[int, Any] | None) -> None:
        self.user.refresh(planned, self._during(meanwhile))

    @_if(lambda user: user.deployment.state)
    @rule(
        planned=_nothing_wrong | plans("disconnect", "disconnect", "list", "validate_key", "*"),
        refresh=st.booleans(),
        meanwhile=_meanwhile,
    )
    def destroy(self, planned: list[Plan], refresh: bool, meanwhile: tuple[int, Any] | None) -> None:
        self.user.destroy(planned, self._during(meanwhile), refresh=refresh)

    @_if(lambda user: any(map(user.to_forget, user.advice)) or user.is_stuck())
    @rule()
    def take_the_way_out(self) -> None:
        self.user.forget(self.user.advice)
        self.user.take_the_way_out()

    def teardown(self) -> None:
        for route in (LIST, STATUS):
            self.world.lag(route, 0)
        self.user.leave()
        self.colleague.leave()


def play(number: int, examples: int) -> None:
    """One round: Hypothesis and the service keep all that was tried until a round is over."""
    service = Service(extra_providers=2)
    ways = {"service": service, "door": Service(same_as=service)}
    one_round = seed(number)(type("Round", (UsersAndService,), ways))
    run_state_machine_as_test(one_round, settings=settings(max_examples=examples))


def test_user_and_service() -> None:
    """Whatever a user and a failing service do, in 60 stories."""
    play(1, 60)


@pytest.mark.long
@pytest.mark.parametrize("number", range(settings().max_examples // 100))
def test_user_and_service_in_many_stories(number: int) -> None:
    play(number, 300)
