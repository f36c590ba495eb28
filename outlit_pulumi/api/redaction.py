"""Makes text from outside fit to be shown: no credentials, no control characters, not long."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

PART = 8
"""Characters of a credential's beginning that are hidden; a shorter credential is hidden as a whole word only."""

_WORD = 16
"""Characters below which a credential without a digit may be a word, which an id or a category holds, too."""

_MOST = 10_000
"""Characters that are searched; an answer can hold millions in one text."""

_URL = re.compile(r"https?(?:://|%3[Aa]%2[Ff]%2[Ff])")
_KIND = re.compile(r"(?:sk|rk|pk)_(?:live|test)_|[A-Za-z]{2,6}_")
"""Well-known beginnings, which a credential shares with others and with data."""

_SHAPE = re.compile(r"(?:\b(?:ok|phx|phc|sk|rk|pk|whsec)_(?=[\w.+/=-]*\d)|eyJ)[\w.+/=-]{6,}")
"""Well-known kinds of keys, which the service may quote although nobody declared them. A name such as ``pk_customers``
has no digit."""


def _spellings(secret: str) -> set[str]:
    """The secret as text, URLs, forms, JSON, HTML and basic authentication spell it."""
    utf8 = secret.encode("utf-8", "surrogatepass")
    urls = {quote(utf8, safe=""), quote(utf8), quote_plus(utf8), quote(utf8, safe="!'()*")}
    urls |= {re.sub("%..", lambda escape: escape[0].lower(), url) for url in urls}
    escaped = {html.escape(secret), html.escape(secret).replace("&#x27;", "&#39;"), html.escape(secret, quote=False)}
    texts = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    encoded = base64.b64encode(utf8).decode().rstrip("=")
    spellings = {secret, *urls, *escaped, *texts, encoded, encoded.translate(str.maketrans("+/", "-_"))}
    return spellings | {_one_line(spelling) for spelling in spellings}


def whole_characters(text: str) -> str:
    """The text with a sign in place of each half character (a lone surrogate), which can be neither sent nor stored."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _one_line(text: str) -> str:
    """The text without control characters and half characters, with single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in whole_characters(text)).split())


class Redactor:
    """Hides credentials in text, and knows more of them as operations name theirs. Safe to share between threads.

    Free text, such as an error message of the service, is searched for every spelling of a credential, for the first
    eight characters and more of one (a well-known head such as ``sk_live_`` does not count), and for the shapes of
    well-known keys. Data, such as an id or a status, is searched for whole credentials only, and not for what may be a
    word: all that is declared for a provider which the catalogue does not have counts as a credential.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._spelt: dict[int, dict[str, set[str]]] = {}
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Hides these, too, from now on."""
        with self._lock:
            for secret in {secret for secret in secrets if secret} - self._known:
                self._known.add(secret)
                for spelling in _spellings(secret):
                    kind, url = _KIND.match(spelling), _URL.match(spelling)
                    head = kind or url
                    self._search(spelling, PART + (head.end() if head else 0))
                    if kind:  # its rest is a credential by itself
                        self._search(spelling[kind.end() :], PART)

    def _search(self, spelling: str, width: int) -> None:
        start = spelling[:width]
        if start:
            self._spelt.setdefault(len(start), {}).setdefault(start, set()).add(spelling)

    def __call__(self, text: str, *, limit: int = 200) -> str:
        """Free text as it may be shown: on one line, in at most ``limit`` characters."""
        return _shortened(self._without(_one_line(text[: max(limit, _MOST)]), whole=False), limit)

    def data(self, text: str) -> str:
        """An id, a status, a name or a time: as it is, but for a whole credential in it."""
        return self._without(text, whole=True)

    def in_data(self, text: str) -> bool:
        """Whether there is a whole credential in it, so that the state must not hold it."""
        return self.data(text) != text

    def _without(self, text: str, *, whole: bool) -> str:
        spans = sorted(self._spans(text, whole=whole))
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            if start > end or not parts:
                parts += [text[end:start], REDACTED]
            end = max(end, stop)
        return "".join([*parts, text[end:]])

    def _spans(self, text: str, *, whole: bool) -> Iterator[tuple[int, int]]:
        """Start and end of each trace of a credential in the text."""
        with self._lock:
            for width, spelt in self._spelt.items():
                for start in range(len(text) - width + 1):
                    for spelling in spelt.get(text[start : start + width], ()):
                        length = _common(spelling, text[start:])
                        if whole and (length < max(len(spelling), PART) or _may_be_a_word(spelling)):
                            continue
                        if len(spelling) >= PART or _is_word(text, start, start + length):
                            yield start, start + length
        if not whole:
            yield from (match.span() for match in _SHAPE.finditer(text))


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    differing = (index for index, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(differing, min(len(one), len(other)))


def _may_be_a_word(spelling: str) -> bool:
    return len(spelling) < _WORD and not any(character.isdigit() for character in spelling)


def _is_word(text: str, start: int, end: int) -> bool:
    return not (text[max(0, start - 1) : start].isalnum() or text[end : end + 1].isalnum())


def redact(text: str, secrets: Iterable[str] = (), *, limit: int = 200) -> str:
    """Free text on one line of at most ``limit`` characters, without any trace of ``secrets``; see `Redactor`."""
    return Redactor(secrets)(text, limit=limit)


def plain(text: str, *, limit: int = 80) -> str:
    """An id or another name as a message shows it: on one line of at most ``limit`` characters."""
    return _shortened(_one_line(text[:_MOST]), limit)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
