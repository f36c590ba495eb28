"""``outlit-pulumi sandbox``: the local Outlit."""

from __future__ import annotations

import typer

from . import exits
from .context import command
from .exits import UsageError
from .screen import Unwritable


def sandbox(ctx: typer.Context) -> None:
    """Run a local stand-in for Outlit on 127.0.0.1, until Ctrl-C.

    The options, --json and --help among them, are those of python -m outlit_pulumi.sandbox. Needs the extra sandbox.

    Exit codes: 0 after Ctrl-C; 1 the server failed; 2 it could not start.
    """
    with command(ctx, as_json="--json" in ctx.args) as run:
        try:
            from ..sandbox.__main__ import main
        except ModuleNotFoundError as error:
            if error.name != "outlit_pulumi.sandbox":
                raise
            raise UsageError(str(error)) from None
        try:
            code = main([*ctx.args, *(["--json"] if run.json else [])], prog="outlit-pulumi sandbox")
        except BrokenPipeError:
            raise
        except OSError as error:  # what else fails, such as its port, it reports itself
            raise Unwritable(error.errno, error.strerror) from None
        if code != exits.DONE:
            raise typer.Exit(code)
