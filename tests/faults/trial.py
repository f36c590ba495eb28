"""One case of the fault matrix, carried out: the operation under the fault, then what it takes to settle it."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from outlit_pulumi.api.errors import AuthenticationError, PermissionDeniedError, PlanLimitError
from outlit_pulumi.errors import IntegrationError, OutlitError
from outlit_pulumi.lifecycle.decide import difference
from outlit_pulumi.lifecycle.outputs import UNCONFIRMED
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.sandbox import fingerprint
from outlit_pulumi.settings import Settings
from tests.faults.deployment import Deployment, Program, Report, Resource, declared
from tests.faults.matrix import FAULTS, OPERATIONS, Case, Fault, Outcome
from tests.faults.service import URL, Service, Tenant, workspace

PROVIDER = "stripe"
OLD = {"apiKey": "sk_old_made_up_0123456789"}
NEW = {"apiKey": "sk_new_made_up_9876543210"}
NEXT = {"apiKey": "sk_next_made_up_5555555555"}

ROUTES = {
    "/api/integrations": "list",
    "/api/integrations/connect": "connect",
    "/api/integrations/disconnect": "disconnect",
    "/api/integrations/sync-status": "sync_status",
    "/api/validate-api-key": "validate_key",
}

NOT_PROMISED = {
    (operation, route, "reconnected-by-others")
    for operation in ("replace", "delete")
    for route in ("validate_key", "disconnect")
}
"""The API has no conditional disconnect: what somebody else connects after the last look is disconnected with it."""


@dataclass
class _Plan:
    route: str
    fault: Fault
    skip: int
    left: int | None


class Wire(httpx.BaseTransport):
    """Between a run and the service. Refuses connections of one route, and lets somebody else act just before a call.

    Attributes:
        calls: How many calls of each route were tried.
        strayed: Hosts other than the service's that were asked for something.
        others: The connection that somebody else made last, and has not removed.
    """

    def __init__(self, service: Service, tenant: Tenant) -> None:
        self._service = service
        self._tenant = tenant
        self._plans: list[_Plan] = []
        self.calls: Counter[str] = Counter()
        self.strayed: set[str] = set()
        self.others: str | None = None

    def plan(self, route: str, fault: Fault, *, skip: int = 0, always: bool = False) -> None:
        """Plans a fault of the kinds ``refused`` and ``by_others``."""
        self._plans.append(_Plan(route, fault, skip, None if always else 1))

    def clear(self) -> None:
        """Drops what is planned, and starts to count anew."""
        self._plans.clear()
        self.calls.clear()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        route = ROUTES[request.url.path]
        self.calls[route] += 1
        if not str(request.url).startswith(f"{URL}/"):
            self.strayed.add(request.url.host)
        for plan in self._plans:
            if plan.route != route:
                continue
            if plan.skip:
                plan.skip -= 1
            elif plan.left != 0:
                plan.left = None if plan.left is None else plan.left - 1
                self._meet(plan.fault, request)
        return self._service.transport.handle_request(request)

    def _meet(self, fault: Fault, request: httpx.Request) -> None:
        if fault.kind == "refused":
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        self._service.store.meddle(self._tenant.name, PROVIDER, **fault.members)
        held = self._service.held(self._tenant).get(PROVIDER)
        self.others = held[0] if held and fault.members.get("connect") else None


@dataclass
class Trial:
    """What a case showed.

    Attributes:
        outcome: Its row of the table.
        broken: The promises that were broken, in words.
    """

    outcome: Outcome
    broken: list[str] = field(default_factory=list)


@dataclass
class _Scene:
    """A stack, its program, and the workspace that it is for."""

    service: Service
    tenant: Tenant
    wire: Wire
    program: Program
    stack: Deployment = field(default_factory=Deployment)
    shown: list[str] = field(default_factory=list)

    def run(self) -> Workspace:
        return workspace(Settings(self.tenant.api_key, URL), self.wire, self.service.clock)

    def up(self, program: Program | None = None) -> Report:
        report = self.stack.up(self.program if program is None else program, self.run())
        self.shown.append(report.shown)
        return report

    def refresh(self) -> Report:
        report = self.stack.refresh(self.run())
        self.shown.append(report.shown)
        return report

    def held(self) -> tuple[str, str | None] | None:
        return self.service.held(self.tenant).get(PROVIDER)

    def resource(self) -> Resource | None:
        return self.stack.state.get("it")

    def agrees(self) -> bool:
        """Whether the state holds the connection that the service holds, with the config that it uses."""
        resource, held = self.resource(), self.held()
        if resource is None and not self.program:
            return held is None or held[0] == self.wire.others
        if resource is None or held is None:
            return resource is None and held is None
        config = resource.outputs["config"]
        known = (
            config is None
            or resource.outputs.get(UNCONFIRMED)
            or held[1] is None
            or self._adopted(resource)
            or fingerprint(config) == held[1]
        )
        return resource.outputs["connection_id"] == held[0] and known

    @staticmethod
    def _adopted(resource: Resource) -> bool:
        # What is taken over as it is may use any config.
        return bool(resource.inputs["adopt_existing"])

    def quiet(self) -> bool:
        """Whether all agree so far that another up writes nothing."""
        if not self.agrees():
            return False
        self.wire.clear()
        return self.up().succeeded and not self.wire.calls["connect"] + self.wire.calls["disconnect"]


def carry_out(service: Service, case: Case) -> Trial:
    """Prepares a workspace of its own, plans the fault, runs the operation and settles what it left."""
    tenant = service.tenant()
    scene = _Scene(service, tenant, Wire(service, tenant), {})
    command = _prepare(scene, case)
    before = copy.deepcopy(scene.resource())
    scene.wire.clear()
    scene.shown.clear()
    _plan(scene, case)
    report = command()
    calls = ", ".join(f"{route} {count}" for route, count in scene.wire.calls.items())
    scene.wire.clear()
    service.clear_faults()
    service.later()
    held, after, others = scene.held(), copy.deepcopy(scene.resource()), scene.wire.others
    lost = others is not None and (held is None or held[0] != others)
    broken = _untrue(case, scene, report, held, before)
    if lost and (case.operation, case.route, case.fault) not in NOT_PROMISED:
        broken.append("a connection that somebody else made is gone")
    if report.succeeded and not report.warnings and not scene.agrees():
        broken.append("success, but state and service do not agree")
    service_holds = _service(case, held, others) + ("; theirs was disconnected" if lost else "")
    state_holds = _state(report, before, after, held, scene.program)
    settles = _settle(scene, command, report, case.operation)
    if settles is None:
        broken.append("nothing settles it")
    elif any(way in settles and named not in "\n".join(scene.shown) for way, named in _NAMED.items()):
        broken.append("no message says how to settle it")
    elif not _goes_on(scene, case):
        broken.append("a changed config does not go through afterwards")
    said = "\n".join(scene.shown)
    if any(secret in said for secret in (tenant.api_key, OLD["apiKey"], NEW["apiKey"], NEXT["apiKey"])):
        broken.append("a credential was shown")
    if scene.wire.strayed:
        broken.append("another host was asked")
    return Trial(Outcome(_sees(report), service_holds, state_holds, settles or "not at all", calls), broken)


# --- before ----------------------------------------------------------------------------------------------------------


def _prepare(scene: _Scene, case: Case) -> Callable[[], Report]:
    """Brings about what the operation starts from, and returns the command that is the operation."""
    mode = "replace" if case.operation == "replace" else "reconnect"
    if case.operation == "adopt" and case.route == "list":
        scene.service.store.connect(scene.tenant.name, PROVIDER, OLD)
    if case.operation in ("replace", "read", "miss", "update", "delete"):
        scene.up({"it": declared(PROVIDER, OLD, on_config_change=mode)})
        scene.service.later()
    if case.operation == "miss":
        scene.service.store.meddle(scene.tenant.name, PROVIDER, disconnect=True)
    if case.operation in ("read", "miss"):
        scene.program = {"it": declared(PROVIDER, OLD)}
        return scene.refresh
    if case.operation != "delete":
        scene.program = {"it": declared(PROVIDER, NEW, adopt_existing=case.operation == "adopt", on_config_change=mode)}
    return scene.up


def _plan(scene: _Scene, case: Case) -> None:
    first, _, second = case.fault.partition("+")
    always = case.often == "always"
    fault = FAULTS[first]
    if always and fault.from_then_on:
        _plan_one(scene, "*", fault, OPERATIONS[case.operation].routes.index(case.route), True)
    else:
        _plan_one(scene, case.route, fault, 0, always)
    if second:
        _plan_one(scene, "list", FAULTS[second], 1, FAULTS[second].kind != "by_others")


def _plan_one(scene: _Scene, route: str, fault: Fault, skip: int, always: bool) -> None:
    if fault.kind in ("refused", "by_others"):
        scene.wire.plan(route, fault, skip=skip, always=always)
    else:
        scene.service.fault(route, fault.kind, skip=skip, times=None if always else 1, **fault.members)


# --- what came of it -------------------------------------------------------------------------------------------------


def _sees(report: Report) -> str:
    warnings = [f"warning: {_clause(_unnamed(warning))}" for warning in report.warnings]
    errors = [f"{type(error).__name__}: {_told(error)}" for error in report.errors]
    return "; ".join(warnings + errors + report.failures) or "success"


def _unnamed(warning: str) -> str:
    return _id(warning.partition(": ")[2])


def _id(text: str) -> str:
    return re.sub(r"\borg_w\d+", "<organization>", re.sub(rf"{PROVIDER}-org_[\w-]+", "<id>", text))


def _told(error: OutlitError) -> str:
    """What failed; of a refusal of our own also why, which no cause of the service's tells."""
    failed = _clause(str(error))
    why = _clause(str(error).removeprefix(f"{failed}: ")) if isinstance(error, IntegrationError) else ""
    return f"{failed}: {_id(why)}" if why not in ("", failed) else failed


