"""Makes text from outside fit to be shown: no credentials, no control characters, not long."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

_SHARED = 8
"""A run of this many characters in common with a credential is taken for (a part of) it."""

_TOKEN = re.compile(r"(?:\b(?:ok|phx|phc|sk|rk|pk|whsec)_|eyJ)[\w.+/=-]{6,}")
"""Shapes of credentials that nobody declared to us, such as one that the service quotes by mistake."""


def _spellings(secret: str) -> set[str]:
    utf8 = secret.encode("utf-8", "surrogatepass")
    return {
        secret,
        quote(utf8, safe=""),
        quote_plus(utf8),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(utf8).decode().rstrip("="),
    }


def redact(text: str, secrets: Iterable[str], *, limit: int = 200) -> str:
    """``text`` on one line of at most ``limit`` characters, with every trace of ``secrets`` replaced.

    A trace is the secret itself, its URL, JSON or base64 spelling, or any eight characters in a row of one of those (so
    that a shortened echo does not get through), and anything that has the shape of a well-known kind of key.
    """
    hidden = bytearray(len(text))
    for spelling in {s for secret in secrets if secret for s in _spellings(secret)}:
        width = min(_SHARED, len(spelling))
        pieces = {spelling[i : i + width] for i in range(len(spelling) - width + 1)}
        for start in range(len(text) - width + 1):
            if text[start : start + width] in pieces:
                hidden[start : start + width] = b"\1" * width
    for match in _TOKEN.finditer(text):
        hidden[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    shown: list[str] = []
    for position, character in enumerate(text):
        if not hidden[position]:
            shown.append(character if character.isprintable() else " ")
        elif position == 0 or not hidden[position - 1]:
            shown.append(REDACTED)
    line = " ".join("".join(shown).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
