"""The sandbox's HTTP service: the routes of the API, those that control it, and the page for a browser.

The app never waits for time or threads, only for its transport: whoever runs it decides what passing time is.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, Security
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from outlit_pulumi.sandbox import bodies, views
from outlit_pulumi.sandbox.control import Refuse, control_routes
from outlit_pulumi.sandbox.exchange import KEY, Raw, Read, answer, json_response, read_raw, read_workspace
from outlit_pulumi.sandbox.faults import Faults, RouteName
from outlit_pulumi.sandbox.faulty import FaultyResponse
from outlit_pulumi.sandbox.page import page_routes
from outlit_pulumi.sandbox.store import InvalidRequest, Store
from outlit_pulumi.sandbox.traffic import Call, Traffic


def create_app(store: Store, refuse: Refuse | None = None) -> FastAPI:
    """The ASGI application that serves ``store``. It has its own call log and faults, both empty at first.

    Whoever runs it carries out the messages `WAIT`, `RESET`, `RAW` and `CLOSE`.

    Args:
        store: What to serve.
        refuse: Makes the server refuse connections; None where none runs the app.
    """
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
    traffic, faults = Traffic(), Faults()
    routes = _integration_routes(store, traffic, faults)
    app.router.routes += _served(routes)
    app.include_router(routes)
    app.include_router(control_routes(store, traffic, faults, refuse))
    app.include_router(page_routes(store))
    return app


def _served(documented: APIRouter) -> Iterator[Route]:
    """The same routes without what FastAPI does for each request, which takes a quarter of its time and is not used."""
    for route in documented.routes:
        assert isinstance(route, APIRoute)
        plain = Route(route.path, route.endpoint, include_in_schema=False)
        plain.methods = route.methods  # and not HEAD, which Starlette adds
        yield plain


def _integration_routes(store: Store, traffic: Traffic, faults: Faults) -> APIRouter:
    routes = APIRouter(prefix="/api", dependencies=[Security(KEY)])

    async def serve(
        request: Request, route: RouteName, model: type[Read], work: Callable[[str, Read], bodies.Response]
    ) -> Response:
        workspace = await read_workspace(store, request)
        raw = {} if model is bodies.KeyRequest else await read_raw(request)
        provider, force = _about(store, workspace, raw)
        fault = faults.take(route, provider, workspace)
        force = force if route == "connect" else None
        kind = None if fault is None else fault.kind
        call = traffic.begin(Call(request.method, route, provider, None, force, workspace, kind))

        def real_answer() -> Response:
            if fault is not None and workspace is not None and provider is not None:
                store.meddle(workspace, provider, disconnect=fault.others_disconnect, connect=fault.others_connect)
            if workspace is None and route == "validate_key":
                return json_response(401, bodies.InvalidKeyResponse(valid=False, error="Invalid credentials"))
            return answer(workspace, raw, model, work)

        if fault is not None:
            return FaultyResponse(fault, real_answer, partial(traffic.answer, call))
        response = real_answer()
        traffic.answer(call, response.status_code)
        return response

    @routes.post(
        "/validate-api-key",
        name="Validate API Key",
        response_model=bodies.KeyResponse,
        responses={401: {"model": bodies.InvalidKeyResponse}, 500: {"model": bodies.ErrorResponse}},
    )
    async def validate_key(request: Request) -> Response:
        if not store.habits.key_check:
            raise HTTPException(404)

        def work(workspace: str, _: bodies.KeyRequest) -> bodies.Response:
            return bodies.KeyResponse(valid=True, organizationId=f"org_{workspace}", createdById="user_sandbox")

        return await serve(request, "validate_key", bodies.KeyRequest, work)

    @routes.get(
        "/integrations",
        name="List Integrations",
        response_model=bodies.ListResponse,
        responses=_responses(),
        openapi_extra=_query(bodies.ListRequest),
    )
    async def list_integrations(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.ListRequest) -> bodies.Response:
            return bodies.ListResponse(
                items=[
                    views.item(integration)
                    for integration in store.integrations(workspace, "list")
                    if integration.connection or wanted.connectedOnly == "false"
                ]
            )

        return await serve(request, "list", bodies.ListRequest, work)

    @routes.post(
        "/integrations/connect",
        name="Connect Integration",
        response_model=bodies.ConnectedResponse | bodies.SessionResponse,
        responses=_responses({403: bodies.PlanLimitResponse}),
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
                connectUrl=f"{request.base_url}integrations",
                alreadyConnected=session.already_connected,
            )

        return await serve(request, "connect", bodies.ConnectRequest, work)

    @routes.get(
        "/integrations/connect/status",
        name="Poll Connection Status",
        response_model=bodies.ConnectStatusResponse,
        responses=_responses(),
        openapi_extra=_query(bodies.SessionRequest),
    )
    async def connect_status(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.SessionRequest) -> bodies.Response:
            return views.connect_status(store.session(workspace, wanted.sessionId))

        return await serve(request, "connect_status", bodies.SessionRequest, work)

    @routes.post(
        "/integrations/disconnect",
        name="Disconnect Integration",
        response_model=bodies.DisconnectedResponse,
        responses=_responses({404: bodies.NotConnectedResponse}),
        openapi_extra=_body(bodies.ProviderRequest),
    )
    async def disconnect(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.ProviderRequest) -> bodies.Response:
            store.disconnect(workspace, wanted.provider)
            return bodies.DisconnectedResponse(success=True)

        return await serve(request, "disconnect", bodies.ProviderRequest, work)

    @routes.get(
        "/integrations/sync-status",
        name="Get Sync Status",
        response_model=bodies.SyncStatusResponse,
        responses=_responses(),
        openapi_extra=_query(bodies.ProviderRequest),
    )
    async def sync_status(request: Request) -> Response:
        def work(workspace: str, wanted: bodies.ProviderRequest) -> bodies.Response:
            return views.sync_status(store.integration(workspace, wanted.provider, "sync_status"))

        return await serve(request, "sync_status", bodies.ProviderRequest, work)

    return routes


def _about(store: Store, workspace: str | None, raw: Raw | None) -> tuple[str | None, bool | None]:
    """The provider and the force flag of a call, whether or not the call is valid."""
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


async def _on_http_exception(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    body = bodies.ErrorResponse(error=http.HTTPStatus(problem.status_code).phrase)
    response = json_response(problem.status_code, body)
    response.headers.update(problem.headers or {})
    return response


async def _on_client_disconnect(_request: Request, _problem: Exception) -> Response:
    # Nobody is there to read it; without this the server logs a traceback.
    return Response(status_code=400)


async def _on_exception(_request: Request, _problem: Exception) -> Response:
    return json_response(500, bodies.ErrorResponse(error="Internal server error"))


# Documenting


def _responses(errors: Mapping[int, type[bodies.Response]] | None = None) -> dict[int | str, dict[str, Any]]:
    models = {**dict.fromkeys((400, 401, 500), bodies.ErrorResponse), **(errors or {})}
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
