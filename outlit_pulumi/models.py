"""The service's answers as typed values.

Shapes are those of the API page. Answers may grow: unknown members are ignored, unknown states and categories are kept as
they are.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

NOT_CONNECTED = "not_connected"
"""The one status that means that a provider is not connected."""


_Id = Annotated[str | None, AfterValidator(lambda id_: id_ or None)]
"""A connection id; an empty one is none, as to the engine an empty id means that a resource is gone."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True)


class IntegrationItem(_Answer):
    """One provider in the list ("List Integrations"). Times are ISO 8601 in UTC."""

    id: str
    status: str
    name: str | None = None
    category: str | None = None
    connection_id: _Id = None
    last_data_received_at: str | None = None
    sync_status: str | None = None
    error_message: str | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not."""
        return self.status != NOT_CONNECTED

    def after_write(self, connection_id: str | None) -> IntegrationItem:
        """The entry once our own write took effect: connected under this id, or not at all when None."""
        changed = {"connection_id": connection_id, "status": "connected" if connection_id else NOT_CONNECTED}
        if connection_id is None or connection_id != self.connection_id:
            changed |= {"sync_status": None, "last_data_received_at": None, "error_message": None}
        return self.model_copy(update=changed)


class IntegrationList(_Answer):
    """The answer of the list route."""

    items: list[IntegrationItem]


class DirectConnection(_Answer):
    """The answer to a connect request with credentials ("Direct API-Key Response")."""

    connected: bool
    connection_id: Annotated[str, Field(min_length=1)]
    already_connected: bool


class Disconnection(_Answer):
    """The answer to a disconnect request ("Disconnect Integration")."""

    success: Literal[True]


class BrowserSession(_Answer):
    """The answer to a connect request without credentials ("Browser Session Response")."""

    session_id: str
    connect_url: str
    already_connected: bool


class SessionStatus(_Answer):
    """State of a browser session ("Poll Connection Status"): pending, connected, failed or expired."""

    status: str
    provider: str | None = None
    error: str | None = None


class ModelSync(_Answer):
    """The sync of one model, such as StripeCustomer."""

    model: str
    status: str
    last_synced_at: str | None = None
    error_message: str | None = None


class SyncStatus(_Answer):
    """Sync state of a provider ("Get Sync Status")."""

    provider: str
    status: str
    name: str | None = None
    category: str | None = None
    syncs: list[ModelSync] = []

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not."""
        return self.status != NOT_CONNECTED


class Problem(_Answer):
    """The body of an error. Every member is optional: other bodies exist."""

    success: bool | None = None
    error: str | None = None
    message: str | None = None
    code: str | None = None
    feature: str | None = None
    plan: str | None = None
    current_connections: int | None = None
    limit: int | None = None
