"""docs/reference.md shows every public name, each is documented, and its messages are those that the package gives."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

import outlit_pulumi
from outlit_pulumi import ApiError, ConfigurationError, Integration, IntegrationError, OutlitError, settings
from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.lifecycle import decide, previews
from outlit_pulumi.lifecycle.check import UNKNOWN, check
from outlit_pulumi.lifecycle.ledger import Facts
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
SECTION = PAGE.split("\n## What a preview finds\n")[1].split("\n## ")[0]
FAILURES, WARNINGS = (part for part in SECTION.split("\n|---|---|\n") if part.lstrip().startswith("|"))

TELLS = PAGE.split("\n## What a preview tells\n")[1].split("\n## ")[0]

PUBLIC = [getattr(outlit_pulumi, name) for name in outlit_pulumi.__all__]
CALLED = [*filter(inspect.isfunction, PUBLIC), Integration, Integration.get, outlit_pulumi.Provider]
ERRORS = [value for value in PUBLIC if isinstance(value, type) and issubclass(value, OutlitError)]
BASES = {OutlitError, ApiError, IntegrationError}

KEY = "ok_" + "k" * 32
POSTHOG = {"apiKey": "phx_made_up", "region": "us", "projectId": "12345"}


def items(documented: object, section: str) -> list[str]:
    """The names that a section of a docstring explains."""
    found = re.search(rf"^{section}:\n((?:    .*\n|\n)+)", (inspect.getdoc(documented) or "") + "\n", re.MULTILINE)
    return re.findall(r"^    (\w+): \S", found[1], re.MULTILINE) if found else []


def test_the_page_shows_each_public_name_once() -> None:
    """Sphinx fails on a name that does not exist, and not on one that is left out."""
    assert sorted(re.findall(r"^\.\. \S+:: (\w+)$", PAGE, re.MULTILINE)) == sorted(
        ["outlit_pulumi", *outlit_pulumi.__all__]
    )


@pytest.mark.parametrize("called", CALLED, ids=lambda called: called.__qualname__)
def test_every_argument_is_documented(called: Any) -> None:
    """And nothing that is not one."""
    documented = vars(called)["__init__"] if isinstance(called, type) else called  # as editors show it
    assert items(documented, "Args") == list(inspect.signature(called).parameters)


@pytest.mark.parametrize(
    "kind",
    [value for value in PUBLIC if isinstance(value, type) and inspect.get_annotations(value)],
    ids=lambda kind: kind.__name__,
)
def test_every_attribute_is_documented(kind: type) -> None:
    """Outputs, and members of results. The catalogue documents those of credentials, each beside its field."""
    if issubclass(kind, outlit_pulumi.ConfigArgs):
        assert all(field.doc for field in kind.config_fields())
    elif not kind.__name__.endswith("ConfigArgsDict"):
        assert items(kind, "Attributes") == list(inspect.get_annotations(kind))


def test_every_error_has_a_cause_and_a_cure() -> None:
    """Except the bases, which are never raised themselves."""
    rows = re.findall(r"^\| `(\w+Error)` \| \S.+ \| \S.+ \|$", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(error.__name__ for error in ERRORS if error not in BASES)


@pytest.mark.parametrize(
    "documented", [*CALLED, *(error for error in ERRORS if error not in BASES)], ids=lambda one: one.__qualname__
)
def test_each_has_an_example(documented: Any) -> None:
    """Python for what a program calls; for an error, what a user sees, with words of a message of the package."""
    example = (inspect.getdoc(documented) or "").partition("\nExample:\n")[2] + "\n"
    if documented in CALLED:
        assert "    .. code-block:: python\n" in example
    else:
        shown = re.search(r"::\n\n((?:        .+\n)+)", example)
        assert shown is not None
        assert any(part in " ".join(shown[1].split()) for part in said())


@cache
def said() -> set[str]:
    """The sentences of at least 20 characters in the package's code, which are its messages, without docstrings."""
    found = set()
    for path in (ROOT / "outlit_pulumi").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                found |= {" ".join(part.split()) for part in re.split(r"(?<=[.:])\s", node.value)}
    return {part for part in found if len(part) >= 20}


def listed(table: str) -> list[str]:
    """The messages of a table."""
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row)]


