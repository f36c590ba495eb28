"""The resources that a program declares: `Integration`, and `Provider` for a workspace of its own."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import get_annotations
from typing import Any, Literal, overload

import pulumi
from pulumi import Input, Output, ResourceOptions

from . import catalog, invoke
from .catalog import ConfigArgs, ProviderId
from .config import class_name, kind, registered, wrong_config
from .dynamic import READ_ONLY, IntegrationProvider
from .errors import ConfigurationError
from .functions import connection_id
from .lifecycle.check import REPLACE


@pulumi.output_type
class SyncOutput(dict[str, Any]):
    """The sync of one model, as ``Integration.syncs`` has it: ``sync.status`` is also ``sync["status"]``.

    Attributes:
        model: The model, such as ``StripeCustomer``.
        status: State of its last sync, such as ``SUCCESS``.
        last_synced_at: ISO 8601 time in UTC of its last sync; None when there was none.
        error_message: The service's last error; None when all is well.
    """

    model: str
    status: str
    last_synced_at: str | None
    error_message: str | None


class Integration(pulumi.dynamic.Resource, module="outlit", name="Integration"):
    """One connection between an Outlit workspace and a tool, such as PostHog.

    A workspace has at most one connection per provider. Disconnecting one permanently deletes what Outlit synced from
    it, so changed credentials are applied in place, and adopted connections are kept when the resource is deleted.

    Example:
        PostHog connects with credentials. Somebody connected Slack in the browser, and Pulumi tracks it:

        .. code-block:: python

            import pulumi
            import outlit_pulumi as outlit

            config = pulumi.Config()

            posthog = outlit.Integration(
                "posthog",
                provider="posthog",
                config=outlit.PostHogConfigArgs(
                    api_key=config.require_secret("posthogApiKey"),
                    region="us",
                    project_id="12345",
                ),
                opts=pulumi.ResourceOptions(protect=True),  # Pulumi then refuses to disconnect it
            )
            slack = outlit.Integration("slack", provider="slack", adopt_existing=True)

            pulumi.export("posthog", posthog.connection_id)

    Attributes:
        provider: The provider id.
        connection_id: The service's id of the connection; also the resource's id, but for a new one that an update
            left: the engine takes that id over in the next refresh.
        organization_id: The service's id of the organization whose workspace this is; None where it does not say.
        written_at: ISO 8601 time in UTC at which a program last connected or sent credentials; None if none did.
        display_name: The provider's name for people.
        category: The provider's category, such as ``analytics``.
        status: State of the connection, ``connected`` when all is well.
        sync_status: State of the last sync, such as ``SUCCESS``; None until it was first read by a refresh.
        last_data_received_at: ISO 8601 time in UTC of the last data; None if there was none.
        error_message: The service's last error; None when all is well.
        syncs: One per model; empty until they were first read, by a refresh or by ``wait_for_sync``.
    """

    provider: Output[str]
    connection_id: Output[str]
    organization_id: Output[str | None]
    written_at: Output[str | None]
    display_name: Output[str]
    category: Output[str | None]
    status: Output[str]
    sync_status: Output[str | None]
    last_data_received_at: Output[str | None]
    error_message: Output[str | None]
    syncs: Output[list[SyncOutput] | None]

    _api_names = catalog.api_names(None)

    # One for each provider that takes credentials, then two for any id. So a type checker finds credentials of another
    # provider, and a connection that can neither be made nor taken over. A test holds them to the catalogue.
    @overload
    def __init__(
        self,
        resource_name: str,
        provider: Literal["fireflies"],
        config: Input[catalog.FirefliesConfigArgs | catalog.FirefliesConfigArgsDict],
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        provider: Literal["granola"],
        config: Input[catalog.GranolaConfigArgs | catalog.GranolaConfigArgsDict],
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        provider: Literal["posthog"],
        config: Input[catalog.PostHogConfigArgs | catalog.PostHogConfigArgsDict],
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        provider: Literal["stripe"],
        config: Input[catalog.StripeConfigArgs | catalog.StripeConfigArgsDict],
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        provider: Literal["supabase"],
        config: Input[catalog.SupabaseConfigArgs | catalog.SupabaseConfigArgsDict],
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        provider: Literal["clerk"],
        config: Input[catalog.ClerkConfigArgs | catalog.ClerkConfigArgsDict],
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        provider: ProviderId | Input[str],
        config: None = None,
        *,
        adopt_existing: Literal[True],
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        provider: ProviderId | Input[str],
        config: Input[Mapping[str, Input[str]]],
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None: ...

    def __init__(
        self,
        resource_name: str,
        provider: Input[str],
        config: Input[ConfigArgs | Mapping[str, Any]] | None = None,
        *,
        adopt_existing: bool = False,
        on_config_change: Literal["reconnect", "replace"] = "reconnect",
        wait_for_sync: Input[float] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Declares the connection of one provider.

        Args:
            resource_name: The name within the Pulumi program.
            provider: The provider id of the API page, such as ``posthog``; ``gmail`` is accepted for ``google-mail``.
            config: The credentials: the provider's args class, a dict with its names (``api_key``) or with those of the
                API page (``apiKey``), or an Output of one. A type checker takes an args class only with the provider's
                id as a literal. Secret fields become Pulumi secrets, whether they were given as such or not.
            adopt_existing: Take over a connection that exists. Its credentials are not sent until the declared ones
                change, and ``retain_on_delete`` defaults to True.
            on_config_change: ``reconnect`` sends changed credentials in place; ``replace`` disconnects first, which
                deletes what was synced.
            wait_for_sync: Seconds, 1 to 3600, to wait after connecting until no model's first sync is pending; by
                default it does not wait. A failing sync, and time that runs out, are warnings. Does not count towards
                ``outlit:timeout``. Until the wait ends the connection is not in the state, and one of the four calls
                that Pulumi makes at once to a workspace is taken.
            opts: Pulumi's resource options.

        Raises:
            ConfigurationError: The arguments contradict each other or are of a wrong type, ``opts`` have an ``id``,
                ``import_``, ``replace_with``, ``deleted_with`` or ``custom_timeouts``, or the program declares the
                provider once more for the same workspace.
        """
        self._api_names = catalog.api_names(provider)
        wrong = _wrong_options(adopt_existing, on_config_change, opts or ResourceOptions())
        wrong = wrong or wrong_config(config, self._api_names)
        if wrong is not None:
            raise ConfigurationError(f"{resource_name!r} {wrong}")
        # Two of one name have different parents. The name tells them apart, also in a warning.
        parent = opts.parent if opts else None
        label = f"{parent.pulumi_resource_name}/{resource_name}" if parent else resource_name
        invoke.declare(label, provider, opts)
        invoke.warn_of_plain_key(opts)
        if adopt_existing:
            opts = ResourceOptions.merge(ResourceOptions(retain_on_delete=True), opts)
        props: dict[str, Any] = {
            **_ATTRIBUTES,
            "resource_name": label,
            "provider": provider,
            "config": registered(provider, config),
            "config_class": class_name(provider, config),
            "adopt_existing": adopt_existing,
            "on_config_change": on_config_change,
            "wait_for_sync": wait_for_sync,
        }
        super().__init__(IntegrationProvider(), resource_name, props, opts)

    def translate_input_property(self, prop: str) -> str:
        """Has ``ignore_changes=["config.api_key"]`` mean the field that is registered under the API's name."""
        parent, _, name = prop.partition(".")
        return f"config.{self._api_names.get(name, name)}" if parent == "config" and name else prop

    @staticmethod
    def get(
        resource_name: str, provider: ProviderId | Input[str], *, opts: ResourceOptions | None = None
    ) -> Integration:
        """Reads a connection that exists, without managing it: it is never changed and never disconnected.

        Each preview and up reads it anew, and fails where there is no connection. A refresh leaves it as it was read.
        In place of an `Integration` that was managed so far, it takes that out of management and keeps it connected.

        Example:
            The health of a connection that another stack manages:

            .. code-block:: python

                gmail = outlit.Integration.get("gmail", "gmail")
                pulumi.export("gmailSync", gmail.sync_status)

        Args:
            resource_name: The name within the Pulumi program.
            provider: The provider id, such as ``posthog``; ``gmail`` is accepted for ``google-mail``.
            opts: Pulumi's resource options. With ``depends_on`` it is read once these resources are there.

        Returns:
            A resource with all outputs of `Integration`.

        Raises:
            ConfigurationError: a provider in ``opts`` is not an `outlit_pulumi.Provider`. What else is wrong fails the
                resource: NotConnectedError when there is no connection, BadRequestError when Outlit does not know the
                provider, another ApiError when it refused or could not be reached.
        """
        invoke.warn_of_plain_key(opts)
        opts = ResourceOptions.merge(opts, ResourceOptions(id=connection_id(provider, opts)))
        provider = Output.from_input(provider).apply(catalog.canonical_id)
        found = Integration.__new__(Integration)  # what __init__ declares is for a managed one
        props = {**_ATTRIBUTES, "provider": provider, READ_ONLY: True}
        pulumi.dynamic.Resource.__init__(found, IntegrationProvider(), resource_name, props, opts)
        return found


