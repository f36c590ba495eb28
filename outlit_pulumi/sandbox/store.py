"""The rules of the sandbox's service. Knows neither HTTP nor files: what is kept is in a `State`.

Keys, plans and habits belong to one run.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from outlit_pulumi.sandbox.offer import Offer, offers
from outlit_pulumi.sandbox.state import Connection, Document, KeptSync, SandboxStartError, Session, State, Workspace

DEFAULT_API_KEY = "ok_sandbox_local_key_that_is_not_a_secret"
"""The key of the first workspace when none is given. It is the same on every start and protects nothing."""

SESSION_SECONDS = 600
"""Seconds of sandbox time after which a pending browser session is expired."""

RESYNC_SECONDS = 60
"""Seconds of sandbox time between two syncs of a model."""

_KEY = re.compile(r"ok_[A-Za-z0-9_-]{32,}", re.ASCII)
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_MOST_OFFSET_SECONDS = 100 * 365 * 86_400  # keeps every timestamp within four-digit years


class InvalidRequest(Exception):
    """The service refuses the request. The message never repeats what the caller sent."""


class NotConnected(Exception):
    """The provider is on offer but the workspace has not connected it."""


class PlanLimitReached(Exception):
    """The workspace's plan allows no further connection.

    Attributes:
        plan: The plan's name.
        current: How many connections the workspace has.
        limit: How many the plan allows.
    """

    def __init__(self, plan: str, current: int, limit: int) -> None:
        super().__init__("Your plan has reached its integration connection limit.")
        self.plan = plan
        self.current = current
        self.limit = limit


@dataclass(frozen=True)
class Plan:
    """What a workspace pays for.

    Attributes:
        name: The plan's name.
        limit: How many connections it allows; None for any number.
    """

    name: str = "free"
    limit: int | None = None


@dataclass(frozen=True)
class Habits:
    """How the service behaves where the API page leaves it open.

    Attributes:
        key_check: Whether it tells whose a key is; an older one does not.
        stable_ids: Whether a provider that is connected anew gets the id of its first connection.
        new_id_on_force: Whether a forced reconnect gives the connection a new id.
    """

    key_check: bool = True
    stable_ids: bool = False
    new_id_on_force: bool = False


@dataclass(frozen=True)
class Sync:
    """How the sync of one model stands.

    Attributes:
        model: The model's name.
        status: ``PENDING``, ``SUCCESS``, ``FAILED`` or whatever `Store.set_sync` was told.
        last_synced_at: The last success, in milliseconds of sandbox time; None before the first.
        error_message: What `Store.set_sync` was told, else None.
    """

    model: str
    status: str
    last_synced_at: int | None
    error_message: str | None


@dataclass(frozen=True)
class Integration:
    """A provider as one workspace sees it.

    Attributes:
        offer: The provider.
        connection: Its connection; None when it is not connected.
        syncs: Its syncs, in a fixed order; empty when it is not connected.
    """

    offer: Offer
    connection: Connection | None = None
    syncs: tuple[Sync, ...] = ()

    @property
    def sync_status(self) -> str | None:
        """All syncs in one word: ``FAILED`` if any failed, else the first that is no success, else ``SUCCESS``."""
        statuses = [sync.status for sync in self.syncs]
        if "FAILED" in statuses:
            return "FAILED"
        return next((status for status in statuses if status != "SUCCESS"), statuses[0] if statuses else None)

    @property
    def last_data_received_at(self) -> int | None:
        """The latest success of any sync, in milliseconds of sandbox time."""
        return max((sync.last_synced_at for sync in self.syncs if sync.last_synced_at is not None), default=None)

    @property
    def error_message(self) -> str | None:
        """The first error message of any sync."""
        return next((sync.error_message for sync in self.syncs if sync.error_message is not None), None)


@dataclass(frozen=True)
class Connected:
    """The answer to a connect request with a config.

    Attributes:
        connection_id: The id of the connection.
        already_connected: Whether it was there before, so that nothing was applied.
    """

    connection_id: str
    already_connected: bool


def fingerprint(config: Mapping[str, str]) -> str:
    """SHA-256, in hex, of a config's canonical JSON. Tells which credentials are in use without keeping them."""
    canonical = json.dumps(dict(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Store:
    """The service: workspaces and what is connected in them. Safe to use from several threads.

    Args:
        path: The state file, made when missing; None keeps everything in memory.
        workspace: The name of the first workspace: up to 64 letters, digits, ``-`` and ``_``.
        api_key: The first workspace's key: ``ok_`` and at least 32 letters, digits, ``-`` or ``_``.
        limit: How many connections each workspace may have; None for any number.
        plan: The name of every workspace's plan.
        extra_providers: How many made-up providers to offer besides those of the page.
        sync_seconds: Seconds of sandbox time between connecting and the first sync.
        frozen: Whether time stands still but for `advance`.
        clock: Where time comes from, in seconds since 1970; `advance` adds to it.

    Raises:
        SandboxStartError: A setting or the state file is of no use.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        workspace: str = "sandbox",
        api_key: str = DEFAULT_API_KEY,
        limit: int | None = None,
        plan: str = "free",
        extra_providers: int = 0,
        sync_seconds: float = 2.0,
        frozen: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not _KEY.fullmatch(api_key):
            raise SandboxStartError("The API key must be ok_ and at least 32 letters, digits, - or _.")
        if not _WORKSPACE.fullmatch(workspace):
            raise SandboxStartError("The workspace name must be 1 to 64 letters, digits, - or _, no - or _ first.")
        if (limit is not None and limit < 0) or extra_providers < 0:
            raise SandboxStartError("The limit and the number of extra providers must not be negative.")
        self.workspace = workspace
        self.offers = offers(extra_providers)
        self._default_plan = Plan(plan, limit)
        self._plans: dict[str, Plan] = {}
        self.habits = Habits()
        # By lagging route: where its past begins, and how many seconds it lags. The past has what every change left.
        self._lags: dict[str | None, tuple[int, float]] = {}
        self._past: list[tuple[int, Document]] = []
        self._sync_ms = round(sync_seconds * 1000)
        started = clock()
        self._clock: Callable[[], float] = (lambda: started) if frozen else clock
        self._lock = threading.RLock()
        self._state = State(path)
        self._add_workspace(workspace)
        names = self.workspaces()
        self._keys = {_derived_key(name): name for name in names if name != workspace} | {api_key: workspace}

    def close(self) -> None:
        """Closes the state; the store is of no use afterwards."""
        with self._lock:
            self._state.close()

    # Workspaces, plans, time

    def authenticate(self, api_key: str) -> str | None:
        """The name of the key's workspace; None when the key is unknown."""
        return self._keys.get(api_key)

    def add_workspace(self, name: str) -> str:
        """Makes a workspace, unless there is one of that name, and returns a key of it: the same for the same name.

        Raises:
            InvalidRequest: The name is not 1 to 64 letters, digits, ``-`` and ``_``.
        """
        if not _WORKSPACE.fullmatch(name):
            raise InvalidRequest("name must be 1 to 64 letters, digits, - or _, no - or _ first.")
        key = _derived_key(name)
        with self._lock:
            self._add_workspace(name)
            self._keys[key] = name
        return key

    def _add_workspace(self, name: str) -> None:
        if name not in self._state.document.workspaces:
            self._change(Workspace(name))

    def workspaces(self) -> list[str]:
        """The names of all workspaces, in the order in which they were made."""
        return list(self._state.document.workspaces)

    def plan(self, workspace: str) -> Plan:
        """The plan of a workspace."""
        return self._plans.get(workspace, self._default_plan)

    def set_plan(self, workspace: str, plan: Plan) -> None:
        """Changes the plan of a workspace. Connections beyond a lower limit stay."""
        self._plans[workspace] = plan

    def now(self) -> int:
        """Sandbox time, in milliseconds since 1970."""
        return round(self._clock() * 1000) + self._state.document.offset_ms

    def advance(self, seconds: float) -> int:
        """Moves sandbox time forward and returns the new one, in milliseconds.

        Raises:
            InvalidRequest: ``seconds`` is negative or no number, or more than 100 years have been added in all.
        """
        with self._lock:
            offset = self._state.document.offset_ms
            if not (math.isfinite(seconds) and 0 <= seconds <= _MOST_OFFSET_SECONDS - offset / 1000):
                raise InvalidRequest("advance must be a number of seconds, 0 or more, 100 years at most in all.")
            self._keep(replace(self._state.document, offset_ms=offset + round(seconds * 1000)))
            return self.now()

    def lag(self, routes: Iterable[str], seconds: float | None) -> None:
        """Has routes show what was ``seconds`` of sandbox time ago, but nothing from before this call; 0 ends it.

        Without a number they show what is at this call, until they are told otherwise.
        """
        with self._lock:
            for route in routes:
                self._lags.pop(route, None)
                if seconds != 0:
                    self._lags[route] = (len(self._past), math.inf if seconds is None else seconds)
            if not self._lags:
                self._past.clear()
            self._remember()

    # Integrations

    def integrations(self, workspace: str, route: str | None = None) -> list[Integration]:
        """Every provider on offer, in order, as the workspace sees it; with ``route``, as that route shows it."""
        now, seen = self._then(route, workspace)
        return [_integration(offer, seen, now) for offer in self.offers.values()]

    def integration(self, workspace: str, provider: str, route: str | None = None) -> Integration:
        """One provider as the workspace sees it; with ``route``, as that route shows it.

        Raises:
            InvalidRequest: The provider is not on offer.
        """
        offer = self._offer(provider)
        now, seen = self._then(route, workspace)
        return _integration(offer, seen, now)

    def connections(self, workspace: str) -> list[Connection]:
        """The workspace's connections, oldest credentials first."""
        return sorted(self._held(workspace).connections.values(), key=lambda item: (item.connected_at, item.provider))

    def connect(self, workspace: str, provider: str, config: Mapping[str, object], *, force: bool = False) -> Connected:
        """Connects a provider with credentials.

        An existing connection stays as it is, credentials included, unless ``force`` is set: then it gets the new
        credentials, keeps its syncs, and keeps its id unless the habit is another.

        Raises:
            InvalidRequest: The provider is not on offer or refuses the config.
            PlanLimitReached: The connection would be one too many.
        """
        problem = self._offer(provider).problem(config)
        if problem is not None:
            raise InvalidRequest(problem)
        digest = fingerprint({name: str(value) for name, value in config.items()})
        with self._lock:
            held = self._held(workspace)
            already = provider in held.connections and not force
            if not already:
                held = self._applied(held, provider, digest)
                self._change(held)
            return Connected(held.connections[provider].connection_id, already)

    def disconnect(self, workspace: str, provider: str) -> None:
        """Removes a connection with its syncs.

        Raises:
            InvalidRequest: The provider is not on offer.
            NotConnected: There is no connection.
        """
        self._offer(provider)
        with self._lock:
            held = self._held(workspace)
            if provider not in held.connections:
                raise NotConnected(provider)
            self._change(_without(held, provider))

    def meddle(self, workspace: str, provider: str, *, disconnect: bool = False, connect: bool = False) -> None:
        """Does what somebody else does to a provider on offer: disconnects it, connects it in a browser, or both.

        What the service would refuse them does not happen, and a connection that is there already stays as it is.
        """
        with self._lock:
            held = self._held(workspace)
            if disconnect:
                held = _without(held, provider)
            if connect and provider not in held.connections:
                with suppress(PlanLimitReached):
                    held = self._applied(held, provider, None)
            self._change(held)

    def set_sync(
        self, workspace: str, provider: str, status: str, *, model: str | None = None, error_message: str | None = None
    ) -> None:
        """Makes the sync of one model, or of all, stand at ``status``; ``SUCCESS`` lets it go on from now.

        Raises:
            InvalidRequest: The provider is not on offer or not connected, or has no such model.
        """
        self._offer(provider)
        with self._lock:
            held, now = self._held(workspace), self.now()
            connection = held.connections.get(provider)
            if connection is None:
                raise InvalidRequest("The provider is not connected.")
            if model not in (None, *(sync.model for sync in connection.syncs)):
                raise InvalidRequest("The provider has no such model.")

            def told(sync: KeptSync) -> KeptSync:
                if model not in (None, sync.model):
                    return sync
                if status == "SUCCESS":
                    return KeptSync(sync.model, first_success_at=now)
                last = _sync(sync, now).last_synced_at
                return replace(sync, forced_status=status, error_message=error_message, last_synced_at=last)

            changed = replace(connection, syncs=tuple(told(sync) for sync in connection.syncs))
            self._change(replace(held, connections={**held.connections, provider: changed}))

    # Browser sessions

    def start_session(self, workspace: str, provider: str, *, force: bool = False) -> Session:
        """Starts a browser session for any provider on offer; it is pending until `finish_session` or too late.

        Raises:
            InvalidRequest: The provider is not on offer.
        """
        self._offer(provider)
        with self._lock:
            held = self._held(workspace)
            already = provider in held.connections and not force
            session = Session(str(uuid.uuid4()), provider, "pending", self.now(), force, already_connected=already)
            self._change(replace(held, sessions={**held.sessions, session.id: session}))
        return session

    def session(self, workspace: str, session_id: str) -> Session:
        """A session of the workspace, as it stands now.

        Raises:
            InvalidRequest: The workspace has no such session, or its provider is not on offer any more.
        """
        session = self._held(workspace).sessions.get(session_id)
        if session is None or session.provider not in self.offers:
            raise InvalidRequest("Unknown session.")
        late = session.status == "pending" and self.now() - session.created_at >= SESSION_SECONDS * 1000
        return replace(session, status="expired") if late else session

    def pending_sessions(self, workspace: str) -> list[Session]:
        """The workspace's sessions that wait for a person, oldest first; of providers on offer."""
        kept = sorted(self._held(workspace).sessions.values(), key=lambda session: session.created_at)
        known = [self.session(workspace, session.id) for session in kept if session.provider in self.offers]
        return [session for session in known if session.status == "pending"]

    def finish_session(self, workspace: str, session_id: str, outcome: str, error: str | None = None) -> Session:
        """Ends a pending session as if a person had: ``connected`` connects the provider, ``failed`` does not.

        A connection that was there before stays as it is, unless the session was started with force. A connection that
        the plan does not allow makes the session fail.

        Raises:
            InvalidRequest: The workspace has no such session, or it has ended.
        """
        with self._lock:
            held, session = self._held(workspace), self.session(workspace, session_id)
            if session.status != "pending":
                raise InvalidRequest("The session has ended.")
            ended = replace(session, status=outcome, error=error if outcome == "failed" else None)
            if outcome == "connected" and (session.force or session.provider not in held.connections):
                try:
                    held = self._applied(held, session.provider, None)
                except PlanLimitReached as problem:
                    ended = replace(session, status="failed", error=str(problem))
            self._change(replace(held, sessions={**held.sessions, session.id: ended}))
            return ended

    # What there is, and its replacement: once for each call, at its end, so that what is refused changes nothing

    def _held(self, workspace: str) -> Workspace:
        return self._state.document.workspaces[workspace]

    def _then(self, route: str | None, workspace: str) -> tuple[int, Workspace]:
        """The time that a route shows, and the workspace as it was then: the present unless the route lags."""
        with self._lock:
            if route not in self._lags:
                return self.now(), self._held(workspace)
            first, seconds = self._lags[route]
            since, document = self._past[first]
            moment = self.now() - seconds * 1000
            for at, later in self._past[first + 1 :]:
                if at <= moment:
                    document = later
            return round(max(since, moment)), document.workspaces.get(workspace, Workspace(workspace))

    def _change(self, changed: Workspace) -> None:
        document = self._state.document
        self._keep(replace(document, workspaces={**document.workspaces, changed.name: changed}))

    def _keep(self, document: Document) -> None:
        self._state.keep(document)
        self._remember()

    def _remember(self) -> None:
        if self._lags:
            self._past.append((self.now(), self._state.document))

    # Rules for several calls

    def _offer(self, provider: str) -> Offer:
        try:
            return self.offers[provider]
        except KeyError:
            raise InvalidRequest("Unknown provider.") from None

    def _applied(self, held: Workspace, provider: str, digest: str | None) -> Workspace:
        """The workspace with credentials in use, on the existing connection or a new one."""
        now, existing, issued = self.now(), held.connections.get(provider), held.issued.get(provider, ())
        if existing is not None:
            again = None if self.habits.new_id_on_force else existing.connection_id
            syncs = existing.syncs
        else:
            plan, current = self.plan(held.name), len(held.connections)
            if plan.limit is not None and current >= plan.limit:
                raise PlanLimitReached(plan.name, current, plan.limit)
            again = issued[0] if issued and self.habits.stable_ids else None
            syncs = tuple(KeptSync(model, now + self._sync_ms) for model in self.offers[provider].models)
        connection_id = again or self._new_id(held, provider)
        if again is None:
            issued = (*issued, connection_id)
        new = Connection(provider, connection_id, digest, now, syncs)
        return replace(held, connections={**held.connections, provider: new}, issued={**held.issued, provider: issued})

    def _new_id(self, held: Workspace, provider: str) -> str:
        base = f"{provider}-org_{held.name}"
        numbers = count(len(held.issued.get(provider, ())) + 1)
        ids = (base if number == 1 else f"{base}-{number}" for number in numbers)
        # A workspace "a-2" may meet an id that workspace "a" was given for its second connection.
        taken = {item for other in self._state.document.workspaces.values() for item in other.issued.get(provider, ())}
        return next(item for item in ids if item not in taken)


def timestamp(milliseconds: int | None) -> str | None:
    """A time as the API writes it: ``2026-04-10T18:22:11.000Z``; None for none."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _derived_key(workspace: str) -> str:
    # Made from the name, so that a restart accepts it without any key in the state file.
    return f"ok_sandbox_{hashlib.sha256(workspace.encode()).hexdigest()[:40]}"


def _without(held: Workspace, provider: str) -> Workspace:
    return replace(held, connections={name: item for name, item in held.connections.items() if name != provider})


def _integration(offer: Offer, seen: Workspace, now: int) -> Integration:
    connection = seen.connections.get(offer.id)
    syncs = () if connection is None else tuple(_sync(sync, now) for sync in connection.syncs)
    return Integration(offer, connection, syncs)


def _sync(kept: KeptSync, now: int) -> Sync:
    if kept.forced_status is not None:
        return Sync(kept.model, kept.forced_status, kept.last_synced_at, kept.error_message)
    since = now - kept.first_success_at
    if since < 0:
        return Sync(kept.model, "PENDING", None, None)
    return Sync(kept.model, "SUCCESS", now - since % (RESYNC_SECONDS * 1000), None)
