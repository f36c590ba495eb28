"""Makes text from outside fit to be shown: no credentials, no control characters, not long."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

SHARED = 8
"""A run of this many characters in common with a credential is taken for (a part of) it."""

_MOST = 10_000
"""Characters that are looked at; an answer can have millions in one text, which would take minutes."""

_FOR_URLS = str.maketrans("+/", "-_")

_TOKEN = re.compile(r"(?:\b(?:ok|phx|phc|sk|rk|pk|whsec)_|eyJ)[\w.+/=-]{6,}")
"""Shapes of credentials that nobody declared to us, such as one that the service quotes by mistake."""


def _spellings(secret: str) -> set[str]:
    utf8 = secret.encode("utf-8", "surrogatepass")
    # Python's rules, forms' and JavaScript's, each with hexadecimal digits in either case.
    urls = {quote(utf8, safe=""), quote_plus(utf8), quote(utf8, safe="!'()*")}
    urls |= {re.sub("%..", lambda escape: escape[0].lower(), url) for url in urls}
    return {
        secret,
        *urls,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        *_base64(utf8),
    }


def _base64(secret: bytes) -> Iterator[str]:
    """In either alphabet, by itself and as part of something longer, where it starts at any of three alignments."""
    for before, spoilt in enumerate((0, 2, 3)):
        text = base64.b64encode(bytes(before) + secret).decode().rstrip("=")[spoilt:]
        if not before or len(text) >= SHARED:
            yield text
            yield text.translate(_FOR_URLS)


class Redactor:
    """Puts text on one line, with every trace of some secrets replaced.

    A trace is the secret itself, its URL, JSON, Python or base64 spelling, or any eight characters in a row of one of
    those (so that a shortened echo does not get through), and anything that has the shape of a well-known kind of key.

    Args:
        secrets: What must not be shown. Empty ones are ignored.
        also: What this one hides is hidden, too, now and later.
    """

    def __init__(self, secrets: Iterable[str], *, also: Redactor | None = None) -> None:
        self._also = also
        self._known: set[str] = set()
        self._pieces: dict[int, set[str]] = {}
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Hides these, too, from now on. Other threads may use the redactor meanwhile."""
        new = {secret for secret in secrets if secret} - self._known - (self._also._known if self._also else set())
        for spelling in {spelling for secret in new for spelling in _spellings(secret)}:
            width = min(SHARED, len(spelling))
            pieces = self._pieces.setdefault(width, set())
            pieces.update(spelling[start : start + width] for start in range(len(spelling) - width + 1))
        self._known |= new

    def __call__(self, text: str, *, limit: int = 200) -> str:
        """``text`` as it may be shown, in at most ``limit`` characters."""
        text = text[: max(limit, _MOST)]
        line: list[str] = []
        secret: list[bool] = []
        for character, hidden in zip(text, self._hidden(text)):
            plain = character if hidden or character.isprintable() else " "
            if hidden or plain != " " or line[-1:] != [" "]:
                line.append(plain)
                secret.append(bool(hidden))
        # Once more, now that it is one line: a credential with spaces may have come on several.
        secret = [hidden or bool(again) for hidden, again in zip(secret, self._hidden("".join(line)))]
        runs = itertools.groupby(zip(line, secret), key=lambda pair: pair[1])
        shown = "".join(REDACTED if hidden else "".join(c for c, _ in run) for hidden, run in runs).strip()
        return shown if len(shown) <= limit else shown[: limit - 1] + "…"

    def _hidden(self, text: str) -> bytearray:
        """For each character, whether it is part of a trace."""
        hidden = bytearray(len(text))
        for width, pieces in [*self._pieces.items(), *(self._also._pieces.items() if self._also else ())]:
            for start in range(len(text) - width + 1):
                if text[start : start + width] in pieces:
                    hidden[start : start + width] = b"\1" * width
        for match in _TOKEN.finditer(text):
            hidden[match.start() : match.end()] = b"\1" * (match.end() - match.start())
        return hidden


def redact(text: str, secrets: Iterable[str], *, limit: int = 200) -> str:
    """``text`` on one line of at most ``limit`` characters, without any trace of ``secrets``; see `Redactor`."""
    return Redactor(secrets)(text, limit=limit)
