"""What a program may ask of its workspace: `get_integrations`, `get_sync_status`, and what is behind `Integration.get`.

They run in the program, in previews too, and change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi import Input, InvokeOptions, InvokeOutputOptions, Output, ResourceOptions

from . import catalog, invoke
from .api.errors import ApiError, BadRequestError, NotConnectedError, UnreadableAnswerError
from .api.redaction import redact
from .catalog import ProviderId
from .errors import ConfigurationError
from .lifecycle.check import check, quoted
from .lifecycle.outputs import display_name, shown
from .settings import Settings

if TYPE_CHECKING:
    from .api.retry import Budget
    from .lifecycle.workspace import Workspace


@dataclass(frozen=True)
class IntegrationInfo:
    """What the workspace's list says of one provider: ids, and texts of the service without credentials.

    Attributes:
        provider: The provider id, such as ``posthog``.
        display_name: The provider's name for people.
        category: The provider's category, such as ``analytics``; None when Outlit does not say.
        connected: Whether there is a connection, healthy or not.
        status: State of the connection; ``not_connected`` when there is none.
        connection_id: The service's id of the connection; None when there is none.
        sync_status: State of the last sync, such as ``SUCCESS``; None when there was none.
        last_data_received_at: ISO 8601 time in UTC of the last data; None when there was none.
        error_message: The service's last error; None when all is well.
    """

    provider: str
    display_name: str
    category: str | None
    connected: bool
    status: str
    connection_id: str | None
    sync_status: str | None
    last_data_received_at: str | None
    error_message: str | None


@dataclass(frozen=True)
class ModelSyncInfo:
    """The sync of one model of a provider.

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


@dataclass(frozen=True)
class SyncStatusInfo:
    """How the syncs of a provider stand. The service's texts are shown without credentials.

    Attributes:
        provider: The provider id, such as ``posthog``.
        display_name: The provider's name for people.
        category: The provider's category, such as ``analytics``; None when Outlit does not say.
        connected: Whether there is a connection, healthy or not.
        status: State of the connection; ``not_connected`` when there is none.
        syncs: One entry per model; empty when there is no connection.
    """

    provider: str
    display_name: str
    category: str | None
    connected: bool
    status: str
    syncs: list[ModelSyncInfo]


def get_integrations(*, connected_only: bool = False, opts: InvokeOptions | None = None) -> list[IntegrationInfo]:
    """Every provider that the workspace offers, in Outlit's order, with its connection.

    An entry of Outlit's list that cannot be read is left out.

    All calls of a program share one request for 30 seconds.

    Example:
        .. code-block:: python

            for item in outlit.get_integrations(connected_only=True):
                if item.error_message:
                    pulumi.log.warn(f"{item.display_name}: {item.error_message}")

    Args:
        connected_only: Leave out what is not connected.
        opts: ``provider``, or the ``parent`` whose provider counts, says which workspace is asked. An explicit
            `Provider` whose ``api_key`` is an Output is waited for. The other options have no effect.

    Raises:
        ConfigurationError: a setting is missing or malformed, or the Provider's are not known yet in a preview: then
            use `get_integrations_output`.
        ApiError: the service refused or could not be reached.
    """
    return _integrations(invoke.settings_now(opts, "get_integrations_output"), connected_only)


def get_integrations_output(
    *, connected_only: Input[bool] = False, opts: InvokeOptions | None = None
) -> Output[list[IntegrationInfo]]:
    """`get_integrations` with Inputs.

    The Output is unknown while an input is, fails as that function does, and is secret only if ``connected_only`` is.

    Example:
        .. code-block:: python

            clerk = outlit.Integration("clerk", provider="clerk", adopt_existing=True)
            listed = outlit.get_integrations_output(
                connected_only=True, opts=pulumi.InvokeOutputOptions(depends_on=[clerk])
            )
            pulumi.export("connected", listed.apply(lambda items: [item.provider for item in items]))

    Args:
        connected_only: Leave out what is not connected.
        opts: As there. With ``depends_on`` (`pulumi.InvokeOutputOptions`) the workspace is asked anew once these
            resources are there.
    """
    return Output.all(invoke.settings_output(opts), connected_only).apply(
        lambda known: asyncio.to_thread(_integrations, known[0], known[1], fresh=invoke.depends_on(opts) is not None)
    )


def get_sync_status(provider: ProviderId | str, *, opts: InvokeOptions | None = None) -> SyncStatusInfo:
    """How the syncs of a provider stand. One that is not connected is no error: ``connected`` tells.

    Example:
        .. code-block:: python

            status = outlit.get_sync_status("posthog")
            pulumi.export("lastSynced", {sync.model: sync.last_synced_at for sync in status.syncs})

    Args:
        provider: The provider id, such as ``posthog``; ``gmail`` is accepted for ``google-mail``.
        opts: As for `get_integrations`.

    Raises:
        BadRequestError: Outlit does not know the provider.
        ConfigurationError: as for `get_integrations`; instead there is `get_sync_status_output`.
        ApiError: the service refused or could not be reached.
    """
    return _sync_status(invoke.settings_now(opts, "get_sync_status_output"), provider)


