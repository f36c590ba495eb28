"""Whatever a workspace's list holds, the program declares those ids and does nothing else."""

from __future__ import annotations

import ast
import keyword
import re

from hypothesis import given
from hypothesis import strategies as st

from outlit_pulumi import PROVIDERS
from outlit_pulumi.api.models import IntegrationItem
from outlit_pulumi.api.redaction import Redactor
from outlit_pulumi.catalog import canonical_id
from outlit_pulumi.cli.discover.found import discover
from outlit_pulumi.cli.discover.project import Project, program

KEY = "ok_" + "k" * 32

ANY = st.text() | st.text(st.sampled_from("\"'\\\n#{}$()`ab-_ ."), max_size=20)
IDS = (
    st.sampled_from([*PROVIDERS, "gmail"])
    | ANY.filter(bool)
    | st.sampled_from([*keyword.kwlist, "config", "outlit", "pulumi", "list", '"); import os; ("', KEY])
)
ITEMS = st.lists(
    st.builds(
        IntegrationItem,
        id=IDS,
        status=st.just("connected") | ANY,
        name=st.none() | ANY,
        category=st.none() | ANY,
        connection_id=st.none() | ANY,
        sync_status=st.none() | ANY,
        error_message=st.none() | ANY,
    ),
    max_size=8,
)


def declared(text: str) -> dict[str, tuple[str, str]]:
    """Variable to resource name and provider id, of a program that has nothing but what such a program may have."""
    resources: dict[str, tuple[str, str]] = {}
    exports: dict[str, str] = {}
    docstring, *statements = ast.parse(text).body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    for statement in statements:
        match statement:
            case ast.Import():
                assert ast.unparse(statement) in ("import outlit_pulumi as outlit", "import pulumi")
            case ast.Assign([ast.Name("config")]):
                assert ast.unparse(statement.value) == "pulumi.Config()"
            case ast.Assign(
                [ast.Name(variable)],
                ast.Call(ast.Attribute(ast.Name("outlit"), "Integration"), [ast.Constant(str(name))], more),
            ):
                provider = more[0].value
                assert isinstance(provider, ast.Constant)
                assert isinstance(provider.value, str)
                assert variable not in resources
                resources[variable] = (name, provider.value)
                extra = [ast.unparse(keyword_) for keyword_ in more[1:]]
                assert extra.pop() == "adopt_existing=True"
                assert all(re.fullmatch(r"config=outlit\.\w+ConfigArgs\([\w=.()', ]+\)", value) for value in extra)
            case ast.Expr(
                ast.Call(
                    ast.Attribute(ast.Name("pulumi"), "export"),
                    [ast.Constant(str(name)), ast.Attribute(ast.Name(variable), "connection_id")],
                    [],
                )
            ):
                exports[variable] = name
            case _:
                raise AssertionError(ast.unparse(statement))
    assert exports == {variable: name for variable, (name, _) in resources.items()}
    return resources


@given(items=ITEMS, credentials=st.booleans())
def test_the_program_declares_exactly_the_ids(items: list[IntegrationItem], credentials: bool) -> None:
    """Under valid and unique names; each id once, in the order of the list, unless it is the key."""
    found, left_out = discover(items, Redactor((KEY,)))
    text = program(found, credentials=credentials)
    compile(text, "__main__.py", "exec")
    resources = declared(text)
    connected = dict.fromkeys(canonical_id(item.id) for item in items if item.status != "not_connected")
    expected = [id_ for id_ in connected if KEY not in id_]
    assert [provider for _, provider in resources.values()] == expected
    assert len(left_out) == len(connected) - len(expected)
    names = [name for name, _ in resources.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in names)
    assert not any(keyword.iskeyword(variable) for variable in resources)
    assert text.isascii()


@given(items=ITEMS)
def test_the_files_can_be_written(items: list[IntegrationItem]) -> None:
    """As UTF-8, without the key."""
    found, _ = discover(items, Redactor((KEY,)))
    if not found:
        return
    for text in Project("acme", found, credentials=False, base_url=None).files().values():
        assert KEY not in text.encode().decode()
