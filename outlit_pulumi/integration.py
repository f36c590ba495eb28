"""The resources that a program declares: `Integration`, and `Provider` for a workspace of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi import Input, Output, ResourceOptions

from . import settings
from .args import config_props
from .catalog import ConfigArgs
from .provider import IntegrationProvider


class Integration(pulumi.dynamic.Resource, module="outlit", name="Integration"):
    """One connection between an Outlit workspace and a tool, such as PostHog.

    A workspace has at most one connection per provider. Disconnecting one permanently deletes what Outlit synced from
    it, so changed credentials are applied in place, and adopted connections are kept when the resource is deleted.

    Args:
        resource_name: The name within the Pulumi program.
        provider: The provider id of the API page, such as ``posthog``; ``gmail`` is accepted for ``google-mail``.
        config: The credentials: the provider's args class, a mapping with the API page's names (``apiKey``), or an
            Output of a mapping. Secret fields become Pulumi secrets, whether they were given as such or not.
        adopt_existing: Take over a connection that exists. Its credentials are not sent until the declared ones change,
            and ``retain_on_delete`` defaults to True.
        on_config_change: ``reconnect`` sends changed credentials in place; ``replace`` disconnects first, which deletes
            what was synced.
        opts: Pulumi's resource options.

    Raises:
        TypeError: ``adopt_existing`` is no bool.

    Attributes:
        provider: The provider id.
        connection_id: The service's id of the connection; also the resource's id.
        display_name: The provider's name for people.
        category: The provider's category, such as ``analytics``.
        status: State of the connection, ``connected`` when all is well.
        sync_status: State of the last sync, such as ``SUCCESS``; None until it was first read by a refresh.
        last_data_received_at: ISO 8601 time in UTC of the last data; None if there was none.
        error_message: The service's last error; None when all is well.
        syncs: One mapping per model: ``model``, ``status``, ``last_synced_at``, ``error_message``.
    """

    provider: Output[str]
    connection_id: Output[str]
    display_name: Output[str]
    category: Output[str | None]
    status: Output[str]
    sync_status: Output[str | None]
    last_data_received_at: Output[str | None]
    error_message: Output[str | None]
    syncs: Output[list[dict[str, Any]] | None]

    def __init__(
        self,
        resource_name: str,
        provider: Input[str],
        config: Input[ConfigArgs | Mapping[str, Input[str]]] | None = None,
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        opts: ResourceOptions | None = None,
    ) -> None:
        if not isinstance(adopt_existing, bool):
            # An Output is not known yet when retain_on_delete has to be decided.
            raise TypeError(
                f"adopt_existing of {resource_name!r} must be True or False, not {type(adopt_existing).__name__}"
            )
        if adopt_existing:
            opts = ResourceOptions.merge(ResourceOptions(retain_on_delete=True), opts)
        props: dict[str, Any] = {
            "provider": provider,
            "config": config_props(provider, config),
            "adopt_existing": adopt_existing,
            "on_config_change": on_config_change,
            # Only registered keys become attributes.
            "connection_id": None,
            "display_name": None,
            "category": None,
            "status": None,
            "sync_status": None,
            "last_data_received_at": None,
            "error_message": None,
            "syncs": None,
        }
        super().__init__(IntegrationProvider(), resource_name, props, opts)


class Provider(pulumi.ProviderResource):
    """A workspace of its own, given to integrations as ``opts=ResourceOptions(provider=...)``.

    Each is a process of its own during a run: fine for a handful of workspaces, beyond that use a stack each.

    Args:
        resource_name: The name within the Pulumi program.
        api_key: The workspace's API key; becomes a secret. Environment variables never override it.
        base_url: The service; by default that of the stack (``outlit:baseUrl``).
        opts: Pulumi's resource options.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        api_key: Input[str],
        base_url: Input[str] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        stack = pulumi.Config("outlit")
        props = {
            settings.API_KEY: Output.secret(api_key),
            settings.BASE_URL: base_url if base_url is not None else stack.get("baseUrl"),
            settings.TIMEOUT: stack.get("timeout"),
            settings.EXPLICIT: resource_name,
        }
        super().__init__("pulumi-python", resource_name, {k: v for k, v in props.items() if v is not None}, opts)
