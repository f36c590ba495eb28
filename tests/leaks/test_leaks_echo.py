"""A service that repeats credentials wherever it can send text does not get them onto a screen or into the state."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import LONG
from tests.faults.deployment import Deployment
from tests.faults.service import Service

from .canaries import API_KEYS, SHAPES, quotations, spellings
from .operations import OPERATIONS, PATHS
from .outside import Outside, Said, replaced
from .screen import Screen

IDS = frozenset(("id", "provider", "connectionId", "sessionId"))
"""What has to stay, for the operations to go on. That a connection id can hold a credential is not covered."""

REFUSALS: dict[str, tuple[int, dict[str, Any]]] = {
    "400": (400, {}),
    "401": (401, {}),
    "403": (403, {}),
    "plan limit": (403, {"code": "plan_connection_limit_exceeded", "currentConnections": 3, "limit": 3}),
    "plan limit in texts": (403, {"code": "plan_connection_limit_exceeded"}),
    "404": (404, {"success": False}),
    "404 of somebody else": (404, {}),
    "429": (429, {}),
    "500": (500, {}),
    "504": (504, {}),
    "302": (302, {}),
}
SENTENCES = ("error", "message", "code", "plan", "feature", "errorMessage", "currentConnections", "limit")
"""The members that hold free text, or must not hold any. All others are data, which hide whole credentials only."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


class Echo:
    """Answers a route with every secret in every text, the spellings in another order each time.

    Sentences hold parts of secrets, too. Data do not: a name or a status may well begin as a credential does.
    """

    def __init__(self, secrets: list[str], path: str, refusal: str | None) -> None:
        self._secrets = secrets
        self._path = path
        self._refusal = refusal
        self._draws = random.Random(f"{path} {refusal}")

    def __call__(self, path: str, answer: httpx.Response) -> Said | None:
        if path != self._path:
            return None
        extra = {name: self._sentence() for name in SENTENCES}
        if self._refusal is None:
            keep = self._draws.choice((IDS, IDS | {"status"}))
            content = json.loads(answer.content)
            status, said = answer.status_code, extra | replaced(content, self._data(), keep=keep, sentences=extra)
        else:
            status, members = REFUSALS[self._refusal]
            said = extra | members
            if self._draws.random() < 0.5:
                del said["error"]  # then it is `message` that is quoted
        return Said(status, json.dumps(said).encode(), self._headers(), self._sentence().encode())

    def _headers(self) -> dict[bytes, bytes]:
        text = self._sentence()
        return {
            b"Location": self._draws.choice((text, f"https://x.test/?{quote(text)}")).encode(),
            b"Retry-After": self._draws.choice((text, *self._secrets)).encode(),  # digits are taken for seconds
        }

    def _sentence(self) -> str:
        return self._joined(quotations)

    def _data(self) -> str:
        return self._joined(spellings)

    def _joined(self, ways: Callable[[str], dict[str, str]]) -> str:
        written = [text for secret in self._secrets for text in ways(secret).values()]
        start = self._draws.randrange(len(written))
        return "|".join(written[start:] + written[:start])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_echo_is_shown(service: Service, name: str, shape: str) -> None:
    """On every route of every operation, and in a refresh after it: refusals (all in a long run), and right answers."""
    operation, secret = OPERATIONS[name], SHAPES[shape]
    old, new = {"apiKey": secret}, {"apiKey": secret[::-1].strip()}
    api_key = API_KEYS.get(shape, API_KEYS["plain"])
    turn = count(list(SHAPES).index(shape))
    for route in operation.routes:
        sent = [*old.values(), *(new.values() if name == "update" or (name, route) == ("replace", "connect") else ())]
        for refusal in (*list(REFUSALS)[slice(None) if LONG else slice(next(turn) % 2, None, 2)], None):
            outside = Outside(service, service.tenant(), api_key)
            stack, screen = Deployment(), Screen()
            with screen.logging():
                operation.prepare(stack, outside.run(), "stripe", old)
                outside.talk = Echo([api_key, *sent], PATHS[route], refusal)
                screen.command(stack, operation.run(stack, outside.run(), "stripe", old, new))
                held = [
                    value for resource in stack.state.values() for value in (resource.outputs["config"] or {}).values()
                ]
                outside.talk = Echo([api_key, *held], PATHS[route], refusal)
                screen.command(stack, stack.refresh(outside.run()))
            assert (leaks := screen.leaks(api_key, *old.values(), *new.values())) == [], (route, refusal, leaks[0])
