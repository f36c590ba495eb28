"""The HTTP client: typed errors, retries, redaction, time, and what it takes from the environment."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

import outlit_pulumi as outlit
from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.retry import Budget, Clock, Retries
from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.settings import Settings

KEY = "ok_CANARYkey0123456789abcdef0123456789"
CONFIG = {"apiKey": "Zq7CANARYconfig9876543210"}
"""Shares no eight characters with the key, so that what hides the one does not hide the other."""
CONNECTED = {"connected": True, "connectionId": "posthog-org_1", "alreadyConnected": False}
DONE = {**CONNECTED, "success": True}
"""Answers any write."""
FAST = Retries(first_wait=0)
Step = httpx.Response | Exception


class Service:
    """Answers with one step after another; the last one goes on for ever."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)


@contextmanager
def serving(*steps: Step, attempts: int = 3, timeout: float = 30.0) -> Iterator[tuple[OutlitClient, Service]]:
    service = Service(*steps)
    settings = Settings(KEY, "https://outlit.test", timeout)
    retries = Retries(attempts=attempts, first_wait=0)
    with OutlitClient(settings, transport=httpx.MockTransport(service), retries=retries) as client:
        yield client, service


def answer(status: int, body: object = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={} if body is None else body, headers=headers)


def read(client: OutlitClient) -> object:
    return client.list_integrations()


def write(client: OutlitClient) -> object:
    return client.connect("posthog", CONFIG)


def disconnect(client: OutlitClient) -> object:
    client.disconnect("posthog")
    return None


Operation = Callable[[OutlitClient], object]


def failure(operation: Operation, *steps: Step, attempts: int = 1) -> outlit.ApiError:
    with serving(*steps, attempts=attempts) as (client, _), pytest.raises(outlit.ApiError) as caught:
        operation(client)
    return caught.value


@pytest.mark.parametrize("operation", [read, write, disconnect])
@pytest.mark.parametrize(
    ("status", "kind", "took_effect"),
    [
        (400, outlit.BadRequestError, False),
        (401, outlit.AuthenticationError, False),
        (403, outlit.PermissionDeniedError, False),
        (404, outlit.ServiceError, None),
        (429, outlit.RateLimitedError, False),
        (300, outlit.ServiceError, False),
        (399, outlit.ServiceError, False),
        (500, outlit.ServiceError, None),
        (502, outlit.ServiceError, None),
        (405, outlit.ServiceError, None),
        (410, outlit.ServiceError, None),
        (408, outlit.ServiceError, None),
        (425, outlit.ServiceError, None),
        (402, outlit.ServiceError, False),
        (407, outlit.ServiceError, False),
        (409, outlit.ServiceError, False),
        (413, outlit.ServiceError, False),
        (422, outlit.ServiceError, False),
        (451, outlit.ServiceError, False),
    ],
)
def test_each_status_has_its_error(
    operation: Operation, status: int, kind: type[outlit.ApiError], took_effect: bool | None
) -> None:
    """Where it is final, nothing took effect."""
    error = failure(operation, answer(status, {"error": "no"}))
    assert type(error) is (outlit.CredentialsRejectedError if operation is write and status == 400 else kind)
    assert (error.status, error.took_effect) == (status, took_effect)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 407, 409, 410, 413, 422, 451])
@pytest.mark.parametrize("operation", [read, write, disconnect])
def test_a_final_answer_is_asked_for_once(operation: Operation, status: int) -> None:
    with serving(answer(status)) as (client, service), pytest.raises(outlit.ApiError):
        operation(client)
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [404, 405, 410])
def test_routes_that_are_not_served_are_said_in_one_sentence(status: int) -> None:
    said = str(failure(read, httpx.Response(status, html="<h1>Not found</h1>")))
    assert f"does not serve Outlit's integration routes ({status}). The state is unchanged." in said


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_service_without_the_route_does_not_tell_whose_a_key_is(status: int) -> None:
    with serving(answer(status)) as (client, _):
        assert client.organization() is None


@pytest.mark.parametrize("steps", [(answer(503),), (answer(200, {"valid": True}),), (httpx.ReadTimeout("x"),)])
def test_no_answer_is_not_no_route(steps: tuple[Step, ...]) -> None:
    with serving(*steps) as (client, _), pytest.raises(outlit.ApiError):
        client.organization()


def test_the_question_whose_a_key_is_may_be_repeated() -> None:
    owner = answer(200, {"valid": True, "organizationId": "org_1", "createdById": None, "more": 1})
    with serving(answer(503), owner) as (client, service):
        assert client.organization() == "org_1"
    assert {(request.method, request.url.path) for request in service.requests} == {("POST", "/api/validate-api-key")}


