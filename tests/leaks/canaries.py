"""Planted credentials, the ways in which they may be spelled, and the search for their traces.

Knows nothing of how the package hides credentials: spellings are written here anew.
"""

from __future__ import annotations

import base64
import html
import json
import random
import re
import string
from collections.abc import Iterable
from functools import cache
from urllib.parse import quote, quote_plus

from tests.faults.service import URL

_LONG = "".join(random.Random(7).choices(string.ascii_letters + string.digits + "/+=", k=4096))

SHAPES = {
    "plain": "sk_live_CANARYa0b1c2d3e4f5",
    "quotes": 'Kq"7\'w"Zx\'p9"Lm\'4v"R',
    "escaped line breaks": r"-----BEGIN KEY-----\nMIIQw7zXk\nPq9Lm2Vt\n-----END KEY-----\n",
    "percent": "%s%(x)s{0}%d%%{x!r}%20Zt7Qw9%2FLp!y*(k)'",
    "unicode": "clé-Ωmega-ключ-\N{MATHEMATICAL FRAKTUR CAPITAL U}𝔫𝔦\N{KEY}-7Xq",  # noqa: RUF001  # odd on purpose
    "right to left": "مفتاحסוד\u202eXq7Zw9\u200fLmמפתח",
    "a URL": "https://user:Zq7Xw9@hooks.example.test/in?key=Lm4Kp8Vt2&a=b#c",
    "4 KB": _LONG,
    "short": "q7Z!m4Kx",
    "digits": "4711081542",
    "base64": base64.b64encode(b"\xfb\xef\xbe canary >>>???\xff").decode(),
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.Qw7-zXk_Pq9Lm2Vt",
    "regular expression": r"^(?:a+)+$|[\d.*]{3,}\b(?P<k>x)Q7z",
    "spaces": "correct horse  battery staple Zq7",
    "in the base URL": "Wq7Zx9Lm-4Kp8",
}
"""Credentials of an integration, by what is special about them."""

API_KEYS = {
    name: "ok_" + "".join(character for character in secret if character.isascii() and not character.isspace())[:4000]
    for name, secret in SHAPES.items()
    if secret.isascii()
}
"""The same as API keys of the service, as far as the format of those allows."""

_WIDTH = 8
# What says nothing of a credential that happens to hold the same.
_INNOCENT = f"{URL}/ https://app.outlit.ai/ https://user "


@cache
def spellings(secret: str) -> dict[str, str]:
    """How a service or a library may write it whole, by the way of writing."""
    utf8 = secret.encode()
    return {
        "whole": secret,
        "JSON": json.dumps(secret)[1:-1],
        "JSON of JavaScript": json.dumps(secret, ensure_ascii=False)[1:-1],
        "URL": quote(secret, safe=""),
        "URL of JavaScript": quote(secret, safe="!'()*~"),
        "URL in lower case": re.sub("%..", lambda escape: escape[0].lower(), quote(secret, safe="")),
        "path": quote(secret),
        "form": quote_plus(secret),
        "HTML": html.escape(secret),
        "HTML of a text": html.escape(secret, quote=False),
        "Python": repr(secret)[1:-1],
        "base64": base64.b64encode(utf8).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(utf8).decode().rstrip("="),
        "base64 of a login": base64.b64encode(b"me:" + utf8).decode()[4:],
    }


def quotations(secret: str) -> dict[str, str]:
    """What a sentence may hold of it: it is not always quoted whole, or on one line."""
    head = re.match(r"https://|sk_live_|ok_|", secret)
    assert head is not None
    beginning = secret[: head.end() + 12]
    return spellings(secret) | {
        "its beginning": beginning,
        "its beginning and an ellipsis": f"{beginning}...",
        "wrapped": secret.replace(" ", "\n"),
    }


@cache
def _windows(secrets: frozenset[str]) -> frozenset[str]:
    written = [text for secret in secrets for text in (*spellings(secret).values(), repr(secret.encode())[2:-1])]
    found = {text[start : start + _WIDTH] for text in written for start in range(len(text) - _WIDTH + 1)}
    return frozenset(window for window in found if window not in _INNOCENT)


def traces(text: str, secrets: Iterable[str]) -> list[str]:
    """The places in ``text``, with what is around them, that hold 8 characters in a row of a spelling of a secret."""
    windows = _windows(frozenset(secrets))
    return [
        text[max(0, start - 40) : start + 48]
        for start in range(len(text) - _WIDTH + 1)
        if text[start : start + _WIDTH] in windows
    ]