# Only registered keys become attributes, and whatever is annotated above is registered.
_ATTRIBUTES = dict.fromkeys(get_annotations(Integration))


def _wrong_options(adopt: object, mode: object, opts: ResourceOptions) -> str | None:
    """What cannot go together, or has no effect; check sees no options."""
    if not isinstance(adopt, bool):
        # An Output is not known yet when retain_on_delete has to be decided.
        return f"has an adopt_existing that is {kind(adopt)}. It must be True or False."
    if mode == REPLACE and (adopt or opts.retain_on_delete):
        kept = "adopt_existing=True" if adopt else "retain_on_delete=True"
        return (
            f'cannot have {kept} together with on_config_change="replace": a replacement deletes the connection, and '
            f"{kept} keeps it. Drop one of the two."
        )
    if mode == REPLACE and opts.delete_before_replace is False:
        # The create would meet a connection, and could not tell the state's from somebody else's.
        return 'cannot have delete_before_replace=False together with on_config_change="replace". Drop one of the two.'
    if opts.deleted_with is not None:
        return (
            "takes no deleted_with in opts: nothing else disconnects it at Outlit, and Pulumi would forget it in "
            "silence. Set retain_on_delete=True to keep it connected."
        )
    if getattr(opts, "replace_with", None):  # not in every version of Pulumi
        return (
            "takes no replace_with in opts: Pulumi tells a provider nothing of such a replacement, so no preview could "
            "say that it deletes what was synced. Leave it out."
        )
    if opts.id is not None:
        # With an id of the program's own making the engine would delete what it managed under this name.
        return "takes no id in opts. Read a connection with Integration.get."
    if opts.import_ is not None:
        return (
            "takes no import_ in opts: a dynamic provider cannot import. adopt_existing=True takes over a connection "
            "that exists."
        )
    if opts.custom_timeouts is not None:
        return "takes no custom_timeouts in opts: they have no effect. Set outlit:timeout for the stack."
    return None
