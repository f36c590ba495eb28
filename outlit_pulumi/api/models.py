"""The service's answers as typed values.

Shapes are those of the API page. Answers may grow: unknown members are ignored, unknown states and categories are kept
as they are.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from .redaction import whole_characters

NOT_CONNECTED = "not_connected"
"""The documented status that means that a provider is not connected."""


def _readable(value: Any) -> Any:
    """Text in which half characters (lone surrogates) are replaced; anything else as it is."""
    return whole_characters(value) if isinstance(value, str) else value


def _text_or_none(value: object) -> object:
    """Readable text; None where there is none, or nothing to see in it."""
    seen = isinstance(value, str) and any(c.isprintable() and not c.isspace() for c in value)
    return _readable(value) if seen else None


Id = Annotated[str, Field(min_length=1)]
"""Is sent back to the service or stored, so one with half a character in it is refused."""

Text = Annotated[str, BeforeValidator(_readable)]

OptionalText = Annotated[str | None, BeforeValidator(_text_or_none)]
"""Is only shown, so what is no text counts as missing."""


Count = Annotated[int | None, BeforeValidator(lambda value: value if type(value) is int else None)]


def _details(value: object) -> list[str]:
    """One text for each detail of an error, which says where and what."""
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    texts = ([row.get("path"), row.get("message")] for row in rows)
    return [": ".join(_readable(part) for part in text if isinstance(part, str) and part) for text in texts]


class Answer(BaseModel):
    """What the service answers: attributes are snake_case, members of the JSON are the API's camelCase."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, strict=True, defer_build=True
    )

    def members(self) -> dict[str, Any]:
        """The members under the API's names, as plain values."""
        return self.model_dump(by_alias=True)


_A = TypeVar("_A", bound=Answer)


class UnreadableError(Exception):
    """Not the JSON of the expected shape. Quotes nothing of it."""


def parse(content: bytes, shape: type[_A]) -> _A:
    """Reads JSON as an answer of that shape."""
    try:
        return shape.model_validate(json.loads(content))
    except (ValueError, RecursionError):
        pass
    # Raised out here, or it would carry along the library's error, which quotes the content.
    raise UnreadableError


class IntegrationItem(Answer):
    """One provider in the list ("List Integrations"). Times are ISO 8601 in UTC.

    An empty connection id is none: to the engine, an empty id means that a resource is gone.
    """

    id: Id
    status: Text
    name: OptionalText = None
    category: OptionalText = None
    connection_id: Annotated[Id | None, BeforeValidator(lambda value: value or None)] = None
    last_data_received_at: OptionalText = None
    sync_status: OptionalText = None
    error_message: OptionalText = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not. Where there is none, ``available`` has been seen, too."""
        return self.status != NOT_CONNECTED and (self.status != "available" or self.connection_id is not None)

    def after_write(self, connection_id: str | None) -> IntegrationItem:
        """The entry once our own write took effect: connected under this id, or not at all when None."""
        changed: dict[str, str | None] = {"connection_id": connection_id}
        changed["status"] = "connected" if connection_id else NOT_CONNECTED
        if connection_id is None or connection_id != self.connection_id:
            changed |= {"sync_status": None, "last_data_received_at": None, "error_message": None}
        return self.model_copy(update=changed)


class UnreadableItem(Answer):
    """An entry of the list that is not of the documented shape: nothing is known but, perhaps, whose it is."""

    id: OptionalText = None


class IntegrationList(Answer):
    """The answer of the list route, read entry by entry: one that is odd does not hide the others."""

    entries: list[Annotated[IntegrationItem | UnreadableItem | Any, Field(union_mode="left_to_right")]] = Field(
        alias="items"
    )

    @property
    def items(self) -> list[IntegrationItem]:
        """The entries that can be read, in Outlit's order."""
        return [entry for entry in self.entries if isinstance(entry, IntegrationItem)]

    @property
    def unreadable(self) -> frozenset[str | None]:
        """The ids of the entries that cannot be read; None for one that may be anybody's."""
        odd = [entry for entry in self.entries if not isinstance(entry, IntegrationItem)]
        return frozenset(entry.id if isinstance(entry, UnreadableItem) else None for entry in odd)


class DirectConnection(Answer):
    """The answer to a connect request with credentials ("Direct API-Key Response").

    An id that cannot be stored is None: the connection exists, and must not be lost for it.
    """

    connected: bool
    already_connected: bool
    connection_id: OptionalText = None


class Disconnection(Answer):
    """The answer to a disconnect request ("Disconnect Integration")."""

    success: bool

    @field_validator("success")
    @classmethod
    def _done(cls, success: bool) -> bool:
        if not success:
            raise ValueError("success must be true")
        return success


class BrowserSession(Answer):
    """The answer to a connect request without credentials ("Browser Session Response")."""

    already_connected: bool
    session_id: OptionalText = None
    connect_url: OptionalText = None


class SessionStatus(Answer):
    """State of a browser session ("Poll Connection Status"): pending, connected, failed or expired."""

    status: Text
    provider: OptionalText = None
    error: OptionalText = None


class ModelSync(Answer):
    """The sync of one model, such as StripeCustomer."""

    model: Annotated[Text, Field(min_length=1)]
    status: Text
    last_synced_at: OptionalText = None
    error_message: OptionalText = None


def _readable_rows(rows: object) -> object:
    """The rows that can be read. Rows without a model have been seen; the service's own command line drops them."""
    readable = []
    for row in rows if isinstance(rows, list) else []:
        with suppress(ValidationError):
            readable.append(ModelSync.model_validate(row))
    return readable if isinstance(rows, list) else rows


class SyncStatus(Answer):
    """Sync state of a provider ("Get Sync Status")."""

    provider: Id
    status: Text
    name: OptionalText = None
    category: OptionalText = None
    syncs: Annotated[list[ModelSync], BeforeValidator(_readable_rows)] = []

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not."""
        return self.status != NOT_CONNECTED


class KeyOwner(Answer):
    """The answer of the route that says whose an API key is."""

    valid: Literal[True]
    organization_id: Id


class Problem(Answer):
    """The body of an error. Every member is optional: other bodies exist."""

    success: Any = None
    error: OptionalText = None
    message: OptionalText = None
    code: OptionalText = None
    feature: OptionalText = None
    plan: OptionalText = None
    current_connections: Count = None
    limit: Count = None
    details: Annotated[list[str], BeforeValidator(_details)] = []
