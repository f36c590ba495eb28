"""State and rules of the sandbox's service, in SQLite. Knows nothing of HTTP.

The state file keeps workspaces, connections, sessions, syncs and the clock's offset. Keys and plans belong to one run.
Credentials are never kept: of a config only its fingerprint is.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from outlit_pulumi.sandbox.offer import Offer, offers

DEFAULT_API_KEY = "ok_sandbox_local_key_that_is_not_a_secret"
"""The key of the first workspace when none is given. It is the same on every start and protects nothing."""

SESSION_SECONDS = 600
"""Seconds of sandbox time after which a pending browser session is expired."""

RESYNC_SECONDS = 60
"""Seconds of sandbox time between two syncs of a model."""

_APPLICATION_ID = 0x4F55544C  # "OUTL": tells a state file from any other SQLite database
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE workspaces (name TEXT PRIMARY KEY);
CREATE TABLE connections (
    workspace TEXT NOT NULL,
    provider TEXT NOT NULL,
    connection_id TEXT NOT NULL UNIQUE,
    fingerprint TEXT,
    connected_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, provider)
);
CREATE TABLE issued_ids (
    connection_id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    provider TEXT NOT NULL
);
CREATE TABLE syncs (
    workspace TEXT NOT NULL,
    provider TEXT NOT NULL,
    position INTEGER NOT NULL,
    model TEXT NOT NULL,
    first_success_at INTEGER NOT NULL,
    forced_status TEXT,
    error_message TEXT,
    last_synced_at INTEGER,
    PRIMARY KEY (workspace, provider, position),
    FOREIGN KEY (workspace, provider) REFERENCES connections (workspace, provider) ON DELETE CASCADE
);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    provider TEXT NOT NULL,
    force INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    error TEXT
);
CREATE TABLE clock (offset_ms INTEGER NOT NULL);
INSERT INTO clock VALUES (0);
"""

_KEY = re.compile(r"ok_[A-Za-z0-9_-]{32,}", re.ASCII)
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_MOST_OFFSET_SECONDS = 100 * 365 * 86_400  # keeps every timestamp within four-digit years


class SandboxStartError(Exception):
    """The sandbox cannot start: a bad key or name, a state file or port that is of no use. Says so in one line."""


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
class Connection:
    """A connection of a workspace.

    Attributes:
        provider: The provider's id.
        connection_id: The id of this connection; never used again once it is disconnected, unless ids are stable.
        fingerprint: `fingerprint` of the config in use; None when a person connected it in a browser.
        connected_at: When the credentials in use were applied, in milliseconds of sandbox time.
    """

    provider: str
    connection_id: str
    fingerprint: str | None
    connected_at: int


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


@dataclass(frozen=True)
class Session:
    """A browser session.

    Attributes:
        id: Its id, a random UUID.
        provider: The provider that it connects.
        status: ``pending``, ``connected``, ``failed`` or ``expired``.
        created_at: When it started, in milliseconds of sandbox time.
        force: Whether it replaces the credentials of a connection that is there already.
        error: Why it failed, where that was said.
        already_connected: Whether the provider was connected when the session started (and no force was asked for).
    """

    id: str
    provider: str
    status: str
    created_at: int
    force: bool
    error: str | None = None
    already_connected: bool = False


