"""Whether syncs fail or are still to come, and how that is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_FAILING = ("FAILED", "FAILURE", "ERROR")
_PENDING = ("PENDING", "QUEUED", "SCHEDULED", "STARTED", "RUNNING", "IN_PROGRESS", "SYNCING")


def failing(status: str | None, error_message: str | None) -> bool:
    """Whether a sync fails. A status that nobody has heard of is no failure."""
    return bool(error_message) or (status or "").upper() in _FAILING


def pending(status: str | None) -> bool:
    """Whether a sync is still to end."""
    return (status or "").upper() in _PENDING


def complaints(outputs: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each failing sync in an integration's outputs: model, since when, and the service's words."""
    named = False
    for model in outputs["syncs"]:
        if failing(model["status"], model["error_message"]):
            named = True
            since = f", last synced {model['last_synced_at']}" if model["last_synced_at"] else ""
            yield f"the sync of {model['model']} is {model['status']}{since}{_said(model['error_message'])}"
    if not named and failing(outputs["sync_status"], outputs["error_message"]):
        since = f", last data {outputs['last_data_received_at']}" if outputs["last_data_received_at"] else ""
        yield f"its sync is {outputs['sync_status'] or 'failing'}{since}{_said(outputs['error_message'])}"


def _said(message: str | None) -> str:
    return f': "{message}"' if message else "."