@pytest.mark.parametrize("secret", [KEY, CONFIG["apiKey"]])
def test_an_organization_that_is_a_credential_is_no_answer(secret: str) -> None:
    """It would be stored in the clear, and shown where it differs from another."""
    owner = answer(200, {"valid": True, "organizationId": f"org {secret}"})
    with serving(owner) as (client, _):
        client.hide.add(CONFIG.values())
        with pytest.raises(outlit.UnreadableAnswerError) as caught:
            client.organization()
    assert "CANARY" not in str(caught.value)


def test_only_the_documented_404_means_not_connected() -> None:
    """Any web server answers 404: only the body of the API page tells that there is no connection."""
    error = failure(disconnect, answer(404, {"success": False, "message": "Integration is not connected"}))
    assert type(error) is outlit.NotConnectedError
    assert (error.status, error.took_effect) == (404, False)


@pytest.mark.parametrize(
    ("problem", "under_way"),
    [
        (httpx.ReadTimeout("x"), True),
        (answer(504), True),
        (answer(502), False),
        (httpx.ReadError("x"), False),
        (httpx.ConnectTimeout("x"), False),
    ],
)
def test_what_may_still_be_under_way(problem: Step, under_way: bool) -> None:
    """After a timeout, ours or a gateway's, the service may yet carry the write out."""
    assert failure(write, problem).under_way is under_way


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (answer(400), "Outlit refused the request as invalid. Check the declared values."),
        (
            answer(
                400, {"message": "no", "details": [{"path": "provider", "message": "unknown"}, 5, {"message": "x"}]}
            ),
            'Outlit refused the request as invalid and said "no; provider: unknown; x". Check the declared values.',
        ),
        (answer(403), "Outlit does not allow it. Check the key's rights."),
        (answer(403, {"code": "c"}), "Outlit does not allow it (c). Check the key's rights."),
        (answer(404, {"success": False, "message": "no"}), 'Outlit answered 404 and said "no". Nothing was changed.'),
        (answer(422, {"error": "no"}), 'Outlit answered 422 and said "no". Nothing was changed.'),
        (answer(429), "Outlit limits the rate of requests (429). Run again later."),
        (answer(500), "Outlit answered 500. Run again; if it goes on, tell Outlit's support."),
    ],
)
def test_a_refusal_quotes_what_there_is_to_quote(response: httpx.Response, message: str) -> None:
    assert str(failure(disconnect, response)) == message


def test_rejected_credentials_are_an_error_of_their_own() -> None:
    details = [{"path": "config.apiKey", "message": "expired"}]
    said = str(failure(write, answer(400, {"error": "Validation failed", "details": details})))
    assert said.startswith('Outlit does not accept its config and said "Validation failed; config.apiKey: expired".')


@pytest.mark.parametrize(
    ("explicit", "there", "not_there"),
    [(None, "set OUTLIT_API_KEY", "--run-program"), ("emea", "add --run-program", "OUTLIT_API_KEY")],
)
def test_a_refused_key_says_where_the_key_comes_from(explicit: str | None, there: str, not_there: str) -> None:
    """The environment never overrides the key of an explicit Provider, so it is no cure there."""
    transport = httpx.MockTransport(Service(answer(401)))
    with (
        OutlitClient(Settings(KEY, "https://outlit.test", explicit=explicit), transport=transport) as client,
        pytest.raises(outlit.AuthenticationError) as caught,
    ):
        read(client)
    assert there in str(caught.value)
    assert not_there not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [{"success": False, "errors": [{"code": 7003}], "messages": []}, {"success": False}, {"message": "Not Found"}],
)
def test_a_404_of_somebody_else_does_not_mean_not_connected(body: object) -> None:
    error = failure(disconnect, answer(404, body))
    assert (type(error), error.took_effect) == (outlit.ServiceError, None)


def hangs_up(connection: socket.socket, ended: threading.Event) -> None:
    """Answers one request, and closes the connection at the next one."""
    answers(connection, ended)
    kept = connection.dup()

    def wait() -> None:
        with kept:
            kept.recv(65536)

    threading.Thread(target=wait, daemon=True).start()


def test_another_try_is_on_a_new_connection() -> None:
    """A server that closes idle connections without saying so costs a write its first try only."""
    with listening(hangs_up) as address, OutlitClient(Settings(KEY, f"http://{address}"), retries=FAST) as client:
        assert client.list_integrations().items == []
        with pytest.raises(outlit.UnreadableAnswerError):  # an answer came, that of a list
            client.disconnect("stripe", again=True)
        with pytest.raises(outlit.UnreachableError):
            client.disconnect("stripe")
        assert client.list_integrations().items == []


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (httpx.ConnectError("refused"), "(refused)"),
        (httpx.ConnectTimeout("x"), "(timed out)"),
        (httpx.ReadError("reset"), "(reset)"),
        (httpx.ReadError(""), "(the connection broke)"),
        (httpx.ReadTimeout("x"), "(timed out)"),
        (httpx.RemoteProtocolError("illegal status line"), "(it does not speak HTTP)"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "(Server disconnected"),
        (httpx.ReadError("r" * 200), f"({'r' * 119}…)"),
    ],
)
def test_no_answer_has_its_reason(problem: Exception, reason: str) -> None:
    assert f"no answer from https://outlit.test {reason}" in str(failure(write, problem))


