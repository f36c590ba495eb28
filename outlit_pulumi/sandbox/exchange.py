"""Reading requests and answering them: what the API's routes and those that control the sandbox have in common.

Requests are read by hand rather than by FastAPI: the service looks at the key before the body, and answers 400 where
FastAPI has 422.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pydantic_core
from fastapi import Request, Response
from fastapi.security import HTTPBearer
from pydantic import ValidationError

from outlit_pulumi.sandbox import bodies
from outlit_pulumi.sandbox.store import InvalidRequest, NotConnected, PlanLimitReached, Store

Raw = Mapping[str, object]
"""What a caller sent, unchecked: the query of a GET or DELETE, else the JSON object."""

Read = TypeVar("Read", bound=bodies.Request)
"""A request that was checked."""

KEY = HTTPBearer(auto_error=False, description="An Outlit API key, `ok_...`.")
"""How a request carries its key."""

_MALFORMED = "The body must be a JSON object."


async def read_workspace(store: Store, request: Request) -> str | None:
    """The workspace of the request's key; None when the key is missing or wrong."""
    key = await KEY(request)
    return None if key is None else store.authenticate(key.credentials)


async def read_raw(request: Request) -> Raw | None:
    """What the caller sent; None when malformed."""
    if request.method in ("GET", "DELETE"):
        # A parameter that is given twice becomes a list, which no model takes.
        query = request.query_params
        return {name: values[0] if len(values := query.getlist(name)) == 1 else values for name in query}
    try:
        raw = pydantic_core.from_json(await request.body(), allow_inf_nan=False, cache_strings="none")
    except ValueError:
        return None
    return raw if isinstance(raw, dict) else None


def answer(workspace: str | None, raw: Raw | None, model: type[Read], work: Callable[[str, Read], object]) -> Response:
    """The answer to a request: that of ``work``, given the workspace and the checked request, or the refusal."""
    if workspace is None:
        return json_response(401, bodies.ErrorResponse(error="Invalid credentials"))
    try:
        if raw is None:
            raise InvalidRequest(_MALFORMED)
        return json_response(200, work(workspace, _parse(model, raw)))
    except InvalidRequest as problem:
        return json_response(400, bodies.ErrorResponse(error=str(problem)))
    except PlanLimitReached as problem:
        return json_response(
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
        return json_response(404, bodies.NotConnectedResponse(success=False, message="Integration is not connected"))


def _parse(model: type[Read], raw: Raw) -> Read:
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        # Pydantic's own message shows the input, which may be a credential. Only names of the model are repeated.
        member = problem.errors(include_input=False, include_context=False, include_url=False)[0]["loc"][0]
        known = member in model.model_fields
        raise InvalidRequest(f"{member} is missing or invalid." if known else "Unknown member.") from None


def json_response(status: int, body: object) -> Response:
    """A response with a body: a model, any JSON, or ``{}`` for None."""
    if isinstance(body, bodies.Response):
        content = body.model_dump_json(exclude_unset=True).encode()
    else:
        content = pydantic_core.to_json({} if body is None else body)
    return Response(content, status, media_type="application/json")
