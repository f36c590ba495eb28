"""What ``test_faults_machine`` knows while it runs: what can be declared, what can go wrong, and who did what.

The `Ledger` is told of every command and of everything that others do. From that it knows what may differ between the
state and the service, and why; whatever else differs is a bug. What it excuses is marked "Not promised".
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from hypothesis import strategies as st

from outlit_pulumi import catalog
from outlit_pulumi.lifecycle.outputs import UNCONFIRMED
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.sandbox.store import fingerprint
from outlit_pulumi.settings import Settings
from tests.faults.deployment import Deployment, Program, Report, Resource, original
from tests.faults.service import URL, Service, Tenant
from tests.faults.service import workspace as run_of

Config = dict[str, str]


def _secret(number: int, of: str) -> str:
    """A credential that has nothing in common with any other, and no well-known shape."""
    return hashlib.sha256(f"{number} {of}".encode()).hexdigest()[:24]


_THREE = (0, 1, 2)

CONFIGS: Mapping[str, Sequence[Config]] = {
    "stripe": [{"apiKey": _secret(n, "stripe")} for n in _THREE],
    "clerk": [{"secretKey": f'"{_secret(n, "clerk")}" 100%25'} for n in _THREE],
    "posthog": [{"apiKey": f"ö{_secret(n, 'posthog')}", "region": "eu", "projectId": f"{n}"} for n in _THREE],
    "extra-0001": [{"token": _secret(n, "token"), "account": _secret(n, "account")} for n in _THREE],
    "slack": [],
}
"""What can be declared, by provider; Slack connects in a browser only."""

LABELS = {"stripe": "Stripe", "clerk": "Clerk", "posthog": "PostHog", "slack": "Slack", "extra-0001": "xtra"}
"""How each is named in messages; the one that the catalogue does not know by its id or by the name in the list."""

_THEIRS: Mapping[str, Config] = {
    provider: {name: "eu" if name == "region" else f"theirs-{name}" for name in configs[0]}
    for provider, configs in CONFIGS.items()
    if configs
}
_CANARIES = [_secret(n, of) for of in ("stripe", "clerk", "posthog", "token", "account") for n in _THREE]

# --- what can go wrong -----------------------------------------------------------------------------------------------

QUOTED = "{quoted}"
"""Stands in a fault's body for the credential that its provider is declared with."""


@dataclass(frozen=True)
class Plan:
    """A planned fault, by the members of the control route. Of kind ``refused``: that many connections are refused."""

    route: str
    kind: str
    members: Mapping[str, Any]


# A refusal comes instead of the work, and "not connected" (404) is true: a service that lies is not one with a fault.
_REFUSED_KEY: Mapping[str, Any] = {"status": 401, "body": '{"error": "Invalid credentials"}'}
_REFUSALS: Sequence[Mapping[str, Any]] = [
    {"status": 400, "body": f'{{"error": "Key {QUOTED} is not a key."}}'},
    {"status": 403, "body": '{"error": "No.", "code": "plan_connection_limit_exceeded", "plan": "free", "limit": 1}'},
    {"status": 403, "body": '{"error": "No.", "code": "api_limit_exceeded"}'},
    {"status": 302, "headers": {"Location": "https://elsewhere.test/"}},
    {"status": 404, "body": "<h1>Not found</h1>", "contentType": "text/html"},
    {"status": 429},
    {"status": 429, "headers": {"Retry-After": "20"}},
    {"status": 429, "headers": {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}},
]
_FAILURES: Sequence[Mapping[str, Any]] = [
    {"status": 500, "body": f'{{"error": "Cannot use {QUOTED}."}}'},
    {"status": 502, "body": "<h1>Bad gateway</h1>", "contentType": "text/html"},
    {"status": 503, "headers": {"Retry-After": "1"}},
    {"status": 504},
]
_MEMBERS = ["connectionId", "alreadyConnected", "connected", "status", "items", "id", "success", "provider", "syncs"]


def _one(name: str, values: Sequence[Any]) -> st.SearchStrategy[Mapping[str, Any]]:
    return st.fixed_dictionaries({name: st.sampled_from(values)})


_AFTER = _one("after", [False, True])
_COUNTS = st.fixed_dictionaries(
    {
        "times": st.sampled_from([1, 2, None]),
        "skip": st.sampled_from([0, 0, 0, 1]),
        "provider": st.sampled_from([None, None, None, None, *CONFIGS]),
    }
)
_NAMED = st.fixed_dictionaries({"members": st.lists(st.sampled_from(_MEMBERS), max_size=2)})


