"""The commands, and `main`, which runs one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from .. import __version__
from ..api.redaction import redact
from . import exits
from .connect import connect
from .context import Command, command
from .disconnect import disconnect
from .discover.command import discover
from .doctor import doctor
from .exits import UsageError
from .listing import list_
from .options import Json, Stack
from .status import status
from .surroundings import Surroundings

_HELP = """The integrations of an Outlit workspace: look at them, connect them, disconnect them.

The workspace is that of OUTLIT_API_KEY and OUTLIT_API_URL or, with --stack, of a Pulumi stack's configuration. Where
neither is given, commands that only read take the selected stack. --stack and --json may stand before the command, too.
Results are on standard output, all else on standard error. With --json the result is JSON; an error is
{"error": ..., "type": ...}.

Exit codes: 0 done, or all is well; 1 the answer is no, such as a failing sync; 2 wrong usage, nothing was done; 3 no
answer: settings, network or service are in the way; 130 Ctrl-C; 141 the reader of the output stopped reading.
"""


_WRONG_USAGE: Any = typer.BadParameter.__base__
"""click's UsageError, of which newer releases of Typer have a copy of their own."""


_LONG = 16
"""Characters; no id of the catalogue and no command has as many."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def sandbox(ctx: typer.Context) -> None:
    """Run a local stand-in for Outlit on 127.0.0.1, until Ctrl-C.

    The options, --json and --help among them, are those of python -m outlit_pulumi.sandbox. Needs the extra sandbox.

    Exit codes: 0 after Ctrl-C; 1 the server failed; 2 it could not start.
    """
    with command(ctx, as_json="--json" in ctx.args) as run:
        try:
            from ..sandbox.__main__ import main as serve
        except ModuleNotFoundError as error:  # its extra is not installed
            raise UsageError(str(error)) from None
        try:
            code = serve([*ctx.args, *(["--json"] if run.json else [])], prog="outlit-pulumi sandbox")
        except OSError as error:  # what else fails, such as its port, it reports itself
            code = exits.unwritable(error)
        raise typer.Exit(code)


app = typer.Typer(
    name="outlit-pulumi",
    help=_HELP,
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
app.command()(doctor)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)(sandbox)


@app.callback(invoke_without_command=True)
def options(
    ctx: typer.Context,
    stack: Stack = None,  # noqa: ARG001  # `command` reads it from the context
    as_json: Json = False,
    version: Annotated[  # noqa: ARG001  # its callback acts on it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What comes before a command."""
    if ctx.invoked_subcommand is None:
        if as_json:
            Command(ctx.obj, as_json=True).fail(
                UsageError("There is no command. Nothing was done. `outlit-pulumi --help` shows the usage.")
            )
        else:
            typer.echo(ctx.get_help(), err=True)
        raise typer.Exit(exits.USAGE)


def main(argv: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """Runs the command that ``argv`` names and returns its exit code.

    Args:
        argv: The arguments, without the program's name; None for those of the process.
        surroundings: What is outside; None for the process's own.
    """
    args = sys.argv[1:] if argv is None else list(argv)
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # a shell closed it
    if sys.stdout is None:
        typer.echo("outlit-pulumi: standard output is closed.", err=True)
        return exits.ERROR
    outside = surroundings or Surroundings.of_process()
    try:
        code = app(args=args, prog_name="outlit-pulumi", obj=outside, standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except _WRONG_USAGE as error:
        try:
            Command(outside, as_json="--json" in args).fail(_usage(error, args))
        except typer.Exit as end:  # it cannot be written
            return end.exit_code
        return exits.USAGE
    except OSError as error:  # of the help and the version, which no command prints, and of --install-completion
        if error.filename is None:
            return exits.unwritable(error)
        typer.echo(f"outlit-pulumi: {error.filename} cannot be written: {error.strerror}.", err=True)
        return exits.ERROR
    return code if isinstance(code, int) else exits.DONE


def _usage(error: Any, args: Sequence[str]) -> UsageError:
    """What Typer says of wrong usage, in the form of this command line's own errors."""
    # A key in the wrong place: of a well-known shape, or what is longer than any word that belongs there.
    long = [arg for arg in args if len(arg) >= _LONG and not arg.startswith("-")]
    said = redact(error.format_message(), long, limit=1000)
    said = said if said.endswith(("?", ".")) else f"{said}."
    of = error.ctx.command_path if error.ctx else "outlit-pulumi"
    return UsageError(f"{said} Nothing was done. `{of} --help` shows the usage.")