def test_a_call_says_who_makes_it_and_what_it_can_read() -> None:
    with serving(answer(200, {"items": []}), answer(200, DONE)) as (client, service):
        client.list_integrations()
        client.connect("posthog", CONFIG)
    asked, sent = service.requests
    common = {
        "host": "outlit.test",
        "authorization": f"Bearer {KEY}",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "connection": "keep-alive",
        "user-agent": "outlit-pulumi",
    }
    assert dict(asked.headers) == common
    assert dict(sent.headers) == {
        **common,
        "content-type": "application/json",
        "content-length": str(len(sent.content)),
    }


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_answer_is_read(encoding: str) -> None:
    plain = b'{"items": []}'
    content = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=httpx.ByteStream(content))

    with OutlitClient(Settings(KEY, "https://outlit.test"), transport=httpx.MockTransport(handler)) as client:
        assert client.list_integrations().items == []


class Pieces(httpx.SyncByteStream):
    """A body in pieces of a kibibyte, which counts those that were read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.read = content, 0

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.content), 1024):
            self.read += 1
            yield self.content[start : start + 1024]


def unreadable(body: Pieces, *encodings: str) -> None:
    """Asserts that a 200 with this body is refused."""
    headers = [("Content-Encoding", encoding) for encoding in encodings]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=body))
    with (
        OutlitClient(Settings(KEY, "https://outlit.test"), transport=transport) as client,
        pytest.raises(outlit.UnreadableAnswerError, match="not what Outlit's API documents"),
    ):
        client.connect("posthog", CONFIG)


@pytest.mark.parametrize("encodings", [("gzip, gzip",), ("gzip", "gzip"), ("gzip,deflate",)])
def test_what_is_compressed_twice_is_not_decoded(encodings: tuple[str, ...]) -> None:
    """A kibibyte of it can become a gibibyte."""
    body = Pieces(gzip.compress(gzip.compress(json.dumps(DONE).encode())))
    unreadable(body, *encodings)
    assert body.read == 0


def test_a_small_answer_that_grows_huge_is_not_read_to_its_end() -> None:
    """16 MiB are enough as decoded, too."""
    body = Pieces(gzip.compress(bytes(64 * 2**20)))
    unreadable(body, "gzip")
    assert 0 < body.read < 20


@pytest.mark.parametrize("cookie", ["k=v; Path=/", "k=v", "k=v; Domain=outlit.test; Path=/; Secure"])
def test_no_cookie_is_taken(cookie: str) -> None:
    """One that is not ASCII would break every later call."""
    with serving(answer(200, {"items": []}, **{"Set-Cookie": cookie})) as (client, service):
        client.list_integrations()
        client.list_integrations()
    assert "Cookie" not in service.requests[1].headers


Serve = Callable[[socket.socket, threading.Event], None]


@contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """A server on this machine, and its host and port. It serves one connection after another until the block ends."""
    ended = threading.Event()

    def run() -> None:
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                if ended.is_set():
                    return
                serve(connection, ended)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"{address[0]}:{address[1]}"
        finally:
            ended.set()
            socket.create_connection(address).close()
            thread.join(30)


def drips_its_head(connection: socket.socket, ended: threading.Event) -> None:
    connection.recv(65536)
    for byte in b"HTTP/1.1 200 OK\r\nX-More: " + 600 * b"x":
        if ended.wait(0.05):
            return
        connection.sendall(bytes([byte]))


def sends_early_hints(connection: socket.socket, ended: threading.Event) -> None:
    connection.recv(65536)
    for _ in range(600):
        if ended.wait(0.05):
            return
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")


@pytest.mark.parametrize("serve", [drips_its_head, sends_early_hints])
@pytest.mark.parametrize("operation", [read, write])
def test_an_answer_that_never_begins_is_given_up_in_time(operation: Operation, serve: Serve) -> None:
    """However lively the server is: it would go on for half a minute. In real time, as httpx knows no other."""
    with listening(serve) as address, OutlitClient(Settings(KEY, f"http://{address}", 1)) as client:
        began = time.monotonic()
        with pytest.raises(outlit.UnreachableError, match=r"\(timed out\)") as caught:
            operation(client)
        assert time.monotonic() - began < 20
    assert (caught.value.took_effect, caught.value.under_way) == (None, True)


LOOPBACK = Path(__file__).with_name("loopback.pem")
"""A certificate of this machine that nobody has signed, and its key."""


def answers(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"items": []}')


def answers_encrypted(connection: socket.socket, ended: threading.Event) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(LOOPBACK)
    with context.wrap_socket(connection, server_side=True) as secure:
        answers(secure, ended)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that says nothing of proxies and certificates."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_used(environment: pytest.MonkeyPatch, name: str) -> None:
    asked: list[bytes] = []

    def refuses(connection: socket.socket, _: threading.Event) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with listening(refuses) as proxy:
        environment.setenv(name, f"http://user:CANARY%2Fpw@{proxy}")
        with (
            OutlitClient(Settings(KEY, "https://outlit.invalid"), retries=FAST) as client,
            pytest.raises(outlit.ServiceError, match=r"\(407\).*HTTPS_PROXY") as caught,
        ):
            client.connect("posthog", CONFIG)
    (request,) = asked
    assert request.startswith(b"CONNECT outlit.invalid:443 ")
    assert b"Basic " + base64.b64encode(b"user:CANARY/pw") in request
    assert KEY.encode() not in request
    assert caught.value.took_effect is False
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "serve"), [("http", answers), ("https", answers_encrypted)])
def test_no_proxy_is_used_on_this_machine(environment: pytest.MonkeyPatch, scheme: str, serve: Serve) -> None:
    """It could not reach this machine, and would see the key. What is set need not even be an address."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        environment.setenv(name, "http://user:CANARY@proxy.invalid:port")
    environment.setenv("SSL_CERT_FILE", str(LOOPBACK))
    with listening(serve) as address, OutlitClient(Settings(KEY, f"{scheme}://{address}")) as client:
        assert client.list_integrations().items == []


