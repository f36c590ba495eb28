"""What ``test_faults_machine`` knows while it runs: how the service stands, and who did what.

A `Ledger` is told of every command of one stack, and sees what else changes at the service. From that it knows what may
differ between the state and the service, and why; whatever else differs is a bug. What it excuses is marked "Not
promised".
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from outlit_pulumi import catalog
from outlit_pulumi.lifecycle.outputs import UNCONFIRMED
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.sandbox.store import fingerprint
from outlit_pulumi.settings import Settings
from tests.faults.deployment import Deployment, Program, Report, Resource, original
from tests.faults.plans import CANARIES, LABELS, QUOTED, THEIRS, Config, Plan
from tests.faults.service import URL, Service, Tenant, aside
from tests.faults.service import workspace as run_of

# --- what is seen ----------------------------------------------------------------------------------------------------

Place = tuple[str, str]
"""A workspace and a provider."""

Connections = Mapping[Place, tuple[str, str | None]]
"""Connection id and fingerprint of the credentials in use, by place."""


@dataclass(frozen=True)
class Meanwhile:
    """What is carried out to its end while a request of a command, no list and no key check, is on its way.

    Attributes:
        skip: How many such requests of the command pass by first.
        act: A whole command of another stack; None for another resource of the same command.
    """

    skip: int
    act: Callable[[], object] | None


@dataclass
class Sent:
    """One request, as it left.

    Attributes:
        provider: What it is about; None for the list.
        config: The credentials that it carries.
        force: Whether it asks to change a connection that is there.
        held: The connections that the state held.
        before: What the service held just before.
        after: What it held just after.
        arrived: Whether a connection was made at all.
        fault: The kind of the fault that it met.
        theirs: What another stack changed while it was on its way.
        aside: Whether it is of a resource that was worked on while another request was on its way.
    """

    request: httpx.Request
    provider: str | None
    config: Config | None
    force: bool
    held: frozenset[str]
    before: Connections
    after: Connections = field(default_factory=dict)
    arrived: bool = True
    fault: str | None = None
    theirs: frozenset[Place] = frozenset()
    aside: bool = False

    @property
    def path(self) -> str:
        """The path of its URL."""
        return self.request.url.path

    @property
    def met_others(self) -> bool:
        """Whether somebody else changed something at that very moment."""
        return self.fault is not None and self.fault.endswith("_by_others")


class Wire(httpx.BaseTransport):
    """Passes requests on, and notes what each did.

    Args:
        inner: Carries them out.
        look: What the service holds now.
        held: The connections that the state holds now.
        meanwhile: What else is done while a request about a provider is on its way; returns what others changed.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        look: Callable[[], Connections],
        held: Callable[[], frozenset[str]],
        meanwhile: Callable[[str], frozenset[Place]],
    ) -> None:
        self._inner = inner
        self._look = look
        self._held = held
        self._meanwhile = meanwhile
        self._aside = False
        self.sent: list[Sent] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.read() or b"{}")
        provider = body.get("provider") or request.url.params.get("provider")
        was_aside, theirs = self._aside, frozenset[Place]()
        if provider and not was_aside:
            self._aside = True
            theirs = self._meanwhile(provider)
            self._aside = False
        sent = Sent(request, provider, body.get("config"), "force" in body, self._held(), self._look())
        sent.theirs, sent.aside = theirs, was_aside
        self.sent.append(sent)
        try:
            return self._inner.handle_request(request)
        except httpx.ConnectError:
            sent.arrived = False
            raise
        finally:
            sent.after = self._look()


