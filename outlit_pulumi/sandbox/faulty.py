"""The middleware that logs the calls of the API, and has those that meet a fault go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus

import pydantic_core
from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outlit_pulumi.sandbox.dependencies import Parts, workspace_of
from outlit_pulumi.sandbox.faults import CLOSE, RAW, RESET, WAIT, Answer, Call, Fault, RouteName, pieces, spoil
from outlit_pulumi.sandbox.store import InvalidRequest

_ROUTES: Mapping[tuple[str, str], RouteName] = {
    ("GET", "/api/integrations"): "list",
    ("POST", "/api/integrations/connect"): "connect",
    ("GET", "/api/integrations/connect/status"): "connect_status",
    ("POST", "/api/integrations/disconnect"): "disconnect",
    ("GET", "/api/integrations/sync-status"): "sync_status",
    ("POST", "/api/validate-api-key"): "validate_key",
}


class Misbehaving:
    """The service, whose calls are logged and meet faults.

    Args:
        app: The service.
        parts: Its store, call log and faults.
    """

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, as an ASGI application does."""
        route = _ROUTES.get((scope.get("method", ""), scope.get("path", "")))
        if route is None or (route == "validate_key" and not self._parts.store.habits.key_check):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        call = await self._call(request, route, body)
        self._parts.calls.append(call)
        fault = self._parts.faults.take(call)

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def note_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
            await send(message)

        if fault is None:
            await self._app(scope, receive_again, note_and_send)
            return
        call.fault = fault.kind

        async def work() -> Answer:
            if call.workspace and call.provider and (fault.others_connect or fault.others_disconnect):
                self._parts.store.meddle(
                    call.workspace, call.provider, disconnect=fault.others_disconnect, connect=fault.others_connect
                )
            sent: list[Message] = []

            async def keep(message: Message) -> None:
                sent.append(message)

            await self._app(scope, receive_again, keep)
            content = b"".join(message.get("body", b"") for message in sent)
            return Answer(sent[0]["status"], content, Headers(raw=sent[0]["headers"])["content-type"])

        await _go_wrong(fault, call, work, send)

    async def _call(self, request: Request, route: RouteName, body: bytes) -> Call:
        """What the log says of a call, whether or not the call is valid."""
        store = self._parts.store
        workspace = await workspace_of(request)
        provider, force = None, None
        if route == "connect_status" and workspace is not None:
            with suppress(InvalidRequest):
                provider = store.session(workspace, request.query_params.get("sessionId", "")).provider
        elif request.method == "GET":
            provider = request.query_params.get("provider")
        else:
            with suppress(ValueError):
                members = pydantic_core.from_json(body, cache_strings="none")
                if isinstance(members, dict):
                    provider, force = members.get("provider"), members.get("force")
        return Call(
            method=request.method,
            route=route,
            provider=provider if isinstance(provider, str) and provider in store.offers else None,
            status=None,
            force=force if route == "connect" and isinstance(force, bool) else None,
            workspace=workspace,
        )


async def _go_wrong(fault: Fault, call: Call, work: Callable[[], Awaitable[Answer]], send: Send) -> None:
    """Has the work done and answers as the fault has it. Time may have to pass before either."""
    wait = {"type": WAIT, "seconds": fault.seconds}
    if fault.kind == "delay" and not fault.after:
        await send(wait)
    real = None if fault.spares_the_work else await work()
    if fault.kind == "delay" and fault.after:
        await send(wait)
    if fault.kind == "reset":
        await send({"type": RESET})
        return
    answer = spoil(fault, real)
    call.status = answer.status
    response = Response(answer.body, answer.status, {**answer.headers, "content-type": answer.content_type})
    if fault.kind == "drip_head":
        await _drip_head(response, fault.seconds, send)
        return
    parts = list(pieces(answer.body)) if fault.kind == "drip" else [bytes(response.body)]
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    for number, part in enumerate(parts, start=1):
        if fault.kind == "drip":
            await send({"type": WAIT, "seconds": fault.seconds / len(parts)})
        await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})
    if fault.kind == "hang_up":
        await send({"type": CLOSE})


async def _drip_head(response: Response, seconds: float, send: Send) -> None:
    status = HTTPStatus(response.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), b"connection: close"]
    parts = list(pieces(b"\r\n".join([*lines, *(b": ".join(header) for header in response.raw_headers)])))
    for part in parts:
        await send({"type": WAIT, "seconds": seconds / len(parts)})
        await send({"type": RAW, "data": part})
    await send({"type": RAW, "data": b"\r\n\r\n" + bytes(response.body)})
    await send({"type": CLOSE})