def test_certificates_of_the_environment_count(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where it names some, they alone are trusted, on this machine, too. Without, an unknown one is not."""
    shutil.copy(LOOPBACK, tmp_path / "ce275665.0")  # OpenSSL's name of it, from a hash of its subject
    with listening(answers_encrypted) as address:

        def ask() -> object:
            with OutlitClient(Settings(KEY, f"https://{address}"), retries=FAST) as client:
                return client.list_integrations().items

        with pytest.raises(outlit.UnreachableError, match="certificate is not trusted.*set SSL_CERT_FILE"):
            ask()
        environment.setenv("SSL_CERT_DIR", str(tmp_path))
        assert ask() == []
        environment.setenv("SSL_CERT_FILE", str(LOOPBACK))
        environment.setenv("SSL_CERT_DIR", str(tmp_path / "missing"))
        assert ask() == []


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:CANARY/pw@proxy.invalid:3128",
        "http://user:CANARY#pw@proxy.invalid:3128",
        "http://user:CANARY?pw@proxy.invalid:3128",
        "http://user:CANARY@proxy.invalid:port",
        "http://user:CANARY\n@proxy.invalid:3128",
        "user:CANARY/pw@proxy.invalid:3128",
        "ftp://user:CANARY@proxy.invalid:3128",
    ],
)
def test_a_proxy_that_cannot_be_used_is_said_in_one_line(environment: pytest.MonkeyPatch, proxy: str) -> None:
    environment.setenv("HTTPS_PROXY", proxy)
    unusable("https://outlit.test", "HTTPS_PROXY")


@pytest.mark.parametrize("url", ["https://outlit.test", "https://127.0.0.1:1"])
@pytest.mark.parametrize("content", [None, "CANARY"])
def test_certificates_that_cannot_be_read_are_said_in_one_line(
    environment: pytest.MonkeyPatch, tmp_path: Path, url: str, content: str | None
) -> None:
    file = tmp_path / "CANARY.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    environment.setenv("SSL_CERT_FILE", str(file))
    unusable(url, "SSL_CERT_FILE")


def unusable(url: str, variable: str) -> None:
    """Asserts that no client of this URL can be made, because of what this variable holds."""
    with pytest.raises(outlit.ConfigurationError, match=f"HTTPS cannot be set up .*{variable}") as caught:
        OutlitClient(Settings(KEY, url))
    assert "CANARY" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


ENDS = {
    "client": """
from outlit_pulumi.api.client import OutlitClient
with OutlitClient(settings) as client:
    client.list_integrations()
""",
    "process": """
from outlit_pulumi.dynamic import Workspaces
workspaces = Workspaces()
workspaces.workspace(settings).client.list_integrations()
""",
}


@pytest.mark.parametrize("end", ENDS)
def test_no_connection_is_left_open(end: str) -> None:
    """Python tells of those that are, in its development mode."""
    code = f"import sys\nfrom outlit_pulumi.settings import Settings\nsettings = Settings(*sys.argv[1:])\n{ENDS[end]}"
    with Sandbox("acme") as sandbox:
        ended = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", code, sandbox.api_key, sandbox.url],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_sync_status_of_another_provider_is_unreadable() -> None:
    """A cache that mixes answers up must not make an integration look gone."""
    mixed_up = answer(200, {"provider": "clerk", "status": "not_connected", "syncs": []})
    error = failure(lambda client: client.sync_status("stripe"), mixed_up)
    assert type(error) is outlit.UnreadableAnswerError
    assert "the answer from https://outlit.test is not what Outlit's API documents" in str(error)


class Waits(Clock):
    """A clock that only moves when somebody waits, and remembers for how long."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def now(self) -> float:
        return sum(self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


def timed(*steps: Step, timeout: float = 60.0) -> tuple[OutlitClient, Waits, Service]:
    clock, service = Waits(), Service(*steps)
    settings = Settings(KEY, "https://outlit.test", timeout)
    return OutlitClient(settings, transport=httpx.MockTransport(service), clock=clock), clock, service


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(status: int) -> None:
    """At least as long as the service asks, and not much longer."""
    client, clock, _ = timed(answer(status, **{"Retry-After": "7"}), answer(200, {"items": []}))
    client.list_integrations()
    (waited,) = clock.waited
    assert 7 <= waited < 8


def test_waits_grow_up_to_a_limit() -> None:
    """0.25, 0.5, 1, 2 seconds and a little: an outage is not hammered."""
    client, clock, _ = timed(answer(503))
    with pytest.raises(outlit.ServiceError):
        client.list_integrations()
    assert all(low <= waited <= low + 0.25 for low, waited in zip((0.25, 0.5, 1, 2), clock.waited, strict=True))


def test_no_wait_is_longer_than_the_limit() -> None:
    clock = Waits()
    retries = Retries(attempts=6, first_wait=1, longest_wait=2)
    transport = httpx.MockTransport(Service(answer(503)))
    with (
        OutlitClient(Settings(KEY), transport=transport, retries=retries, clock=clock) as client,
        pytest.raises(outlit.ServiceError),
    ):
        client.list_integrations()
    assert all(low <= waited <= low + 1 for low, waited in zip((1, 2, 2, 2, 2), clock.waited, strict=True))


def test_a_wait_that_ends_with_the_time_is_not_waited() -> None:
    clock = Waits()
    transport = httpx.MockTransport(Service(answer(429, **{"Retry-After": "30"})))
    retries = Retries(first_wait=0)
    with (
        OutlitClient(Settings(KEY, timeout=40), transport=transport, retries=retries, clock=clock) as client,
        pytest.raises(outlit.RateLimitedError),
    ):
        client.list_integrations()
    assert clock.waited == []


def test_each_call_of_an_operation_leaves_time_to_look() -> None:
    """Ten seconds, or a quarter of what is left: the answer to a write may never come."""
    client, clock, service = timed(answer(429, **{"Retry-After": "9"}), timeout=40)
    budget = client.budget()
    with pytest.raises(outlit.RateLimitedError):
        client.list_integrations(budget=budget)
    assert len(service.requests) == 4  # at 0, 9, 18 and 27 seconds; the next wait would end after 30
    clock.waited.append(33 - clock.now())
    with pytest.raises(outlit.RateLimitedError):
        client.list_integrations(budget=budget)
    assert len(service.requests) == 5  # of the 7 seconds left it may take 5.25
    clock.waited.append(10)
    with pytest.raises(outlit.UnreachableError, match="used up") as caught:
        client.connect("posthog", CONFIG, budget=budget)
    assert (len(service.requests), caught.value.took_effect) == (5, False)


def test_no_request_outlasts_the_time_that_is_left() -> None:
    """The time-outs of a request come out of the operation's time, but for what is left for a look."""
    for time_out, read, connect in ((40, 30, 10), (600, 590, 10), (8, 6, 6)):
        client, _, service = timed(answer(200, {"items": []}), timeout=time_out)
        client.list_integrations(budget=client.budget())
        asked = service.requests[0].extensions["timeout"]
        assert (asked["read"], asked["connect"]) == (read, connect)


BUDGETED: dict[str, Callable[[OutlitClient, Budget], object]] = {
    "list": lambda client, budget: client.list_integrations(budget=budget),
    "connect": lambda client, budget: client.connect("posthog", CONFIG, budget=budget),
    "start_session": lambda client, budget: client.start_session("slack", budget=budget),
    "connect_status": lambda client, budget: client.connect_status("s", budget=budget),
    "disconnect": lambda client, budget: client.disconnect("posthog", budget=budget),
    "sync_status": lambda client, budget: client.sync_status("posthog", budget=budget),
}


@pytest.mark.parametrize("route", BUDGETED)
def test_every_route_takes_its_time_from_the_budget(route: str) -> None:
    client, _, service = timed(answer(400), timeout=40)
    with pytest.raises(outlit.BadRequestError):
        BUDGETED[route](client, client.budget())
    assert service.requests[0].extensions["timeout"]["read"] == 30


class Dripping(httpx.SyncByteStream):
    """A body that comes in pieces, each after some seconds."""

    def __init__(self, clock: Waits, pieces: int, size: int, seconds: float) -> None:
        self.clock, self.pieces, self.size, self.seconds = clock, pieces, size, seconds
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.pieces):
            self.clock.sleep(self.seconds)
            self.read += 1
            yield b" " * self.size


def dripping(pieces: int, size: int, seconds: float) -> tuple[outlit.ApiError, Waits, Dripping]:
    clock = Waits()
    body = Dripping(clock, pieces, size, seconds)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=body))
    with (
        OutlitClient(Settings(KEY, "https://outlit.test", 60), transport=transport, clock=clock) as client,
        pytest.raises(outlit.ApiError) as caught,
    ):
        client.connect("posthog", CONFIG, budget=client.budget())
    return caught.value, clock, body


