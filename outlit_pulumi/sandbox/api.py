"""The routes of Outlit's API page, and the one that says whose a key is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Security
from fastapi.responses import JSONResponse

from outlit_pulumi.sandbox import bodies
from outlit_pulumi.sandbox.dependencies import KEY, Here, JsonRoute, Workspace, workspace_of
from outlit_pulumi.sandbox.state import Session
from outlit_pulumi.sandbox.store import Integration, timestamp


def _errors(others: Mapping[int, type[bodies.Response]] | None = None) -> dict[int | str, dict[str, Any]]:
    models = {**dict.fromkeys((400, 401, 500), bodies.ErrorResponse), **(others or {})}
    return {status: {"model": model} for status, model in sorted(models.items())}


routes = APIRouter(prefix="/api", route_class=JsonRoute, dependencies=[Security(KEY)])


@routes.post(
    "/validate-api-key",
    response_model=bodies.KeyResponse,
    responses={401: {"model": bodies.InvalidKeyResponse}, 500: {"model": bodies.ErrorResponse}},
)
async def validate_api_key(request: Request, here: Here) -> object:
    """Says whose the key is. Not on the page; the service's own command line asks for it."""
    if not here.store.habits.key_check:
        raise HTTPException(404)
    workspace = await workspace_of(request)
    if workspace is None:
        return JSONResponse({"valid": False, "error": "Invalid credentials"}, 401)
    return bodies.KeyResponse(valid=True, organizationId=f"org_{workspace}", createdById="user_sandbox")


@routes.get("/integrations", responses=_errors())
async def list_integrations(
    here: Here, workspace: Workspace, wanted: Annotated[bodies.ListRequest, Query()]
) -> bodies.ListResponse:
    """Every provider on offer, or only what is connected."""
    integrations = here.store.integrations(workspace, "list")
    return bodies.ListResponse(
        items=[_item(item) for item in integrations if item.connection or wanted.connectedOnly == "false"]
    )


@routes.post("/integrations/connect", responses=_errors({403: bodies.PlanLimitResponse}))
async def connect_integration(
    request: Request, here: Here, workspace: Workspace, wanted: bodies.ConnectRequest
) -> bodies.ConnectedResponse | bodies.SessionResponse:
    """Connects with credentials, or starts a browser session where there is no config."""
    if "config" in wanted.model_fields_set:
        connected = here.store.connect(workspace, wanted.provider, wanted.config, force=wanted.force)
        return bodies.ConnectedResponse(
            connected=True, connectionId=connected.connection_id, alreadyConnected=connected.already_connected
        )
    session = here.store.start_session(workspace, wanted.provider, force=wanted.force)
    return bodies.SessionResponse(
        sessionId=session.id,
        connectUrl=f"{request.base_url}integrations",
        alreadyConnected=session.already_connected,
    )


@routes.get("/integrations/connect/status", responses=_errors(), response_model_exclude_unset=True)
async def poll_connection_status(
    here: Here, workspace: Workspace, wanted: Annotated[bodies.SessionRequest, Query()]
) -> bodies.ConnectStatusResponse:
    """How a browser session stands."""
    return connect_status(here.store.session(workspace, wanted.sessionId))


@routes.post("/integrations/disconnect", responses=_errors({404: bodies.NotConnectedResponse}))
async def disconnect_integration(
    here: Here, workspace: Workspace, wanted: bodies.ProviderRequest
) -> bodies.DisconnectedResponse:
    """Disconnects, which deletes what was synced."""
    here.store.disconnect(workspace, wanted.provider)
    return bodies.DisconnectedResponse(success=True)


@routes.get("/integrations/sync-status", responses=_errors())
async def get_sync_status(
    here: Here, workspace: Workspace, wanted: Annotated[bodies.ProviderRequest, Query()]
) -> bodies.SyncStatusResponse:
    """How the syncs of an integration stand."""
    return sync_status(here.store.integration(workspace, wanted.provider, "sync_status"))


# What the store knows, as the API shows it


def _status(integration: Integration) -> str:
    return "connected" if integration.connection else "not_connected"


def _item(integration: Integration) -> bodies.Item:
    return bodies.Item(
        id=integration.offer.id,
        name=integration.offer.name,
        category=integration.offer.category,
        status=_status(integration),
        connectionId=integration.connection.connection_id if integration.connection else None,
        lastDataReceivedAt=timestamp(integration.last_data_received_at),
        syncStatus=integration.sync_status,
        errorMessage=integration.error_message,
    )


def sync_status(integration: Integration) -> bodies.SyncStatusResponse:
    """An integration as the sync status route shows it."""
    return bodies.SyncStatusResponse(
        provider=integration.offer.id,
        name=integration.offer.name,
        category=integration.offer.category,
        status=_status(integration),
        syncs=[
            bodies.SyncItem(
                model=sync.model,
                status=sync.status,
                lastSyncedAt=timestamp(sync.last_synced_at),
                errorMessage=sync.error_message,
            )
            for sync in integration.syncs
        ],
    )


def connect_status(session: Session) -> bodies.ConnectStatusResponse:
    """A browser session as the connect status route shows it."""
    members = {"status": session.status, "provider": session.provider}
    return bodies.ConnectStatusResponse.model_validate(
        members if session.error is None else {**members, "error": session.error}
    )