def test_the_lines_of_a_preview_are_those_of_the_page() -> None:
    """Each that it can say of a change has its row, and each row is one of them, or of a create."""
    olds: dict[str, Any] = {"provider": "stripe", "config": {"apiKey": "a"}}
    new = {"apiKey": "b"}
    cases = [
        ({**olds, **more}, {"provider": provider, "config": config, "on_config_change": mode})
        for more in ({}, {"config": None}, {"adopt_existing": True}, {"config_unconfirmed": True})
        for provider in ("stripe", "clerk", UNKNOWN)
        for config in (olds["config"], new, UNKNOWN)
        for mode in ("reconnect", "replace")
    ]
    differences = [(was, now, decide.difference(was, now)) for was, now in cases]
    said = {previews.foretold(*case)[0] for case in differences if case[2].changes}
    of_a_create = ["It is taken over as it is", "Outlit could not be asked"]
    rows = listed(TELLS)
    assert [line for line in said if not any(row in line for row in rows)] == []
    assert [row for row in rows if not any(row in line for line in said)] == of_a_create


def refused() -> Iterator[str]:
    """What settings are refused with."""
    cases: list[Mapping[str, object]] = [
        {},
        {settings.API_KEY: f"{KEY}\n"},
        {settings.API_KEY: "sk_made_up"},
        {settings.API_KEY: 3},
        {settings.API_KEY: "", settings.EXPLICIT: "emea"},
        {settings.API_KEY: KEY, settings.BASE_URL: "http://outlit.example"},
        {settings.API_KEY: KEY, settings.TIMEOUT: "0"},
    ]
    for case in cases:
        with pytest.raises(ConfigurationError) as error:
            settings.load(case.get, {})
        yield str(error.value)


def failures() -> Iterator[str]:
    """What check fails with."""

    def offline() -> Mapping[str, IntegrationItem]:
        raise ConfigurationError("no answer")

    def declared(provider: object, config: object = None, **more: Any) -> Iterator[str]:
        yield from check({}, {"provider": provider, "config": config, **more}, offered=dict).failures

    yield from declared("")
    yield from declared("stirpe")
    yield from check({}, {"provider": "stirpe"}, offered=offline).failures
    for wrong in (None, " ", 12345, "12345 ", "\ud800"):
        yield from declared("posthog", POSTHOG | {"projectId": wrong})
    yield from declared("posthog", POSTHOG | {"region": "moon"})
    yield from declared("posthog", POSTHOG | {"host": "us"})
    yield from declared("posthog", POSTHOG, config_class="StripeConfigArgs")
    yield from declared("posthog", "phx_made_up")
    yield from declared("supabase", {"projectUrl": "http://x.supabase.co", "serviceRoleKey": "made_up"})
    yield from declared("stripe")
    yield from declared("slack")
    yield from declared("slack", {"apiKey": "made_up"})
    yield from declared("slack", adopt_existing=True, on_config_change="replace")
    yield from declared("slack", adopt_existing="yes")
    yield from declared("slack", adopt_existing=True, on_config_change="never")
    yield from declared("slack", adopt_existing=True, wait_for_sync=0)


def warnings() -> Iterator[str]:
    """What the look at the workspace warns of."""
    there = IntegrationItem(id="stripe", status="connected", connection_id="stripe-org_2")
    gone = IntegrationItem(id="stripe", status="not_connected")
    blank = IntegrationItem(id="stripe", status="connected")
    decisions = [
        decide.create({"provider": "stripe"}, there, Facts(), decide.Owner()),
        decide.create({"provider": "stripe"}, there, Facts(held=True), decide.Owner()),
        decide.create({"provider": "stripe", "adopt_existing": True}, gone, Facts(), decide.Owner()),
        decide.create({"provider": "stripe", "adopt_existing": True}, None, Facts(), decide.Owner()),
        decide.create({"provider": "stripe", "adopt_existing": True}, blank, Facts(), decide.Owner()),
        decide.change("stripe-org_1", there, Facts(), decide.Owner()),
        decide.change("stripe-org_1", gone, Facts(), decide.Owner()),
    ]
    for decision in decisions:
        assert isinstance(decision, decide.Refusal)
        yield decision.warned("creating Stripe")


@pytest.mark.parametrize(
    ("table", "given"),
    [(FAILURES, [*refused(), *failures()]), (WARNINGS, list(warnings()))],
    ids=["failures", "warnings"],
)
def test_the_page_and_the_package_agree(table: str, given: list[str]) -> None:
    """Each message is listed, and each that is listed is given."""
    messages = listed(table)
    assert [message for message in given if not any(part in message for part in messages)] == []
    assert [part for part in messages if not any(part in message for message in given)] == []
