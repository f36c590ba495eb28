"""How a program itself reaches a workspace: with the stack's settings, or with those of an explicit `Provider`."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pulumi import (
    Config,
    CustomResource,
    Input,
    InvokeOptions,
    InvokeOutputOptions,
    Output,
    ProviderResource,
    Resource,
    ResourceOptions,
    get_stack,
    log,
)
from pulumi.runtime import (
    get_config,
    get_config_env,
    get_config_secret_keys_env,
    get_root_resource,
    is_config_secret,
)

from . import catalog, settings
from .dynamic import Workspaces
from .errors import ConfigurationError
from .lifecycle.check import quoted
from .settings import Settings

_T = TypeVar("_T")

PACKAGE = "pulumi-python"
"""The package of every dynamic provider."""

_INTEGRATION = f"{PACKAGE}:dynamic/outlit:Integration"


class _Program:
    """What one run of a program has.

    Attributes:
        workspaces: The workspaces that it asks.
        declared: The resource that declares a provider, by the name of its `Provider` and the provider's id.
        named: What a resource declares, by the name of its `Provider` and its own; None where that is an Output.
        warned: Whether it was warned of an API key in the clear.
    """

    def __init__(self) -> None:
        self.workspaces = Workspaces()
        self.declared: dict[tuple[str | None, str], str] = {}
        self.named: dict[tuple[str | None, str], str | None] = {}
        self.warned = False


_LOCK = threading.Lock()
_BY_ROOT: WeakKeyDictionary[Resource, _Program] = WeakKeyDictionary()
OUTSIDE = _Program()


def program() -> _Program:
    """The program that runs: the Automation API can run several in a process, one after another or at once.

    All that happens outside of a program, as in a thread of its own, counts as one.
    """
    root = get_root_resource()
    if root is None:
        return OUTSIDE
    with _LOCK:
        if root not in _BY_ROOT:
            _BY_ROOT[root] = _Program()
        return _BY_ROOT[root]


def explicit(opts: ResourceOptions | None) -> ProviderResource | None:
    """The provider in ``opts``, as Pulumi finds it for a resource: one of another package is for child resources."""
    if opts is None:
        return None
    if opts.provider is not None and opts.provider.package == PACKAGE:
        return opts.provider
    if isinstance(opts.providers, Mapping):
        return opts.providers.get(PACKAGE)
    several = [opts.providers] if isinstance(opts.providers, ProviderResource) else opts.providers or []
    return next((provider for provider in reversed(several) if provider.package == PACKAGE), None)


def provider_name(opts: ResourceOptions | None) -> str | None:
    """The name of the provider that a resource with ``opts`` gets; None for the stack's own."""
    provider = explicit(opts)
    if provider is None and opts is not None and opts.parent is not None:
        provider = opts.parent.get_provider(_INTEGRATION)
    return provider.pulumi_resource_name if provider is not None else None


def declare(resource_name: str, provider: Input[str], opts: ResourceOptions | None) -> None:
    """Refuses a second declaration of a provider for the same workspace, before either is registered.

    Where ids are Outputs, their creates refuse it, and need names that tell the resources apart.
    """
    running = program()
    if running is OUTSIDE:
        return  # One run of a program cannot be told from the next.
    workspace = provider_name(opts)
    id_ = catalog.canonical_id(provider) if isinstance(provider, str) else None
    if (workspace, resource_name) in running.named and None in (id_, running.named[workspace, resource_name]):
        raise ConfigurationError(
            f"{resource_name!r} is the name of two integrations whose parents have one name. Rename one of the two, so "
            "that neither is taken for the other."
        )
    running.named[workspace, resource_name] = id_
    if id_ is None:
        return
    first = running.declared.get((workspace, id_))
    if first is not None:
        spec = catalog.find(id_)
        raise ConfigurationError(
            f"{resource_name!r} declares {spec.name if spec else quoted(id_)} once more: {first!r} declares it, and a "
            "workspace holds one connection per provider. Remove one, or give it the Provider of another workspace."
        )
    running.declared[workspace, id_] = resource_name


def warn_of_plain_key(opts: ResourceOptions | None) -> None:
    """Warns once per run of a program if a resource with ``opts`` uses an API key that the stack holds in the clear."""
    running = program()
    plain = get_config(settings.API_KEY) and not is_config_secret(settings.API_KEY)
    if running is OUTSIDE or running.warned or not plain or provider_name(opts) is not None:
        return
    running.warned = True
    log.warn(
        f"{settings.API_KEY} is stored in the clear in Pulumi.{get_stack()}.yaml and in the state. Set it again with "
        f"pulumi config set --secret {settings.API_KEY}."
    )


class Provider(ProviderResource):
    """A workspace of its own, given to integrations as ``opts=ResourceOptions(provider=...)``.

    Each is a process of its own during a run: fine for a handful of workspaces, beyond that use a stack each.

    Example:
        .. code-block:: python

            emea = outlit.Provider("emea", api_key=config.require_secret("emeaOutlitKey"))
            outlit.Integration(
                "emea-stripe",
                provider="stripe",
                config=outlit.StripeConfigArgs(api_key=config.require_secret("emeaStripeKey")),
                opts=pulumi.ResourceOptions(provider=emea),
            )
    """

    def __init__(
        self,
        resource_name: str,
        *,
        api_key: Input[str],
        base_url: Input[str] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Declares a workspace.

        Args:
            resource_name: The name within the Pulumi program.
            api_key: The workspace's API key; becomes a secret. Environment variables never override it.
            base_url: The service; by default that of the stack (``outlit:baseUrl``).
            opts: Pulumi's resource options.
        """
        stack = Config("outlit")
        props: dict[str, Any] = {
            settings.API_KEY: Output.secret(api_key),
            settings.BASE_URL: base_url if base_url is not None else stack.get("baseUrl"),
            settings.TIMEOUT: stack.get("timeout"),
            settings.EXPLICIT: resource_name,
        }
        self._outlit_config = {key: value for key, value in props.items() if value is not None}
        super().__init__(PACKAGE, resource_name, dict(self._outlit_config), opts)

    def given(self) -> Output[dict[str, Any]]:
        """The configuration, for data functions of the program: secret, and unknown while one of the values is."""
        return Output.all(**self._outlit_config)


def settings_now(opts: InvokeOptions | None, instead: str) -> Settings:
    """The settings for ``opts``.

    What a `Provider` was given as an Output is waited for, as Pulumi's own plain invokes do.
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
    given = provider.given() if provider is not None else None
    there: Output[Any] = Output.from_input(depends_on(opts) or []).apply(_there)
    known: Output[list[Any]] = Output.unsecret(Output.all(given, there))
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


def _provider(opts: InvokeOptions | None) -> Provider | None:
    """The provider in ``opts``, or else the parent's, as for Pulumi's own functions; None for the stack's settings."""
    provider: ProviderResource | None = opts.provider if opts else None
    if opts and provider is None and opts.parent is not None:
        provider = opts.parent.get_provider(_INTEGRATION)
    if provider is None or isinstance(provider, Provider):
        return provider
    raise ConfigurationError(
        "the provider in opts is not an outlit_pulumi.Provider, so the program does not know which workspace it is "
        'for. Make it with outlit.Provider("name", api_key=...).'
    )


def stack_secrets() -> list[str]:
    """The texts of the stack's configuration that are secret, or part of a secret structure."""
    values = get_config_env()
    return [text for key in get_config_secret_keys_env() for text in _texts(values.get(key))]


def _texts(value: Any) -> Iterator[str]:
    with suppress(ValueError):  # a text that is no JSON is itself
        value = json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
