"""The catalogue against the API page, and the names that a program imports."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from typing import get_args

import pytest

import outlit_pulumi
from outlit_pulumi import catalog, resources

PAGE: dict[str, tuple[str, dict[str, bool]]] = {
    "slack": ("communication", {}),
    "fireflies": ("calls", {"apiKey": True}),
    "granola": ("calls", {"apiKey": True}),
    "google-calendar": ("calendar", {}),
    "google-mail": ("communication", {}),
    "posthog": ("analytics", {"apiKey": True, "region": False, "projectId": False}),
    "stripe": ("billing", {"apiKey": True}),
    "supabase": ("analytics", {"projectUrl": False, "serviceRoleKey": True}),
    "clerk": ("analytics", {"secretKey": True}),
    "pylon": ("support", {}),
}
"""The API page's table: category, and the fields of a direct config with whether each is secret."""


def test_the_catalogue_is_the_api_page() -> None:
    found = {
        spec.id: (spec.category, {item.name: item.secret for item in spec.fields})
        for spec in outlit_pulumi.PROVIDERS.values()
    }
    assert found == PAGE
    assert list(found) == list(PAGE)


@pytest.mark.parametrize("provider", list(PAGE))
def test_providers_without_fields_need_a_browser(provider: str) -> None:
    spec = catalog.find(provider)
    assert spec is not None
    assert spec.browser is not bool(PAGE[provider][1])


def test_posthog_regions() -> None:
    choices = {item.name: item.choices for item in catalog.PROVIDERS["posthog"].fields}
    assert choices == {"apiKey": (), "region": ("us", "eu"), "projectId": ()}


def test_gmail_is_an_alias() -> None:
    assert catalog.canonical_id("gmail") == "google-mail"
    assert catalog.find("gmail") is catalog.PROVIDERS["google-mail"]


def test_an_unknown_id_stays_as_it_is() -> None:
    assert catalog.canonical_id("hubspot") == "hubspot"
    assert catalog.find("hubspot") is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [("posthgo", "posthog"), ("PostHog", "posthog"), (" strpe ", "stripe"), ("slak", "slack"), ("zzzz", None)],
)
def test_closest(word: str, meant: str | None) -> None:
    assert catalog.closest(word, catalog.PROVIDERS) == meant


@pytest.mark.parametrize("spec", [spec for spec in catalog.PROVIDERS.values() if spec.args], ids=lambda spec: spec.id)
def test_args_keep_values_out_of_repr(spec: catalog.ProviderSpec) -> None:
    assert spec.args is not None
    args = spec.args(**{item.attribute: "CANARY-value" for item in spec.fields})
    assert "CANARY" not in repr(args) + str(args)
    assert type(args).__name__ in repr(args)
    assert all(item.attribute in repr(args) for item in spec.fields)


def fields(name: str) -> dict[str, tuple[str, str]]:
    """The fields of a class of the catalogue, each with its type and with the docstring that an editor shows."""
    (found,) = (node for node in ast.walk(CATALOG) if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        ast.unparse(item.target): (ast.unparse(item.annotation), ast.literal_eval(doc.value))
        for item, doc in pairwise(found.body)
        if isinstance(item, ast.AnnAssign) and isinstance(doc, ast.Expr)
    }


CATALOG = ast.parse(inspect.getsource(catalog))
DIRECT = [spec for spec in catalog.PROVIDERS.values() if spec.args]


@pytest.mark.parametrize("spec", DIRECT, ids=lambda spec: spec.id)
def test_class_and_dict_of_credentials_are_the_same(spec: catalog.ProviderSpec) -> None:
    """Field by field, for a type checker and for the reader of a docstring."""
    assert spec.args is not None
    found = fields(spec.args.__name__)
    assert found == fields(f"{spec.args.__name__}Dict")
    assert {name: doc for name, (_, doc) in found.items()} == {item.attribute: item.doc for item in spec.fields}
    for item in spec.fields:
        kind, _ = found[item.attribute]
        assert kind == (f"Literal{list(item.choices)} | Output[str] | Awaitable[str]" if item.choices else "Input[str]")


def test_a_type_checker_knows_every_provider() -> None:
    """One overload for each that takes credentials, with its class and its dict; then two for any id."""
    assert list(get_args(catalog.ProviderId)) == list(catalog.PROVIDERS)
    tree = ast.parse(inspect.getsource(resources))
    overloads = [
        {argument.arg: ast.unparse(argument.annotation) for argument in node.args.args if argument.annotation}
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.decorator_list
        and ast.unparse(node.decorator_list[0]) == "overload"
    ]
    for spec, found in zip(DIRECT, overloads[:-2], strict=True):
        assert spec.args is not None
        assert found["provider"] == f"Literal['{spec.id}']"
        assert found["config"] == f"Input[catalog.{spec.args.__name__} | catalog.{spec.args.__name__}Dict]"
    assert {found["provider"] for found in overloads[-2:]} == {"ProviderId | Input[str]"}


def test_every_public_name_exists() -> None:
    assert [name for name in outlit_pulumi.__all__ if not hasattr(outlit_pulumi, name)] == []
    assert len(set(outlit_pulumi.__all__)) == len(outlit_pulumi.__all__)


def test_errors_show_the_path_that_users_import() -> None:
    assert outlit_pulumi.PlanLimitError.__module__ == "outlit_pulumi"
