"""``outlit-pulumi discover``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import exits
from ..context import Json, Stack, command
from ..exits import UsageError
from .folder import require_free, shown, write
from .found import Discovery, Found
from .found import discover as find
from .project import Project, Step, base_url_to_set, lines, project_name

_FOLDER = "outlit-integrations"
_CREDENTIALS = (
    "Give the credentials that are in use now. In a stack that does not track these connections yet, they are recorded "
    "and not sent; in one that does, `pulumi up` sends them. What is disconnected by then is connected with them."
)

Out = Annotated[
    str,  # a Path would turn an empty one, from a variable that is not set, into this folder
    typer.Option("--out", metavar="DIR", help="The folder to write: a new one, or an empty one.", show_default=True),
]
Credentials = Annotated[
    bool,
    typer.Option(
        "--credentials", help="Declare the credentials, too, as configuration of the stack that you then set."
    ),
]


def discover(
    ctx: typer.Context, out: Out = _FOLDER, credentials: Credentials = False, stack: Stack = None, as_json: Json = False
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
        if not out.strip():
            raise UsageError("--out needs the name of a folder. Nothing was written.")
        folder = Path(out)
        require_free(folder)
        with run.client() as client:
            hide = client.hide
            discovery = find(run.listed(client, connected_only=True), hide)
        found = discovery.found
        if not found:
            run.result(_summary(None, {}, discovery, [], []), _nothing(discovery))
            raise typer.Exit(exits.NO)
        project = Project(
            name=project_name(folder.resolve().name),
            found=found,
            credentials=credentials and any(item.fields for item in found),
            base_url=base_url_to_set(run.settings.base_url, hide),
        )
        files = project.files()
        write(folder, files)
        notes = _notes(discovery, project, credentials)
        clear = _clear(run.which.unused)
        run.result(
            _summary(folder, files, discovery, notes, clear, project), _report(folder, files, notes, clear, project)
        )


def _clear(unused: Sequence[str]) -> list[Step]:
    """What keeps `pulumi up` in the workspace that was asked: variables win over a stack's configuration."""
    return [Step(f"unset {' '.join(unused)}", "else `pulumi up` takes the workspace of these")] if unused else []


def _notes(discovery: Discovery, project: Project, credentials: bool) -> list[str]:
    """What people should know of the connections, one sentence each."""
    notes = [f"{item.label} is declared, but {item.trouble}" for item in project.found if item.trouble]
    for item in project.found:
        if item.connection_id is None:
            notes.append(
                f"Outlit's list gives no connection id for {item.label}: `pulumi up` fails until there is one."
            )
        if project.credentials and not item.fields and not item.in_catalog:
            notes.append(
                f"{item.label} is not in the catalogue of this version, so none of its credentials are declared."
            )
    if credentials and not project.credentials:
        notes.append("None of these takes credentials that a program can declare.")
    return notes + list(discovery.left_out)


def _nothing(discovery: Discovery) -> str:
    what = "Nothing that can be declared" if discovery.left_out else "Nothing"
    return "\n".join([*discovery.left_out, f"{what} is connected in this workspace. Nothing was written."])


def _report(out: Path, files: dict[str, str], notes: Sequence[str], clear: Sequence[Step], project: Project) -> str:
    number = len(project.found)
    said = [f"Wrote {shown(out)}: {', '.join(files)}.", ""]
    said += [f"{number} {'connection' if number == 1 else 'connections'}: {', '.join(i.label for i in project.found)}."]
    said += [f"Note: {note}" for note in notes]
    steps = [f"cd {shlex.quote(shown(out))}", *lines([*clear, *project.set_up(), *project.take_over()])]
    said += ["", "Next:", "", *(f"    {step}" for step in steps)]
    if project.credentials:
        said += ["", _CREDENTIALS]
    return "\n".join(said)


def _summary(
    out: Path | None,
    files: dict[str, str],
    discovery: Discovery,
    notes: Sequence[str],
    clear: Sequence[Step],
    project: Project | None = None,
) -> dict[str, Any]:
    return {
        "folder": None if out is None else str(out),
        "files": list(files),
        "items": [_integration(item) for item in discovery.found],
        "config": [{"key": key, "secret": field.secret} for key, field in (project.fields() if project else ())],
        "commands": [step.command for step in (*clear, *project.set_up(), *project.take_over())] if project else [],
        "notes": list(notes) or list(discovery.left_out),
    }


def _integration(item: Found) -> dict[str, Any]:
    return {
        "id": item.provider,
        "name": item.label,
        "resource": item.name,
        "connectionId": item.connection_id,
        "status": item.outputs["status"],
        "syncStatus": item.outputs["sync_status"],
        "errorMessage": item.outputs["error_message"],
    }