@dataclass(frozen=True)
class Command:
    """One command, when it is over and everything that it left under way has been carried out.

    Attributes:
        key: The workspace that it ran in.
        old: The state before it.
        new: The state after it.
        before: What the service held before it.
        in_time: What it held when the command ended.
        after: What it holds now.
        lags: How far behind the routes of the service were.
        pending: Where a replacement was interrupted before.
        faultless: Whether no request met a fault or another stack, and nothing lagged.
    """

    key: Tenant
    report: Report
    sent: list[Sent]
    old: Mapping[str, Resource]
    new: Mapping[str, Resource]
    before: Connections
    in_time: Connections
    after: Connections
    lags: Mapping[str, float | None]
    pending: frozenset[Place]

    @property
    def faultless(self) -> bool:
        return not self.lags and all(sent.arrived and not sent.fault and not sent.theirs for sent in self.sent)

    @property
    def writes(self) -> list[Sent]:
        """The requests that could change something."""
        return [sent for sent in self.sent if sent.path.endswith(("/connect", "/disconnect"))]

    @property
    def made(self) -> frozenset[str]:
        """The connections that its requests made, in time or late."""
        return _new(self.in_time, self.after).union(*(_new(sent.before, sent.after) for sent in self.sent))

    @property
    def fingerprints(self) -> frozenset[str]:
        """Those of the credentials that it sent."""
        return frozenset(fingerprint(sent.config) for sent in self.sent if sent.config is not None)

    @property
    def removed(self) -> frozenset[str]:
        """The connections that the command disconnected and knows to be."""
        pairs = [
            (sent.before, sent.after) for sent in self.sent if sent.path.endswith("/disconnect") and not sent.fault
        ]
        return frozenset[str]().union(*(_new(after, before) for before, after in pairs))

    def sent_configs(self, provider: str) -> list[Config]:
        """The credentials that were sent for a provider."""
        return [sent.config for sent in self.sent if sent.provider == provider and sent.config is not None]

    def met_fault(self, path: str) -> bool:
        """Whether a request to that path met a fault."""
        return any(sent.path == path and (sent.fault or not sent.arrived) for sent in self.sent)

    def met_stack_at(self, provider: str) -> bool:
        """Whether another stack got between, at this provider."""
        return any((self.key.name, provider) in sent.theirs for sent in self.sent)

    def applied(self, provider: str, config: Config | None) -> bool:
        """Whether a request put these credentials into use, in time or late."""
        place, changed = (self.key.name, provider), [(sent.before, sent.after) for sent in self.writes]
        return config is not None and any(
            after.get(place) != before.get(place) and after.get(place, ("", None))[1] == fingerprint(config)
            for before, after in [*changed, (self.in_time, self.after)]
        )


def connection(resource: Resource) -> str:
    """The connection id that the state holds."""
    held: str = resource.outputs["connection_id"]
    return held


def recorded(resource: Resource) -> Config | None:
    """The credentials that the state holds for the ones in use; None where it does not say which those are."""
    config: Config | None = None if resource.outputs.get(UNCONFIRMED) else resource.outputs["config"]
    return config


def plain_secrets(text: str) -> list[str]:
    """The declared credentials that ``text`` shows."""
    return [secret for secret in CANARIES if secret in text]


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON-like value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for item in value.values() for text in texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in texts(item))


# --- who did what ----------------------------------------------------------------------------------------------------

LIST, STATUS = "list", "sync_status"
"""The routes that can lag."""

_KEY_CHECK = "/api/validate-api-key"


