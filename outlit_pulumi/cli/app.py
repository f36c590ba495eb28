"""The commands, and `main`, which runs one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from typing import Annotated

import typer

from . import exits
from .connect import connect
from .context import mute, unwritable
from .disconnect import disconnect
from .discover.command import discover
from .listing import list_
from .local import sandbox
from .status import status
from .surroundings import Surroundings

_HELP = """The integrations of an Outlit workspace: look at them, connect them, disconnect them.

The workspace is that of OUTLIT_API_KEY and OUTLIT_API_URL or, with --stack, of a Pulumi stack's configuration. Results
are on standard output, all else on standard error. With --json the result is JSON; an error is
{"error": ..., "type": ...}.

Exit codes: 0 done, or all is well; 1 the answer is no, such as a failing sync; 2 wrong usage, nothing was done; 3 no
answer: settings, network or service are in the way; 130 Ctrl-C; 141 the reader of the output stopped reading.
"""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(metadata.version("outlit-pulumi"))
        raise typer.Exit


app = typer.Typer(
    name="outlit-pulumi",
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    # What it shows of an error are the values of variables.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("list")(list_)
app.command()(status)
app.command()(connect)
app.command()(disconnect)
app.command()(discover)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)(sandbox)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What comes before a command."""


def main(argv: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """Runs the command that ``argv`` names and returns its exit code.

    Args:
        argv: The arguments, without the program's name; None for those of the process.
        surroundings: What is outside; None for the process's own.
    """
    try:
        app(
            args=None if argv is None else list(argv),
            prog_name="outlit-pulumi",
            obj=surroundings or Surroundings.of_process(),
        )
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except OSError as error:  # of the help and the version, which no command prints
        mute()
        with suppress(OSError):
            typer.echo(f"outlit-pulumi: {unwritable(error)}", err=True)
        return exits.ERROR
    return 0
