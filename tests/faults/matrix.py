"""The fault matrix: every operation, every route that it uses, every fault; and the table of what comes of each.

``python -m tests.faults.matrix --write`` carries every case out and rewrites the table, to be read before it is
committed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("outcomes.json")
"""The faults in words, what is left out and why, and a row for all cases of an operation and route that end alike."""

BY_OTHERS = ("connected-by-others", "disconnected-by-others", "reconnected-by-others")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a call.

    Attributes:
        id: Its short name in the table.
        text: What happens, in plain words.
        kind: The sandbox's kind of fault; ``refused`` or ``by_others`` for what `trial.Wire` does.
        members: What else the sandbox is told about it.
        from_then_on: Whether, where it is repeated, calls of every route meet it from this one on.
    """

    id: str
    text: str
    kind: str = "answer"
    members: Mapping[str, Any] = field(default_factory=dict)
    from_then_on: bool = False


@dataclass(frozen=True)
class Operation:
    """What is done, and which routes it uses.

    Attributes:
        id: Its name in the table.
        routes: In the order in which they are first called when all is well.
        connected: Whether the provider is connected just before each route's call.
    """

    id: str
    routes: tuple[str, ...]
    connected: tuple[bool, ...]


OPERATIONS = {
    operation.id: operation
    for operation in (
        Operation("create", ("list", "validate_key", "connect"), (False, False, False)),
        # Adopting meets a connection in the list. To meet one in the connect route, it must appear in between.
        Operation("adopt", ("list", "connect"), (True, False)),
        Operation("replace", ("list", "validate_key", "disconnect", "connect"), (True, True, True, False)),
        Operation("read", ("sync_status", "list"), (True, True)),
        # A refresh that does not find the connection.
        Operation("miss", ("sync_status", "list", "validate_key"), (False, False, False)),
        Operation("update", ("list", "validate_key", "connect"), (True, True, True)),
        Operation("delete", ("list", "validate_key", "disconnect"), (True, True, True)),
    )
}

WRITES = ("connect", "disconnect")

MEMBERS = {
    "list": (
        "items",
        "id",
        "name",
        "category",
        "status",
        "connectionId",
        "lastDataReceivedAt",
        "syncStatus",
        "errorMessage",
    ),
    "connect": ("connected", "connectionId", "alreadyConnected"),
    "disconnect": ("success",),
    "sync_status": (
        "provider",
        "name",
        "category",
        "status",
        "syncs",
        "model",
        "lastSyncedAt",
        "errorMessage",
    ),
    "validate_key": ("valid", "organizationId", "createdById"),
}
"""The members of each route's answer, at any depth, as the API page has them."""

_PLAN = {
    "error": "Your plan has reached its integration connection limit.",
    "code": "plan_connection_limit_exceeded",
    "feature": "integration_connections",
    "plan": "free",
    "currentConnections": 3,
    "limit": 3,
}
_OTHER = {"error": "API limit exceeded.", "code": "api_limit_exceeded", "resetAt": "2026-05-01T00:00:00.000Z"}
_PAGE = "<html><head><title>404 Not Found</title></head><body><center>nginx</center></body></html>"
_ERROR = '{"error":"Internal server error"}'
_LONG = 100.0
"""Seconds; more than any budget here."""


def _limited(id_: str, text: str, **headers: str) -> Fault:
    return Fault(
        id_, f"429 {text}", members={"status": 429, "body": '{"error":"Too many requests"}', "headers": headers}
    )


def _twice(id_: str, kind: str, text: str, after: str, **members: Any) -> Iterator[Fault]:
    """A fault that comes before the work and after it."""
    yield Fault(f"{id_}-before", text, kind, members)
    yield Fault(f"{id_}-after", f"{text}, {after}", kind, {**members, "after": True})