class World:
    """The service as it is: two workspaces, what others do there, and how far its answers are behind.

    Attributes:
        service: The service.
        workspaces: Those that a key may be of.
        lags: Seconds by which a route is behind; None until it is told otherwise.
        stacks: Those that work with it.
        busy: Whether a command is under way.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.workspaces = (service.tenant(), service.tenant())
        self.lags: dict[str, float | None] = {}
        service.store.lag([LIST, STATUS], 0)
        self.stacks: list[Ledger] = []
        self.busy = False
        self._quoted: dict[Place, tuple[Ledger, str, Config]] = {}

    def look(self) -> Connections:
        """What the two workspaces hold."""
        return {
            (workspace.name, provider): held
            for workspace in self.workspaces
            for provider, held in self.service.held(workspace).items()
        }

    def outside(self, workspace: Tenant, provider: str, what: str) -> None:
        """Somebody else connects, disconnects, reconnects, or (``rotate``) changes credentials in place."""
        if what == "rotate":
            if (workspace.name, provider) in self.look() and provider in THEIRS:
                self.service.store.connect(workspace.name, provider, THEIRS[provider], force=True)
        else:
            self.service.store.meddle(
                workspace.name, provider, disconnect=what != "connect", connect=what != "disconnect"
            )

    def fail_sync(self, stack: Ledger, name: str) -> None:
        """The service finds the credentials of a resource wrong, which are `Ledger.in_use`, and quotes them."""
        outputs = stack.deployment.state[name].outputs
        provider, config = outputs["provider"], outputs["config"]
        self._quoted[stack.key.name, provider] = (stack, name, config)
        said = " ".join(catalog.secret_values(provider, config))
        self.service.store.set_sync(stack.key.name, provider, "FAILED", error_message=f"Refused: {said}")

    def recover_syncs(self) -> None:
        """The service quotes credentials no longer, once they are not those of the one resource that would show it.

        Not promised: to recognise credentials that neither the program nor the state of that resource has.
        """
        for place, quoted in list(self._quoted.items()):
            known = [
                (stack, name, held["config"])
                for stack in self.stacks
                for name, held in [
                    *((name, resource.outputs) for name, resource in stack.deployment.state.items()),
                    *((name, inputs) for name, inputs in stack.program.items() if (stack, name) != quoted[:2]),
                ]
                if held["provider"] == place[1]
            ]
            if known != [quoted]:
                self._recover_sync(place)

    def _recover_sync(self, place: Place) -> None:
        del self._quoted[place]
        if place in self.look():
            self.service.store.set_sync(*place, "SUCCESS")

    def lag(self, route: str, seconds: float | None) -> None:
        """Has a route of the service show what was, but no credentials of then; 0 seconds ends it."""
        for place in list(self._quoted):
            self._recover_sync(place)
        for stack in self.stacks:
            stack.see_others()  # what they did so far is shown
        self.service.store.lag([route], seconds)
        self.lags.pop(route, None)
        if seconds != 0:
            self.lags[route] = seconds
        if route == LIST:
            for stack in self.stacks:
                stack.unshown.clear()


class Ledger:
    """One stack, and everything that happened to it.

    Attributes:
        program: What the user declares.
        deployment: The stack.
        key: The workspace whose key is set.
        unshown: Where the list, which lags, does not show what others did.
    """

    def __init__(self, world: World, door: Service) -> None:
        door.clear_faults()
        world.stacks.append(self)
        self.world = world
        self._door = door
        self.key = world.workspaces[0]
        self.program: Program = {}
        self.deployment = Deployment()
        self.unshown: set[Place] = set()
        self._seen: Connections = {}
        self._once: set[str] = set()
        self._gone: set[str] = set()
        self._others: dict[str, set[str | None]] = {}

    def held(self) -> frozenset[str]:
        """The connections that the state holds."""
        return frozenset(map(connection, self.deployment.state.values()))

    def in_use(self) -> list[str]:
        """The resources in the state whose recorded credentials the workspace of the key does use."""
        held = self.world.service.held(self.key)
        return [
            name
            for name, resource in self.deployment.state.items()
            if resource.outputs["config"] is not None
            and held.get(resource.outputs["provider"])
            == (connection(resource), fingerprint(resource.outputs["config"]))
        ]

    # What others do

    def see_others(self) -> None:
        """Notes what changed since the last look, which was not this stack's doing."""
        before, self._seen = self._seen, self.world.look()
        self._note_others(before, self._seen)

    def _note_others(self, before: Connections, after: Connections) -> frozenset[Place]:
        changed = {place for place in {**before, **after} if before.get(place) != after.get(place)}
        for place in changed:
            was, now = before.get(place), after.get(place)
            if was is not None and (now is None or now[0] != was[0]):
                self._gone.add(was[0])
            if now is not None:
                self._others[now[0]] = {now[1]}
        if LIST in self.world.lags:
            self.unshown |= changed
        return frozenset(changed)

    # What the stack does

    def command(
        self,
        act: Callable[[Workspace], Report],
        planned: Sequence[Plan] = (),
        meanwhile: Meanwhile | None = None,
        *,
        held: frozenset[str] | None = None,
    ) -> Command:
        """Runs one command while things go wrong, then lets everything be carried out that it left under way.

        Assumed: nobody starts the next command before that. A request that the service carries out late, after the user
        has changed their mind, does what it was sent for; no client can take it back.

        Args:
            act: The command.
            planned: What goes wrong.
            meanwhile: What else goes on during one of its requests.
            held: The connections that the command may touch, where those that the state holds at the time are too many.
        """
        world, within = self.world, self.world.busy
        world.recover_syncs()
        self.see_others()
        old, before = copy.deepcopy(self.deployment.state), self._seen
        skip = meanwhile.skip if meanwhile else -1
        pending = frozenset((self.key.name, provider) for provider in self.deployment.pending.values())

        def on_its_way(provider: str) -> frozenset[Place]:
            nonlocal skip
            skip -= 1
            if meanwhile is None or skip != -1:
                return frozenset()
            if meanwhile.act is None:
                with aside(run):
                    self.deployment.beside(provider)
                return frozenset()
            seen = world.look()
            meanwhile.act()
            return self._note_others(seen, world.look())

        look_held = self.held if held is None else lambda: held
        wire = Wire(self._door.transport, world.look, look_held, on_its_way)
        self._plan(planned)
        run = run_of(Settings(self.key.api_key, URL, 60.0), wire, self._door.clock)
        world.busy = True
        with run.client:
            report = act(run)
        world.busy = within
        if planned:
            self._door.clear_faults()
            # An older service does not know the route that tells whose a key is, and logs no call of it.
            unknown = None if world.service.store.habits.key_check else _KEY_CHECK
            logged = [sent for sent in wire.sent if sent.arrived and sent.path != unknown]
            for sent, call in zip(logged, self._door.calls(), strict=True):
                sent.fault = call["fault"]
        in_time = world.look()
        if not within:
            self._door.later()
        self._seen = world.look()
        lags = dict(world.lags)
        new = dict(self.deployment.state)
        done = Command(self.key, report, wire.sent, old, new, before, in_time, self._seen, lags, pending)
        self._once |= self.held()
        # What its requests made is the stack's own, too, although their answers were lost, or gave no usable id.
        self._once |= {id_ for id_, in_use in self._seen.values() if id_ in done.made and in_use in done.fingerprints}
        _touched_only_ours(done, self.unshown, self._once if LIST in lags else set())
        if not within and lags.get(LIST) is not None:
            self.unshown.clear()  # it has caught up
        self._note(done)
        self._check(done)
        return done

    def _plan(self, planned: Sequence[Plan]) -> None:
        if planned:
            self._door.clear_calls()
        # Refusals come last, since they would meet the control route.
        for plan in sorted(planned, key=lambda plan: plan.kind == "refused"):
            if plan.kind == "refused":
                self._door.refuse(plan.members["times"])
                continue
            members = dict(plan.members)
            if "body" in members:
                members["body"] = members["body"].replace(QUOTED, self._sent_secret(plan))
            self._door.fault(plan.route, plan.kind, **members)

    def _sent_secret(self, plan: Plan) -> str:
        """A credential that the calls which meet a fault carry, as JSON has it; nothing where they may carry none."""
        about = [inputs for inputs in self.program.values() if inputs["provider"] == plan.members.get("provider")]
        secrets = [secret for inputs in about for secret in catalog.secret_values(inputs["provider"], inputs["config"])]
        return json.dumps(secrets[0])[1:-1] if secrets and plan.route == "connect" else ""

    def _note(self, done: Command) -> None:
        """Learns from a command what may differ from now on."""
        for sent in done.sent:
            if sent.met_others and sent.provider is not None:
                place = (done.key.name, sent.provider)
                self._note_others(_at(place, sent.before), _at(place, sent.after))
        in_use = dict(done.after.values())
        for name, resource in self.deployment.state.items():
            provider, config, id_ = resource.outputs["provider"], resource.outputs["config"], connection(resource)
            was = done.old.get(name) or done.old.get(original(name))
            if was is None or (connection(was), recorded(was)) != (id_, recorded(resource)):
                # One that it takes over was connected by the time that the request came.
                applied = not resource.inputs["adopt_existing"] or done.applied(provider, config)
                if config in done.sent_configs(provider) and applied and not done.met_stack_at(provider):
                    self._others.pop(id_, None)
                else:
                    # Taken over as it is, or followed by a refresh: with whatever credentials it has.
                    self._others[id_] = {in_use.get(id_)}
        for name, resource in self.deployment.state.items():
            self._note_what_is_unclear(done, name, resource, in_use)

    def _note_what_is_unclear(self, done: Command, name: str, resource: Resource, in_use: Iterable[str]) -> None:
        provider, config, id_ = resource.outputs["provider"], resource.outputs["config"], connection(resource)
        # Not promised: which credentials are in use when the answer to an update was lost and the program was then put
        # back to what the state has, so that the next up has nothing to send. Nor does a resource know them whose
        # connection another one has, after a move that was cut short.
        others = [fingerprint(sent) for sent in done.sent_configs(provider) if sent != config]
        self._others.setdefault(id_, set()).update(others)
        if id_ == f"{provider}-unknown":
            # Not promised: an id where the service gave none. The command must have said so; a refresh looks it up.
            assert id_ in self._gone or "gave no usable connection id" in done.report.shown
            self._gone.add(id_)
        renewed = [done.new[other] for other, old in done.old.items() if connection(old) == id_ and other in done.new]
        if any(connection(other) != id_ for other in renewed):
            # Not promised: that each of two resources which have one connection, after a move that was cut short, hears
            # of the new id that an update by the other one left.
            self._gone.add(id_)
        if id_ not in {*in_use, *self._gone} and done.made and "may not use the" in done.report.shown:
            # The answer to an update was lost, and no list showed that it left a new id. The next up finds it, and
            # names the refresh.
            self._gone.add(id_)
        disconnects = [sent for sent in done.writes if sent.path.endswith("/disconnect")]
        if id_ not in {*in_use, *self._gone} and any(sent.provider == provider for sent in disconnects):
            # Not promised: that an up sees it when the answer to a disconnect was lost and the resource was then
            # declared again; a refresh does. But the command must have said that it does not know.
            # Nor that one is spared that two resources have, after a move that was cut short, if the program then
            # drops both: the one that owns it disconnects it, and the other leaves the state with the next up.
            shared = name not in self.program and any(
                connection(old) == id_ for other, old in done.old.items() if other not in done.new
            )
            assert shared or "may or may not be disconnected" in done.report.shown
            self._gone.add(id_)

    # What must hold after every command

    def _check(self, done: Command) -> None:
        self._check_state(done)
        self._check_secrets(done)
        self._check_what_left_the_state(done)
        self._check_what_was_connected(done)
        for error in [*map(str, done.report.errors), *done.report.failures]:
            assert any(label in error for label in LABELS.values()), "the error does not name the integration"

    def _check_state(self, done: Command) -> None:
        """What the state says is so, as far as it is not others who made it otherwise."""
        in_use = dict(done.after.values())
        for resource in self.deployment.state.values():
            id_, config = connection(resource), recorded(resource)
            if LIST in done.lags and id_ not in in_use and id_ not in done.removed:
                self._gone.add(id_)  # taken from a list that still shows it
            assert id_ in in_use or id_ in self._gone, "the state holds a connection that is gone"
            if config is not None and id_ in in_use:
                assert in_use[id_] in {fingerprint(config), *self._others.get(id_, ())}, "other credentials are in use"

    def _check_secrets(self, done: Command) -> None:
        keys = [workspace.api_key for workspace in self.world.workspaces]
        outputs = [
            {name: value for name, value in resource.outputs.items() if name != "config"}
            for resource in self.deployment.state.values()
        ]
        for text in [done.report.shown, *map(repr, done.report.errors), *texts(outputs)]:
            assert not plain_secrets(text), "a credential shows"
            assert not [key for key in keys if key in text], "an API key shows"

    def _check_what_left_the_state(self, done: Command) -> None:
        """Nothing is lost: what is no longer in the state is disconnected, kept on purpose, or was warned of."""
        for name, resource in done.old.items():
            id_ = connection(resource)
            if id_ in self.held():
                continue
            gone = any(id_ in _new(sent.after, sent.before) for sent in done.writes)
            if gone and done.met_stack_at(resource.outputs["provider"]):
                continue  # another stack has connected it anew, and ids can be stable
            home = next((workspace for (workspace, _), (held, _) in done.after.items() if held == id_), None)
            warned = any(id_ in warning for warning in done.report.warnings)
            if home == done.key.name:
                # Not promised: to see through two lists that lag for long, and a sync status that agrees. A delete
                # settles it by asking, unless the service cannot tell whose the key is.
                if name in done.new:
                    unseen = True
                elif name in done.report.drift:
                    unseen = STATUS in done.lags or done.met_fault("/api/integrations/sync-status")
                else:
                    # Or another resource of the program took it over, under the id that such a list still shows.
                    taken = resource.outputs["provider"] in [new.outputs["provider"] for new in done.new.values()]
                    unseen = taken or not self.world.service.store.habits.key_check
                believed = done.lags.get(LIST, 0) is None and unseen and warned
                assert resource.inputs["retain"] or believed, "a connection was lost"
            elif home is not None:
                # Not promised: with another workspace's key it looks as if it had been disconnected.
                assert resource.inputs["retain"] or name in done.report.drift or warned

    def _check_what_was_connected(self, done: Command) -> None:
        """Nothing is lost: what a command connected is in the state, or the command said how to go on."""
        known = {id_ for id_, _ in done.before.values()} | self.held()
        for id_, in_use in done.after.values():
            if id_ in done.made - known and in_use in done.fingerprints:
                # Where an update left a new id that no list showed, the next up names the refresh.
                ways = ("adopt_existing=True", "pulumi refresh", "which goes on with what it finds", "may not use the")
                assert any(way in done.report.shown for way in ways), "a connection was made and lost"


