"""What routes are given: what the app has, the workspace of the request's key, and bodies as JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from outlit_pulumi.sandbox.faults import Call, Faults
from outlit_pulumi.sandbox.store import InvalidRequest, Store

Refuse = Callable[[float], Awaitable[None]]
"""Makes the server refuse connections for that many seconds, from its return on."""

KEY = HTTPBearer(auto_error=False, description="An Outlit API key, `ok_...`.")
"""How a request carries its key."""


@dataclass
class Parts:
    """What an app has.

    Attributes:
        store: What it serves.
        refuse: Makes its server refuse connections; None where none runs it.
        calls: The call log.
        faults: The faults to come.
    """

    store: Store
    refuse: Refuse | None = None
    calls: list[Call] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Here = Annotated[Parts, Depends(_parts)]


async def workspace_of(request: Request) -> str | None:
    """The workspace of the request's key; None when the key is missing or wrong."""
    key, parts = await KEY(request), await _parts(request)
    return None if key is None else parts.store.authenticate(key.credentials)


async def workspace(request: Request) -> str:
    """The workspace of the request's key, which every route but the page's needs."""
    name = await workspace_of(request)
    if name is None:
        raise HTTPException(401, "Invalid credentials")
    if len(request.query_params) < len(request.query_params.multi_items()):
        raise InvalidRequest("A parameter is there twice.")  # FastAPI would take the last
    return name


Workspace = Annotated[str, Depends(workspace)]


class JsonRoute(APIRoute):
    """A route that takes any body as JSON, whatever the request says of its type. So ``curl -d`` is enough."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own, which looks at the type first."""
        handle = super().get_route_handler()

        async def serve(request: Request) -> Response:
            headers = [header for header in request.scope["headers"] if header[0] != b"content-type"]
            headers.append((b"content-type", b"application/json"))
            return await handle(Request({**request.scope, "headers": headers}, request.receive))

        return serve
