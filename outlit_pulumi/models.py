"""The service's answers as typed values.

Shapes are those of the API page. Answers may grow: unknown members are ignored, unknown states and categories are kept as
they are.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

NOT_CONNECTED = "not_connected"
"""The one status that means that a provider is not connected."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True, frozen=True)


class IntegrationItem(_Answer):
    """One provider in the list ("List Integrations"). Times are ISO 8601 in UTC."""

    id: str
    status: str
    name: str | None = None
    category: str | None = None
    connection_id: str | None = None
    last_data_received_at: str | None = None
    sync_status: str | None = None
    error_message: str | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection, healthy or not."""
        return self.status != NOT_CONNECTED


class IntegrationList(_Answer):
    """The answer of the list route."""

    items: list[IntegrationItem]


class DirectConnection(_Answer):
    """The answer to a connect request with credentials ("Direct API-Key Response")."""

    connected: bool
    connection_id: str
    already_connected: bool


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

    error: str | None = None
    message: str | None = None
    code: str | None = None
    feature: str | None = None
    plan: str | None = None
    current_connections: int | None = None
    limit: int | None = None
