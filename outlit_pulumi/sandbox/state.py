"""What the sandbox keeps: workspaces with what is connected in them, browser sessions, the clock's offset.

That is one `Document`. It is never changed, only replaced: whoever has an earlier one has the past. It knows no rules,
and no credentials: of a config it has the fingerprint.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

_APPLICATION_ID = 0x4F55544C  # "OUTL": tells a state file from any other SQLite database
_VERSION = 2


class SandboxStartError(Exception):
    """The sandbox cannot start: an option, a state file or a port is of no use. Says so in one line."""


@dataclass(frozen=True)
class KeptSync:
    """What is kept of the sync of one model.

    Attributes:
        model: The model's name.
        first_success_at: When it succeeds for the first time, in milliseconds of sandbox time.
        forced_status: How it stands, where it was told; None where it follows the clock.
        error_message: What it was told besides.
        last_synced_at: The last success before it was told.
    """

    model: str
    first_success_at: int
    forced_status: str | None = None
    error_message: str | None = None
    last_synced_at: int | None = None


@dataclass(frozen=True)
class Connection:
    """A connection of a workspace.

    Attributes:
        provider: The provider's id.
        connection_id: The id of this connection; never used again once it is disconnected, unless ids are stable.
        fingerprint: `fingerprint` of the config in use; None when a person connected it in a browser.
        connected_at: When the credentials in use were applied, in milliseconds of sandbox time.
        syncs: Its syncs, in a fixed order.
    """

    provider: str
    connection_id: str
    fingerprint: str | None
    connected_at: int
    syncs: tuple[KeptSync, ...]


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


@dataclass(frozen=True)
class Workspace:
    """A workspace.

    Attributes:
        name: Its name.
        connections: Its connections, by provider.
        issued: All connection ids that each provider was ever given, in order.
        sessions: Its browser sessions by id, in the order in which they started.
    """

    name: str
    connections: Mapping[str, Connection] = field(default_factory=dict)
    issued: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sessions: Mapping[str, Session] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """All that is kept.

    Attributes:
        offset_ms: How far the clock was moved, in milliseconds.
        workspaces: All workspaces by name, in the order in which they were made.
    """

    offset_ms: int = 0
    workspaces: Mapping[str, Workspace] = field(default_factory=dict)


_DOCUMENT = TypeAdapter(Document)


class State:
    """The document of now. Several threads may read it; one at a time may replace it.

    Args:
        path: The state file, made when missing; None keeps the document in memory alone.

    Raises:
        SandboxStartError: The state file is of no use.

    Attributes:
        document: The document.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._db: sqlite3.Connection | None = None
        self.document = Document()
        if path is not None:
            self._db, self.document = _open(path)

    def keep(self, document: Document) -> None:
        """Replaces the document; where the file cannot be written, the earlier one stays."""
        if self._db is not None:
            self._db.execute("UPDATE state SET document = ?", (_DOCUMENT.dump_json(document).decode(),))
        self.document = document

    def close(self) -> None:
        """Closes the file, and leaves a document without any workspace."""
        if self._db is not None:
            self._db.close()
        self.document = Document()


def _open(path: str | Path) -> tuple[sqlite3.Connection, Document]:
    """A state file, locked and with a document in it, and that document. SQLite makes each write whole or nothing."""
    try:
        # Autocommit mode: transactions begin and end where this module says so. Its caller guards all threads.
        # A whole path: to SQLite an empty one, and ":memory:", are databases that it forgets.
        db = sqlite3.connect(Path(path).absolute(), timeout=1, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as problem:
        raise SandboxStartError(f"Cannot open the state file {path}: {problem}.") from None
    try:
        # One sandbox per file. The state survives a killed process; only a power cut may lose the last writes.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA synchronous = OFF")
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {_VERSION}")
            db.execute("CREATE TABLE state (document TEXT NOT NULL)")
            db.execute("INSERT INTO state VALUES ('{}')")
            db.execute("COMMIT")
        elif (application, version) != (_APPLICATION_ID, _VERSION):
            raise ValueError("written by another program or version")
        # Takes the file's lock and shows a file that cannot be written.
        db.execute("UPDATE state SET document = document")
        return db, _DOCUMENT.validate_json(db.execute("SELECT document FROM state").fetchone()[0])
    except sqlite3.Error as problem:
        db.close()
        raise SandboxStartError(f"Cannot use the state file {path}: {problem}.") from None
    except (ValueError, TypeError):  # no document at all
        db.close()
        raise SandboxStartError(f"The state file {path} is not one of this sandbox's.") from None