def get_sync_status_output(
    provider: ProviderId | Input[str], *, opts: InvokeOptions | None = None
) -> Output[SyncStatusInfo]:
    """`get_sync_status` with Inputs.

    The Output is unknown while an input is, fails as that function does, and is secret only if ``provider`` is.

    Example:
        .. code-block:: python

            stripe = outlit.Integration("stripe", provider="stripe", adopt_existing=True)
            synced = outlit.get_sync_status_output("stripe", opts=pulumi.InvokeOutputOptions(depends_on=[stripe]))
            pulumi.export("models", synced.syncs.apply(lambda syncs: [sync.model for sync in syncs]))

    Args:
        provider: The provider id.
        opts: As for `get_integrations_output`.
    """
    return Output.all(invoke.settings_output(opts), provider).apply(
        lambda known: asyncio.to_thread(_sync_status, known[0], known[1])
    )


def connection_id(provider: Input[str], opts: ResourceOptions | None) -> Output[str]:
    """The id of the connection that a provider has in the workspace of ``opts``, for `Integration.get`.

    The engine takes the id for what tells resources apart: an `Integration` that becomes an `Integration.get` is taken
    out of management if both have the same id, and deleted otherwise.
    """
    asked = InvokeOutputOptions(
        parent=opts.parent if opts else None,
        provider=invoke.explicit(opts),
        depends_on=opts.depends_on if opts else None,
    )
    fresh = invoke.depends_on(asked) is not None
    return Output.all(invoke.settings_output(asked), provider).apply(
        lambda known: asyncio.to_thread(_connection_id, known[0], known[1], fresh)
    )


def _connection_id(known: Settings, provider: str, fresh: bool) -> str:
    workspace, budget = _workspace(known)
    try:
        wanted = _canonical(provider, workspace, budget)
        item = workspace.item(wanted, budget, fresh=fresh)
    except ApiError as error:
        raise error.during("Integration.get found nothing") from None
    spec = catalog.find(wanted)
    name = spec.name if spec else quoted(wanted)
    if item is None:
        raise BadRequestError(f"this workspace does not offer {name}.")
    if not item.connected:
        raise NotConnectedError(
            f"{name} is not connected in this workspace, so Integration.get has nothing to read. Connect it at "
            f"{redact(known.base_url, (known.api_key,))}/integrations. If an Integration of this program connects it, "
            "give that one to Integration.get: opts=ResourceOptions(depends_on=[...])."
        )
    if item.connection_id is None:
        raise UnreadableAnswerError(f"Outlit's list gives no connection id for {name}. Run again.")
    if workspace.client.hide.in_data(item.connection_id):
        raise UnreadableAnswerError(
            f"the connection id of {name} holds a credential, which the state must not show. Tell Outlit's support."
        )
    return item.connection_id


def _workspace(known: Settings) -> tuple[Workspace, Budget]:
    """The workspace, which hides what the stack holds as secret, and the time of one function."""
    workspace = invoke.program().workspaces.workspace(known)
    workspace.client.hide.add(invoke.stack_secrets())
    return workspace, workspace.client.budget()


def _canonical(provider: str, workspace: Workspace, budget: Budget) -> str:
    """The API's id of a provider; one that the catalogue does not have is looked up in the workspace's list.

    Raises:
        BadRequestError: Outlit does not know it.
        ApiError: it could not be looked up.
    """
    live: Collection[str] = ()
    if isinstance(provider, str) and catalog.find(provider) is None:
        live = workspace.offered(budget)
    checked = check({}, {"provider": provider, "adopt_existing": True}, offered=lambda: live)
    if checked.provider is None or checked.failures:
        raise BadRequestError(checked.failures[0])
    return checked.provider


def _integrations(known: Settings, connected_only: bool, *, fresh: bool = False) -> list[IntegrationInfo]:
    if not isinstance(connected_only, bool):
        # An Output would count as true.
        raise ConfigurationError(
            f"connected_only must be True or False, not {type(connected_only).__name__}. get_integrations_output takes "
            "an Output."
        )
    workspace, budget = _workspace(known)
    try:
        items = workspace.items(budget, fresh=fresh)
    except ApiError as error:
        raise error.during("the integrations were not listed") from None
    hide = workspace.client.hide
    return [
        IntegrationInfo(
            provider=said.pop("id"),
            display_name=said.pop("name") or display_name(item.id),
            connected=item.connected,
            **said,
        )
        for item in items.values()
        if item.connected or not connected_only
        for said in (shown(item, hide),)
    ]


def _sync_status(known: Settings, provider: str) -> SyncStatusInfo:
    workspace, budget = _workspace(known)
    try:
        found = workspace.client.sync_status(_canonical(provider, workspace, budget), budget=budget)
    except ApiError as error:
        raise error.during("the sync status was not read") from None
    hide = workspace.client.hide
    said = shown(found, hide)
    return SyncStatusInfo(
        **{name: said[name] for name in ("provider", "category", "status")},
        display_name=said["name"] or display_name(found.provider),
        connected=found.connected,
        syncs=[ModelSyncInfo(**shown(row, hide)) for row in found.syncs],
    )
