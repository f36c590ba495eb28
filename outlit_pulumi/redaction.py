"""Makes text from outside fit to be shown: no credentials, no control characters, not long."""

from __future__ import annotations

import base64
import itertools
import json
import re
import threading
import weakref
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

SHARED = 8
"""A run of this many characters in common with a credential is taken for (a part of) it."""

_MOST = 10_000
"""Characters that are looked at; an answer can have millions in one text, which would take minutes."""

_LINE = 200
"""Characters that a text may have where nothing else is said."""

_FOR_URLS = str.maketrans("+/", "-_")

_PLAIN = re.compile(r"[A-Za-z0-9_.-]*")

_TOKEN = re.compile(r"(?:\b(?:ok|phx|phc|sk|rk|pk|whsec)_|eyJ)[\w.+/=-]{6,}")
"""Shapes of credentials that nobody declared to us, such as one that the service quotes by mistake."""


def _spellings(secret: str) -> set[str]:
    utf8 = secret.encode("utf-8", "surrogatepass")
    if _PLAIN.fullmatch(secret):
        # As most credentials are: such a one is written the same wherever it is text.
        return {secret, *_base64(utf8)}
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


def _as_it_is(secret: str) -> set[str]:
    return {secret}


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
        spellings: Whether the other spellings are hidden, too. They take twenty times the memory of the secret.
    """

    def __init__(self, secrets: Iterable[str], *, also: Redactor | None = None, spellings: bool = True) -> None:
        self._also = also
        self._spellings = _spellings if spellings else _as_it_is
        self._in_use: weakref.WeakSet[Redactor] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pieces: dict[int, set[str]] = {}
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Hides these, too, from now on. Other threads may use the redactor meanwhile."""
        new = {secret for secret in secrets if secret} - self._known
        for spelling in {spelling for secret in new for spelling in self._spellings(secret)}:
            width = min(SHARED, len(spelling))
            pieces = self._pieces.setdefault(width, set())
            pieces.update(spelling[start : start + width] for start in range(len(spelling) - width + 1))
        self._known |= new

    def __call__(self, text: str, *, limit: int = _LINE) -> str:
        """``text`` as it may be shown, in at most ``limit`` characters."""
        text = text[: max(limit, _MOST)]
        # Nearly always there is nothing to do.
        shown = (text if self._shows(text) else self._without(text)).strip()
        return shown if len(shown) <= limit else shown[: limit - 1] + "…"

    def each(self, texts: Iterable[str | None]) -> list[str | None]:
        """Each of the texts as it may be shown. Takes the time of one where there is nothing to hide."""
        given = list(texts)
        there = [text for text in given if text]
        # A trace that runs across two of them is none, and costs time only.
        if all(map(_plain, there)) and self._shows(" ".join(there)):
            return given
        return [None if text is None else self(text) for text in given]

    def _shows(self, text: str) -> bool:
        """Whether the text is on one line already, and has no trace."""
        if not text.isprintable() or "  " in text or _TOKEN.search(text):
            return False
        pieces: dict[int, list[str]] = {}
        for width, known in self._all():
            if width not in pieces:
                pieces[width] = [text[start : start + width] for start in range(len(text) - width + 1)]
            if not known.isdisjoint(pieces[width]):
                return False
        return True

    def _without(self, text: str) -> str:
        """The text on one line, with its traces replaced."""
        line: list[str] = []
        secret: list[bool] = []
        for character, hidden in zip(text, self._hidden(text), strict=True):
            plain = character if hidden or character.isprintable() else " "
            if hidden or plain != " " or line[-1:] != [" "]:
                line.append(plain)
                secret.append(bool(hidden))
        # Once more, now that it is one line: a credential with spaces may have come on several.
        secret = [hidden or bool(again) for hidden, again in zip(secret, self._hidden("".join(line)), strict=True)]
        runs = itertools.groupby(zip(line, secret, strict=True), key=lambda pair: pair[1])
        return "".join(REDACTED if hidden else "".join(c for c, _ in run) for hidden, run in runs)

    def include(self, other: Redactor) -> None:
        """Hides the secrets of ``other``, too, while that is in use; but not short ones, which hide parts of words."""
        with self._lock:
            self._in_use.add(other)

    def _all(self) -> Iterator[tuple[int, set[str]]]:
        yield from list(self._pieces.items())  # a copy, as other threads may add
        with self._lock:
            in_use = list(self._in_use)
        yield from ((SHARED, other._pieces[SHARED]) for other in in_use if SHARED in other._pieces)
        if self._also is not None:
            yield from self._also._all()

    def _hidden(self, text: str) -> bytearray:
        """For each character, whether it is part of a trace."""
        hidden = bytearray(len(text))
        for width, pieces in self._all():
            for start in range(len(text) - width + 1):
                if text[start : start + width] in pieces:
                    hidden[start : start + width] = b"\1" * width
        for match in _TOKEN.finditer(text):
            hidden[match.start() : match.end()] = b"\1" * (match.end() - match.start())
        return hidden


def _plain(text: str) -> bool:
    return len(text) <= _LINE and text[0] != " " != text[-1]


def redact(text: str, secrets: Iterable[str], *, limit: int = _LINE) -> str:
    """``text`` on one line of at most ``limit`` characters, without any trace of ``secrets``; see `Redactor`."""
    return Redactor(secrets)(text, limit=limit)


def whole_id(text: str) -> str:
    """An id of the service as data: whole, unless it has the shape of a key. It may share letters with a credential."""
    return redact(text, (), limit=_MOST)