def plans(*routes: str) -> st.SearchStrategy[list[Plan]]:
    """What goes wrong during one command that uses these routes."""

    def fault(kinds: Sequence[str], *more: st.SearchStrategy[Mapping[str, Any]]) -> st.SearchStrategy[list[Plan]]:
        members = st.tuples(_COUNTS, *more).map(lambda parts: {name: part[name] for part in parts for name in part})
        return st.builds(Plan, st.sampled_from(routes), st.sampled_from(kinds), members).map(lambda plan: [plan])

    some = st.one_of(
        fault(["answer"], st.just(_REFUSED_KEY)),
        fault(["answer"], st.sampled_from(_REFUSALS)),
        fault(["answer"], _AFTER, st.sampled_from(_FAILURES)),
        fault(["delay"], _AFTER, _one("seconds", [5, 35, 45, 400])),
        fault(["drip"], _one("seconds", [5, 400])),
        fault(["reset", "html", "empty", "huge"], _AFTER),
        fault(["truncated", "content_type", "unknown_members", "unknown_values"]),
        fault(["says_not_connected", "duplicate_entries", "died"]),
        fault(["missing_members", "null_members"], _NAMED),
        fault(["connected_by_others", "disconnected_by_others", "reconnected_by_others"]),
        _one("times", [1, 6, 10**6]).map(lambda members: [Plan("*", "refused", members)]),
        st.just([Plan("connect", "reset", {}), Plan("connect", "connected_by_others", {})]),
    )
    return st.lists(some, min_size=1, max_size=3).map(lambda parts: [plan for part in parts for plan in part])


# --- what is seen ----------------------------------------------------------------------------------------------------

Connections = Mapping[tuple[str, str], tuple[str, str | None]]
"""Connection id and fingerprint of the credentials in use, by workspace and provider."""


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
    """

    def __init__(
        self, inner: httpx.BaseTransport, look: Callable[[], Connections], held: Callable[[], frozenset[str]]
    ) -> None:
        self._inner = inner
        self._look = look
        self._held = held
        self.sent: list[Sent] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.read() or b"{}")
        provider = body.get("provider") or request.url.params.get("provider")
        sent = Sent(request, provider, body.get("config"), "force" in body, self._held(), self._look())
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
        after: What it holds now.
        lagging: Whether what the service shows may be behind what it holds.
        faultless: Whether no request met a fault, and nothing lagged.
    """

    key: Tenant
    report: Report
    sent: list[Sent]
    old: Mapping[str, Resource]
    new: Mapping[str, Resource]
    before: Connections
    after: Connections
    lagging: bool = False

    @property
    def faultless(self) -> bool:
        return not self.lagging and all(sent.arrived and sent.fault is None for sent in self.sent)

    @property
    def writes(self) -> list[Sent]:
        """The requests that could change something."""
        return [sent for sent in self.sent if sent.request.url.path.endswith(("/connect", "/disconnect"))]

    def others_were_at(self, provider: str) -> bool:
        """Whether somebody else got between, at this provider."""
        return any(sent.provider == provider and sent.met_others for sent in self.sent)


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
    return [secret for secret in _CANARIES if secret in text]


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON-like value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for item in value.values() for text in texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in texts(item))


# --- who did what ----------------------------------------------------------------------------------------------------