_Rows = tuple[list[Connection], list[sqlite3.Row]]
"""The connections of a workspace, and the rows of its syncs."""


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
        # By lagging route: where its past begins, and how many seconds it lags. The past has a state for every change.
        self._lags: dict[str | None, tuple[int, float]] = {}
        self._past: list[tuple[int, dict[str, _Rows]]] = []
        self._sync_ms = round(sync_seconds * 1000)
        self._clock = clock
        self._lock = threading.RLock()
        self._db = _open(path)
        with self._transaction():
            self._offset_ms: int = self._db.execute("SELECT offset_ms FROM clock").fetchone()[0]
            self._db.execute("INSERT OR IGNORE INTO workspaces VALUES (?)", (workspace,))
            names = [row[0] for row in self._db.execute("SELECT name FROM workspaces")]
        self._keys = {_derived_key(name): name for name in names if name != workspace} | {api_key: workspace}

    def close(self) -> None:
        """Closes the state; the store is of no use afterwards."""
        with self._lock:
            self._db.close()

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
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO workspaces VALUES (?)", (name,))
            key = _derived_key(name)
            self._keys[key] = name
        return key

    def workspaces(self) -> list[str]:
        """The names of all workspaces, in the order in which they were made."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT name FROM workspaces ORDER BY rowid")]

    def plan(self, workspace: str) -> Plan:
        """The plan of a workspace."""
        return self._plans.get(workspace, self._default_plan)

    def set_plan(self, workspace: str, plan: Plan) -> None:
        """Changes the plan of a workspace. Connections beyond a lower limit stay."""
        with self._lock:
            self._plans[workspace] = plan

    def now(self) -> int:
        """Sandbox time, in milliseconds since 1970."""
        return round(self._clock() * 1000) + self._offset_ms

    def advance(self, seconds: float) -> int:
        """Moves sandbox time forward and returns the new one, in milliseconds.

        Raises:
            InvalidRequest: ``seconds`` is negative or no number, or more than 100 years have been added in all.
        """
        with self._transaction():
            if not (math.isfinite(seconds) and 0 <= seconds <= _MOST_OFFSET_SECONDS - self._offset_ms / 1000):
                raise InvalidRequest("advance must be a number of seconds, 0 or more, 100 years at most in all.")
            self._offset_ms += round(seconds * 1000)
            self._db.execute("UPDATE clock SET offset_ms = ?", (self._offset_ms,))
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
        with self._lock:
            now, (connected, rows) = self._then(route, workspace)
        connections = {item.provider: item for item in connected}
        syncs: dict[str, list[Sync]] = {}
        for row in rows:
            syncs.setdefault(row["provider"], []).append(_sync(row, now))
        return [
            Integration(offer, connections.get(offer.id), tuple(syncs.get(offer.id, ())))
            for offer in self.offers.values()
        ]

    def integration(self, workspace: str, provider: str, route: str | None = None) -> Integration:
        """One provider as the workspace sees it; with ``route``, as that route shows it.

        Raises:
            InvalidRequest: The provider is not on offer.
        """
        offer = self._offer(provider)
        with self._lock:
            if route in self._lags:
                return next(item for item in self.integrations(workspace, route) if item.offer == offer)
            now = self.now()
            rows = self._db.execute(
                "SELECT * FROM syncs WHERE workspace = ? AND provider = ? ORDER BY position", (workspace, provider)
            ).fetchall()
            return Integration(offer, self._connection(workspace, provider), tuple(_sync(row, now) for row in rows))

    def connections(self, workspace: str) -> list[Connection]:
        """The workspace's connections, oldest credentials first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT provider, connection_id, fingerprint, connected_at FROM connections"
                " WHERE workspace = ? ORDER BY connected_at, provider",
                (workspace,),
            ).fetchall()
        return [Connection(*row) for row in rows]

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
        with self._transaction():
            existing = self._connection(workspace, provider)
            if existing is not None and not force:
                return Connected(existing.connection_id, already_connected=True)
            return Connected(self._apply(workspace, provider, digest), already_connected=False)

    def disconnect(self, workspace: str, provider: str) -> None:
        """Removes a connection with its syncs.

        Raises:
            InvalidRequest: The provider is not on offer.
            NotConnected: There is no connection.
        """
        self._offer(provider)
        with self._transaction():
            if not self._disconnect(workspace, provider):
                raise NotConnected(provider)

    def meddle(self, workspace: str, provider: str, *, disconnect: bool = False, connect: bool = False) -> None:
        """Does what somebody else does to a provider on offer: disconnects it, connects it in a browser, or both.

        What the service would refuse them does not happen, and a connection that is there already stays as it is.
        """
        with self._transaction():
            if disconnect:
                self._disconnect(workspace, provider)
            if connect and self._connection(workspace, provider) is None:
                with suppress(PlanLimitReached):
                    self._apply(workspace, provider, None)

    def set_sync(
        self, workspace: str, provider: str, status: str, *, model: str | None = None, error_message: str | None = None
    ) -> None:
        """Makes the sync of one model, or of all, stand at ``status``; ``SUCCESS`` lets it go on from now.

        Raises:
            InvalidRequest: The provider is not on offer or not connected, or has no such model.
        """
        with self._transaction():
            syncs = self.integration(workspace, provider).syncs
            if not syncs:
                raise InvalidRequest("The provider is not connected.")
            if model is not None and model not in {sync.model for sync in syncs}:
                raise InvalidRequest("The provider has no such model.")
            for sync in syncs:
                if model in (None, sync.model):
                    self._set_sync(workspace, provider, sync, status, error_message)

    # Browser sessions

    def start_session(self, workspace: str, provider: str, *, force: bool = False) -> Session:
        """Starts a browser session for any provider on offer; it is pending until `finish_session` or too late.

        Raises:
            InvalidRequest: The provider is not on offer.
        """
        self._offer(provider)
        with self._transaction():
            connected = self._connection(workspace, provider) is not None
            already = connected and not force
            session = Session(str(uuid.uuid4()), provider, "pending", self.now(), force, already_connected=already)
            self._db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (session.id, workspace, provider, force, session.created_at, session.status),
            )
        return session

    def session(self, workspace: str, session_id: str) -> Session:
        """A session of the workspace, as it stands now.

        Raises:
            InvalidRequest: The workspace has no such session, or its provider is not on offer any more.
        """
        with self._lock:
            row = self._db.execute(
                "SELECT * FROM sessions WHERE id = ? AND workspace = ?", (session_id, workspace)
            ).fetchone()
            if row is None or row["provider"] not in self.offers:
                raise InvalidRequest("Unknown session.")
            return _session(row, self.now())

    def pending_sessions(self, workspace: str) -> list[Session]:
        """The workspace's sessions that wait for a person, oldest first; of providers on offer."""
        with self._lock:
            now = self.now()
            rows = self._db.execute(
                "SELECT * FROM sessions WHERE workspace = ? AND status = 'pending' ORDER BY created_at, rowid",
                (workspace,),
            ).fetchall()
        sessions = (_session(row, now) for row in rows if row["provider"] in self.offers)
        return [session for session in sessions if session.status == "pending"]

    def finish_session(self, workspace: str, session_id: str, outcome: str, error: str | None = None) -> Session:
        """Ends a pending session as if a person had: ``connected`` connects the provider, ``failed`` does not.

        A connection that was there before stays as it is, unless the session was started with force. A connection that
        the plan does not allow makes the session fail.

        Raises:
            InvalidRequest: The workspace has no such session, or it has ended.
        """
        with self._transaction():
            session = self.session(workspace, session_id)
            if session.status != "pending":
                raise InvalidRequest("The session has ended.")
            ended = replace(session, status=outcome, error=error if outcome == "failed" else None)
            existing = self._connection(workspace, session.provider)
            if outcome == "connected" and (existing is None or session.force):
                try:
                    self._apply(workspace, session.provider, None)
                except PlanLimitReached as problem:
                    ended = replace(session, status="failed", error=str(problem))
            self._db.execute(
                "UPDATE sessions SET status = ?, error = ? WHERE id = ?", (ended.status, ended.error, session.id)
            )
            return ended

    # Inside a transaction

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            self._remember()

    def _remember(self) -> None:
        if self._lags:
            self._past.append((self.now(), {name: self._rows(name) for name in self.workspaces()}))

    def _then(self, route: str | None, workspace: str) -> tuple[int, _Rows]:
        """The time that a route shows, and what the workspace had then: the present unless the route lags."""
        if route not in self._lags:
            return self.now(), self._rows(workspace)
        first, seconds = self._lags[route]
        since, state = self._past[first]
        moment = self.now() - seconds * 1000
        for at, later in self._past[first + 1 :]:
            if at <= moment:
                state = later
        return round(max(since, moment)), state.get(workspace, ([], []))

    def _rows(self, workspace: str) -> _Rows:
        syncs = self._db.execute("SELECT * FROM syncs WHERE workspace = ? ORDER BY provider, position", (workspace,))
        return self.connections(workspace), syncs.fetchall()

    def _offer(self, provider: str) -> Offer:
        try:
            return self.offers[provider]
        except KeyError:
            raise InvalidRequest("Unknown provider.") from None

    def _connection(self, workspace: str, provider: str) -> Connection | None:
        row = self._db.execute(
            "SELECT provider, connection_id, fingerprint, connected_at FROM connections"
            " WHERE workspace = ? AND provider = ?",
            (workspace, provider),
        ).fetchone()
        return row and Connection(*row)

    def _apply(self, workspace: str, provider: str, digest: str | None) -> str:
        """Puts credentials in use, on the existing connection or a new one, and returns the connection's id."""
        now = self.now()
        existing = self._connection(workspace, provider)
        if existing is not None:
            kept = existing.connection_id
            renewed = self._issue_id(workspace, provider, anew=True) if self.habits.new_id_on_force else kept
            self._db.execute(
                "UPDATE connections SET fingerprint = ?, connected_at = ?, connection_id = ? WHERE connection_id = ?",
                (digest, now, renewed, kept),
            )
            return renewed
        plan = self.plan(workspace)
        if plan.limit is not None:
            current = self._count("connections WHERE workspace = ?", workspace)
            if current >= plan.limit:
                raise PlanLimitReached(plan.name, current, plan.limit)
        connection_id = self._issue_id(workspace, provider)
        self._db.execute(
            "INSERT INTO connections VALUES (?, ?, ?, ?, ?)", (workspace, provider, connection_id, digest, now)
        )
        self._db.executemany(
            "INSERT INTO syncs (workspace, provider, position, model, first_success_at) VALUES (?, ?, ?, ?, ?)",
            [
                (workspace, provider, position, model, now + self._sync_ms)
                for position, model in enumerate(self.offers[provider].models)
            ],
        )
        return connection_id

    def _disconnect(self, workspace: str, provider: str) -> bool:
        """Removes a connection with its syncs; whether there was one."""
        gone = self._db.execute("DELETE FROM connections WHERE workspace = ? AND provider = ?", (workspace, provider))
        return gone.rowcount > 0

    def _issue_id(self, workspace: str, provider: str, *, anew: bool = False) -> str:
        first = self._db.execute(
            "SELECT connection_id FROM issued_ids WHERE workspace = ? AND provider = ? ORDER BY rowid",
            (workspace, provider),
        ).fetchone()
        if first and self.habits.stable_ids and not anew:
            return str(first[0])
        number = self._count("issued_ids WHERE workspace = ? AND provider = ?", workspace, provider) + 1
        base = f"{provider}-org_{workspace}"
        connection_id = base if number == 1 else f"{base}-{number}"
        # A workspace "a-2" may meet an id that workspace "a" was given for its second connection.
        while self._count("issued_ids WHERE connection_id = ?", connection_id):
            number += 1
            connection_id = f"{base}-{number}"
        self._db.execute("INSERT INTO issued_ids VALUES (?, ?, ?)", (connection_id, workspace, provider))
        return connection_id

    def _count(self, what: str, *values: str) -> int:
        count: int = self._db.execute(f"SELECT count(*) FROM {what}", values).fetchone()[0]
        return count

    def _set_sync(self, workspace: str, provider: str, sync: Sync, status: str, error_message: str | None) -> None:
        where = " WHERE workspace = ? AND provider = ? AND model = ?"
        if status == "SUCCESS":
            self._db.execute(
                "UPDATE syncs SET forced_status = NULL, error_message = NULL, last_synced_at = NULL,"
                " first_success_at = ?" + where,
                (self.now(), workspace, provider, sync.model),
            )
        else:
            self._db.execute(
                "UPDATE syncs SET forced_status = ?, error_message = ?, last_synced_at = ?" + where,
                (status, error_message, sync.last_synced_at, workspace, provider, sync.model),
            )


