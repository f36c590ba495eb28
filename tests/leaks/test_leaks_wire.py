"""What a service can say below the level of right HTTP is not repeated either: not in errors, not in debug logs."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.api.errors import ApiError
from outlit_pulumi.api.retry import Retries
from outlit_pulumi.settings import Settings

from .canaries import API_KEYS, SHAPES
from .screen import Screen

OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "status line": b"HTTP/9.9 %s\r\n\r\n",
    "no HTTP": b"%s\r\n\r\n",
    "reason phrase": b"HTTP/1.1 400 %s\r\ncontent-length: 0\r\n\r\n",
    "header": b"HTTP/1.1 500 No\r\nX-Key: %s\r\ncontent-length: 0\r\n\r\n",
    "header name": OK + b"%s: 1\r\n\r\n",
    "header without colon": OK + b"%s\r\n\r\n",
    "content length": OK + b"content-length: %s\r\n\r\n",
    "chunk": OK + b"transfer-encoding: chunked\r\n\r\n%s\r\n",
    "transfer encoding": OK + b"transfer-encoding: %s\r\n\r\n",
    "compressed": OK + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\n%.4s",
    "location": b"HTTP/1.1 307 No\r\nlocation: https://x.test/%s\r\ncontent-length: 0\r\n\r\n",
    "location without a host": b"HTTP/1.1 307 No\r\nlocation: https://x.test:%s/\r\ncontent-length: 0\r\n\r\n",
    "retry after": b"HTTP/1.1 429 No\r\nretry-after: %s\r\ncontent-length: 0\r\n\r\n",
    "cookie": b"HTTP/1.1 401 No\r\nset-cookie: k=%s; expires=%s\r\ncontent-length: 0\r\n\r\n",
    "cut off": OK + b'content-length: 9999\r\n\r\n{"error": "%s"',
    "early hints": b"HTTP/1.1 103 %s\r\nlink: %s\r\n\r\nHTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n",
}


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that sends these bytes whatever it is asked, and ends the connection; its URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += self.request.recv(65536)
            self.request.sendall(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("shape", ["plain", "quotes", "unicode", "in the base URL", "digits"])
def test_no_bytes_of_an_answer_are_shown(kind: str, shape: str) -> None:
    """The credential itself and its URL spelling, in every place of an answer, after a write and after a read."""
    secret, api_key = SHAPES[shape], API_KEYS["plain"]
    screen = Screen()
    for written in (secret, quote(secret, safe=""), api_key):
        answer = ANSWERS[kind].replace(b"%s", written.encode()).replace(b"%.4s", written.encode()[:4])
        with (
            screen.logging(),
            answering(answer) as url,
            OutlitClient(Settings(api_key, f"{url}/{secret}"), retries=Retries(attempts=1)) as client,
        ):
            with pytest.raises(ApiError) as caught:
                client.connect("stripe", {"apiKey": secret})
            screen.error(caught.value)
            with pytest.raises(ApiError) as caught:
                client.list_integrations()
            screen.error(caught.value)
    assert screen.leaks(secret, api_key) == []
