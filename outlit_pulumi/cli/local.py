"""``outlit-pulumi sandbox``: the local Outlit."""

from __future__ import annotations

import typer

from . import exits
from .context import command
from .exits import UsageError
from .screen import Unwritable

_OF_EXTRA = ("fastapi", "jinja2", "starlette", "uvicorn")


def sandbox(ctx: typer.Context) -> None:
    """Run a local stand-in for Outlit on 127.0.0.1, until Ctrl-C.

    The options, --json and --help among them, are those of python -m outlit_pulumi.sandbox. Needs the extra sandbox.

    Exit codes: 0 after Ctrl-C; 1 the server failed; 2 it could not start.
    """
    with command(ctx, as_json="--json" in ctx.args):
        try:
            from ..sandbox.__main__ import main
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _OF_EXTRA:
                raise
            raise UsageError(
                "the sandbox needs the extra sandbox. Install the package with it: pip install "
                "'path/to/outlit-pulumi[sandbox]'"
            ) from None
        try:
            code = main(ctx.args, prog="outlit-pulumi sandbox")
        except BrokenPipeError:
            raise
        except OSError as error:  # what else fails, such as its port, it reports itself
            raise Unwritable(error.errno, error.strerror) from None
        if code != exits.DONE:
            raise typer.Exit(code)