def test_an_answer_that_drips_in_is_given_up_in_time() -> None:
    """However lively it is: a byte a second would otherwise hold a deployment up for ever."""
    error, clock, body = dripping(pieces=1000, size=1, seconds=1)
    assert type(error) is outlit.UnreachableError
    assert (error.took_effect, error.under_way) == (None, False)
    assert "(the answer did not end in time)" in str(error)
    assert body.read == 51
    assert clock.now() == 51


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    """16 MiB are enough for anything that the API page documents."""
    error, _, body = dripping(pieces=100, size=2**20, seconds=0)
    assert type(error) is outlit.UnreadableAnswerError
    assert body.read == 17


def test_forbidden_has_the_services_code() -> None:
    error = failure(write, answer(403, {"error": "no", "code": "read_only_key"}))
    assert isinstance(error, outlit.PermissionDeniedError)
    assert not isinstance(error, outlit.PlanLimitError)
    assert error.code == "read_only_key"
    assert "read_only_key" in str(error)


def test_plan_limit() -> None:
    body = {
        "error": "Your plan has reached its limit.",
        "code": "plan_connection_limit_exceeded",
        "feature": "integration_connections",
        "plan": "free",
        "currentConnections": 3,
        "limit": 3,
    }
    error = failure(write, answer(403, body))
    assert isinstance(error, outlit.PlanLimitError)
    found = (error.code, error.feature, error.plan, error.current, error.limit)
    assert found == ("plan_connection_limit_exceeded", "integration_connections", "free", 3, 3)
    assert "the free plan allows 3 integrations and 3 are connected" in str(error)


