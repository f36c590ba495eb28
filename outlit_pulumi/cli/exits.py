"""How a command ends: its exit codes, and what it says of an error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import typer

from ..api.errors import AuthenticationError
from ..errors import OutlitError

DONE = 0
"""All is well, or was done."""
NO = 1
"""It worked, and the answer is no: something is failing, or the integration did not get connected."""
USAGE = 2
"""The command cannot be used like this. Nothing was done."""
ERROR = 3
"""Outlit, its settings or the network are in the way, so that there is no answer."""
INTERRUPTED = 130
"""Ctrl-C."""
BROKEN_PIPE = 141
"""Whoever read the output stopped reading."""


class UsageError(OutlitError):
    """The command cannot be used like this. Nothing was done."""


def exit_code(error: OutlitError) -> int:
    """The exit code of a command that ends with this error."""
    return USAGE if isinstance(error, UsageError) else ERROR


def told(error: OutlitError) -> str:
    """The error on one line, in this command line's words where the message is made for ``pulumi up``."""
    if isinstance(error, UsageError):
        return str(error)
    if isinstance(error, AuthenticationError):
        return (
            "Outlit does not accept the API key (401). "
            "Check OUTLIT_API_KEY or, with --stack, the stack's outlit:apiKey."
        )
    text = " ".join(str(error).split())
    for of_pulumi in (", then run pulumi up again", " The state is unchanged."):
        text = text.replace(of_pulumi, "")
    return text


def unwritable(error: OSError) -> int:
    """Gives up standard output, which takes nothing more, and says so unless nobody reads. Returns the exit code."""
    # Python would complain at its end about what it could not write.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    with suppress(OSError):  # standard error may be what cannot be written
        reason = error.strerror or type(error).__name__
        typer.echo(f"outlit-pulumi: standard output cannot be written: {reason}.", err=True)
    return ERROR
