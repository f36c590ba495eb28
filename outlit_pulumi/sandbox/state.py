"""What the sandbox keeps, in SQLite: workspaces, connections, syncs, browser sessions, the clock's offset.

It knows no rules, and no credentials: of a config it keeps the fingerprint.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


class SandboxStartError(Exception):
    """The sandbox cannot start: a bad key or name, a state file or port that is of no use. Says so in one line."""


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
class SyncRow:
    """What is kept of the sync of one model.

    Attributes:
        provider: The provider's id.
        model: The model's name.
        first_success_at: When it succeeds for the first time, in milliseconds of sandbox time.
        forced_status: How it stands, where it was told; None where it follows the clock.
        error_message: What it was told besides.
        last_synced_at: The last success before it was told.
    """

    provider: str
    model: str
    first_success_at: int
    forced_status: str | None = None
    error_message: str | None = None
    last_synced_at: int | None = None


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


_CONNECTIONS = "SELECT provider, connection_id, fingerprint, connected_at FROM connections"
_SYNCS = "SELECT provider, model, first_success_at, forced_status, error_message, last_synced_at FROM syncs"
_SESSIONS = "SELECT id, provider, status, created_at, force, error FROM sessions"


class State:
    """The database. Safe to use from several threads; several calls belong together within `lock` or `transaction`.

    Args:
        path: The state file, made when missing; None keeps everything in memory.

    Raises:
        SandboxStartError: The state file is of no use.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.lock = threading.RLock()
        self._db = _open(path)

    def close(self) -> None:
        """Closes it."""
        with self.lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that its block changes, or nothing if it raises."""
        with self.lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self.lock:
            return self._db.execute(sql, values).fetchall()

    def _change(self, sql: str, *values: object) -> bool:
        """Whether it changed anything."""
        with self.lock:
            return self._db.execute(sql, values).rowcount > 0

    # Clock and workspaces

    def offset(self) -> int:
        """How far the clock was moved, in milliseconds."""
        return int(self._rows("SELECT offset_ms FROM clock")[0][0])

    def set_offset(self, milliseconds: int) -> None:
        """Keeps how far the clock was moved."""
        self._change("UPDATE clock SET offset_ms = ?", milliseconds)

    def workspaces(self) -> list[str]:
        """The names of all workspaces, in the order in which they were made."""
        return [row[0] for row in self._rows("SELECT name FROM workspaces ORDER BY rowid")]

    def add_workspace(self, name: str) -> None:
        """Makes a workspace, unless there is one of that name."""
        self._change("INSERT OR IGNORE INTO workspaces VALUES (?)", name)

    # Connections

    def connections(self, workspace: str) -> list[Connection]:
        """The workspace's connections, oldest credentials first."""
        where = " WHERE workspace = ? ORDER BY connected_at, provider"
        return [Connection(*row) for row in self._rows(_CONNECTIONS + where, workspace)]

    def connection(self, workspace: str, provider: str) -> Connection | None:
        """The connection of one provider."""
        rows = self._rows(_CONNECTIONS + " WHERE workspace = ? AND provider = ?", workspace, provider)
        return Connection(*rows[0]) if rows else None

    def add_connection(self, workspace: str, new: Connection, models: Iterable[str], first_success_at: int) -> None:
        """Adds a connection and the syncs of its models."""
        self._change(
            "INSERT INTO connections VALUES (?, ?, ?, ?, ?)",
            *(workspace, new.provider, new.connection_id, new.fingerprint, new.connected_at),
        )
        for position, model in enumerate(models):
            self._change(
                "INSERT INTO syncs (workspace, provider, position, model, first_success_at) VALUES (?, ?, ?, ?, ?)",
                *(workspace, new.provider, position, model, first_success_at),
            )

    def change_connection(self, workspace: str, new: Connection) -> None:
        """Changes the connection of a provider; its syncs stay."""
        self._change(
            "UPDATE connections SET connection_id = ?, fingerprint = ?, connected_at = ?"
            " WHERE workspace = ? AND provider = ?",
            *(new.connection_id, new.fingerprint, new.connected_at, workspace, new.provider),
        )

    def remove_connection(self, workspace: str, provider: str) -> bool:
        """Removes a connection with its syncs; whether there was one."""
        return self._change("DELETE FROM connections WHERE workspace = ? AND provider = ?", workspace, provider)

    def issued_ids(self, workspace: str, provider: str) -> list[str]:
        """All connection ids that a provider was ever given, in order."""
        where = " WHERE workspace = ? AND provider = ? ORDER BY rowid"
        return [row[0] for row in self._rows("SELECT connection_id FROM issued_ids" + where, workspace, provider)]

    def issue_id(self, workspace: str, provider: str, connection_id: str) -> bool:
        """Keeps that an id was given; False, and nothing is kept, where it was given before."""
        return self._change("INSERT OR IGNORE INTO issued_ids VALUES (?, ?, ?)", connection_id, workspace, provider)

    # Syncs

    def syncs(self, workspace: str, provider: str | None = None) -> list[SyncRow]:
        """The syncs of a workspace, or of one of its providers, in a fixed order."""
        where = " WHERE workspace = ? AND (? IS NULL OR provider = ?) ORDER BY provider, position"
        return [SyncRow(*row) for row in self._rows(_SYNCS + where, workspace, provider, provider)]

    def change_sync(self, workspace: str, new: SyncRow) -> None:
        """Changes the sync of one model."""
        self._change(
            "UPDATE syncs SET first_success_at = ?, forced_status = ?, error_message = ?, last_synced_at = ?"
            " WHERE workspace = ? AND provider = ? AND model = ?",
            *(new.first_success_at, new.forced_status, new.error_message, new.last_synced_at),
            *(workspace, new.provider, new.model),
        )

    # Browser sessions

    def add_session(self, workspace: str, new: Session) -> None:
        """Adds a session."""
        self._change(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(new.id, workspace, new.provider, new.force, new.created_at, new.status, new.error),
        )

    def sessions(self, workspace: str, session_id: str | None = None) -> list[Session]:
        """The sessions of a workspace, or the one of that id, oldest first, as they were kept."""
        where = " WHERE workspace = ? AND (? IS NULL OR id = ?) ORDER BY created_at, rowid"
        return [Session(*row) for row in self._rows(_SESSIONS + where, workspace, session_id, session_id)]

    def end_session(self, session: Session) -> None:
        """Keeps how a session ended."""
        self._change(
            "UPDATE sessions SET status = ?, error = ? WHERE id = ?", session.status, session.error, session.id
        )


def _open(path: str | Path | None) -> sqlite3.Connection:
    """A connection to a ready state: a new one, or that of an earlier run."""
    name = ":memory:" if path is None else str(path)
    try:
        # Autocommit mode: transactions begin and end where the store says so. The store's lock guards all threads.
        db = sqlite3.connect(name, timeout=1, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as problem:
        raise SandboxStartError(f"Cannot open the state file {name}: {problem}.") from None
    try:
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