def test_plan_limit_without_numbers() -> None:
    for numbers in ({}, {"limit": 3}, {"currentConnections": 3}):
        error = failure(write, answer(403, {"code": "plan_connection_limit_exceeded", **numbers}))
        assert isinstance(error, outlit.PlanLimitError)
        assert (error.plan, error.feature) == (None, None)
        assert (error.current, error.limit) == (numbers.get("currentConnections"), numbers.get("limit"))
        assert str(error).startswith("the plan has reached its number of integrations.\n")


def test_what_a_refusal_quotes_is_short() -> None:
    body = {name: name[0] * 100 for name in ("code", "plan", "feature")}
    error = failure(write, answer(403, body))
    assert isinstance(error, outlit.PermissionDeniedError)
    assert error.code == "c" * 59 + "…"
    error = failure(write, answer(403, {**body, "code": "plan_connection_limit_exceeded"}))
    assert isinstance(error, outlit.PlanLimitError)
    assert (error.plan, error.feature) == ("p" * 39 + "…", "f" * 59 + "…")


@pytest.mark.parametrize("operation", [read, write])
def test_a_redirect_is_not_followed(operation: Operation) -> None:
    redirect = answer(307, Location="https://elsewhere.test/api/integrations")
    with serving(redirect) as (client, service), pytest.raises(outlit.ServiceError, match="redirect"):
        operation(client)
    assert [request.url.host for request in service.requests] == ["outlit.test"]


@pytest.mark.parametrize("operation", [read, write, disconnect])
@pytest.mark.parametrize(
    "content",
    [
        b"<html>Sign in CANARY</html>",
        b"",
        b"[]",
        b"null",
        b'{"items": 5, "connected": "CANARY"}',
        b'{"items": {"id": 1}, "connected": true}',
        b"\xff\xfe",
    ],
)
def test_an_answer_of_another_shape(operation: Operation, content: bytes) -> None:
    error = failure(operation, httpx.Response(200, content=content))
    assert type(error) is outlit.UnreadableAnswerError
    assert error.took_effect is None
    assert "CANARY" not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_an_html_error_page_keeps_its_status(status: int) -> None:
    error = failure(write, httpx.Response(status, content=b"<html>CANARY</html>"))
    assert error.status == status
    assert "CANARY" not in str(error)