class Ledger:
    """One stack, the two workspaces that its key may be of, and everything that happened to them.

    Attributes:
        program: What the user declares.
        deployment: The stack.
        key: The workspace whose key is set.
    """

    def __init__(self, service: Service) -> None:
        service.clear_faults()
        self._service = service
        self.workspaces = (service.tenant(), service.tenant())
        self.key = self.workspaces[0]
        self.program: Program = {}
        self.deployment = Deployment()
        self.lagging = False
        self._unshown: set[str | None] = set()
        self._once: set[str] = set()
        self._gone: set[str] = set()
        self._others: dict[str, set[str | None]] = {}
        self._quoted: dict[tuple[str, str], tuple[str, Config]] = {}

    def look(self) -> Connections:
        """What the two workspaces hold."""
        return {
            (workspace.name, provider): held
            for workspace in self.workspaces
            for provider, held in self._service.held(workspace).items()
        }

    def held(self) -> frozenset[str]:
        """The connections that the state holds."""
        return frozenset(map(connection, self.deployment.state.values()))

    # What others do

    def outside(self, workspace: Tenant, provider: str, what: str) -> None:
        """Somebody else connects, disconnects, reconnects, or (``rotate``) changes credentials in place."""
        place = (workspace.name, provider)
        if self.lagging and workspace is self.key:
            self._unshown.add(provider)
        before = self.look().get(place)
        if what == "rotate":
            if before is not None and provider in _THEIRS:
                self._service.store.connect(workspace.name, provider, _THEIRS[provider], force=True)
        else:
            self._service.store.meddle(
                workspace.name, provider, disconnect=what != "connect", connect=what != "disconnect"
            )
        self._note_others(before, self.look().get(place))

    def _note_others(self, before: tuple[str, str | None] | None, after: tuple[str, str | None] | None) -> None:
        if before is not None and (after is None or after[0] != before[0]):
            self._gone.add(before[0])
        if after is not None and after != before:
            self._others[after[0]] = {after[1]}

    def in_use(self) -> list[str]:
        """The resources in the state whose recorded credentials the workspace of the key does use."""
        held = self._service.held(self.key)
        return [
            name
            for name, resource in self.deployment.state.items()
            if resource.outputs["config"] is not None
            and held.get(resource.outputs["provider"])
            == (connection(resource), fingerprint(resource.outputs["config"]))
        ]

    def fail_sync(self, name: str) -> None:
        """The service finds credentials that are `in_use` wrong, and quotes them."""
        outputs = self.deployment.state[name].outputs
        provider, config = outputs["provider"], outputs["config"]
        self._quoted[self.key.name, provider] = (name, config)
        said = " ".join(catalog.secret_values(provider, config))
        self._service.store.set_sync(self.key.name, provider, "FAILED", error_message=f"Refused: {said}")

    def _recover_syncs(self) -> None:
        """The service quotes credentials no longer, once they are not those of the one resource that would show it.

        Not promised: to recognise credentials that neither the program nor the state of that resource has.
        """
        for place, (name, config) in list(self._quoted.items()):
            holders = [(n, held.outputs) for n, held in self.deployment.state.items()]
            holders += [(n, inputs) for n, inputs in self.program.items() if n != name]
            known = [(n, held["config"]) for n, held in holders if held["provider"] == place[1]]
            if known != [(name, config)]:
                del self._quoted[place]
                if place in self.look():
                    self._service.store.set_sync(*place, "SUCCESS")

    def lag(self, routes: Sequence[str], seconds: float | None) -> None:
        """Has routes of the service show what was, but no credentials of then; 0 seconds ends it."""
        for place in [place for place in self._quoted if place in self.look()]:
            self._service.store.set_sync(*place, "SUCCESS")
        self._quoted.clear()
        self._service.store.lag(routes, seconds)
        self.lagging = seconds != 0
        if not self.lagging:
            self._unshown.clear()

    # What the stack does

    def command(
        self, act: Callable[[Workspace], Report], planned: Sequence[Plan] = (), *, held: frozenset[str] | None = None
    ) -> Command:
        """Runs one command while things go wrong, then lets everything be carried out that it left under way.

        Assumed: nobody starts the next command before that. A request that the service carries out late, after the user
        has changed their mind, does what it was sent for; no client can take it back.

        Args:
            act: The command.
            planned: What goes wrong.
            held: The connections that the command may touch, where those that the state holds at the time are too many.
        """
        self._recover_syncs()
        old, before = copy.deepcopy(self.deployment.state), self.look()
        wire = Wire(self._service.transport, self.look, self.held if held is None else lambda: held)
        settings = Settings(self.key.api_key, URL, 60.0)
        self._plan(planned)
        run = run_of(settings, wire, self._service.clock)
        with run.client:
            report = act(run)
        if planned:
            self._service.clear_faults()
            calls = self._service.calls()
            # An older service does not know the route that tells whose a key is, and logs no call of it.
            older = not self._service.store.habits.key_check
            unknown = "/api/validate-api-key" if older else None
            logged = [sent for sent in wire.sent if sent.arrived and sent.request.url.path != unknown]
            for sent, call in zip(logged, calls, strict=True):
                sent.fault = call["fault"]
        in_time = self.look()
        self._service.later()
        new, lagging = dict(self.deployment.state), self.lagging
        done = Command(self.key, report, wire.sent, old, new, before, self.look(), lagging)
        self._once |= self.held()
        _touched_only_ours(done, in_time, self._unshown, self._once if lagging else set())
        self._note(done)
        self._check(done)
        return done

    def _plan(self, planned: Sequence[Plan]) -> None:
        if planned:
            self._service.clear_calls()
        # Refusals come last, since they would meet the control route.
        for plan in sorted(planned, key=lambda plan: plan.kind == "refused"):
            if plan.kind == "refused":
                self._service.refuse(plan.members["times"])
                continue
            members = dict(plan.members)
            if "body" in members:
                members["body"] = members["body"].replace(QUOTED, self._sent_secret(plan))
            self._service.fault(plan.route, plan.kind, **members)

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
                self._note_others(sent.before.get(place), sent.after.get(place))
        in_use = dict(done.after.values())
        for name, resource in self.deployment.state.items():
            provider, config, id_ = resource.outputs["provider"], resource.outputs["config"], connection(resource)
            ours = [sent.config for sent in done.writes if sent.provider == provider and sent.config is not None]
            was = done.old.get(name) or done.old.get(original(name))
            if was is None or (connection(was), recorded(was)) != (id_, recorded(resource)):
                surprised = done.lagging or done.others_were_at(provider)
                if config in ours and not (resource.inputs["adopt_existing"] and surprised):
                    self._others.pop(id_, None)
                else:
                    # Taken over as it is, or followed by a refresh: with whatever credentials it has.
                    self._others[id_] = {in_use.get(id_)}
            # Not promised: which credentials are in use when the answer to an update was lost and the program was then
            # put back to what the state has, so that the next up has nothing to send.
            self._others.setdefault(id_, set()).update(fingerprint(sent) for sent in ours if sent != config)
            disconnects = [sent for sent in done.writes if sent.request.url.path.endswith("/disconnect")]
            if id_ not in in_use | dict.fromkeys(self._gone) and any(sent.provider == provider for sent in disconnects):
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
            if done.lagging and id_ not in in_use:
                self._gone.add(id_)  # taken from a list that still shows it
            assert id_ in in_use or id_ in self._gone, "the state holds a connection that is gone"
            if config is not None and id_ in in_use:
                assert in_use[id_] in {fingerprint(config), *self._others.get(id_, ())}, "other credentials are in use"

    def _check_secrets(self, done: Command) -> None:
        keys = [workspace.api_key for workspace in self.workspaces]
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
            home = next((workspace for (workspace, _), (held, _) in done.after.items() if held == id_), None)
            warned = any(id_ in warning for warning in done.report.warnings)
            if home == done.key.name:
                # Not promised: to see through two lists and a sync status that lag for long. A delete settles it by
                # asking, unless the service cannot tell whose the key is.
                followed = name in done.report.drift or name in done.new
                unsure = followed or not self._service.store.habits.key_check
                assert resource.inputs["retain"] or (done.lagging and unsure and warned), "a connection was lost"
            elif home is not None:
                # Not promised: with another workspace's key it looks as if it had been disconnected.
                assert resource.inputs["retain"] or name in done.report.drift or warned

    def _check_what_was_connected(self, done: Command) -> None:
        """Nothing is lost: what a command connected is in the state, or the command said how to go on."""
        known = {id_ for id_, _ in done.before.values()} | self.held()
        ours = {fingerprint(sent.config) for sent in done.writes if sent.config is not None}
        for id_, in_use in done.after.values():
            if id_ not in known and in_use in ours:
                ways = ("adopt_existing=True", "pulumi refresh", "which goes on with what it finds")
                assert any(way in done.report.shown for way in ways), "a connection was made and lost"


