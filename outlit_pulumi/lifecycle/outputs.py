"""From the service's answers to what the state holds, and what is said of failing syncs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import catalog
from ..api.redaction import plain

if TYPE_CHECKING:
    from ..api.models import Answer, IntegrationItem, SyncStatus
    from ..api.redaction import Redactor

UNCONFIRMED = "config_unconfirmed"
"""An output: true while the declared config may not be the one in use, else absent. The next update sends it again."""

_KEPT = ("resource_name", "provider", "config", "adopt_existing", "on_config_change", "organization_id", "written_at")

_FAILING = ("FAILED", "FAILURE", "ERROR")
_PENDING = ("PENDING", "QUEUED", "SCHEDULED", "STARTED", "RUNNING", "IN_PROGRESS", "SYNCING")


@dataclass(frozen=True)
class Observed:
    """What is known of a connection after looking: the resource's id and outputs."""

    id: str
    outputs: dict[str, Any]


def outputs(
    declared: Mapping[str, Any],
    connection_id: str,
    item: IntegrationItem | None,
    hide: Redactor,
    sync: SyncStatus | None = None,
) -> dict[str, Any]:
    """The one mapping from the service's answers to what the state holds. Nothing in it quotes a credential."""
    seen = shown(item, hide) if item else {}
    if sync:
        seen |= {name: value for name, value in shown(sync, hide).items() if value is not None}
    return {
        **{name: declared.get(name) for name in _KEPT},
        **({UNCONFIRMED: True} if declared.get(UNCONFIRMED) else {}),
        "connection_id": connection_id,
        "display_name": (sync and sync.name and seen["name"]) or hide.data(display_name(declared["provider"], item)),
        "category": seen.get("category"),
        "status": seen.get("status", "connected"),
        **{name: seen.get(name) for name in ("sync_status", "last_data_received_at", "error_message")},
        "syncs": [shown(row, hide) for row in (sync.syncs if sync else [])],
    }


def shown(answer: Answer, hide: Redactor) -> dict[str, Any]:
    """The members of an answer by their Python names: its sentence without traces of credentials, data as it is."""
    return {
        name: value if not isinstance(value, str) else hide(value) if name == "error_message" else hide.data(value)
        for name, value in answer
    }


def display_name(provider: str, item: IntegrationItem | None = None) -> str:
    """The integration's name: the catalogue's, else the one in the workspace's list, else the id."""
    spec = catalog.find(provider)
    return spec.name if spec else (item.name if item else None) or provider


def shows(item: IntegrationItem | None, held: str) -> bool:
    """Whether an entry of the list has that connection, whatever its status says."""
    return item is not None and item.connection_id == held


def failing(status: str | None, error_message: str | None) -> bool:
    """Whether a sync fails. An unknown status is no failure."""
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
            since = f", last synced {plain(model['last_synced_at'])}" if model["last_synced_at"] else ""
            said = _quoted(model["error_message"])
            yield f"the sync of {plain(model['model'])} is {plain(model['status'])}{since}{said}"
    if not named and failing(outputs["sync_status"], outputs["error_message"]):
        since = f", last data {plain(outputs['last_data_received_at'])}" if outputs["last_data_received_at"] else ""
        yield f"its sync is {plain(outputs['sync_status'] or 'failing')}{since}{_quoted(outputs['error_message'])}"


def _quoted(message: str | None) -> str:
    return f': "{message}"' if message else "."