def test_a_broken_encoding_is_unreadable() -> None:
    response = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))

    def handler(_: httpx.Request) -> httpx.Response:
        return response

    settings = Settings(KEY, "https://outlit.test")
    with (
        OutlitClient(settings, transport=httpx.MockTransport(handler), retries=Retries(attempts=1)) as client,
        pytest.raises(outlit.UnreadableAnswerError),
    ):
        client.connect("posthog", CONFIG)


@pytest.mark.parametrize(
    "problem",
    [
        answer(500),
        answer(502),
        answer(503),
        answer(504),
        answer(429),
        answer(200, "cut off"),
        httpx.ConnectError("x"),
        httpx.ReadError("x"),
    ],
)
def test_reads_are_repeated(problem: Step) -> None:
    with serving(problem, problem, answer(200, {"items": []})) as (client, service):
        assert client.list_integrations().items == []
    assert len(service.requests) == 3


def test_reads_are_repeated_only_so_often() -> None:
    with serving(answer(503), attempts=4) as (client, service), pytest.raises(outlit.ServiceError):
        client.list_integrations()
    assert len(service.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 501])
def test_reads_are_not_repeated_on_refusals(status: int) -> None:
    with serving(answer(status)) as (client, service), pytest.raises(outlit.ApiError):
        client.list_integrations()
    assert len(service.requests) == 1


@pytest.mark.parametrize("operation", [write, disconnect])
@pytest.mark.parametrize("problem", [answer(500), answer(503), httpx.ReadError("x"), httpx.ReadTimeout("x")])
def test_writes_that_may_have_arrived_are_not_repeated(operation: Operation, problem: Step) -> None:
    with serving(problem) as (client, service), pytest.raises(outlit.ApiError) as caught:
        operation(client)
    assert len(service.requests) == 1
    assert caught.value.took_effect is None


@pytest.mark.parametrize("operation", [write, disconnect])
@pytest.mark.parametrize("problem", [answer(429), httpx.ConnectError("x"), httpx.ConnectTimeout("x")])
def test_writes_that_did_not_arrive_are_repeated(operation: Operation, problem: Step) -> None:
    with serving(problem, problem, answer(200, DONE)) as (client, service):
        operation(client)
    assert len(service.requests) == 3


@pytest.mark.parametrize(
    ("problem", "took_effect"), [(httpx.ConnectError("refused"), False), (httpx.ReadError("reset"), None)]
)
def test_unreachable(problem: Exception, took_effect: bool | None) -> None:
    error = failure(write, problem)
    assert type(error) is outlit.UnreachableError
    assert (error.status, error.took_effect) == (None, took_effect)
    assert "https://outlit.test" in str(error)


@pytest.mark.parametrize("problem", [httpx.InvalidURL("x"), httpx.UnsupportedProtocol("x"), UnicodeError("x")])
def test_an_address_that_cannot_be_used(problem: Exception) -> None:
    error = failure(write, problem)
    assert type(error) is outlit.UnreachableError
    assert "no answer from https://outlit.test (not a usable address)" in str(error)
    assert error.took_effect is False