def _touched_only_ours(done: Command, in_time: Connections, unshown: set[str | None], once: set[str]) -> None:
    """Whatever a command disconnected, or gave other credentials, was the stack's own.

    Not promised: to spare a connection that somebody else makes between our look, which is the list, and our write.

    Args:
        done: The command.
        in_time: What the service held when it ended, before the rest was carried out.
        unshown: Of which providers a list that lags does not show what others did.
        once: What the state has held, where a list that lags may have put an older id back.
    """
    unseen: set[str | None] = set(unshown)
    # What a replacement was told to retain is its own, too.
    retained = [old for name, old in done.old.items() if old.inputs["retain"] and name in done.new]
    ours = frozenset(map(connection, retained)) | once
    blind: set[str | None] = set()  # a write that was sent then may be carried out at any time
    for sent in done.sent:
        if sent.request.url.path == "/api/integrations":
            unseen = set(unshown)
        if sent.met_others:
            unseen.add(sent.provider)
        if sent.request.method == "POST" and sent.provider in unseen:
            blind.add(sent.provider)
        _same_or_held(sent.before, sent.after, sent.held | ours, unseen | blind)
        if not sent.met_others:  # what a request made whose answer was lost is the stack's own, too
            ours |= {id_ for id_, _ in sent.after.values()} - {id_ for id_, _ in sent.before.values()}
    known = map(connection, [*done.old.values(), *done.new.values()])
    _same_or_held(in_time, done.after, ours.union(known), blind)


def _same_or_held(before: Connections, after: Connections, held: frozenset[str], but: set[str | None]) -> None:
    for (workspace, provider), (id_, in_use) in before.items():
        if provider not in but:
            same = after.get((workspace, provider)) == (id_, in_use)
            assert same or id_ in held, "a connection was touched that the state did not hold"
