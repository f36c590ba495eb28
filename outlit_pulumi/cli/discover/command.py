"""``outlit-pulumi discover``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import exits
from ..context import command
from ..exits import UsageError
from ..options import Json, Stack
from ..snippets import config_key
from .folder import require_free, shown, write
from .found import Found
from .found import discover as find
from .project import CREDENTIALS, Project, Step, base_url_to_set, lines, project_name


def discover(
    ctx: typer.Context,
    out: Annotated[  # not a Path, which would turn an empty one, from a variable that is not set, into this folder
        str, typer.Option("--out", metavar="DIR", help="The folder to write: a new one, or an empty one.")
    ] = "outlit-integrations",
    credentials: Annotated[
        bool,
        typer.Option(
            "--credentials", help="Declare the credentials, too, as configuration of the stack that you then set."
        ),
    ] = False,
    stack: Stack = None,
    as_json: Json = False,
) -> None:
    """Write a Pulumi project that declares what is connected.

    `pulumi up` then takes each connection over as it is. Nothing that is on disk is overwritten, and no credential is
    written.

    JSON: {"folder": ..., "files": [...], "items": [...], "config": [...], "commands": [...], "notes": [...]}. An item
    has id, name, resource, connectionId, status, syncStatus and errorMessage; config has each key that the program
    requires, and whether it is secret.

    Exit codes: 0; 1 nothing is connected, nothing was written; 2 wrong usage, or the folder is taken; 3 no answer.
    """
    with command(ctx, stack=stack, as_json=as_json, reads=True) as run:
        if not out.strip() or out.startswith("-"):  # an option, or what `cd` takes for one
            raise UsageError("--out needs the name of a folder. Nothing was written.")
        folder = Path(out)
        require_free(folder)
        with run.client() as client:
            found, left_out = find(run.listed(client, connected_only=True), client.hide)
            base_url = base_url_to_set(run.settings.base_url, client.hide)
        declared = credentials and any(item.fields for item in found)
        project = Project(project_name(folder.resolve().name), found, declared, base_url)
        if not found:
            run.result(_summary(project, None, [], [], left_out), _nothing(left_out))
            raise typer.Exit(exits.NO)
        files = project.files()
        write(folder, files)
        names, notes = list(files), _notes(project, credentials) + left_out
        steps = [*_clear(run.which.unused), *project.steps()]
        run.result(_summary(project, folder, names, steps, notes), _report(project, folder, names, steps, notes))


def _clear(unused: Sequence[str]) -> list[Step]:
    """What keeps `pulumi up` in the workspace that was asked: variables win over a stack's configuration."""
    return [Step(f"unset {' '.join(unused)}", "else `pulumi up` takes the workspace of these")] if unused else []


def _notes(project: Project, credentials: bool) -> list[str]:
    """What people should know of the connections, one sentence each."""
    notes = [f"{item.label} is declared, but {item.trouble}" for item in project.found if item.trouble]
    for item in project.found:
        if item.connection_id is None:
            notes.append(
                f"Outlit's list gives no connection id for {item.label}: `pulumi up` fails until there is one."
            )
        if project.credentials and item.spec is None:
            notes.append(
                f"{item.label} is not in the catalogue of this version, so none of its credentials are declared."
            )
    if credentials and not project.credentials:
        notes.append("None of these takes credentials that a program can declare.")
    return notes


def _nothing(left_out: Sequence[str]) -> str:
    what = "Nothing that can be declared" if left_out else "Nothing"
    return "\n".join([*left_out, f"{what} is connected in this workspace. Nothing was written."])


def _report(project: Project, folder: Path, files: Sequence[str], steps: Sequence[Step], notes: Sequence[str]) -> str:
    number = len(project.found)
    return "\n".join(
        [
            f"Wrote {shown(folder)}: {', '.join(files)}.",
            "",
            f"{number} {'connection' if number == 1 else 'connections'}: {', '.join(i.label for i in project.found)}.",
            *(f"Note: {note}" for note in notes),
            "",
            "Next:",
            "",
            f"    cd {shlex.quote(shown(folder))}",
            *(f"    {line}" for line in lines(steps)),
            *(["", CREDENTIALS] if project.credentials else []),
        ]
    )


def _summary(
    project: Project, folder: Path | None, files: Sequence[str], steps: Sequence[Step], notes: Sequence[str]
) -> dict[str, Any]:
    return {
        "folder": None if folder is None else str(folder),
        "files": files,
        "items": [_item(item) for item in project.found],
        "config": [{"key": config_key(spec, field), "secret": field.secret} for spec, field in project.fields()],
        "commands": [step.command for step in steps],
        "notes": notes,
    }


def _item(item: Found) -> dict[str, Any]:
    return {
        "id": item.provider,
        "name": item.label,
        "resource": item.name,
        "connectionId": item.connection_id,
        "status": item.outputs["status"],
        "syncStatus": item.outputs["sync_status"],
        "errorMessage": item.outputs["error_message"],
    }