def _clause(message: str) -> str:
    """A message up to its first colon or full stop."""
    return re.split(r"[:.](?:\s|$)", message, maxsplit=1)[0]


def _service(case: Case, held: tuple[str, str | None] | None, others: str | None) -> str:
    if held is None:
        return "nothing"
    if held[1] == fingerprint(NEW):
        return "the declared config" + (", on somebody else's connection" if held[0] == others else "")
    if held[0] == others:
        return "somebody else's connection"
    return "the old config" if case.operation in ("replace", "update") else "the connection"


def _state(
    report: Report,
    before: Resource | None,
    after: Resource | None,
    held: tuple[str, str | None] | None,
    program: Program,
) -> str:
    if after is None:
        return "nothing"
    if not report.succeeded and after == before:
        return "as before"
    if held is None or after.outputs["connection_id"] != held[0]:
        return "another connection"
    if difference(after.outputs, program["it"]).changes:
        return "holds it, config to be sent again"
    return "holds it"


def _untrue(
    case: Case, scene: _Scene, report: Report, held: tuple[str, str | None] | None, before: Resource | None
) -> list[str]:
    """Messages that say what is not so."""
    in_use = held[1] if held else None
    ours = before.outputs["connection_id"] if before else None
    kept = held is not None and held[0] == ours
    meddled = "by-others" in case.fault
    says_no = {
        " was not connected": in_use != fingerprint(NEW),
        " was not created": in_use != fingerprint(NEW),
        " was not taken over": scene.resource() is None,
        " was neither taken over nor connected": scene.resource() is None and in_use != fingerprint(NEW),
        " is now disconnected": in_use != fingerprint(NEW),
        " was not updated": in_use != fingerprint(NEW),
        " was not disconnected": kept or meddled,
        " state is unchanged": scene.resource() == before,
    }
    return [
        f'untrue: "{_clause(str(error))}"'
        for error in report.errors
        for saying, true in says_no.items()
        if saying in _clause(str(error)) and not true
    ]


