"""The routes under ``/sandbox`` that control it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace

from fastapi import APIRouter, Request, Response

from outlit_pulumi.sandbox import bodies
from outlit_pulumi.sandbox.exchange import Read, answer, read_raw, read_workspace
from outlit_pulumi.sandbox.faults import Fault, Faults
from outlit_pulumi.sandbox.store import InvalidRequest, Store, timestamp
from outlit_pulumi.sandbox.traffic import Traffic
from outlit_pulumi.sandbox.views import connect_status, sync_status

Refuse = Callable[[float], Awaitable[None]]
"""Makes the server refuse connections for that many seconds, from its return on."""

_NO_BODY = (204, 205, 304)
_FRAMING_HEADERS = frozenset({"connection", "content-length", "content-type", "transfer-encoding"})
_KINDS_OF = {
    "status": ("answer",),
    "body": ("answer",),
    "contentType": ("answer",),
    "headers": ("answer",),
    "seconds": ("delay", "drip", "drip_head"),
    "members": ("missing_members", "null_members"),
}


def control_routes(store: Store, traffic: Traffic, faults: Faults, refuse: Refuse | None) -> APIRouter:
    """The routes, for an app of this store, call log and faults; ``refuse`` is None where no server runs it."""
    routes = APIRouter(include_in_schema=False)

    async def serve(request: Request, model: type[Read], work: Callable[[str, Read], object]) -> Response:
        raw = await read_raw(request)
        return answer(await read_workspace(store, request), raw, model, work)

    @routes.get("/sandbox/calls")
    async def calls(request: Request) -> Response:
        return await serve(request, bodies.Request, lambda *_: {"calls": [asdict(call) for call in traffic.calls()]})

    @routes.delete("/sandbox/calls")
    async def clear_calls(request: Request) -> Response:
        return await serve(request, bodies.Request, lambda *_: traffic.clear_calls())

    @routes.get("/sandbox/connections")
    async def connections(request: Request) -> Response:
        def work(workspace: str, _: bodies.Request) -> object:
            return {
                "connections": [
                    {
                        "provider": item.provider,
                        "connectionId": item.connection_id,
                        "fingerprint": item.fingerprint,
                        "connectedAt": timestamp(item.connected_at),
                    }
                    for item in store.connections(workspace)
                ]
            }

        return await serve(request, bodies.Request, work)

    @routes.post("/sandbox/sessions/{session_id}")
    async def end_session(request: Request, session_id: str) -> Response:
        def work(workspace: str, wanted: bodies.EndSessionRequest) -> object:
            return connect_status(store.finish_session(workspace, session_id, wanted.outcome, wanted.error))

        return await serve(request, bodies.EndSessionRequest, work)

    @routes.post("/sandbox/syncs")
    async def set_sync(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.SyncRequest) -> object:
            store.set_sync(
                workspace, wanted.provider, wanted.status, model=wanted.model, error_message=wanted.errorMessage
            )
            return sync_status(store.integration(workspace, wanted.provider))

        return await serve(request, bodies.SyncRequest, work)

    @routes.post("/sandbox/clock")
    async def advance(request: Request) -> Response:
        return await serve(
            request, bodies.ClockRequest, lambda _, wanted: {"now": timestamp(store.advance(wanted.advance))}
        )

    @routes.post("/sandbox/workspaces")
    async def add_workspace(request: Request) -> Response:
        return await serve(
            request,
            bodies.WorkspaceRequest,
            lambda _, wanted: {"name": wanted.name, "apiKey": store.add_workspace(wanted.name)},
        )

    @routes.post("/sandbox/settings")
    async def settings(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.SettingsRequest) -> object:
            plan = store.plan(workspace)
            if "limit" in wanted.model_fields_set:
                plan = replace(plan, limit=wanted.limit)
            if "plan" in wanted.model_fields_set:
                plan = replace(plan, name=wanted.plan)
            store.set_plan(workspace, plan)
            names = {"keyCheck": "key_check", "stableIds": "stable_ids", "newIdOnForce": "new_id_on_force"}
            given = {names[name]: getattr(wanted, name) for name in names if name in wanted.model_fields_set}
            store.habits = replace(store.habits, **given)
            return {"plan": plan.name, "limit": plan.limit}

        return await serve(request, bodies.SettingsRequest, work)

    @routes.post("/sandbox/lag")
    async def lag(request: Request) -> Response:
        return await serve(request, bodies.LagRequest, lambda _, wanted: store.lag(wanted.routes, wanted.seconds))

    @routes.post("/sandbox/faults")
    async def add_fault(request: Request) -> Response:
        def work(_: str, wanted: bodies.FaultRequest) -> None:
            if wanted.provider is not None and wanted.provider not in store.offers:
                raise InvalidRequest("Unknown provider.")
            faults.add(_fault(wanted))

        return await serve(request, bodies.FaultRequest, work)

    @routes.delete("/sandbox/faults")
    async def clear_faults(request: Request) -> Response:
        return await serve(request, bodies.Request, lambda *_: faults.clear())

    @routes.post("/sandbox/refuse")
    async def refuse_connections(request: Request) -> Response:
        seconds: list[float] = []

        def work(_: str, wanted: bodies.RefuseRequest) -> None:
            if refuse is None:
                raise InvalidRequest("No server runs this app.")
            seconds.append(wanted.seconds)

        response = await serve(request, bodies.RefuseRequest, work)
        if refuse is not None and seconds:
            await refuse(*seconds)
        return response

    return routes


def _fault(wanted: bodies.FaultRequest) -> Fault:
    for name, kinds in _KINDS_OF.items():
        if name in wanted.model_fields_set and wanted.kind not in kinds:
            raise InvalidRequest(f"A fault of kind {wanted.kind} has no {name}.")
    if wanted.kind == "answer" and wanted.status is None:
        raise InvalidRequest("A fault of kind answer needs a status.")
    if _FRAMING_HEADERS & {name.lower() for name in wanted.headers}:
        raise InvalidRequest("headers must not have those that frame the body; contentType sets its type.")
    if wanted.status in _NO_BODY and wanted.body:
        raise InvalidRequest("A response of that status has no body.")
    fault = Fault(
        route=wanted.route,
        kind=wanted.kind,
        times=wanted.times,
        skip=wanted.skip,
        probability=wanted.probability,
        seed=wanted.seed,
        after=wanted.after,
        provider=wanted.provider,
        workspace=wanted.workspace,
        seconds=wanted.seconds,
        body=wanted.body,
        content_type=wanted.contentType,
        headers=wanted.headers,
        members=tuple(wanted.members),
    )
    return fault if wanted.status is None else replace(fault, status=wanted.status)
