"""How a program itself reaches a workspace: with the stack's settings, or with those of an explicit `Provider`."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pulumi import (
    CustomResource,
    Input,
    InvokeOptions,
    InvokeOutputOptions,
    Output,
    ProviderResource,
    Resource,
    ResourceOptions,
)
from pulumi.runtime import get_config, get_config_env, get_config_secret_keys_env, get_root_resource

from . import settings
from .errors import ConfigurationError
from .process import Process
from .redaction import SHARED
from .settings import Settings

_T = TypeVar("_T")

PACKAGE = "pulumi-python"
"""The package of every dynamic provider."""

_INTEGRATION = f"{PACKAGE}:dynamic/outlit:Integration"


_LOCK = threading.Lock()
_BY_PROGRAM: WeakKeyDictionary[Resource, Process] = WeakKeyDictionary()
_OUTSIDE = Process()
"""For what is asked outside of a program."""


def process() -> Process:
    """What the program has of each workspace.

    The Automation API can run several programs in a process, one after another or at once. Each has its own: what one
    of them connects, another must see.
    """
    root = get_root_resource()
    if root is None:
        return _OUTSIDE
    with _LOCK:
        return _BY_PROGRAM.setdefault(root, Process())


class Explicit(ProviderResource):
    """A provider that the program itself can use, too, as it remembers what it was given.

    Args:
        resource_name: The name within the Pulumi program.
        config: The configuration, by full name; what is None is left out.
        opts: Pulumi's resource options.
    """

    def __init__(self, resource_name: str, config: Mapping[str, Any], opts: ResourceOptions | None) -> None:
        self._outlit_config = {key: value for key, value in config.items() if value is not None}
        super().__init__(PACKAGE, resource_name, dict(self._outlit_config), opts)

    def given(self) -> Output[dict[str, Any]]:
        """What it was given: secret, and unknown while one of the values is."""
        return Output.all(**self._outlit_config)


def settings_now(opts: InvokeOptions | None, instead: str) -> Settings:
    """The settings for ``opts``.

    What a `Provider` was given as an Output is waited for, as Pulumi's own plain invokes do.

    Raises:
        ConfigurationError: a value is missing or malformed, or not known yet: then ``instead`` is what to call.
    """
    provider = _provider(opts)
    if provider is None:
        return settings.load(get_config, os.environ)
    given = _settled(provider.given())
    if given is None:
        raise ConfigurationError(
            f"the api_key or base_url of Provider {provider.pulumi_resource_name!r} is not known yet in this preview. "
            f"Call {instead}: its result is then not known yet either."
        )
    return settings.load(given.get, os.environ)


def _settled(output: Output[_T]) -> _T | None:
    """The value of ``output``; None when it is not known."""
    # What pulumi.runtime.invoke does, which is not for functions of our own. It lets the program's other work go on.
    from pulumi.runtime.sync_await import _sync_await

    async def value() -> _T | None:
        return await output.future() if await output.is_known() else None

    return _sync_await(value())


def settings_output(opts: InvokeOptions | None) -> Output[Settings]:
    """The settings for ``opts``, once they are known and what ``opts`` depend on is there.

    Not secret, as what is found with them is not: not to be shown.
    """
    provider = _provider(opts)
    given: Output[Any] = provider.given() if provider is not None else Output.from_input(None)
    awaited: Output[Any] = Output.from_input(depends_on(opts) or [])
    there: Output[Any] = awaited.apply(_there)
    known = Output.unsecret(Output.all(given, there))
    return known.apply(lambda found: settings.load(found[0].get if found[0] else get_config, os.environ))


def depends_on(opts: InvokeOptions | None) -> Input[Any] | None:
    """The resources that have to be there first, if any."""
    return (opts.depends_on or None) if isinstance(opts, InvokeOutputOptions) else None


def _there(resources: Any) -> Output[list[str]]:
    """Known once these resources are there, with the children of components, as for Pulumi's own functions."""
    several = resources if isinstance(resources, Sequence) else [resources]
    return Output.all(*(sign for resource in several for sign in _signs(resource)))


def _signs(resource: Resource) -> Iterator[Output[str]]:
    """What is known once a resource is there; a preview does not know the id of one that is to be made."""
    if isinstance(resource, CustomResource):
        yield resource.id
    else:
        yield resource.urn
        for child in resource._childResources:
            yield from _signs(child)


def _provider(opts: InvokeOptions | None) -> Explicit | None:
    """The provider in ``opts``, or else the parent's, as for Pulumi's own functions; None for the stack's settings."""
    provider: ProviderResource | None = opts.provider if opts else None
    if opts and provider is None and opts.parent is not None:
        provider = opts.parent.get_provider(_INTEGRATION)
    if provider is None or isinstance(provider, Explicit):
        return provider
    raise ConfigurationError(
        "the provider in opts is not an outlit_pulumi.Provider, so the program does not know which workspace it is "
        'for. Make it with outlit.Provider("name", api_key=...).'
    )


def stack_secrets() -> list[str]:
    """The texts that the stack's configuration holds as secrets.

    Short ones are left out, as they hide parts of words.
    """
    values = get_config_env()
    return [text for key in get_config_secret_keys_env() for text in _texts(values.get(key)) if len(text) >= SHARED]


def _texts(value: Any) -> Iterator[str]:
    """The text itself, or what is in the JSON that it is: a value with a structure is a secret as a whole."""
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            inner = None
        if isinstance(inner, (dict, list)):
            yield from _texts(inner)
        else:
            yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
