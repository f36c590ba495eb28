"""A user with a stack: what they declare, what they run, what is promised of it, and what they do where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outlit_pulumi.errors import (
    AlreadyConnectedError,
    BrowserRequiredError,
    ConnectionChangedError,
    OutlitError,
    WrongOrganizationError,
)
from outlit_pulumi.lifecycle.workspace import Workspace
from tests.faults.deployment import Report, Resource, declared
from tests.faults.model import Command, Ledger, Meanwhile, World, connection, plain_secrets, recorded
from tests.faults.plans import CONFIGS, LABELS, Plan
from tests.faults.service import URL, Service, Tenant

NAMES = ("one", "two", "three")
_STATE_DELETE = "pulumi state delete"


class User:
    """See the module.

    Attributes:
        ledger: What is known of the stack.
        program: What is declared.
        settled: What the last up depended on that succeeded with nothing in the way; it has nothing to do again.
        stuck: What the last up depended on that failed with nothing in the way, and its error.
        advice: The errors of the last command.
    """

    def __init__(self, world: World, door: Service) -> None:
        self.world = world
        self.ledger = Ledger(world, door)
        self.deployment = self.ledger.deployment
        self.program = self.ledger.program
        self.settled: object = None
        self.stuck: tuple[object, OutlitError] | None = None
        self.advice: Sequence[OutlitError] = ()

    def now(self) -> object:
        """What an up depends on."""
        return self.ledger.key, dict(self.program), self.world.look()

    # What they declare. Assumed, as README has it: a provider is declared once per workspace.

    def edits(self) -> list[tuple[str, ...]]:
        """The ways to change the program: a method below, and what it is about."""
        free_names = [name for name in NAMES if name not in self.program]
        free = [of for of in CONFIGS if of not in [inputs["provider"] for inputs in self.program.values()]]
        connecting = [name for name, inputs in self.program.items() if CONFIGS[inputs["provider"]]]
        adopting = [name for name in connecting if self.program[name]["adopt_existing"]]
        ways: list[tuple[str, ...]] = [("declare", name, provider) for name in NAMES for provider in free]
        ways += [("change_config", name) for name in connecting] * 3
        ways += [("change_every_config",)] * 3
        ways += [("adopt", name) for name in self.program]
        ways += [("drop_config", name) for name in adopting]
        ways += [("toggle_replacing", name) for name in connecting if name not in adopting]
        ways += [("remove", name) for name in self.program if len(self.program) > 1]
        ways += [("rename", name, new) for name in self.program for new in free_names]
        return ways

    def declare(self, name: str, provider: str, number: int, *, adopt: bool, **more: Any) -> None:
        """Declares an integration, with one of the configs of its provider."""
        configs = CONFIGS[provider]
        config = configs[number % len(configs)] if configs else None
        self.program[name] = declared(provider, config, adopt_existing=adopt or not configs, **more)

    def change_config(self, name: str, number: int) -> None:
        """Declares another config."""
        inputs = self.program[name]
        others = [config for config in CONFIGS[inputs["provider"]] if config != inputs["config"]]
        self.program[name] = {**inputs, "config": others[number % len(others)]}

    def change_every_config(self) -> None:
        """Declares another config for each that Pulumi can connect."""
        for name, inputs in self.program.items():
            if CONFIGS[inputs["provider"]]:
                self.change_config(name, 0)

    def adopt(self, name: str, adopt: bool) -> None:
        """Sets ``adopt_existing``, or drops it."""
        inputs = self.program[name]
        configs = CONFIGS[inputs["provider"]]
        self.program[name] = declared(
            inputs["provider"],
            inputs["config"] or (configs[0] if configs and not adopt else None),
            adopt_existing=adopt or not configs,
        )

    def drop_config(self, name: str) -> None:
        """Declares no config, where what exists is adopted."""
        self.program[name] = {**self.program[name], "config": None}

    def toggle_replacing(self, name: str) -> None:
        """Has a changed config replace the connection, or no longer."""
        was = self.program[name]["on_config_change"]
        self.program[name] = {
            **self.program[name],
            "on_config_change": "reconnect" if was == "replace" else "replace",
        }

    def remove(self, name: str) -> None:
        """Declares it no longer."""
        del self.program[name]

    def rename(self, old: str, new: str, *, adopt: bool) -> None:
        """Renames in place."""
        in_order = [(new if name == old else name, inputs) for name, inputs in self.program.items()]
        self.program.clear()
        self.program.update(in_order)
        self.adopt(new, adopt or self.program[new]["adopt_existing"])

    # What they run, and what is promised of it

    def up(self, planned: Sequence[Plan] = (), meanwhile: Meanwhile | None = None) -> Command:
        """`pulumi up`."""
        done = self._done(self.ledger.command(lambda run: self.deployment.up(self.program, run), planned, meanwhile))
        self._check_credentials_sent(done)
        self._check_excuse(done)
        if done.faultless and not done.report.succeeded:
            self.stuck = self.now(), done.report.errors[0]
        if done.faultless and done.report.succeeded:
            assert set(self.deployment.state) == set(self.program)
            for name, inputs in self.program.items():
                resource = self.deployment.state[name]
                assert resource.outputs["provider"] == inputs["provider"]
                assert inputs["config"] in (None, recorded(resource))
                if name not in done.old or connection(done.old[name]) != connection(resource):
                    assert self.world.service.held(done.key)[inputs["provider"]][0] == connection(resource)
            again = self.ledger.command(lambda run: self.deployment.up(self.program, run))
            assert again.report.succeeded
            assert not again.sent, "a second up had something to do"
            self.settled = self.now()
        return done

    def refresh(self, planned: Sequence[Plan] = (), meanwhile: Meanwhile | None = None) -> Command:
        """`pulumi refresh`."""
        done = self._done(self.ledger.command(self.deployment.refresh, planned, meanwhile))
        assert not done.writes
        if done.faultless:
            held = self.world.service.held(done.key)
            unread = [name for error in done.report.errors for name in self.to_forget(error)]
            assert all(isinstance(error, WrongOrganizationError) for error in done.report.errors), done.report.shown
            for name, resource in self.deployment.state.items():
                if name not in unread:
                    assert held[resource.outputs["provider"]][0] == connection(resource) == resource.id
            for name in done.old.keys() - done.new.keys():
                assert done.old[name].outputs["provider"] not in held
        self._check_excuse(done)
        return done

    def destroy(
        self, planned: Sequence[Plan] = (), meanwhile: Meanwhile | None = None, *, refresh: bool = False
    ) -> Command:
        """`pulumi destroy`. With ``--refresh``, it may only disconnect what the state held before."""
        held = self.ledger.held()

        def act(run: Workspace) -> Report:
            report = self.deployment.refresh(run) if refresh else Report()
            if report.succeeded:
                rest = self.deployment.destroy(run)
                report = Report(rest.errors, rest.failures, report.warnings + rest.warnings, report.drift)
            return report

        done = self._done(self.ledger.command(act, planned, meanwhile, held=held))
        self._check_excuse(done)
        return done

    def with_another_key(self, key: Tenant, command: str, planned: Sequence[Plan]) -> None:
        """A command with the key of another workspace changes nothing: neither in the state, nor at the service."""
        own, self.ledger.key = self.ledger.key, key
        # An up may connect what it meets before the first resource that the state has.
        known = {name: self.program[name] for name in self.program if name in self.deployment.state}
        acts = {
            "refresh": self.deployment.refresh,
            "destroy": self.deployment.destroy,
            "up": lambda run: self.deployment.up(known, run),
        }
        if command != "up" or known:
            done = self.ledger.command(acts[command], planned)
            silent = done.met_fault("/api/validate-api-key")
            named = all(done.old[name].outputs["organization_id"] for name in known if name in done.old)
            if command == "up" and (silent or not named):
                # Not promised: that a create does not go on where it cannot be asked whose the key is, or could not.
                assert not [sent for sent in done.writes if sent.config is None or sent.force]
            else:
                assert not done.writes
            assert done.old.keys() == done.new.keys() or command != "refresh"
        self.ledger.key = own

    def settle(self) -> None:
        """However things are: one refresh, then doing what each error says, leads to what is declared."""
        self.forget(self.refresh().report.errors)
        for _ in range(3 * len(NAMES)):
            done = self.up()
            if done.report.succeeded:
                break
            self.take_the_way_out()
        assert done.report.succeeded, done.report.shown
        held = self.world.service.held(self.ledger.key)
        for name, resource in self.deployment.state.items():
            assert held[self.program[name]["provider"]][0] == connection(resource)

    def leave(self) -> None:
        """In the end all settles, and then a destroy leaves nothing in the state."""
        self.settle()
        done = self.destroy()
        assert done.report.succeeded, done.report.shown
        assert not self.deployment.state

    def _done(self, done: Command) -> Command:
        self.advice = done.report.errors
        return done

    def _check_credentials_sent(self, done: Command) -> None:
        """Only what is declared at this moment, only for its provider, only to the workspace of the key."""
        configs = {inputs["provider"]: inputs["config"] for inputs in self.program.values()}
        for sent in done.sent:
            assert str(sent.request.url).startswith(f"{URL}/api/")
            assert sent.request.headers["Authorization"] == f"Bearer {done.key.api_key}"
            if sent.config is None:
                assert not plain_secrets(f"{sent.request.url} {sent.request.content.decode()}")
            else:
                assert sent.config == configs[sent.provider]
            if sent.force:
                providers = [old.outputs["provider"] for old in done.old.values()]
                assert sent.provider in providers or (done.key.name, sent.provider) in done.pending

    def _check_excuse(self, done: Command) -> None:
        """Where nothing was in the way, only what a person has to decide stops a command, and the error is right."""
        if not done.faultless:
            return
        assert not done.report.failures
        for error in done.report.errors:
            provider = _provider_of(error)
            held = self.world.service.held(done.key).get(provider, (None, None))[0]
            if isinstance(error, AlreadyConnectedError):
                assert held is not None
            elif isinstance(error, BrowserRequiredError):
                assert held is None
            elif isinstance(error, WrongOrganizationError):
                assert self.to_forget(error)
            else:
                assert isinstance(error, ConnectionChangedError)
                assert [r for r in done.old.values() if r.outputs["provider"] == provider and connection(r) != held]

    # What they do where it fails

    def to_forget(self, error: OutlitError) -> list[str]:
        """What an error lets them take out of the state: what the workspace of their key, at which they look, has not.

        That is what is gone, and with another workspace's key what stays connected there.
        """
        if _STATE_DELETE not in str(error):
            return []
        held = {id_ for id_, _ in self.world.service.held(self.ledger.key).values()}
        elsewhere = f"the API key is of organization org_{self.ledger.key.name}," in str(error)

        def meant(resource: Resource) -> bool:
            return elsewhere or resource.outputs["provider"] == _provider_of(error)

        state = self.deployment.state
        return [name for name in state if meant(state[name]) and connection(state[name]) not in held]

    def forget(self, errors: Sequence[OutlitError]) -> None:
        """`pulumi state delete`, as far as errors say so. What stays connected elsewhere, they name."""
        for error in errors:
            for name in self.to_forget(error):
                id_ = connection(self.deployment.state[name])
                places = [workspace for (workspace, _), (held, _) in self.world.look().items() if held == id_]
                assert all(id_ in str(error) or f"org_{workspace}" in str(error) for workspace in places)
                self.deployment.forget(name)
                self.stuck = None

    def is_stuck(self) -> bool:
        """Whether an up would fail as the last one did."""
        return self.stuck is not None and self.stuck[0] == self.now()

    def take_the_way_out(self) -> None:
        """Does what the error says where an up is stuck."""
        if self.stuck is None or not self.is_stuck():
            return
        error = self.stuck[1]
        provider = _provider_of(error)
        name = next((name for name, inputs in self.program.items() if inputs["provider"] == provider), "")
        if self.to_forget(error):
            self.forget([error])
        elif isinstance(error, ConnectionChangedError):
            assert "pulumi refresh" in str(error)
            self.refresh()
        elif isinstance(error, AlreadyConnectedError):
            assert "adopt_existing=True" in str(error)
            self.adopt(name, True)
        elif "Declare its config" in str(error):
            self.change_config(name, 0)
        else:
            assert "Connect it once in the browser" in str(error)
            self.world.outside(self.ledger.key, provider, "connect")


def _provider_of(error: OutlitError) -> str:
    (provider,) = [provider for provider, label in LABELS.items() if label in str(error)]
    return provider
