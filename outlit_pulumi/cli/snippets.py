"""The lines of a Pulumi program that a command suggests or writes: formatted as ruff would at 120 columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..catalog import ConfigField, ProviderSpec

_WIDTH = 120


def integration(
    name: str, provider: str, *, variable: str = "", config: ProviderSpec | None = None, adopt: bool = False
) -> str:
    """Declares a connection.

    Args:
        name: The resource's name. It and the provider may hold any character.
        provider: The provider id.
        variable: The Python name that it gets, if any.
        config: Of which provider to declare credentials, which come from the stack's configuration; None for none.
        adopt: Whether the connection exists, for Pulumi to track.
    """
    arguments = [_literal(name), f"provider={_literal(provider)}"]
    if config is not None:
        arguments.append(f"config={_config(config)}")
    if adopt:
        arguments.append("adopt_existing=True")
    return _call(f"{variable} = outlit.Integration" if variable else "outlit.Integration", arguments)


def export(name: str, variable: str) -> str:
    """Makes a connection's id an output of the stack."""
    return _call("pulumi.export", [_literal(name), f"{variable}.connection_id"])


def setting(spec: ProviderSpec, item: ConfigField) -> str:
    """The command that gives the stack what a declared field requires. It asks for the value."""
    return f"pulumi config set {'--secret ' if item.secret else ''}{config_key(spec, item)}"


def config_key(spec: ProviderSpec, item: ConfigField) -> str:
    """The configuration key that a field comes from, such as ``posthogApiKey``."""
    head, *tail = spec.id.split("-")
    return head + "".join(word.capitalize() for word in tail) + item.name[0].upper() + item.name[1:]


def _config(spec: ProviderSpec) -> str:
    assert spec.args is not None
    values = [f"{item.attribute}={_required(spec, item)}" for item in spec.fields]
    kind = f"outlit.{spec.args.__name__}"
    if len(values) == 1:
        return f"{kind}({values[0]})"
    lines = "".join(f"        {value},\n" for value in values)
    return f"{kind}(\n{lines}    )"


def _required(spec: ProviderSpec, item: ConfigField) -> str:
    call = f'config.require{"_secret" if item.secret else ""}("{config_key(spec, item)}")'
    # To a type checker, a text may be none of the choices.
    return f"pulumi.Output.from_input({call})" if item.choices else call


def _literal(text: str) -> str:
    """A Python literal of any text: ASCII only, in double quotes, without one inside."""
    escaped = text.encode("unicode_escape").decode("ascii")
    return '"' + escaped.replace('"', r"\x22") + '"'


def _call(function: str, arguments: Sequence[str]) -> str:
    """A call on one line where that fits and none of its arguments takes several, else with one argument a line."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    return f"{function}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"