def _touched_only_ours(done: Command, unshown: set[Place], once: set[str]) -> None:
    """Whatever a command disconnected, or gave other credentials, was the stack's own.

    Not promised: to spare a connection that somebody else makes between our look, which is the list, and our write. Nor
    that one gets no credentials which is there when an interrupted replacement goes on.

    Args:
        done: The command.
        unshown: Where a list that lags does not show what others did.
        once: What the state has held, where a list that lags may have put an older id back.
    """
    unseen = set(unshown)
    # What a replacement was told to retain is its own, too.
    retained = [old for name, old in done.old.items() if old.inputs["retain"] and name in done.new]
    ours = frozenset(map(connection, retained)) | once
    blind: set[Place] = set()  # a write that was sent then may be carried out at any time
    for sent in done.sent:
        if sent.path == "/api/integrations" and not sent.aside:
            unseen = set(unshown)
        unseen |= sent.theirs
        if sent.provider is not None:
            place = (done.key.name, sent.provider)
            unseen |= {place} if sent.met_others else set()
            unseen |= {place} & done.pending if sent.force else set()
            blind |= {place} & unseen if sent.request.method == "POST" else set()
        _same_or_held(sent.before, sent.after, sent.held | ours, unseen | blind)
        if not sent.met_others:  # what a request made whose answer was lost is the stack's own, too
            ours |= _new(sent.before, sent.after)
    known = map(connection, [*done.old.values(), *done.new.values()])
    _same_or_held(done.in_time, done.after, ours.union(known), blind)


def _at(place: Place, connections: Connections) -> Connections:
    return {place: connections[place]} if place in connections else {}


def _new(before: Connections, after: Connections) -> frozenset[str]:
    """The connections that are there after and not before."""
    return frozenset({id_ for id_, _ in after.values()} - {id_ for id_, _ in before.values()})


def _same_or_held(before: Connections, after: Connections, held: frozenset[str], but: set[Place]) -> None:
    for place, (id_, in_use) in before.items():
        if place not in but:
            assert after.get(place) == (id_, in_use) or id_ in held, (
                "a connection was touched that the state did not hold"
            )
