"""The sandbox's HTTP service: the routes of the API, those that control it, and the page for a browser.

The app never waits for time or threads, only for its transport: whoever runs it decides what passing time is.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from outlit_pulumi.sandbox import api, control, page
from outlit_pulumi.sandbox.dependencies import Parts, Refuse, workspace_of
from outlit_pulumi.sandbox.faulty import Misbehaving
from outlit_pulumi.sandbox.store import InvalidRequest, NotConnected, PlanLimitReached, Store


class _Sandbox(FastAPI):
    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)  # the service has 400 for that
        return document


def create_app(store: Store, refuse: Refuse | None = None) -> FastAPI:
    """The ASGI application that serves ``store``. It has its own call log and faults, both empty at first.

    Whoever runs it carries out the messages `WAIT`, `RESET`, `RAW` and `CLOSE`, and judges the Host header, as `Server`
    does.

    Args:
        store: What to serve.
        refuse: Makes the server refuse connections; None where none runs the app.
    """
    app = _Sandbox(
        title="Outlit integrations (sandbox)", version="2026-04", docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.parts = Parts(store, refuse)
    app.add_middleware(Misbehaving, app.state.parts)
    for routes in (api.routes, control.routes, page.routes):
        app.include_router(routes)
    _answer_problems(app)
    return app


def _answer_problems(app: FastAPI) -> None:
    @app.exception_handler(InvalidRequest)
    async def invalid(_: Request, problem: InvalidRequest) -> Response:
        return JSONResponse({"error": str(problem)}, 400)

    @app.exception_handler(PlanLimitReached)
    async def limit_reached(_: Request, problem: PlanLimitReached) -> Response:
        body = {
            "error": str(problem),
            "code": "plan_connection_limit_exceeded",
            "feature": "integration_connections",
            "plan": problem.plan,
            "currentConnections": problem.current,
            "limit": problem.limit,
        }
        return JSONResponse(body, 403)

    @app.exception_handler(NotConnected)
    async def not_connected(*_: object) -> Response:
        return JSONResponse({"success": False, "message": "Integration is not connected"}, 404)

    @app.exception_handler(page.Problem)
    async def problem_page(_: Request, problem: page.Problem) -> Response:
        return page.show_problem(problem)

    @app.exception_handler(RequestValidationError)
    async def invalid_members(request: Request, problem: RequestValidationError) -> Response:
        return await malformed(request, HTTPException(400, _what_is_wrong(problem)))

    @app.exception_handler(HTTPException)
    async def malformed(request: Request, problem: HTTPException) -> Response:
        # FastAPI reads the body first; the service looks at the key first.
        if problem.status_code == 400 and await workspace_of(request) is None:
            problem = HTTPException(401, "Invalid credentials")
        return JSONResponse({"error": problem.detail}, problem.status_code, problem.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(*_: object) -> Response:
        return Response(status_code=400)  # without an answer that nobody reads the server logs a traceback

    @app.exception_handler(Exception)
    async def failed(*_: object) -> Response:
        return JSONResponse({"error": "Internal server error"}, 500)


def _what_is_wrong(problem: RequestValidationError) -> str:
    """Names the member, if it is one of the model: anything else may be a credential."""
    first = problem.errors()[0]
    if first["type"] == "extra_forbidden":
        return "Unknown member."
    member = first["loc"][1] if len(first["loc"]) > 1 else None
    return f"{member} is missing or invalid." if isinstance(member, str) else "The body must be a JSON object."
