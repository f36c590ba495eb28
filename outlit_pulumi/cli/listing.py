"""``outlit-pulumi list``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from .. import catalog
from ..api.redaction import plain
from .context import command
from .options import Json, Stack
from .tables import Column, clean, connection_status, mishap, moment, table

if TYPE_CHECKING:
    from ..api.models import IntegrationItem
    from ..api.redaction import Redactor

_COLUMNS = (
    Column("ID"),
    Column("NAME", dropped=3),
    Column("CATEGORY", dropped=2),
    Column("CONNECTS WITH", dropped=1),
    Column("STATUS"),
    Column("LAST DATA", dropped=4),
    Column("ERROR", text=True),
)


_NOTHING = "Nothing is connected. Connect one with `outlit-pulumi connect slack`, or declare it in a Pulumi program."


def list_(
    ctx: typer.Context,
    connected: Annotated[bool, typer.Option("--connected", help="Only what is connected.")] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """List the integrations that the workspace offers.

    JSON: {"organizationId", "items": [...]}, each with id, name, category, status, connectionId, lastDataReceivedAt,
    syncStatus and errorMessage as the API has them, and with browser (true, false, or null where this package does not
    know the provider) and configFields (what it connects with; null where not known).

    Exit codes: 0; 2 wrong usage; 3 no answer.
    """
    with command(ctx, stack=stack, as_json=as_json, reads=True) as run, run.client() as client:
        items = run.listed(client, connected_only=connected)
        organization = run.organization(client)
        if items or run.json:
            rows = [_row(item, client.hide) for item in items]
            data = {"organizationId": organization, "items": [_data(item, client.hide) for item in items]}
            run.result(data, table(run.outside.out, _COLUMNS, rows))
        else:
            run.note(_NOTHING if connected else "The workspace offers no integration.")
        run.say_whose(organization)


def _row(item: IntegrationItem, hide: Redactor) -> list[str | Text]:
    spec = catalog.find(item.id)
    fields = ", ".join(field.name for field in spec.fields) if spec else ""
    return [
        plain(hide.data(item.id)),
        hide(item.name or "", limit=60),
        hide(item.category or "", limit=60),
        "browser" if spec and spec.browser else fields,
        connection_status(item.status, item, hide),
        moment(item.last_data_received_at, hide),
        mishap(item.error_message, hide),
    ]


def _data(item: IntegrationItem, hide: Redactor) -> dict[str, Any]:
    spec = catalog.find(item.id)
    return clean(item.members(), hide) | {
        "browser": spec.browser if spec else None,
        "configFields": [field.name for field in spec.fields] if spec else None,
    }
