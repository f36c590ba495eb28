"""Nothing of a credential gets through `redact`."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlit_pulumi.redaction import REDACTED, Redactor, redact

SECRET = 'Kd9/+ q"\\é-Zx77wPf3'


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        base64.b64encode(SECRET.encode()).decode(),
        SECRET[:10],
        SECRET[-9:],
        SECRET[5:14] + "...",
    ],
)
def test_every_spelling_and_any_part_is_replaced(echo: str) -> None:
    shown = redact(f"field has {echo} in it", [SECRET])
    assert REDACTED in shown
    assert shown.startswith("field has ")
    assert shown.endswith(" in it")
    assert not any(echo.strip('"')[i : i + 8] in shown for i in range(len(echo) - 8) if echo[i : i + 8].strip('".'))


@pytest.mark.parametrize(
    "token",
    [
        "ok_live0123456789",
        "phx_abc0123456789",
        "phc_abc0123456789",
        "sk_live_0123456789",
        "rk_live_0123456789",
        "whsec_0123456789ab",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig",
    ],
)
def test_well_known_shapes_are_replaced_undeclared(token: str) -> None:
    assert redact(f"key {token} is bad", []) == f"key {REDACTED} is bad"


def test_a_short_secret_is_replaced() -> None:
    assert redact("code 4711!", ["4711"]) == f"code {REDACTED}!"


def test_an_empty_secret_changes_nothing() -> None:
    assert redact("a plain text", [""]) == "a plain text"


def test_overlapping_secrets() -> None:
    assert redact("abcdefghijklmnop", ["abcdefghij", "ghijklmnop"]) == REDACTED


def test_one_printable_line_of_limited_length() -> None:
    assert redact("a\r\n\x1b[31mb\tc", []) == "a [31mb c"
    shown = redact("x " * 500, [], limit=50)
    assert len(shown) <= 50
    assert shown.endswith("…")


@given(st.text(min_size=8, max_size=60), st.text(max_size=40), st.text(max_size=40))
def test_no_secret_in_any_text(secret: str, before: str, after: str) -> None:
    shown = redact(before + secret + after, [secret], limit=10_000)
    assert secret not in shown
    assert "\n" not in shown
    assert REDACTED in shown


@given(st.text(alphabet="GHJKLMNPQ", min_size=12, max_size=60), st.data())
def test_no_part_of_a_secret(secret: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(secret) - 8))
    stop = data.draw(st.integers(start + 8, len(secret)))
    assert redact(f"<{secret[start:stop]}>", [secret]) == f"<{REDACTED}>"


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=3), st.integers(20, 300))
def test_it_takes_any_text(text: str, secrets: list[str], limit: int) -> None:
    shown = redact(text, secrets, limit=limit)
    assert len(shown) <= limit
    assert shown.isprintable()


def test_texts_are_hidden_together_as_they_are_one_by_one() -> None:
    hide = Redactor(["made-up-credential", "two words"])
    texts: list[str | None] = [
        None,
        "",
        "PostHog",
        " spaced",
        "a\nb",
        "x" * 300,
        "has credential in it",
        "two  words",
        "connected",
    ]
    for some in (texts, ["PostHog", None, "connected"], *([text] for text in texts)):
        assert hide.each(some) == [None if text is None else hide(text) for text in some]
