"""The five integration routes over HTTP: typed answers, typed errors, retries. The only module that knows httpx."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from concurrent.futures import TimeoutError as GivenUp
from contextlib import nullcontext
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from .. import catalog
from ..errors import ConfigurationError
from ..settings import Settings
from .errors import ApiError, ServiceError, UnreachableError, UnreadableAnswerError
from .models import (
    Answer,
    BrowserSession,
    DirectConnection,
    Disconnection,
    IntegrationList,
    KeyOwner,
    SessionStatus,
    SyncStatus,
    UnreadableError,
    parse,
)
from .redaction import Redactor
from .refusals import NOT_SERVED, refusal
from .retry import Budget, Clock, Retries, in_thread

_A = TypeVar("_A", bound=Answer)

# Below that they log URLs and the headers of answers, in which a service can repeat a credential. A program that uses
# data functions loads this module, too: its own use of httpx and httpcore then logs nothing below a warning.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_MAX_BODY = 16 * 1024 * 1024
"""Bytes, as sent and as decoded; the list of a thousand providers is a quarter of a megabyte."""

_ENCODINGS = ("gzip", "deflate", "identity")

_CONNECTING = 10.0
"""Seconds in which the service, or the proxy, must accept a connection."""


class OutlitClient:
    """A client of one workspace. Safe to share between threads.

    Reads are repeated when there was no answer or none that can be read, on 408, 425, 429 and 5xx. Writes are repeated
    only when they certainly did not reach the service: connection refused, or 429. A ``Retry-After`` is waited for
    where the time allows it; where not, the call ends at once. Another try is on a new connection, since a server may
    close an idle one without a word. Redirects are never followed, since the key must not travel.

    Every method raises an `outlit_pulumi.ApiError`, whose ``took_effect`` says whether a write may have been carried
    out, and takes the budget of the operation that it is part of; without one, the call may take ``outlit:timeout``.
    That bounds all of it: connecting, waiting, headers and body.

    Attributes:
        clock: The source of time.
        hide: Hides the API key and every credential that it was told of.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        retries: Retries | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._retries = retries or Retries()
        self.clock = clock or Clock()
        self.hide = Redactor((settings.api_key,))
        self._http = _http(settings, transport)

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

    def list_integrations(self, *, connected_only: bool = False, budget: Budget | None = None) -> IntegrationList:
        """Every provider that the workspace offers, or only the connected ones (GET /api/integrations)."""
        params = {"connectedOnly": "true"} if connected_only else {}
        return self._read("/api/integrations", params, IntegrationList, budget)

    def organization(self, *, budget: Budget | None = None) -> str | None:
        """The id of the organization whose key this is (POST /api/validate-api-key, which changes nothing).

        The API page does not have that route. None where the service does not, either.
        """
        try:
            found = self._call("POST", "/api/validate-api-key", KeyOwner, budget, read=True).organization_id
        except ServiceError as error:
            if error.status in NOT_SERVED:
                return None
            raise
        if self.hide.in_data(found):
            raise self._unreadable()  # the state stores it in the clear
        return found

    def connect(
        self,
        provider: str,
        config: Mapping[str, str],
        *,
        force: bool = False,
        again: bool = False,
        budget: Budget | None = None,
    ) -> DirectConnection:
        """Connects with credentials (POST /api/integrations/connect).

        With ``force``, an existing connection is reconnected in place; the API page does not document it. An answer
        with ``already_connected`` means that nothing was applied. ``again`` says that it is a second try.
        """
        self.hide.add(catalog.secret_values(provider, config))
        body: dict[str, object] = {"provider": provider, "config": dict(config)}
        if force:
            body["force"] = True
        return self._write("/api/integrations/connect", body, DirectConnection, budget, again=again)

    def start_session(self, provider: str, *, budget: Budget | None = None) -> BrowserSession:
        """Starts a browser session, which a person completes at its ``connect_url`` (the same route without config)."""
        return self._write("/api/integrations/connect", {"provider": provider}, BrowserSession, budget)

    def connect_status(self, session_id: str, *, budget: Budget | None = None) -> SessionStatus:
        """How a browser session stands (GET /api/integrations/connect/status)."""
        return self._read("/api/integrations/connect/status", {"sessionId": session_id}, SessionStatus, budget)

    def disconnect(self, provider: str, *, again: bool = False, budget: Budget | None = None) -> None:
        """Disconnects, and so deletes what was synced (POST /api/integrations/disconnect). ``again`` as above."""
        # The answer is read for what it says: a sign-in page in its place must not count as done.
        self._write("/api/integrations/disconnect", {"provider": provider}, Disconnection, budget, again=again)

    def sync_status(self, provider: str, *, budget: Budget | None = None) -> SyncStatus:
        """Sync state per model (GET /api/integrations/sync-status)."""
        found = self._read("/api/integrations/sync-status", {"provider": provider}, SyncStatus, budget)
        if found.provider != provider:
            # What a cache answers for another provider must not make this one look gone.
            raise self._unreadable()
        return found

    def _read(self, path: str, params: dict[str, str], shape: type[_A], budget: Budget | None) -> _A:
        return self._call("GET", path, shape, budget, read=True, params=params)

    def _write(
        self, path: str, body: dict[str, object], shape: type[_A], budget: Budget | None, *, again: bool = False
    ) -> _A:
        return self._call("POST", path, shape, budget, read=False, again=again, json=body)

    def _call(
        self,
        method: str,
        path: str,
        shape: type[_A],
        budget: Budget | None,
        *,
        read: bool,
        again: bool = False,
        **content: Any,
    ) -> _A:
        """Sends a request, and sends it again where that can do no harm and the time lasts."""
        deadline = (budget or self.budget()).deadline()
        tries = 0
        while True:
            tries += 1
            try:
                return self._parse(self._send(method, path, deadline, content, fresh=again or tries > 1), shape)
            except ApiError as error:
                wait = self._retries.wait(tries, error.retry_after)
                late = self.clock.now() + wait >= deadline
                repeatable = error.passes and (read or error.took_effect is False)
                if not repeatable or tries >= self._retries.attempts or late:
                    raise
            self.clock.sleep(wait)

    def _parse(self, content: bytes, shape: type[_A]) -> _A:
        try:
            return parse(content, shape)
        except UnreadableError:
            raise self._unreadable() from None

    def _send(self, method: str, path: str, deadline: float, content: dict[str, Any], *, fresh: bool) -> bytes:
        """One request within the time that is left: httpx bounds each read of it, the wait for a thread their sum."""
        left = deadline - self.clock.now()
        if left <= 0:
            raise self._unreachable("outlit:timeout is used up", sent=False)
        answer = in_thread(lambda: self._exchange(method, path, deadline, left, content, fresh))
        try:
            return answer.result(left)
        except GivenUp:
            raise self._unreachable("timed out", sent=True, under_way=True) from None

    def _exchange(
        self, method: str, path: str, deadline: float, left: float, content: dict[str, Any], fresh: bool
    ) -> bytes:
        """One request and its whole answer, the body of a 200; on a ``fresh`` connection or one that is there."""
        timeout = httpx.Timeout(left, connect=min(_CONNECTING, left))
        try:
            new = _http(self._settings, None) if fresh and self._transport is None else nullcontext(self._http)
            url = self._settings.base_url + path
            with new as http, http.stream(method, url, timeout=timeout, **content) as response:
                if response.headers.get("Content-Encoding", "identity").strip().lower() not in _ENCODINGS:
                    raise self._unreadable()  # compressed twice, for example, it can grow a million times
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MAX_BODY:
                        raise self._unreadable()
                    if self.clock.now() > deadline:
                        raise self._unreachable("the answer did not end in time", sent=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            failed: ApiError = self._not_sent(error)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            failed = self._unreachable("not a usable address", sent=False, passes=False)
        except httpx.DecodingError:
            failed = self._unreadable()
        except httpx.TransportError as error:
            late = isinstance(error, httpx.TimeoutException)
            failed = self._unreachable(self._reason(error), sent=True, under_way=late)
        else:
            if response.status_code == httpx.codes.OK:
                return bytes(body)
            failed = refusal(
                response.status_code,
                response.headers.get("Retry-After"),
                bytes(body),
                self.hide,
                explicit=self._settings.explicit is not None,
                credentials="config" in content.get("json", ()),
            )
        # Raised out here, or it would carry httpx's error along, which holds the request and its key.
        raise failed

    def _unreadable(self) -> UnreadableAnswerError:
        return UnreadableAnswerError(
            f"the answer from {self.hide(self._settings.base_url)} is not what Outlit's API documents. Check "
            "outlit:baseUrl: a proxy or a sign-in page may be answering in its place, or the service does not serve "
            "the integration routes (docs/limits.md).",
            took_effect=None,
            passes=True,
        )

    def _not_sent(self, error: httpx.TransportError) -> ApiError:
        """No connection. One that a proxy or a certificate is in the way of is not tried again."""
        if isinstance(error, httpx.ProxyError) and str(error).startswith("407"):
            return refusal(407, None, b"", self.hide)
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            return self._unreachable(self._reason(error), sent=False)
        return self._unreachable(
            "its certificate is not trusted; if a proxy or a service of your company presents it, set SSL_CERT_FILE",
            sent=False,
            passes=False,
        )

    def _unreachable(
        self, reason: str, *, sent: bool, passes: bool = True, under_way: bool = False
    ) -> UnreachableError:
        return UnreachableError(
            f"no answer from {self.hide(self._settings.base_url)} ({reason}). Check the network and outlit:baseUrl or "
            "OUTLIT_API_URL, then run again.",
            took_effect=None if sent else False,
            passes=passes,
            under_way=under_way,
        )

    def _reason(self, error: httpx.TransportError) -> str:
        if isinstance(error, httpx.TimeoutException):
            return "timed out"
        if isinstance(error, httpx.ProtocolError) and not str(error).startswith("Server disconnected"):
            return "it does not speak HTTP"  # httpx's message quotes what came
        return self.hide(str(error), limit=120) or "the connection broke"


def _http(settings: Settings, transport: httpx.BaseTransport | None) -> httpx.Client:
    plain = settings.base_url.startswith("http://")
    try:
        return httpx.Client(
            headers={
                "Authorization": f"Bearer {settings.api_key}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": "outlit-pulumi",
            },
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            follow_redirects=False,
            # A proxy of the environment cannot reach a sandbox on this machine, and would see its key unencrypted: a
            # client with a transport of its own has no proxy. Plain http needs no certificates, which load slowly.
            transport=transport or (httpx.HTTPTransport(verify=not plain) if settings.loopback else None),
        )
    except (ImportError, OSError, ValueError, httpx.InvalidURL):
        failed = ConfigurationError(
            "HTTPS cannot be set up with the proxy and certificate settings of the environment. Check HTTPS_PROXY, "
            "HTTP_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR. Escape special characters in "
            "a password (%23 for #). A SOCKS proxy needs the package socksio."
        )
    # Raised out here, or it would carry along what it could not read, such as a proxy's address with its password.
    raise failed
