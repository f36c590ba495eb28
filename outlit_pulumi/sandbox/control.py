"""The routes under ``/sandbox`` that control it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends

from outlit_pulumi.sandbox import bodies
from outlit_pulumi.sandbox.api import connect_status, sync_status
from outlit_pulumi.sandbox.dependencies import Here, JsonRoute, Workspace, workspace
from outlit_pulumi.sandbox.faults import Call, Fault
from outlit_pulumi.sandbox.store import InvalidRequest, timestamp

routes = APIRouter(prefix="/sandbox", route_class=JsonRoute, include_in_schema=False, dependencies=[Depends(workspace)])


@routes.get("/calls")
async def calls(here: Here) -> dict[str, list[Call]]:
    """The call log."""
    return {"calls": here.calls}


@routes.delete("/calls")
async def clear_calls(here: Here) -> dict[str, Any]:
    """Empties the call log."""
    here.calls.clear()
    return {}


@routes.get("/connections")
async def connections(here: Here, workspace: Workspace) -> dict[str, list[dict[str, str | None]]]:
    """The workspace's connections, with the fingerprints of the configs in use."""
    found = here.store.connections(workspace)
    return {
        "connections": [
            {
                "provider": item.provider,
                "connectionId": item.connection_id,
                "fingerprint": item.fingerprint,
                "connectedAt": timestamp(item.connected_at),
            }
            for item in found
        ]
    }


@routes.post("/sessions/{session_id}", response_model_exclude_unset=True)
async def end_session(
    here: Here, workspace: Workspace, session_id: str, wanted: bodies.EndSessionRequest
) -> bodies.ConnectStatusResponse:
    """Ends a browser session as a person would."""
    return connect_status(here.store.finish_session(workspace, session_id, wanted.outcome, wanted.error))


@routes.post("/syncs")
async def set_sync(here: Here, workspace: Workspace, wanted: bodies.SyncRequest) -> bodies.SyncStatusResponse:
    """Makes syncs fail or recover."""
    here.store.set_sync(
        workspace, wanted.provider, wanted.status, model=wanted.model, error_message=wanted.errorMessage
    )
    return sync_status(here.store.integration(workspace, wanted.provider))


@routes.post("/clock")
async def advance(here: Here, wanted: bodies.ClockRequest) -> dict[str, Any]:
    """Moves time forward."""
    return {"now": timestamp(here.store.advance(wanted.advance))}


@routes.post("/workspaces")
async def add_workspace(here: Here, wanted: bodies.WorkspaceRequest) -> dict[str, str]:
    """Makes a workspace."""
    return {"name": wanted.name, "apiKey": here.store.add_workspace(wanted.name)}


@routes.post("/settings")
async def settings(here: Here, workspace: Workspace, wanted: bodies.SettingsRequest) -> dict[str, Any]:
    """Changes the workspace's plan and the service's habits. What is left out stays."""
    given = wanted.model_dump(exclude_unset=True)
    plan = here.store.plan(workspace)
    plan = replace(plan, name=given.pop("plan", plan.name), limit=given.pop("limit", plan.limit))
    here.store.set_plan(workspace, plan)
    here.store.habits = replace(here.store.habits, **given)
    return {"plan": plan.name, "limit": plan.limit}


@routes.post("/lag")
async def lag(here: Here, wanted: bodies.LagRequest) -> dict[str, Any]:
    """Has routes show what was."""
    here.store.lag(wanted.routes, wanted.seconds)
    return {}


@routes.post("/faults")
async def add_fault(here: Here, fault: Fault) -> dict[str, Any]:
    """Plans a fault."""
    if fault.provider is not None and fault.provider not in here.store.offers:
        raise InvalidRequest("Unknown provider.")
    here.faults.add(fault)
    return {}


@routes.delete("/faults")
async def clear_faults(here: Here) -> dict[str, Any]:
    """Drops the faults that have not happened yet."""
    here.faults.clear()
    return {}


@routes.post("/refuse")
async def refuse(here: Here, wanted: bodies.RefuseRequest) -> dict[str, Any]:
    """Makes the server refuse connections."""
    if here.refuse is None:
        raise InvalidRequest("No server runs this app.")
    await here.refuse(wanted.seconds)
    return {}