def timestamp(milliseconds: int) -> str:
    """A time as the API writes it: ``2026-04-10T18:22:11.000Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _derived_key(workspace: str) -> str:
    # Made from the name, so that a restart accepts it without any key in the state file.
    return f"ok_sandbox_{hashlib.sha256(workspace.encode()).hexdigest()[:40]}"


def _session(row: sqlite3.Row, now: int) -> Session:
    late = row["status"] == "pending" and now - row["created_at"] >= SESSION_SECONDS * 1000
    status = "expired" if late else row["status"]
    return Session(row["id"], row["provider"], status, row["created_at"], bool(row["force"]), row["error"])


def _sync(row: sqlite3.Row, now: int) -> Sync:
    if row["forced_status"] is not None:
        return Sync(row["model"], row["forced_status"], row["last_synced_at"], row["error_message"])
    since = now - row["first_success_at"]
    if since < 0:
        return Sync(row["model"], "PENDING", None, None)
    return Sync(row["model"], "SUCCESS", now - since % (RESYNC_SECONDS * 1000), None)


def _open(path: str | Path | None) -> sqlite3.Connection:
    """A connection to a ready state: a new one, or that of an earlier run."""
    name = ":memory:" if path is None else str(path)
    try:
        # Autocommit mode: transactions begin and end where the store says so. The store's lock guards all threads.
        db = sqlite3.connect(name, timeout=1, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as problem:
        raise SandboxStartError(f"Cannot open the state file {name}: {problem}.") from None
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        # One sandbox per file. The state survives a killed process; only a power cut may lose the last writes.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA synchronous = OFF")
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        fresh = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if fresh:
            db.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_SCHEMA_VERSION};"
                f"{_SCHEMA} COMMIT;"
            )
        elif (application, version) != (_APPLICATION_ID, _SCHEMA_VERSION):
            raise SandboxStartError(f"The state file {name} is not one of this sandbox's.")
        # Takes the file's lock and shows a file that cannot be written.
        db.execute("UPDATE clock SET offset_ms = offset_ms")
    except sqlite3.Error as problem:
        db.close()
        raise SandboxStartError(f"Cannot use the state file {name}: {problem}.") from None
    except SandboxStartError:
        db.close()
        raise
    return db
