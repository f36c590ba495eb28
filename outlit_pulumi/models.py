"""The service's answers as typed values.

Shapes are those of the API page. Answers may grow: unknown members are ignored, unknown states and categories are kept
as they are.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

NOT_CONNECTED = "not_connected"
"""The one status that means that a provider is not connected."""


class Answer(msgspec.Struct, rename="camel", frozen=True):
    """What the service answers: attributes are snake_case, members of the JSON are the API's camelCase."""

    def members(self) -> dict[str, Any]:
        """The members under the API's names, as plain values."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return members


_A = TypeVar("_A", bound=Answer)


class UnreadableError(Exception):
    """Not the JSON of the expected shape. Quotes nothing of it."""


def parse(content: bytes, shape: type[_A]) -> _A:
    """Reads JSON as an answer of that shape.

    Raises:
        UnreadableError: it is no JSON, lacks a member, or a member has another type.
    """
    try:
        answer: _A = _decoder(shape).decode(content)
        return answer
    except (msgspec.DecodeError, RecursionError):
        pass
    # Raised out here, or it would carry along what the library says, which quotes the content.
    raise UnreadableError


_BUILDING = threading.Lock()
"""Held for the first look at a class: msgspec shows other threads a half-built one, and they crash the process."""


def _decoder(shape: type[Answer]) -> msgspec.json.Decoder[Any]:
    with _BUILDING:
        return _built(shape)


@cache
def _built(shape: type[Answer]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


class IntegrationItem(Answer, frozen=True):
    """One provider in the list ("List Integrations"). Times are ISO 8601 in UTC."""

    id: str
    status: str
    name: str | None = None
    category: str | None = None
    connection_id: str | None = None
    last_data_received_at: str | None = None
    sync_status: str | None = None
    error_message: str | None = None

    def __post_init__(self) -> None:
        if self.connection_id == "":
            # An empty one is none: to the engine, an empty id means that a resource is gone.
            msgspec.structs.force_setattr(self, "connection_id", None)
        _without_blank_name(self)

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not."""
        return self.status != NOT_CONNECTED

    def after_write(self, connection_id: str | None) -> IntegrationItem:
        """The entry once our own write took effect: connected under this id, or not at all when None."""
        changed: dict[str, str | None] = {"connection_id": connection_id}
        changed["status"] = "connected" if connection_id else NOT_CONNECTED
        if connection_id is None or connection_id != self.connection_id:
            changed |= {"sync_status": None, "last_data_received_at": None, "error_message": None}
        return msgspec.structs.replace(self, **changed)


class IntegrationList(Answer, frozen=True):
    """The answer of the list route."""

    items: list[IntegrationItem]


class DirectConnection(Answer, frozen=True):
    """The answer to a connect request with credentials ("Direct API-Key Response")."""

    connected: bool
    connection_id: Annotated[str, msgspec.Meta(min_length=1)]
    already_connected: bool


class Disconnection(Answer, frozen=True):
    """The answer to a disconnect request ("Disconnect Integration")."""

    success: bool

    def __post_init__(self) -> None:
        if not self.success:
            raise ValueError("success must be true")


class BrowserSession(Answer, frozen=True):
    """The answer to a connect request without credentials ("Browser Session Response")."""

    session_id: str
    connect_url: str
    already_connected: bool


class SessionStatus(Answer, frozen=True):
    """State of a browser session ("Poll Connection Status"): pending, connected, failed or expired."""

    status: str
    provider: str | None = None
    error: str | None = None


class ModelSync(Answer, frozen=True):
    """The sync of one model, such as StripeCustomer."""

    model: str
    status: str
    last_synced_at: str | None = None
    error_message: str | None = None


class SyncStatus(Answer, frozen=True):
    """Sync state of a provider ("Get Sync Status")."""

    provider: str
    status: str
    name: str | None = None
    category: str | None = None
    syncs: list[ModelSync] = []

    def __post_init__(self) -> None:
        _without_blank_name(self)

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not."""
        return self.status != NOT_CONNECTED


def _without_blank_name(answer: IntegrationItem | SyncStatus) -> None:
    """A name in which there is nothing to see is none, and gives way to one that is known."""
    name = answer.name
    if name is not None and not any(character.isprintable() and not character.isspace() for character in name):
        msgspec.structs.force_setattr(answer, "name", None)


class Problem(Answer, frozen=True):
    """The body of an error. Every member is optional: other bodies exist."""

    success: bool | None = None
    error: str | None = None
    message: str | None = None
    code: str | None = None
    feature: str | None = None
    plan: str | None = None
    current_connections: int | None = None
    limit: int | None = None
