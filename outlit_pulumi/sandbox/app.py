"""The sandbox's HTTP routes: the five of the API page, and those under ``/sandbox`` that control it.

Requests are read by hand rather than by FastAPI: the service looks at the key before the body, and answers 400 where
FastAPI has 422.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

import pydantic_core
from fastapi import APIRouter, FastAPI, Request, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from outlit_pulumi.sandbox import bodies
from outlit_pulumi.sandbox.store import (
    Integration,
    InvalidRequest,
    NotConnected,
    PlanLimitReached,
    Session,
    Store,
    timestamp,
)
from outlit_pulumi.sandbox.traffic import Call, Fault, RouteName, Traffic

_Read = TypeVar("_Read", bound=bodies.Request)
_MALFORMED = "The body must be a JSON object."
_NO_BODY = (204, 205, 304)
_FRAMING_HEADERS = frozenset({"connection", "content-length", "content-type", "transfer-encoding"})

_key = HTTPBearer(auto_error=False, description="An Outlit API key, `ok_...`.")


def create_app(store: Store) -> FastAPI:
    """The ASGI application that serves ``store``. It has its own call log and faults, both empty at first."""
    app = FastAPI(
        title="Outlit integrations (sandbox)",
        version="2026-04",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            HTTPException: _on_http_exception,
            ClientDisconnect: _on_client_disconnect,
            Exception: _on_exception,
        },
    )
    traffic = Traffic()
    app.include_router(_integration_routes(store, traffic))
    app.include_router(_control_routes(store, traffic))
    return app


def _integration_routes(store: Store, traffic: Traffic) -> APIRouter:
    routes = APIRouter(prefix="/api/integrations", dependencies=[Security(_key)])

    async def serve(
        request: Request, route: RouteName, model: type[_Read], work: Callable[[str, _Read], bodies.Response]
    ) -> Response:
        workspace = await _workspace(store, request)
        raw = await _raw(request)
        fault = traffic.take_fault(route)
        if fault is not None and not fault.after:
            response = _canned(fault)
        else:
            response = _answer(workspace, raw, model, work)
            if fault is not None:
                response = _canned(fault)
        provider, force = _about(store, workspace, raw)
        force = force if route == "connect" else None
        traffic.record(Call(request.method, route, provider, response.status_code, force, workspace))
        return response

    @routes.get(
        "",
        name="List Integrations",
        response_model=bodies.ListResponse,
        responses=_responses(),
        openapi_extra=_query(bodies.ListRequest),
    )
    async def list_integrations(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.ListRequest) -> bodies.Response:
            return bodies.ListResponse(
                items=[
                    _item(integration)
                    for integration in store.integrations(workspace)
                    if integration.connection or wanted.connectedOnly == "false"
                ]
            )

        return await serve(request, "list", bodies.ListRequest, work)

    @routes.post(
        "/connect",
        name="Connect Integration",
        response_model=bodies.ConnectedResponse | bodies.SessionResponse,
        responses=_responses({400: bodies.ErrorResponse, 403: bodies.PlanLimitResponse}),
        openapi_extra=_body(bodies.ConnectRequest),
    )
    async def connect(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.ConnectRequest) -> bodies.Response:
            if "config" in wanted.model_fields_set:
                connected = store.connect(workspace, wanted.provider, wanted.config, force=wanted.force)
                return bodies.ConnectedResponse(
                    connected=True,
                    connectionId=connected.connection_id,
                    alreadyConnected=connected.already_connected,
                )
            session = store.start_session(workspace, wanted.provider, force=wanted.force)
            return bodies.SessionResponse(
                sessionId=session.id,
                connectUrl=f"{_base_url(request)}/integrations",
                alreadyConnected=session.already_connected,
            )

        return await serve(request, "connect", bodies.ConnectRequest, work)

    @routes.get(
        "/connect/status",
        name="Poll Connection Status",
        response_model=bodies.ConnectStatusResponse,
        responses=_responses({400: bodies.ErrorResponse}),
        openapi_extra=_query(bodies.SessionRequest),
    )
    async def connect_status(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.SessionRequest) -> bodies.Response:
            return _connect_status(store.session(workspace, wanted.sessionId))

        return await serve(request, "connect_status", bodies.SessionRequest, work)

    @routes.post(
        "/disconnect",
        name="Disconnect Integration",
        response_model=bodies.DisconnectedResponse,
        responses=_responses({400: bodies.ErrorResponse, 404: bodies.NotConnectedResponse}),
        openapi_extra=_body(bodies.ProviderRequest),
    )
    async def disconnect(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.ProviderRequest) -> bodies.Response:
            store.disconnect(workspace, wanted.provider)
            return bodies.DisconnectedResponse(success=True)

        return await serve(request, "disconnect", bodies.ProviderRequest, work)

    @routes.get(
        "/sync-status",
        name="Get Sync Status",
        response_model=bodies.SyncStatusResponse,
        responses=_responses({400: bodies.ErrorResponse}),
        openapi_extra=_query(bodies.ProviderRequest),
    )
    async def sync_status(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.ProviderRequest) -> bodies.Response:
            return _sync_status(store.integration(workspace, wanted.provider))

        return await serve(request, "sync_status", bodies.ProviderRequest, work)

    return routes


def _control_routes(store: Store, traffic: Traffic) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    async def serve(request: Request, model: type[_Read], work: Callable[[str, _Read], object]) -> Response:
        raw = await _raw(request)
        return _answer(await _workspace(store, request), raw, model, work)

    @routes.get("/integrations")
    async def page() -> Response:
        return PlainTextResponse(
            "This is the Outlit sandbox. Nobody signs in here: end a browser session with\n"
            'POST /sandbox/sessions/<sessionId> {"outcome": "connected"} or {"outcome": "failed"}.\n'
        )

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
            return _connect_status(store.finish_session(workspace, session_id, wanted.outcome, wanted.error))

        return await serve(request, bodies.EndSessionRequest, work)

    @routes.post("/sandbox/syncs")
    async def set_sync(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.SyncRequest) -> object:
            store.set_sync(
                workspace, wanted.provider, wanted.status, model=wanted.model, error_message=wanted.errorMessage
            )
            return _sync_status(store.integration(workspace, wanted.provider))

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
            return {"plan": plan.name, "limit": plan.limit}

        return await serve(request, bodies.SettingsRequest, work)

    @routes.post("/sandbox/faults")
    async def add_fault(request: Request) -> Response:
        def work(_: str, wanted: bodies.FaultRequest) -> None:
            if _FRAMING_HEADERS & {name.lower() for name in wanted.headers}:
                raise InvalidRequest("headers must not have those that frame the body; contentType sets its type.")
            if wanted.status in _NO_BODY and wanted.body:
                raise InvalidRequest("A response of that status has no body.")
            traffic.add_fault(
                Fault(
                    route=wanted.route,
                    status=wanted.status,
                    body=wanted.body,
                    content_type=wanted.contentType,
                    headers=wanted.headers,
                    times=wanted.times,
                    after=wanted.after,
                )
            )

        return await serve(request, bodies.FaultRequest, work)

    @routes.delete("/sandbox/faults")
    async def clear_faults(request: Request) -> Response:
        return await serve(request, bodies.Request, lambda *_: traffic.clear_faults())

    return routes


# Reading requests


async def _workspace(store: Store, request: Request) -> str | None:
    key = await _key(request)
    return None if key is None else store.authenticate(key.credentials)


async def _raw(request: Request) -> Mapping[str, object] | None:
    """What the caller sent, unchecked: the query of a GET or DELETE, else the JSON object; None when malformed."""
    if request.method in ("GET", "DELETE"):
        # A parameter that is given twice becomes a list, which no model takes.
        query = request.query_params
        return {name: values[0] if len(values := query.getlist(name)) == 1 else values for name in query}
    try:
        raw = pydantic_core.from_json(await request.body(), allow_inf_nan=False, cache_strings="none")
    except ValueError:
        return None
    return raw if isinstance(raw, dict) else None


def _about(store: Store, workspace: str | None, raw: Mapping[str, object] | None) -> tuple[str | None, bool | None]:
    """The provider and the force flag of a call, for the log, whether or not the call is valid."""
    raw = raw or {}
    provider, force, session_id = raw.get("provider"), raw.get("force"), raw.get("sessionId")
    if workspace is not None and isinstance(session_id, str):
        try:
            provider = store.session(workspace, session_id).provider
        except InvalidRequest:
            provider = None
    return (
        provider if isinstance(provider, str) and provider in store.offers else None,
        force if isinstance(force, bool) else None,
    )


# Answering


def _answer(
    workspace: str | None,
    raw: Mapping[str, object] | None,
    model: type[_Read],
    work: Callable[[str, _Read], object],
) -> Response:
    if workspace is None:
        return _json(401, bodies.ErrorResponse(error="Invalid credentials"))
    try:
        if raw is None:
            raise InvalidRequest(_MALFORMED)
        return _json(200, work(workspace, _parse(model, raw)))
    except InvalidRequest as problem:
        return _json(400, bodies.ErrorResponse(error=str(problem)))
    except PlanLimitReached as problem:
        return _json(
            403,
            bodies.PlanLimitResponse(
                error=str(problem),
                code="plan_connection_limit_exceeded",
                feature="integration_connections",
                plan=problem.plan,
                currentConnections=problem.current,
                limit=problem.limit,
            ),
        )
    except NotConnected:
        return _json(404, bodies.NotConnectedResponse(success=False, message="Integration is not connected"))


def _parse(model: type[_Read], raw: Mapping[str, object]) -> _Read:
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        # Pydantic's own message shows the input, which may be a credential. Only names of the model are repeated.
        member = problem.errors(include_input=False, include_context=False, include_url=False)[0]["loc"][0]
        known = member in model.model_fields
        raise InvalidRequest(f"{member} is missing or invalid." if known else "Unknown member.") from None


def _json(status: int, body: object) -> Response:
    if isinstance(body, bodies.Response):
        content = body.model_dump_json(exclude_unset=True).encode()
    else:
        content = pydantic_core.to_json({} if body is None else body)
    return Response(content, status, media_type="application/json")


def _canned(fault: Fault) -> Response:
    return Response(fault.body.encode(), fault.status, headers={**fault.headers, "content-type": fault.content_type})


def _base_url(request: Request) -> str:
    # Where the server listens, not the Host header, which a caller may set to anything.
    host, port = request.scope["server"]
    return f"http://{host}:{port}"


def _item(integration: Integration) -> bodies.Item:
    connection, received = integration.connection, integration.last_data_received_at
    return bodies.Item(
        id=integration.offer.id,
        name=integration.offer.name,
        category=integration.offer.category,
        status=_status(integration),
        connectionId=connection.connection_id if connection else None,
        lastDataReceivedAt=None if received is None else timestamp(received),
        syncStatus=integration.sync_status,
        errorMessage=integration.error_message,
    )


def _sync_status(integration: Integration) -> bodies.SyncStatusResponse:
    return bodies.SyncStatusResponse(
        provider=integration.offer.id,
        name=integration.offer.name,
        category=integration.offer.category,
        status=_status(integration),
        syncs=[
            bodies.SyncItem(
                model=sync.model,
                status=sync.status,
                lastSyncedAt=None if sync.last_synced_at is None else timestamp(sync.last_synced_at),
                errorMessage=sync.error_message,
            )
            for sync in integration.syncs
        ],
    )


def _status(integration: Integration) -> str:
    return "connected" if integration.connection else "not_connected"


def _connect_status(session: Session) -> bodies.ConnectStatusResponse:
    members = {"status": session.status, "provider": session.provider}
    return bodies.ConnectStatusResponse.model_validate(
        members if session.error is None else {**members, "error": session.error}
    )


async def _on_http_exception(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    body = bodies.ErrorResponse(error=http.HTTPStatus(problem.status_code).phrase)
    response = _json(problem.status_code, body)
    response.headers.update(problem.headers or {})
    return response


async def _on_client_disconnect(request: Request, problem: Exception) -> Response:
    # Nobody is there to read it; without this the server logs a traceback.
    return Response(status_code=400)


async def _on_exception(request: Request, problem: Exception) -> Response:
    return _json(500, bodies.ErrorResponse(error="Internal server error"))


# Documenting


def _responses(errors: Mapping[int, type[bodies.Response]] | None = None) -> dict[int | str, dict[str, Any]]:
    models = {401: bodies.ErrorResponse, **(errors or {}), 500: bodies.ErrorResponse}
    return {status: {"model": model} for status, model in sorted(models.items())}


def _query(model: type[bodies.Request]) -> dict[str, Any]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": property_schema}
            for name, property_schema in schema["properties"].items()
        ]
    }


def _body(model: type[bodies.Request]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}
