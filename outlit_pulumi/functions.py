"""What a program may ask of its workspace: `get_integrations`, `get_sync_status`, and both with Inputs and an Output.

They run in the program, in previews too, and change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi import Input, InvokeOptions, Output

from . import access, catalog, validation
from .errors import ApiError, BadRequestError
from .redaction import whole_id
from .settings import Settings

if TYPE_CHECKING:
    from .client import Budget
    from .models import IntegrationItem, ModelSync
    from .redaction import Redactor
    from .workspace import Workspace


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

    All calls of a program share one request for half a minute.

    Args:
        connected_only: Leave out what is not connected.
        opts: ``provider``, or the ``parent`` whose provider counts, says which workspace is asked. An explicit
            `Provider` whose ``api_key`` is an Output is waited for. The other options have no effect.

    Raises:
        ConfigurationError: a setting is missing or malformed, or the Provider's are not known yet in a preview: then
            use `get_integrations_output`.
        ApiError: the service refused or could not be reached.
    """
    return _integrations(access.settings_now(opts, "get_integrations_output"), connected_only)


def get_integrations_output(
    *, connected_only: Input[bool] = False, opts: InvokeOptions | None = None
) -> Output[list[IntegrationInfo]]:
    """`get_integrations` with Inputs.

    The Output is unknown while an input is, fails as that function does, and is secret only if ``connected_only`` is.

    Args:
        connected_only: Leave out what is not connected.
        opts: As there. With ``depends_on`` (`pulumi.InvokeOutputOptions`) the workspace is asked anew once these
            resources are there.
    """
    return Output.all(access.settings_output(opts), connected_only).apply(
        lambda known: asyncio.to_thread(_integrations, known[0], known[1], fresh=access.depends_on(opts) is not None)
    )


def get_sync_status(provider: str, *, opts: InvokeOptions | None = None) -> SyncStatusInfo:
    """How the syncs of a provider stand. One that is not connected is no error: ``connected`` tells.

    Args:
        provider: The provider id, such as ``posthog``; ``gmail`` is accepted for ``google-mail``.
        opts: As for `get_integrations`.

    Raises:
        BadRequestError: Outlit does not know the provider.
        ConfigurationError: as for `get_integrations`; instead there is `get_sync_status_output`.
        ApiError: the service refused or could not be reached.
    """
    return _sync_status(access.settings_now(opts, "get_sync_status_output"), provider)


def get_sync_status_output(provider: Input[str], *, opts: InvokeOptions | None = None) -> Output[SyncStatusInfo]:
    """`get_sync_status` with Inputs.

    The Output is unknown while an input is, fails as that function does, and is secret only if ``provider`` is.

    Args:
        provider: The provider id.
        opts: As for `get_integrations_output`.
    """
    return Output.all(access.settings_output(opts), provider).apply(
        lambda known: asyncio.to_thread(_sync_status, known[0], known[1])
    )


def canonical(provider: str, workspace: Workspace, budget: Budget) -> str:
    """The API's id of a provider; one that the catalogue does not have is looked up in the workspace's list.

    Raises:
        BadRequestError: Outlit does not know it.
        ApiError: it could not be looked up.
    """
    live: Mapping[str, IntegrationItem] = {}
    if isinstance(provider, str) and catalog.find(provider) is None:
        live = workspace.items(budget=budget)
    checked = validation.check({}, {"provider": provider, "adopt_existing": True}, offered=lambda: live)
    if checked.provider is None or checked.failures:
        raise BadRequestError(checked.failures[0])
    return checked.provider


def _integrations(known: Settings, connected_only: bool, *, fresh: bool = False) -> list[IntegrationInfo]:
    if not isinstance(connected_only, bool):
        # An Output would count as true.
        raise TypeError(f"connected_only must be True or False, not {type(connected_only).__name__}")
    workspace = access.process().workspace(known)
    hide = workspace.client.hiding("", access.stack_secrets())
    try:
        items = workspace.items(fresh=fresh, budget=workspace.client.budget())
    except ApiError as error:
        raise error.during("the integrations were not listed") from None
    return [_info(item, hide) for item in items.values() if item.connected or not connected_only]


def _sync_status(known: Settings, provider: str) -> SyncStatusInfo:
    workspace = access.process().workspace(known)
    hide = workspace.client.hiding("", access.stack_secrets())
    budget = workspace.client.budget()
    try:
        found = workspace.client.sync_status(canonical(provider, workspace, budget), budget=budget)
    except ApiError as error:
        raise error.during("the sync status was not read") from None
    return SyncStatusInfo(
        provider=whole_id(found.provider),
        display_name=_name(found.provider, found.name, hide),
        category=_shown(found.category, hide),
        connected=found.connected,
        status=hide(found.status),
        syncs=[_sync(sync, hide) for sync in found.syncs],
    )


def _info(item: IntegrationItem, hide: Redactor) -> IntegrationInfo:
    return IntegrationInfo(
        provider=whole_id(item.id),
        display_name=_name(item.id, item.name, hide),
        category=_shown(item.category, hide),
        connected=item.connected,
        status=hide(item.status),
        connection_id=None if item.connection_id is None else whole_id(item.connection_id),
        sync_status=_shown(item.sync_status, hide),
        last_data_received_at=_shown(item.last_data_received_at, hide),
        error_message=_shown(item.error_message, hide),
    )


def _sync(sync: ModelSync, hide: Redactor) -> ModelSyncInfo:
    return ModelSyncInfo(
        model=hide(sync.model),
        status=hide(sync.status),
        last_synced_at=_shown(sync.last_synced_at, hide),
        error_message=_shown(sync.error_message, hide),
    )


def _name(provider: str, said: str | None, hide: Redactor) -> str:
    spec = catalog.find(provider)
    return hide(said or (spec.name if spec else provider), limit=60)


def _shown(text: str | None, hide: Redactor) -> str | None:
    return None if text is None else hide(text)
