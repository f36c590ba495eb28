"""The five integration routes over HTTP: typed answers, typed errors, retries. The only module that knows httpx."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from .errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    NotConnectedError,
    PermissionDeniedError,
    PlanLimitError,
    RateLimitedError,
    ServiceError,
    UnreachableError,
    UnreadableAnswerError,
)
from .models import (
    BrowserSession,
    DirectConnection,
    IntegrationItem,
    IntegrationList,
    Problem,
    SessionStatus,
    SyncStatus,
)
from .redaction import redact
from .settings import Settings

if TYPE_CHECKING:
    from typing_extensions import Self

_M = TypeVar("_M", bound=BaseModel)

_MAX_BODY = 16 * 1024 * 1024
"""Bytes; the list of a thousand providers is a quarter of a megabyte."""

# Without a handler, Python prints stamina's retry notices on stderr, where the engine shows them to the user.
logging.getLogger("stamina").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Retries:
    """How calls are repeated. Which calls may be is a rule of the client, not a setting.

    Attributes:
        attempts: Tries in all.
        first_wait: Seconds before the second try; doubles from there, with jitter.
        longest_wait: Seconds that a wait grows to at most.
    """

    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 5.0


class OutlitClient:
    """A client of one workspace. Safe to share between threads.

    Reads are repeated when there was no answer, on 429 and on 5xx. Writes are repeated only when they certainly did not
    reach the service: connection refused, or 429. Redirects are never followed, since the key must not travel.

    Every method raises an `outlit_pulumi.ApiError`, whose ``took_effect`` says whether a write may have been carried out.

    Args:
        settings: Key, base URL and time budget.
        transport: Replaces the network, in tests.
        retries: How calls are repeated.
    """

    def __init__(
        self, settings: Settings, *, transport: httpx.BaseTransport | None = None, retries: Retries = Retries()
    ) -> None:
        self._settings = settings
        self._retries = retries
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {settings.api_key}", "Accept": "application/json"},
            timeout=httpx.Timeout(min(30.0, settings.timeout), connect=min(10.0, settings.timeout)),
            follow_redirects=False,
            # A proxy from the environment cannot reach a sandbox on this machine, and would see its key in the clear.
            trust_env=not settings.loopback,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def list_integrations(self, *, connected_only: bool = False) -> list[IntegrationItem]:
        """Every provider that the workspace offers, or only the connected ones (GET /api/integrations)."""
        params = {"connectedOnly": "true"} if connected_only else {}
        return self._read("/api/integrations", params, IntegrationList).items

    def connect(self, provider: str, config: Mapping[str, str], *, force: bool = False) -> DirectConnection:
        """Connects with credentials (POST /api/integrations/connect).

        With ``force``, an existing connection is reconnected in place; the API page does not document it. An answer with
        ``already_connected`` means that nothing was applied.
        """
        body: dict[str, object] = {"provider": provider, "config": dict(config)}
        if force:
            body["force"] = True
        return self._write("/api/integrations/connect", body, DirectConnection, secrets=config.values())

    def start_session(self, provider: str) -> BrowserSession:
        """Starts a browser session, which a person completes at its ``connect_url`` (the same route without config)."""
        return self._write("/api/integrations/connect", {"provider": provider}, BrowserSession)

    def connect_status(self, session_id: str) -> SessionStatus:
        """How a browser session stands (GET /api/integrations/connect/status)."""
        return self._read("/api/integrations/connect/status", {"sessionId": session_id}, SessionStatus)

    def disconnect(self, provider: str) -> None:
        """Disconnects, and so deletes what was synced (POST /api/integrations/disconnect).

        Raises:
            NotConnectedError: there was nothing to disconnect.
        """
        self._call("POST", "/api/integrations/disconnect", json={"provider": provider}, again=_unsent)

    def sync_status(self, provider: str) -> SyncStatus:
        """Sync state per model (GET /api/integrations/sync-status)."""
        return self._read("/api/integrations/sync-status", {"provider": provider}, SyncStatus)

    def _read(self, path: str, params: dict[str, str], shape: type[_M]) -> _M:
        return self._parse(self._call("GET", path, params=params, again=_transient), shape)

    def _write(self, path: str, body: dict[str, object], shape: type[_M], *, secrets: Iterable[str] = ()) -> _M:
        return self._parse(self._call("POST", path, json=body, again=_unsent, secrets=secrets), shape)

    def _parse(self, content: bytes, shape: type[_M]) -> _M:
        try:
            return shape.model_validate_json(content)
        except ValidationError:
            # Not chained: pydantic's message quotes the body.
            raise self._unreadable() from None

    def _unreadable(self) -> UnreadableAnswerError:
        return UnreadableAnswerError(
            f"the answer from {self._settings.base_url} is not what Outlit's API documents. Check outlit:baseUrl; a proxy or "
            "a sign-in page may be answering in its place.",
            took_effect=None,
        )

    def _call(
        self,
        method: str,
        path: str,
        *,
        again: Callable[[ApiError], bool],
        secrets: Iterable[str] = (),
        **request: Any,
    ) -> bytes:
        deadline = time.monotonic() + self._settings.timeout

        def backoff(error: Exception) -> bool | float:
            if not isinstance(error, ApiError) or not again(error):
                return False
            wait = error.retry_after if isinstance(error, RateLimitedError) else None
            if wait is None:
                return True
            return wait if time.monotonic() + wait < deadline else False

        hidden = (self._settings.api_key, *(value for value in secrets if isinstance(value, str)))
        for attempt in stamina.retry_context(
            on=backoff,
            attempts=self._retries.attempts,
            timeout=self._settings.timeout,
            wait_initial=self._retries.first_wait,
            wait_max=self._retries.longest_wait,
            wait_jitter=self._retries.first_wait,
        ):
            with attempt:
                return self._once(method, path, deadline, hidden, request)
        raise AssertionError("stamina either returns or raises")

    def _once(
        self, method: str, path: str, deadline: float, secrets: tuple[str, ...], request: dict[str, Any]
    ) -> bytes:
        try:
            with self._http.stream(method, self._settings.base_url + path, **request) as response:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > _MAX_BODY:
                        raise self._unreadable()
                    if time.monotonic() > deadline:
                        raise self._unreachable("the answer did not end in time", sent=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise self._unreachable(_reason(error, secrets), sent=False) from None
        except httpx.DecodingError:
            raise self._unreadable() from None
        except httpx.TransportError as error:
            raise self._unreachable(_reason(error, secrets), sent=True) from None
        if response.status_code == 200:
            return bytes(content)
        raise _refusal(response, bytes(content), secrets)

    def _unreachable(self, reason: str, *, sent: bool) -> UnreachableError:
        return UnreachableError(
            f"no answer from {self._settings.base_url} ({reason}). Check the network and outlit:baseUrl, then run again.",
            took_effect=None if sent else False,
        )


def _transient(error: ApiError) -> bool:
    if isinstance(error, ServiceError):
        return error.status in (500, 502, 503, 504)
    return isinstance(error, (UnreachableError, RateLimitedError))


def _unsent(error: ApiError) -> bool:
    return isinstance(error, RateLimitedError) or (isinstance(error, UnreachableError) and error.took_effect is False)


def _reason(error: httpx.TransportError, secrets: tuple[str, ...]) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    return redact(str(error), secrets, limit=120) or "the connection broke"


def _refusal(response: httpx.Response, content: bytes, secrets: tuple[str, ...]) -> ApiError:
    status = response.status_code
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError:
        problem = Problem()
    said = redact(problem.error or problem.message or "", secrets)
    quoted = f' and said "{said}"' if said else ""
    if status == 400:
        return BadRequestError(f"Outlit refused the request as invalid{quoted}. Check the declared values.", status=400)
    if status == 401:
        return AuthenticationError(
            "Outlit does not accept the API key (401). Check outlit:apiKey, OUTLIT_API_KEY or the Provider's api_key.\n"
            "  After a key rotation, refresh and destroy still use the key in the state: set OUTLIT_API_KEY for them.",
            status=401,
        )
    if status == 403:
        return _forbidden(problem, quoted, secrets)
    if status == 404:
        return NotConnectedError(f"Outlit answered 404{quoted}. Nothing was changed.", status=404)
    if status == 429:
        retry_after = _retry_after(response.headers.get("Retry-After"))
        wait = f" It asks to wait {retry_after:.0f} s." if retry_after is not None else ""
        return RateLimitedError(
            f"Outlit limits the rate of requests (429).{wait} Run again later.", retry_after=retry_after
        )
    if 300 <= status < 400:
        return ServiceError(
            f"Outlit answered with a redirect ({status}), which is not followed, so that the key stays where it belongs. "
            "Check outlit:baseUrl.",
            status=status,
        )
    return ServiceError(
        f"Outlit answered {status}{quoted}. Run again; if it goes on, tell Outlit's support.",
        status=status,
        took_effect=None,
    )


def _forbidden(problem: Problem, quoted: str, secrets: tuple[str, ...]) -> PermissionDeniedError:
    code = redact(problem.code, secrets, limit=60) if problem.code else None
    if problem.code != "plan_connection_limit_exceeded":
        named = f" ({code})" if code else ""
        return PermissionDeniedError(f"Outlit does not allow it{named}{quoted}. Check the key's rights.", code=code)
    plan = redact(problem.plan or "", secrets, limit=40)
    counts = (
        f"allows {problem.limit} {'integration' if problem.limit == 1 else 'integrations'} and "
        f"{problem.current_connections} {'is' if problem.current_connections == 1 else 'are'} connected"
        if problem.limit is not None and problem.current_connections is not None
        else "has reached its number of integrations"
    )
    return PlanLimitError(
        f"the {plan + ' ' if plan else ''}plan {counts}.\n  Disconnect one or upgrade the plan, then run pulumi up again.",
        code=code,
        feature=redact(problem.feature or "", secrets, limit=60) or None,
        plan=plan or None,
        current=problem.current_connections,
        limit=problem.limit,
    )


def _retry_after(header: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        seconds = (moment - datetime.now(timezone.utc)).total_seconds()
    return None if math.isnan(seconds) else max(0.0, seconds)
