"""The bodies of the sandbox's routes, written from the API page alone, so that they judge this package's client.

Requests refuse wrong types and members that they do not know. Responses have exactly the members that are set.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

Text = Annotated[str, StringConstraints(min_length=1)]
"""Text that is not empty."""

Whole = Annotated[str, StringConstraints(min_length=0)]
"""Any text that can be sent: Pydantic refuses half characters (lone surrogates) only where a text has a constraint."""

Seconds = Annotated[float, Field(ge=0, le=86_400)]
"""How long something lasts: up to a day."""


class Request(BaseModel):
    """A request: the members of a JSON object, or query parameters."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ListRequest(Request):
    """Query of the list route."""

    # A query parameter is text: `true` and `false` are its only values.
    connectedOnly: Annotated[Literal["true", "false"], WithJsonSchema({"type": "boolean"})] = Field(
        default="false", json_schema_extra={"default": False}
    )


class ConnectRequest(Request):
    """Body of the connect route. ``force`` is not on the page; the service's own CLI sends it."""

    provider: Text
    config: dict[str, object] = Field(default_factory=dict)
    force: bool = False


class SessionRequest(Request):
    """Query of the connect status route."""

    sessionId: Text


class ProviderRequest(Request):
    """Body of the disconnect route and query of the sync status route."""

    provider: Text


class EndSessionRequest(Request):
    """Body of the control route that ends a browser session."""

    outcome: Literal["connected", "failed"]
    error: Text | None = None


class SyncRequest(Request):
    """Body of the control route that makes a sync fail or recover."""

    provider: Text
    model: Text | None = None
    status: Text
    errorMessage: Whole | None = None


class ClockRequest(Request):
    """Body of the control route that moves time forward, in seconds."""

    advance: float


class WorkspaceRequest(Request):
    """Body of the control route that makes a workspace."""

    name: Text


class SettingsRequest(Request, alias_generator=to_camel):
    """Body of the control route that changes a workspace's plan and the service's habits. What is left out stays."""

    limit: Annotated[int, Field(ge=0)] | None = None
    plan: Text = "free"
    key_check: bool = True
    stable_ids: bool = False
    new_id_on_force: bool = False


class LagRequest(Request):
    """Body of the control route that has routes show what was."""

    routes: list[Literal["list", "sync_status"]]
    seconds: Seconds | None = None


class RefuseRequest(Request):
    """Body of the control route that makes the server refuse connections."""

    seconds: Seconds


class Response(BaseModel):
    """A response."""

    model_config = ConfigDict(extra="forbid")


class Item(Response):
    """One integration of the list."""

    id: str
    name: str
    category: str
    status: str
    connectionId: str | None
    lastDataReceivedAt: str | None
    syncStatus: str | None
    errorMessage: str | None


class ListResponse(Response):
    """The list of integrations."""

    items: list[Item]


class ConnectedResponse(Response):
    """Answer to a connect request with credentials."""

    connected: Literal[True]
    connectionId: str
    alreadyConnected: bool


class SessionResponse(Response):
    """Answer to a connect request without credentials."""

    sessionId: str
    connectUrl: str
    alreadyConnected: bool


class ConnectStatusResponse(Response):
    """How a browser session stands. ``error`` is there only when it failed and the reason is known."""

    status: Literal["pending", "connected", "failed", "expired"]
    provider: str
    error: str = ""


class DisconnectedResponse(Response):
    """Answer to a disconnect request."""

    success: Literal[True]


class SyncItem(Response):
    """How the sync of one model stands."""

    model: str
    status: str
    lastSyncedAt: str | None
    errorMessage: str | None


class SyncStatusResponse(Response):
    """How the syncs of one integration stand."""

    provider: str
    name: str
    category: str
    status: str
    syncs: list[SyncItem]


class KeyResponse(Response):
    """Whose the key is. Not on the API page; the service's own command line asks for it."""

    valid: Literal[True]
    organizationId: str
    createdById: str


class InvalidKeyResponse(Response):
    """The key is of no use."""

    valid: Literal[False]
    error: str


class ErrorResponse(Response):
    """An invalid request, invalid credentials or a failure of the service."""

    error: str


class PlanLimitResponse(Response):
    """The plan allows no further connection."""

    error: str
    code: Literal["plan_connection_limit_exceeded"]
    feature: Literal["integration_connections"]
    plan: str
    currentConnections: int
    limit: int


class NotConnectedResponse(Response):
    """The provider is valid but not connected."""

    success: Literal[False]
    message: str