@pytest.mark.parametrize("operation", [read, write])
def test_a_wait_beyond_the_budget_is_not_waited(operation: Operation) -> None:
    client, clock, service = timed(answer(429, **{"Retry-After": "3600"}))
    with pytest.raises(outlit.RateLimitedError) as caught:
        operation(client)
    assert (len(service.requests), clock.waited) == (1, [])
    assert caught.value.retry_after == 3600
    assert "3600 s" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("-5", 0.0),
        ("1e9", 86_400.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    error = failure(read, answer(429, **{"Retry-After": header}))
    assert isinstance(error, outlit.RateLimitedError)
    assert error.retry_after == seconds


def test_what_is_repeated_is_decided_anew_each_time() -> None:
    steps = (answer(503), answer(400, {"error": "no"}), answer(200, {"items": []}))
    with serving(*steps) as (client, service), pytest.raises(outlit.BadRequestError):
        client.list_integrations()
    assert len(service.requests) == 2


def test_retry_after_zero_is_repeated() -> None:
    with serving(answer(429, **{"Retry-After": "0"}), answer(200, {"items": []})) as (client, service):
        client.list_integrations()
    assert len(service.requests) == 2


@pytest.mark.parametrize("status", [400, 403, 422, 500])
@pytest.mark.parametrize("member", ["error", "message"])
@pytest.mark.parametrize("secret", [KEY, CONFIG["apiKey"], CONFIG["apiKey"][:14] + "...", KEY[:14]])
def test_an_echoed_secret_is_redacted(status: int, member: str, secret: str) -> None:
    error = failure(write, answer(status, {member: f"bad value {secret}"}))
    assert "bad value" in str(error)
    assert "CANARY" not in str(error)
    assert secret.rstrip(".") not in str(error)


def test_the_key_is_hidden_in_what_others_say_of_an_integration() -> None:
    with serving(answer(200)) as (client, _):
        assert client.hide(f"key {KEY[:14]}") == "key [redacted]"


def test_a_short_credential_is_hidden_as_a_word() -> None:
    """Within other words it would hide parts of what is said, also of other integrations."""
    with serving(answer(400, {"error": "no sh0rt-x in sh0rt-xyz, no e1ght-ch in e1ght-chxyz"})) as (client, _):
        for provider, config in (("fireflies", {"apiKey": "sh0rt-x", "more": "e1ght-ch"}), ("granola", {})):
            with pytest.raises(outlit.BadRequestError) as caught:
                client.connect(provider, config)
            assert "no [redacted] in sh0rt-xyz, no [redacted] in [redacted]xyz" in str(caught.value)


@pytest.mark.parametrize("member", ["code", "plan", "feature"])
def test_an_echo_in_a_member_of_a_plan_limit_is_redacted(member: str) -> None:
    body: dict[str, Any] = {"code": "plan_connection_limit_exceeded", "plan": "free", "feature": "f"}
    error = failure(write, answer(403, body | {member: CONFIG["apiKey"]}))
    assert "CANARY" not in str(error) + repr(vars(error))


def test_an_echo_in_a_transport_error_is_redacted() -> None:
    assert "CANARY" not in str(failure(write, httpx.ReadError(f"bad header Bearer {KEY}")))


def test_what_is_sent() -> None:
    with serving(answer(200, DONE)) as (client, service):
        assert client.connect("posthog", CONFIG).connection_id == "posthog-org_1"
        client.connect("posthog", CONFIG, force=True)
        client.disconnect("posthog")
    bodies = [json.loads(request.content) for request in service.requests]
    assert bodies == [
        {"provider": "posthog", "config": CONFIG},
        {"provider": "posthog", "config": CONFIG, "force": True},
        {"provider": "posthog"},
    ]
    assert [request.url.path for request in service.requests] == [
        "/api/integrations/connect",
        "/api/integrations/connect",
        "/api/integrations/disconnect",
    ]
    assert {request.headers["Authorization"] for request in service.requests} == {f"Bearer {KEY}"}


def test_public_fields_do_not_count_as_secrets() -> None:
    """A region "us" must not turn "must" into "m[redacted]t"."""
    config = {**CONFIG, "region": "us", "projectId": "1"}
    error = failure(
        lambda client: client.connect("posthog", config), answer(400, {"error": "region must be 1 of us, eu"})
    )
    assert "region must be 1 of us, eu" in str(error)


def test_unknown_members_and_states_are_taken() -> None:
    item = {"id": "new", "status": "degraded", "connectionId": "new-1", "more": {"x": 1}}
    with serving(answer(200, {"items": [item], "page": 1})) as (client, _):
        (found,) = client.list_integrations(connected_only=True).items
    assert found.connected
    assert (found.status, found.connection_id) == ("degraded", "new-1")


def test_what_is_asked() -> None:
    with serving(answer(200, {"items": []})) as (client, service):
        client.list_integrations()
        client.list_integrations(connected_only=True)
    assert [str(request.url) for request in service.requests] == [
        "https://outlit.test/api/integrations",
        "https://outlit.test/api/integrations?connectedOnly=true",
    ]
    assert {request.headers["Accept"] for request in service.requests} == {"application/json"}


def test_sessions_and_syncs() -> None:
    started = answer(200, {"sessionId": "s", "connectUrl": "https://x", "alreadyConnected": False})
    with serving(started) as (client, service):
        assert client.start_session("slack").connect_url == "https://x"
    (request,) = service.requests
    assert (request.method, request.url.path) == ("POST", "/api/integrations/connect")
    assert json.loads(request.content) == {"provider": "slack"}
    with serving(answer(200, {"status": "pending", "provider": "slack"})) as (client, service):
        assert client.connect_status("a b&c").status == "pending"
    (request,) = service.requests
    assert (request.method, request.url.path) == ("GET", "/api/integrations/connect/status")
    assert dict(request.url.params) == {"sessionId": "a b&c"}
    with serving(answer(200, {"provider": "slack", "status": "not_connected"})) as (client, service):
        assert not client.sync_status("slack").connected
    (request,) = service.requests
    assert (request.method, request.url.path) == ("GET", "/api/integrations/sync-status")
    assert dict(request.url.params) == {"provider": "slack"}
