"""The five integration routes over HTTP: typed answers, typed errors, retries. The only module that knows httpx."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import catalog
from .errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotConnectedError,
    PermissionDeniedError,
    PlanLimitError,
    RateLimitedError,
    ServiceError,
    UnreachableError,
    UnreadableAnswerError,
)
from .imports import without
from .models import (
    Answer,
    BrowserSession,
    DirectConnection,
    Disconnection,
    IntegrationItem,
    IntegrationList,
    Problem,
    SessionStatus,
    SyncStatus,
    UnreadableError,
    parse,
)
from .proxy import proxy_for
from .redaction import SHARED, Redactor
from .settings import Settings

# Where click and rich are installed, as with our extra `cli`, httpx loads its own command line with itself, which takes
# longer than the rest of it. It does without where they are not.
with without("httpx._main"):
    import httpx

if TYPE_CHECKING:
    from concurrent.futures import Future
    from ssl import SSLContext

    from typing_extensions import Self

_A = TypeVar("_A", bound=Answer)

# Below that it logs URLs and the headers of answers, in which a service can repeat a credential. A program that uses
# data functions loads this module, too: what its own use of httpcore logs below a warning is then silent.
logging.getLogger("httpcore").setLevel(logging.WARNING)

_MAX_BODY = 16 * 1024 * 1024
"""Bytes; the list of a thousand providers is a quarter of a megabyte."""

_LONGEST_REQUEST = 30.0
"""Seconds that the service may stay silent within one request."""


_DAY = 86_400.0
"""Seconds; a wait of more is not asked for in earnest, and the number may be anything."""


class Clock:
    """Where time comes from. Tests inject one that does not wait."""

    def now(self) -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


class Budget:
    """The time that one operation (create, read, update, delete) may take, however many calls it makes.

    Each call may take half of what is left, so that after a write whose answer never came there is time to look.

    Args:
        clock: Where time comes from.
        seconds: How long the operation may take, from now on.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._ends = clock.now() + seconds

    def deadline(self) -> float:
        """When a call that starts now must have ended, on the same clock."""
        now = self._clock.now()
        return now + max(0.0, self._ends - now) / 2


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

    Reads are repeated when there was no answer or none that can be read, on 429 and on 5xx. Writes are repeated only
    when they certainly did not reach the service: connection refused, or 429. A ``Retry-After`` is waited for where the
    time allows it; where not, the call ends at once. Redirects are never followed, since the key must not travel.

    Every method raises an `outlit_pulumi.ApiError`, whose ``took_effect`` says whether a write may have been carried
    out, and takes the budget of the operation that it is part of; without one, the call may take all of
    ``outlit:timeout``.

    Args:
        settings: Key, base URL and time budget.
        trust: The certificates that HTTPS trusts, under way; by default httpx reads them.
        transport: Replaces the network, in tests.
        retries: How calls are repeated.
        clock: Where time comes from.

    Raises:
        ConfigurationError: the environment's proxy or certificate settings are of no use.

    Attributes:
        clock: Where time comes from.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        trust: Future[SSLContext] | None = None,
        transport: httpx.BaseTransport | None = None,
        retries: Retries = Retries(),
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._retries = retries
        self.clock = clock or Clock()
        self._key = Redactor((settings.api_key,))
        self._hide = Redactor((), also=self._key, spellings=False)
        self._secrets: dict[str, set[str]] = {}
        self._headers = httpx.Headers(
            {
                "Authorization": f"Bearer {settings.api_key}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": "outlit-pulumi",
            }
        )
        try:
            # A transport, not httpx.Client, whose cookies, redirects and hooks take a third of a call: none is needed.
            self._http = transport or httpx.HTTPTransport(
                verify=trust.result() if trust else True,
                # A proxy of the environment cannot reach a sandbox on this machine, and would see its key unencrypted.
                trust_env=not settings.loopback,
                proxy=None if settings.loopback else proxy_for(settings.base_url),
            )
        except (ImportError, OSError, ValueError):
            failed = ConfigurationError(
                "HTTPS cannot be set up with the proxy and certificate settings of the environment. Check HTTPS_PROXY, "
                "ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR; a SOCKS proxy needs the package socksio."
            )
        else:
            return
        # Raised out here, or it would carry along what it could not read, such as a proxy's address with its password.
        raise failed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def budget(self) -> Budget:
        """The time for one operation, which starts now (``outlit:timeout``)."""
        return Budget(self.clock, self._settings.timeout)

    def hiding(self, provider: str, secrets: Iterable[str]) -> Redactor:
        """Hides these, earlier ones of the provider, and the API key; those of other providers as they are.

        The client's messages do, too: every spelling as long as the redactor is in use, and then as they are.
        """
        known = self._secrets.setdefault(provider, set())
        known.update(secrets)
        # A short one would hide parts of words in what is said of other integrations.
        self._hide.add(secret for secret in known if len(secret) >= SHARED)
        hide = Redactor(known, also=self._hide)
        self._hide.include(hide)
        return hide

    def list_integrations(self, *, connected_only: bool = False, budget: Budget | None = None) -> list[IntegrationItem]:
        """Every provider that the workspace offers, or only the connected ones (GET /api/integrations)."""
        params = {"connectedOnly": "true"} if connected_only else {}
        return self._read("/api/integrations", params, IntegrationList, budget).items

    def connect(
        self,
        provider: str,
        config: Mapping[str, str],
        *,
        force: bool = False,
        budget: Budget | None = None,
        hide: Redactor | None = None,
    ) -> DirectConnection:
        """Connects with credentials (POST /api/integrations/connect).

        With ``force``, an existing connection is reconnected in place; the API page does not document it. An answer
        with ``already_connected`` means that nothing was applied. ``hide`` keeps the credentials out of messages; by
        default it is made for them.
        """
        body: dict[str, object] = {"provider": provider, "config": dict(config)}
        if force:
            body["force"] = True
        hide = hide or self.hiding(provider, catalog.secret_values(provider, config))
        return self._write("/api/integrations/connect", body, DirectConnection, budget, hide)

    def start_session(self, provider: str, *, budget: Budget | None = None) -> BrowserSession:
        """Starts a browser session, which a person completes at its ``connect_url`` (the same route without config)."""
        return self._write("/api/integrations/connect", {"provider": provider}, BrowserSession, budget)

    def connect_status(self, session_id: str, *, budget: Budget | None = None) -> SessionStatus:
        """How a browser session stands (GET /api/integrations/connect/status)."""
        return self._read("/api/integrations/connect/status", {"sessionId": session_id}, SessionStatus, budget)

    def disconnect(self, provider: str, *, budget: Budget | None = None) -> None:
        """Disconnects, and so deletes what was synced (POST /api/integrations/disconnect).

        Raises:
            NotConnectedError: there was nothing to disconnect.
        """
        # The answer is read for what it says: a sign-in page in its place must not count as done.
        self._write("/api/integrations/disconnect", {"provider": provider}, Disconnection, budget)

    def sync_status(self, provider: str, *, budget: Budget | None = None) -> SyncStatus:
        """Sync state per model (GET /api/integrations/sync-status)."""
        found = self._read("/api/integrations/sync-status", {"provider": provider}, SyncStatus, budget)
        if found.provider != provider:
            # What a cache answers for another provider must not make this one look gone.
            raise self._unreadable(self._hide)
        return found

    def _read(self, path: str, params: dict[str, str], shape: type[_A], budget: Budget | None) -> _A:
        return self._call("GET", path, shape, budget, self._hide, again=_transient, params=params)

    def _write(
        self, path: str, body: dict[str, object], shape: type[_A], budget: Budget | None, hide: Redactor | None = None
    ) -> _A:
        return self._call("POST", path, shape, budget, hide or self._hide, again=_unsent, json=body)

    def _parse(self, content: bytes, shape: type[_A], hide: Redactor) -> _A:
        try:
            return parse(content, shape)
        except UnreadableError:
            raise self._unreadable(hide) from None

    def _unreadable(self, hide: Redactor) -> UnreadableAnswerError:
        return UnreadableAnswerError(
            f"the answer from {hide(self._settings.base_url)} is not what Outlit's API documents. Check "
            "outlit:baseUrl; a proxy or a sign-in page may be answering in its place.",
            took_effect=None,
        )

    def _call(
        self,
        method: str,
        path: str,
        shape: type[_A],
        budget: Budget | None,
        hide: Redactor,
        *,
        again: Callable[[ApiError], bool],
        **request: Any,
    ) -> _A:
        deadline = budget.deadline() if budget else self.clock.now() + self._settings.timeout

        def once() -> _A:
            return self._parse(self._once(method, path, deadline, hide, request), shape, hide)

        try:
            return once()
        except ApiError as error:
            if not again(error):
                raise
            failed = error
        return self._again(once, failed, again, deadline)

    def _again(
        self, once: Callable[[], _A], failed: ApiError, again: Callable[[ApiError], bool], deadline: float
    ) -> _A:
        """Repeats a call that failed."""
        import tenacity  # most processes never need it

        first, longest = self._retries.first_wait, self._retries.longest_wait
        backoff = tenacity.wait_exponential(multiplier=first, max=longest) + tenacity.wait_random(0, first)
        made = iter((failed,))

        def attempt() -> _A:
            for failure in made:
                raise failure
            return once()

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, ApiError) else None
            return max(asked or 0.0, backoff(state))

        def give_up(state: tenacity.RetryCallState) -> bool:
            late = self.clock.now() + state.upcoming_sleep >= deadline
            return late or state.attempt_number >= self._retries.attempts

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, ApiError) and again(error)),
            wait=wait,
            stop=give_up,
            sleep=self.clock.sleep,
            reraise=True,
        )
        return retrying(attempt)

    def _once(self, method: str, path: str, deadline: float, hide: Redactor, request: dict[str, Any]) -> bytes:
        left = min(_LONGEST_REQUEST, deadline - self.clock.now())
        if left <= 0:
            raise self._unreachable("outlit:timeout is used up", hide, sent=False)
        # Connecting comes on top of this, out of the half that the budget holds back.
        timeout = httpx.Timeout(left, connect=min(10.0, left))
        try:
            response = self._http.handle_request(
                httpx.Request(
                    method,
                    self._settings.base_url + path,
                    headers=self._headers,
                    extensions={"timeout": timeout.as_dict()},
                    **request,
                )
            )
            with closing(response):
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > _MAX_BODY:
                        raise self._unreadable(hide)
                    if self.clock.now() > deadline:
                        raise self._unreachable("the answer did not end in time", hide, sent=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            failed: ApiError = self._unreachable(_reason(error, hide), hide, sent=False)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            failed = self._unreachable("not a usable address", hide, sent=False)
        except httpx.DecodingError:
            failed = self._unreadable(hide)
        except httpx.TransportError as error:
            late = isinstance(error, httpx.TimeoutException)
            failed = self._unreachable(_reason(error, hide), hide, sent=True, under_way=late)
        else:
            if response.status_code == 200:
                return bytes(content)
            failed = _refusal(response, bytes(content), hide)
        # Raised out here, or it would carry httpx's error along, which holds the request and its key.
        raise failed

    def _unreachable(self, reason: str, hide: Redactor, *, sent: bool, under_way: bool = False) -> UnreachableError:
        return UnreachableError(
            f"no answer from {hide(self._settings.base_url)} ({reason}). Check the network and outlit:baseUrl or "
            "OUTLIT_API_URL, then run again.",
            took_effect=None if sent else False,
            under_way=under_way,
        )


def _transient(error: ApiError) -> bool:
    if isinstance(error, ServiceError):
        return error.status in (500, 502, 503, 504)
    return isinstance(error, (UnreachableError, UnreadableAnswerError, RateLimitedError))


def _unsent(error: ApiError) -> bool:
    return isinstance(error, RateLimitedError) or (isinstance(error, UnreachableError) and error.took_effect is False)


def _reason(error: httpx.TransportError, hide: Redactor) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    if isinstance(error, httpx.ProtocolError) and not str(error).startswith("Server disconnected"):
        return "it does not speak HTTP"  # httpx's message quotes what came
    return hide(str(error), limit=120) or "the connection broke"


def _refusal(response: httpx.Response, content: bytes, hide: Redactor) -> ApiError:
    status = response.status_code
    try:
        problem = parse(content, Problem)
    except UnreadableError:
        problem = Problem()
    said = hide(problem.error or problem.message or "")
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
        return _forbidden(problem, quoted, hide)
    if status == 404 and problem.success is False:
        return NotConnectedError(f"Outlit answered 404{quoted}. Nothing was changed.", status=404)
    retry_after = _retry_after(response.headers.get("Retry-After"))
    if status == 429:
        wait = f" It asks to wait {retry_after:.0f} s." if retry_after is not None else ""
        return RateLimitedError(
            f"Outlit limits the rate of requests (429).{wait} Run again later.", status=429, retry_after=retry_after
        )
    if 300 <= status < 400:
        return ServiceError(
            f"Outlit answered with a redirect ({status}), which is not followed, so that the key stays where it "
            "belongs. Check outlit:baseUrl.",
            status=status,
        )
    return ServiceError(
        f"Outlit answered {status}{quoted}. Run again; if it goes on, tell Outlit's support.",
        status=status,
        took_effect=None,
        under_way=status == 504,  # a gateway that stopped waiting for the service
        retry_after=retry_after,
    )


def _forbidden(problem: Problem, quoted: str, hide: Redactor) -> PermissionDeniedError:
    code = hide(problem.code, limit=60) if problem.code else None
    if problem.code != "plan_connection_limit_exceeded":
        named = f" ({code})" if code else ""
        return PermissionDeniedError(f"Outlit does not allow it{named}{quoted}. Check the key's rights.", code=code)
    plan = hide(problem.plan or "", limit=40)
    counts = (
        f"allows {problem.limit} {'integration' if problem.limit == 1 else 'integrations'} and "
        f"{problem.current_connections} {'is' if problem.current_connections == 1 else 'are'} connected"
        if problem.limit is not None and problem.current_connections is not None
        else "has reached its number of integrations"
    )
    return PlanLimitError(
        f"the {plan + ' ' if plan else ''}plan {counts}.\n"
        "  Disconnect one or upgrade the plan, then run pulumi up again.",
        code=code,
        feature=hide(problem.feature or "", limit=60) or None,
        plan=plan or None,
        current=problem.current_connections,
        limit=problem.limit,
    )


def _retry_after(header: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date; None where it holds neither."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=timezone.utc)
            seconds = (moment - datetime.now(timezone.utc)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, seconds), _DAY) if math.isfinite(seconds) else None
