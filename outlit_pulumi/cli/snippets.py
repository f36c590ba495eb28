"""The lines of a Pulumi program that a command suggests."""

from __future__ import annotations

import json

from ..catalog import ConfigField, ProviderSpec


def adoption(provider: str) -> str:
    """Declares a connection that exists, for Pulumi to track."""
    text = json.dumps(provider)
    return f"outlit.Integration({text}, provider={text}, adopt_existing=True)"


def declaration(spec: ProviderSpec) -> str:
    """Declares a connection with credentials, which come from the stack's configuration."""
    assert spec.args is not None
    lines = [
        "outlit.Integration(",
        f'    "{spec.id}",',
        f'    provider="{spec.id}",',
        f"    config=outlit.{spec.args.__name__}(",
        *(f"        {item.attribute}={required(spec, item)}," for item in spec.fields),
        "    ),",
        ")",
    ]
    return "\n".join(lines)


def settings(spec: ProviderSpec) -> str:
    """The commands that give the stack what `declaration` requires."""
    return "\n".join(
        f"pulumi config set {'--secret ' if item.secret else ''}{config_key(spec, item)}" for item in spec.fields
    )


def config_key(spec: ProviderSpec, item: ConfigField) -> str:
    """The configuration key that a field comes from, such as ``posthogApiKey``."""
    head, *tail = spec.id.split("-")
    return head + "".join(word.capitalize() for word in tail) + item.name[0].upper() + item.name[1:]


def required(spec: ProviderSpec, item: ConfigField) -> str:
    """The value of a field, from the stack's configuration."""
    call = f'config.require{"_secret" if item.secret else ""}("{config_key(spec, item)}")'
    # To a type checker, a text may be none of the choices.
    return f"pulumi.Output.from_input({call})" if item.choices else call
