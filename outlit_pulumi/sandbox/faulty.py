"""The response to a call that met a fault: carries the fault out."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from fastapi import Response
from starlette.types import Receive, Scope, Send

from outlit_pulumi.sandbox.faults import CLOSE, RAW, RESET, WAIT, Answer, Fault, pieces, spoil


class FaultyResponse(Response):
    """Does the work and answers as a fault has it, both only once it is sent, since time may have to pass before.

    Args:
        fault: The fault.
        work: Does the work of the call, and returns the real answer.
        answered: Is told the HTTP status just before it is sent; not called when the connection breaks instead.
    """

    def __init__(self, fault: Fault, work: Callable[[], Response], answered: Callable[[int], None]) -> None:
        super().__init__()
        self._fault = fault
        self._work = work
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer, or whatever comes of it, as an ASGI application does."""
        fault = self._fault
        wait = {"type": WAIT, "seconds": fault.seconds}
        if fault.kind == "delay" and not fault.after:
            await send(wait)
        real = None if fault.spares_the_work else self._work()
        if fault.kind == "delay" and fault.after:
            await send(wait)
        if fault.kind == "reset":
            await send({"type": RESET})
            return
        answer = spoil(
            fault, None if real is None else Answer(real.status_code, bytes(real.body), real.headers["content-type"])
        )
        response = Response(answer.body, answer.status, {**answer.headers, "content-type": answer.content_type})
        self._answered(answer.status)
        if fault.kind == "drip":
            await _drip(response, fault.seconds, send)
        elif fault.kind == "drip_head":
            await _drip_head(response, fault.seconds, send)
        else:
            await response(scope, receive, send)
            if fault.kind == "hang_up":
                await send({"type": CLOSE})


async def _drip(response: Response, seconds: float, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    parts = list(pieces(bytes(response.body)))
    for number, part in enumerate(parts, start=1):
        await send({"type": WAIT, "seconds": seconds / len(parts)})
        await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})


async def _drip_head(response: Response, seconds: float, send: Send) -> None:
    status = HTTPStatus(response.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), b"connection: close"]
    parts = list(pieces(b"\r\n".join([*lines, *(b": ".join(header) for header in response.raw_headers)])))
    for part in parts:
        await send({"type": WAIT, "seconds": seconds / len(parts)})
        await send({"type": RAW, "data": part})
    await send({"type": RAW, "data": b"\r\n\r\n" + bytes(response.body)})
    await send({"type": CLOSE})
