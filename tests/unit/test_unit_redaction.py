"""Nothing of a credential gets through in free text, and nothing else is hidden from data."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.api.redaction import PART, REDACTED, Redactor, plain, redact
from outlit_pulumi.lifecycle.outputs import outputs

SECRET = "Kd9/+ q\"\\é<&'-Zx77wPf3"
SPELLINGS = {
    "exact": SECRET,
    "url": quote(SECRET, safe=""),
    "url in lower case": re.sub("%..", lambda escape: escape[0].lower(), quote(SECRET, safe="")),
    "form": quote_plus(SECRET),
    "json": json.dumps(SECRET),
    "json in unicode": json.dumps(SECRET, ensure_ascii=False),
    "html": html.escape(SECRET),
    "html in decimals": html.escape(SECRET).replace("&#x27;", "&#39;"),
    "html without quotes": html.escape(SECRET, quote=False),
    "repr": repr(SECRET),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 for urls": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("echo", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_is_hidden_in_free_text(echo: str) -> None:
    """Whole, and cut off."""
    for part in (echo, echo[: len(echo) * 2 // 3]):
        shown = redact(f"field has {part} in it", [SECRET])
        assert REDACTED in shown
        assert shown.startswith("field has ")
        assert shown.endswith(" in it")
        assert not any(part[i : i + 8] in shown for i in range(len(part) - 7) if part[i : i + 8].strip("\"'=."))


@pytest.mark.parametrize(
    ("secret", "head"),
    [
        ("abcdefghijklmnop", ""),
        ("sk_live_abcdefghijklmnop", "sk_live_"),
        ("rk_test_abcdefghijklmnop", "rk_test_"),
        ("phx_abcdefghijklmnop", "phx_"),
        ("https://abcdefghijklmnop", "https://"),
    ],
)
def test_a_credential_is_hidden_from_its_eighth_own_character_on(secret: str, head: str) -> None:
    """What it begins with in common with others says nothing, and is data elsewhere."""
    own = len(head) + PART
    assert redact(f"<{secret[:own]}>", [secret]) == f"<{REDACTED}>"
    assert redact(f"<{secret[:own]}…>", [secret]) == f"<{REDACTED}…>"
    assert REDACTED not in redact(f"<{head}>", [secret])
    if not head.startswith(("sk", "rk", "ph")):  # of keys, the shape is hidden as well
        assert redact(f"<{secret[: own - 1]}>", [secret]) == f"<{secret[: own - 1]}>"


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
def test_well_known_shapes_are_hidden_undeclared(token: str) -> None:
    assert redact(f"key {token} is bad", []) == f"key {REDACTED} is bad"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("code 4711!", f"code {REDACTED}!"),
        ("4711", REDACTED),
        ("(4711)", f"({REDACTED})"),
        ("code 47110", "code 47110"),
        ("code x4711", "code x4711"),
        ("code 471", "code 471"),
    ],
)
def test_a_short_credential_is_hidden_as_a_word(text: str, shown: str) -> None:
    """A region "us" must not turn "must" into "m[redacted]t"."""
    assert redact(text, ["4711"]) == shown


def test_an_empty_secret_changes_nothing() -> None:
    assert redact("a plain text", [""]) == "a plain text"


def test_overlapping_secrets() -> None:
    assert redact("abcdefghijklmnop", ["abcdefghij", "ghijklmnop"]) == REDACTED


def test_secrets_side_by_side_are_hidden_as_one() -> None:
    hide = Redactor(["first-credential", "other-credential"])
    assert hide("first-credentialother-credential, other-credential") == f"{REDACTED}, {REDACTED}"


def test_more_becomes_known_with_time() -> None:
    hide = Redactor()
    assert hide("made-up-credential") == hide.data("made-up-credential") == "made-up-credential"
    hide.add(["made-up-credential", ""])
    hide.add(["made-up-credential"])
    assert hide("made-up-credential") == hide.data("made-up-credential") == REDACTED


def test_one_printable_line_of_limited_length() -> None:
    assert redact("a\r\n\x1b[31mb\tc", []) == "a [31mb c"
    shown = redact("x " * 500, [], limit=50)
    assert len(shown) == 50
    assert shown.endswith("…")


def test_white_space_and_controls_do_not_take_a_credential_apart() -> None:
    """What is shown is one line, so what is searched is."""
    assert redact("no two\n \x00words-of-it", ["two words-of-it"]) == f"no {REDACTED}"


def test_a_name_is_shown_on_one_short_line() -> None:
    assert plain("a\r\n\x1b[31mb\ud800") == "a [31mb\N{REPLACEMENT CHARACTER}"
    assert plain("x" * 100) == "x" * 79 + "…"
    assert plain("x" * 100, limit=5) == "xxxx…"


DATA = (
    "analytics",
    "connected",
    "2026-04-10T18:22:11.000Z",
    "posthog-org_1",
    "StripeCustomer",
    "https://",
    "us",
    "PostHog",
    "",
    " spaced\n",
    "a" * 500,
)
NEIGHBOURS = (
    "https://hooks.example.com/analytics",
    "analytics-of-somebody",
    "2026-04-10T18:22:11.000Z-and-more",
    "posthog-org_12",
    "StripeCustomerKey",
    "us",
    "PostHog",
    "connected to it",
)
"""Credentials of other integrations that have something in common with data."""


@pytest.mark.parametrize("text", DATA)
def test_data_pass_as_they_are(text: str) -> None:
    assert Redactor(NEIGHBOURS).data(text) == text


def test_a_category_is_no_part_of_somebodys_secret_url() -> None:
    """Times, statuses and ids neither: what the state holds is what Outlit says."""
    said = {
        "id": "posthog",
        "status": "connected",
        "name": "PostHog",
        "category": "analytics",
        "connectionId": "posthog-org_1",
        "lastDataReceivedAt": "2026-04-10T18:22:11.000Z",
        "syncStatus": "SUCCESS",
    }
    item = IntegrationItem.model_validate(said)
    found = outputs({"provider": "posthog"}, "posthog-org_1", item, Redactor(NEIGHBOURS))
    shown = ("category", "last_data_received_at", "status", "connection_id", "sync_status", "display_name")
    assert [found[name] for name in shown] == [
        "analytics",
        "2026-04-10T18:22:11.000Z",
        "connected",
        "posthog-org_1",
        "SUCCESS",
        "PostHog",
    ]


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("production", "snowflake-production-1"),
        ("prod_analytics", "analytics"),
        ("svc_snowflake", "snowflake-org_1"),
        ("connected", "connected"),
    ],
)
def test_a_word_is_no_credential_in_data(declared: str, text: str) -> None:
    """Each field of a provider that the catalogue does not have counts as secret, the name of a database, too."""
    assert Redactor([declared]).data(text) == text
    assert declared not in redact(f"no database {declared}", [declared])


def test_a_name_is_not_of_the_shape_of_a_key() -> None:
    assert redact('duplicate key "pk_customers_email", not pk_live_51H') == (
        f'duplicate key "pk_customers_email", not {REDACTED}'
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("made-up-credential", REDACTED),
        ("id-made-up-credential-1", f"id-{REDACTED}-1"),
        ("made-up%2Fcredential", REDACTED),
        ("made-up-credentia", "made-up-credentia"),
        ("ade-up-credential", "ade-up-credential"),
        ("4711", "4711"),
        ("sk_live_0123456789", "sk_live_0123456789"),
    ],
)
def test_data_hide_whole_credentials_only(text: str, shown: str) -> None:
    """Not their beginnings, not short ones, not what has the shape of a key: an id may be any of that."""
    assert Redactor(["made-up-credential", "made-up/credential", "4711"]).data(text) == shown


@given(st.text(min_size=8, max_size=60), st.text(max_size=40), st.text(max_size=40))
def test_no_secret_in_any_text(secret: str, before: str, after: str) -> None:
    shown = redact(before + secret + after, [secret], limit=10_000)
    assert secret not in shown
    assert "\n" not in shown


@given(st.text(alphabet="GHJKLMNPQ", min_size=12, max_size=60), st.data())
def test_no_beginning_of_a_secret(secret: str, data: st.DataObject) -> None:
    stop = data.draw(st.integers(8, len(secret)))
    assert redact(f"<{secret[:stop]}>", [secret]) == f"<{REDACTED}>"


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=3), st.integers(20, 300))
def test_it_takes_any_text(text: str, secrets: list[str], limit: int) -> None:
    shown = redact(text, secrets, limit=limit)
    assert len(shown) <= limit
    assert shown.isprintable()


@given(
    st.text("abc-_/+&'\"é", min_size=16, max_size=30) | st.text("1bc-_/+&'\"é", min_size=8).map("1".__add__),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_no_whole_secret_in_any_data(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret]).data(before + secret + after)