def _faults() -> Iterator[Fault]:
    yield Fault("slow-before", "no answer in time, the work is done later", "delay", {"seconds": _LONG})
    yield Fault("slow-after", "no answer in time, the work is done at once", "delay", {"seconds": _LONG, "after": True})
    yield Fault("drip", "the answer drips in and does not end in time", "drip", {"seconds": _LONG})
    yield Fault("refused", "connection refused", "refused")
    yield from _twice("reset", "reset", "connection reset", "once the work was done")
    yield _limited("429", "without Retry-After")
    yield _limited("429-seconds", "with a Retry-After that fits the time budget", **{"Retry-After": "5"})
    yield _limited("429-hour", "with a Retry-After beyond the time budget", **{"Retry-After": "3600"})
    yield _limited(
        "429-past", "with a Retry-After date that has passed", **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    )
    yield _limited(
        "429-date", "with a Retry-After date beyond the time budget", **{"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}
    )
    for status in (500, 502, 503, 504):
        yield from _twice(str(status), "answer", str(status), "once the work was done", status=status, body=_ERROR)
    yield Fault(
        "401",
        "401, the key is not accepted",
        members={"status": 401, "body": '{"error":"Invalid credentials"}'},
        from_then_on=True,
    )
    yield Fault("403-plan", "403, plan limit", members={"status": 403, "body": json.dumps(_PLAN)})
    yield Fault("403-other", "403 of another kind", members={"status": 403, "body": json.dumps(_OTHER)})
    yield Fault(
        "404-page", "404 with a proxy's page", members={"status": 404, "body": _PAGE, "contentType": "text/html"}
    )
    yield Fault(
        "redirect",
        "a redirect to another host",
        members={"status": 307, "headers": {"Location": "https://elsewhere.test/api/integrations"}},
    )
    yield from _twice("html", "html", "a sign-in page", "once the work was done")
    yield from _twice("empty", "empty", "an empty answer", "once the work was done")
    yield from _twice("huge", "huge", "an answer of 17 MiB", "once the work was done")
    yield Fault("truncated", "the answer cut off half-way", "truncated")
    yield Fault("content-type", "the right answer labelled text/html", "content_type")
    yield Fault("unknown-members", "members that nobody has heard of", "unknown_members")
    yield Fault("unknown-values", "statuses and categories that nobody has heard of", "unknown_values")
    yield Fault("missing-all", "no members at all", "missing_members")
    yield Fault("null-all", "null for every member", "null_members")
    for name in sorted({name for names in MEMBERS.values() for name in names}):
        yield Fault(f"missing-{name}", f"`{name}` missing", "missing_members", {"members": [name]})
        yield Fault(f"null-{name}", f"null for `{name}`", "null_members", {"members": [name]})
    yield Fault("422", "422, final", members={"status": 422, "body": '{"error":"no"}'})
    yield Fault("410", "410, the route is retired", members={"status": 410, "body": _PAGE, "contentType": "text/html"})
    yield Fault(
        "404-envelope",
        "404 with a proxy's JSON",
        members={"status": 404, "body": '{"success":false,"errors":[{"code":7003}],"messages":[]}'},
    )
    yield Fault("denied", "what is connected is called not connected, with its id", "says_not_connected")
    yield Fault("died", "what is connected has the status error", "died")
    yield Fault("twice", "what is connected comes a second time, as not connected", "duplicate_entries")
    yield Fault(
        "other-organization",
        "the key of another organization",
        members={"status": 200, "body": '{"valid":true,"organizationId":"org_of_somebody_else"}'},
    )
    yield Fault("unlisted", "a list without this provider", members={"status": 200, "body": '{"items":[]}'})
    yield Fault("connected-by-others", "somebody else connects it just before", "by_others", {"connect": True})
    yield Fault("disconnected-by-others", "somebody else disconnects it just before", "by_others", {"disconnect": True})
    yield Fault(
        "reconnected-by-others",
        "somebody else reconnects it just before",
        "by_others",
        {"disconnect": True, "connect": True},
    )


FAULTS = {fault.id: fault for fault in _faults()}

LOST = ("reset-before", "reset-after")
SETTLING = ("slow-before", "refused", "401", "429", "500-before", "html-before", "unlisted", *BY_OTHERS)
"""What the look that settles a lost answer may meet in turn."""


@dataclass(frozen=True, order=True)
class Case:
    """One run of the matrix.

    Attributes:
        operation: What is done.
        route: The route whose calls meet the fault.
        fault: The fault; for the look that follows a lost answer also the one that the list then meets: ``first+list``.
        often: ``once`` or ``always``.
    """

    operation: str
    route: str
    fault: str
    often: str

    @property
    def name(self) -> str:
        """The fault as the table's rows name it."""
        return f"{self.fault} {self.often}"

    @property
    def id(self) -> str:
        """Tells the case from every other."""
        return f"{self.operation}-{self.route}-{self.fault}-{self.often}"


def meaningless(operation: str, route: str, fault: Fault, connected: bool) -> str | None:
    """Why a fault on a route is left out; None for a case. ``connected`` is what the call would have met."""
    of_member = fault.kind in ("missing_members", "null_members") and fault.members
    if of_member and fault.members["members"][0] not in MEMBERS[route]:
        return "the answer has no such member"
    if fault.id == "unlisted" and route != "list":
        return "only the list names providers"
    if fault.id in ("denied", "died") and (route not in ("list", "sync_status") or not connected):
        return "there is no status of a connection in it"
    if fault.id == "twice" and (route != "list" or not connected):
        return "only the list has entries"
    if fault.id == "other-organization" and route != "validate_key":
        return "only one route tells whose a key is"
    if fault.id == "other-organization" and operation == "create":
        return "no state names an organization yet"
    if fault.id == "unknown-values" and route in (*WRITES, "validate_key"):
        return "the answer has no value that may grow"
    if route not in WRITES and fault.members.get("after"):
        return "reading changes nothing, so that before and after its work are the same"
    if fault.id == "connected-by-others" and connected:
        return "it is connected already"
    if fault.id in ("disconnected-by-others", "reconnected-by-others") and not connected:
        return "there is nothing to disconnect"
    return None


def cases() -> list[Case]:
    """Every case, in the table's order."""
    return [case for case, reason in _combinations() if reason is None]


def left_out() -> Counter[str]:
    """How many combinations are no cases, by the reason."""
    return Counter(reason for _, reason in _combinations() if reason is not None)


def _combinations() -> Iterator[tuple[Case, str | None]]:
    """Every combination, and why it is no case."""
    for operation in OPERATIONS.values():
        for route, connected in zip(operation.routes, operation.connected, strict=True):
            for fault in FAULTS.values():
                reason = meaningless(operation.id, route, fault, connected)
                yield Case(operation.id, route, fault.id, "once"), reason
                yield Case(operation.id, route, fault.id, "always"), reason
            for first in LOST if route in WRITES else ():
                done = route == "connect" if first == "reset-after" else connected
                for second in SETTLING:
                    reason = meaningless(operation.id, "list", FAULTS[second], done)
                    yield Case(operation.id, route, f"{first}+{second}", "once"), reason


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        sees: What the user sees: success, a warning's first sentence, an error's class and the first clause of its
            message.
        service: What Outlit holds in the end, when every request has been carried out.
        state: What the stack's state holds.
        settles: The least that makes state, service and program agree, once the fault is over.
        calls: How many calls of each route were made.
    """

    sees: str
    service: str
    state: str
    settles: str
    calls: str


Row = dict[str, Any]


def read_rows() -> list[Row]:
    """The rows of the table."""
    rows: list[Row] = json.loads(TABLE.read_text(encoding="utf-8"))["rows"]
    return rows


def expectations() -> dict[Case, list[Outcome]]:
    """What the table expects of each case that it names."""
    found: dict[Case, list[Outcome]] = {}
    for row in read_rows():
        outcome = Outcome(**{name: row[name] for name in Outcome.__dataclass_fields__})
        for name in row["cases"]:
            fault, often = name.rsplit(" ", 1)
            found.setdefault(Case(row["operation"], row["route"], fault, often), []).append(outcome)
    return found


def table(outcomes: Mapping[Case, Outcome]) -> str:
    """The table as it is checked in: one line per fault, one line per row."""
    rows: dict[tuple[str, str, Outcome], list[str]] = {}
    for case, outcome in outcomes.items():
        rows.setdefault((case.operation, case.route, outcome), []).append(case.name)
    lines = [
        json.dumps({"operation": operation, "route": route, **asdict(outcome), "cases": names}, ensure_ascii=False)
        for (operation, route, outcome), names in rows.items()
    ]
    words = [f"{json.dumps(fault.id)}: {json.dumps(fault.text)}" for fault in FAULTS.values()]
    omitted = [f"{json.dumps(reason)}: {count}" for reason, count in left_out().items()]
    return (
        '{"faults": {\n'
        + ",\n".join(words)
        + '\n},\n"left_out": {\n'
        + ",\n".join(omitted)
        + '\n},\n"rows": [\n'
        + ",\n".join(lines)
        + "\n]}\n"
    )


def main(arguments: Sequence[str]) -> int:
    """Carries every case out; writes the table with ``--write``. 1 when a promise was broken, else 0."""
    from tests.faults.service import Service
    from tests.faults.trial import carry_out

    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="rewrite the table")
    wanted = parser.parse_args(arguments)
    service = Service()
    trials = {case: carry_out(service, case) for case in cases()}
    service.close()
    broken = [f"{case.id}: {problem}" for case, trial in trials.items() for problem in trial.broken]
    print("\n".join([*broken, f"{len(trials)} cases, {len(broken)} broken promises"]))
    if wanted.write:
        TABLE.write_text(table({case: trial.outcome for case, trial in trials.items()}), encoding="utf-8")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
