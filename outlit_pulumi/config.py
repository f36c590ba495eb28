"""What a program gives as ``config``: what is wrong with it, and how it is registered."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from pulumi import Output

from . import catalog
from .catalog import ConfigArgs
from .lifecycle.check import quoted


def wrong_config(config: object, api_names: Mapping[str, str]) -> str | None:
    """What is wrong with values that are known now; check judges the others."""
    if config is None or _later(config):
        return None
    if isinstance(config, ConfigArgs):
        values: Mapping[object, object] = {f.attribute: getattr(config, f.attribute) for f in config.config_fields()}
    elif isinstance(config, Mapping):
        values = config
    else:
        return (
            f"has a config that is {kind(config)}. It must be an args class such as StripeConfigArgs(api_key=...), a "
            "mapping, or an Output of one."
        )
    for name, value in values.items():
        if not isinstance(name, str):
            return f"has a config field whose name is {kind(name)}. It must be text: write it in quotes."
        if not (value is None or isinstance(value, str) or _later(value)):
            return f"has a config field {quoted(name)} that is {kind(value)}. It must be text: write it in quotes."
        other = api_names.get(name, name)
        if other != name and other in values:
            return f"has a config field twice, as {quoted(name)} and as {quoted(other)}. Keep one of the two."
    return None


def _later(value: object) -> bool:
    return isinstance(value, Output) or isawaitable(value)


def kind(value: object) -> str:
    """The type of a value, for a message that must not show it."""
    return f"of type {type(value).__name__}"


def registered(provider: object, config: Any) -> Any:
    """The ``config`` input as it is registered: under the API's own names, every secret marked as one.

    Both happen in the program, because the engine encrypts an output only where the input at the same path was secret.

    Args:
        provider: The declared provider id; anything but a plain string counts as not known yet.
        config: A typed args object, a mapping with its names or the API's, or an Output of one. Where that or the
            provider is not known yet, the config becomes a secret as a whole.
    """
    if config is None:
        return None
    if isinstance(config, ConfigArgs):
        return {
            item.name: Output.secret(value) if item.secret else value
            for item in config.config_fields()
            if (value := getattr(config, item.attribute)) is not None
        }
    if isinstance(config, Mapping) and isinstance(provider, str):
        # A field that is not known to be public may be a credential, a misspelt one for example.
        public = catalog.public_fields(provider)
        named = _under_api_names(provider, config)
        return {key: value if key in public else Output.secret(value) for key, value in named.items()}
    if isinstance(config, Mapping):
        config = dict(config)  # or Pulumi does not wait for what is in it
    return Output.secret(Output.all(provider, config).apply(lambda known: _plain(*known)))


def _plain(provider: object, config: Any) -> Any:
    if isinstance(config, ConfigArgs):
        return Output.all(**registered(provider, config))
    return _under_api_names(provider, config) if isinstance(config, Mapping) else config


def _under_api_names(provider: object, config: Mapping[str, Any]) -> dict[str, Any]:
    """The same values. A field that is there under both its names stays so, for check to refuse."""
    names = catalog.api_names(provider)
    return {
        key if (name := names.get(key, key)) in config else name: value  # a name of the API's own stays, too
        for key, value in config.items()
    }


def class_name(provider: object, config: object) -> str | None:
    """The args class whose names the program uses for the fields, for check to use them too; None for the API's."""
    if isinstance(config, ConfigArgs):
        return type(config).__name__
    spec = catalog.find(provider)
    if spec is None or spec.args is None or not isinstance(config, Mapping):
        return None
    names = {item.attribute for item in spec.fields} - {item.name for item in spec.fields}
    return spec.args.__name__ if names & config.keys() else None
