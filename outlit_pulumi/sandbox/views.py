"""What the store knows, as the API's routes show it."""

from __future__ import annotations

from outlit_pulumi.sandbox import bodies
from outlit_pulumi.sandbox.state import Session
from outlit_pulumi.sandbox.store import Integration, timestamp


def item(integration: Integration) -> bodies.Item:
    """An integration as the list route shows it."""
    connection, received = integration.connection, integration.last_data_received_at
    return bodies.Item(
        id=integration.offer.id,
        name=integration.offer.name,
        category=integration.offer.category,
        status=_status(integration),
        connectionId=connection.connection_id if connection else None,
        lastDataReceivedAt=None if received is None else timestamp(received),
        syncStatus=integration.sync_status,
        errorMessage=integration.error_message,
    )


def sync_status(integration: Integration) -> bodies.SyncStatusResponse:
    """An integration as the sync status route shows it."""
    return bodies.SyncStatusResponse(
        provider=integration.offer.id,
        name=integration.offer.name,
        category=integration.offer.category,
        status=_status(integration),
        syncs=[
            bodies.SyncItem(
                model=sync.model,
                status=sync.status,
                lastSyncedAt=None if sync.last_synced_at is None else timestamp(sync.last_synced_at),
                errorMessage=sync.error_message,
            )
            for sync in integration.syncs
        ],
    )


def _status(integration: Integration) -> str:
    return "connected" if integration.connection else "not_connected"


def connect_status(session: Session) -> bodies.ConnectStatusResponse:
    """A browser session as the connect status route shows it."""
    members = {"status": session.status, "provider": session.provider}
    return bodies.ConnectStatusResponse.model_validate(
        members if session.error is None else {**members, "error": session.error}
    )