# --- afterwards ------------------------------------------------------------------------------------------------------

_NAMED = {"refresh, then": "pulumi refresh", "adopt_existing": "adopt_existing=True"}
"""What a user would not do without being told, and how a message tells."""


def _settle(scene: _Scene, command: Callable[[], Report], report: Report, operation: str) -> str | None:
    """The first of a few actions, tried in turn, after which all agree and another up writes nothing."""
    after = _first(report.errors)
    if report.succeeded and scene.quiet():
        return "nothing to do"
    ways: list[tuple[str, tuple[Callable[[], Report], ...]]] = []
    if operation == "miss" and not report.succeeded:
        ways.append(("pulumi refresh again, then pulumi up", (scene.refresh, scene.up)))
    if operation == "read" and not report.succeeded:
        ways.append(("pulumi refresh", (scene.refresh,)))
    ways.append(("pulumi destroy" if operation == "delete" else "pulumi up", (scene.up,)))
    ways.append((f"pulumi refresh, then {ways[-1][0]}", (scene.refresh, scene.up)))
    if operation not in ("read", "miss", "delete"):
        ways.append(("adopt_existing=True, then pulumi up", (lambda: _adopt(scene),)))
    for name, steps in ways:
        if all(step().succeeded for step in steps) and scene.quiet():
            return after + name
    return None


def _adopt(scene: _Scene) -> Report:
    scene.program = {"it": {**scene.program["it"], "adopt_existing": True, "on_config_change": "reconnect"}}
    return scene.up()


def _first(errors: list[OutlitError]) -> str:
    """What has to be put right first, by the error's class."""
    if any(isinstance(error, AuthenticationError) for error in errors):
        return "correct the key, then "
    if any(isinstance(error, PlanLimitError) for error in errors):
        return "make room in the plan, then "
    if any(isinstance(error, PermissionDeniedError) for error in errors):
        return "have it allowed, then "
    return ""


def _goes_on(scene: _Scene, case: Case) -> bool:
    """Whether a config that changes later reaches the connection that the state holds."""
    if case.operation == "delete":
        return True
    report = scene.up({"it": {**scene.program["it"], "config": NEXT}})
    held, resource = scene.held(), scene.resource()
    return (
        report.succeeded
        and held is not None
        and resource is not None
        and held == (resource.outputs["connection_id"], fingerprint(NEXT))
    )
