"""What every command has: its options, the workspace that it talks to, and one way to print and to fail.

::

    def list_(ctx: typer.Context, stack: Stack = None, as_json: Json = False) -> None:
        with command(ctx, stack=stack, as_json=as_json) as run, run.client() as client:
            ...
            run.result({"items": [...]}, "what people read")
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from ..api.client import OutlitClient
from ..api.models import IntegrationItem
from ..api.redaction import plain
from ..errors import ApiError, ConfigurationError, InternalError, OutlitError
from ..settings import API_KEY, BASE_URL, Settings, load
from . import exits
from .screen import Unwritable
from .stack import configuration
from .surroundings import Surroundings

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        help="Use this Pulumi stack's outlit:apiKey and outlit:baseUrl, and nothing of the environment.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, also when it fails.")]

_VARIABLES = {API_KEY: "OUTLIT_API_KEY", BASE_URL: "OUTLIT_API_URL"}


class Command:
    """One run of a command.

    Args:
        surroundings: What is outside.
        stack: The stack whose configuration counts; None for the environment's.
        as_json: Whether the result is JSON.

    Attributes:
        outside: What is outside.
        json: Whether the result is JSON.
        unused: The variables that name another workspace than ``--stack``, once `settings` are read. A Pulumi program
            would obey them.
    """

    def __init__(self, surroundings: Surroundings, *, stack: str | None = None, as_json: bool = False) -> None:
        self.outside = surroundings
        self.json = as_json
        self.unused: list[str] = []
        self._stack = stack

    @cached_property
    def settings(self) -> Settings:
        """The workspace's key and service.

        With ``--stack`` the stack's configuration alone counts: a variable that is left over in a shell must not lead
        to another workspace, nor send the stack's key to another service. Without, the environment alone does.

        Raises:
            ConfigurationError: they are missing or malformed, or the stack cannot be read.
        """
        environ = self.outside.environ
        if self._stack is None:
            if not environ.get("OUTLIT_API_KEY"):
                raise ConfigurationError(
                    "there is no Outlit API key. Set OUTLIT_API_KEY, or use a stack's configuration with --stack NAME."
                )
            return load(lambda _: None, environ)
        found = configuration(self._stack, environ)
        if not found.get(API_KEY):
            raise ConfigurationError(
                f'stack "{self._stack}" has no {API_KEY}. Set it with `pulumi config set --secret {API_KEY} --stack '
                f"{self._stack}`, or leave --stack out to use OUTLIT_API_KEY."
            )
        settings = load(found.get, {})
        for name, value in ((API_KEY, settings.api_key), (BASE_URL, settings.base_url)):
            variable = _VARIABLES[name]
            if environ.get(variable) and environ[variable].rstrip("/") != value:
                self.unused.append(variable)
                self.note(f'note: {variable} is set and not used: --stack means the configuration of "{self._stack}".')
        return settings

    def client(self) -> OutlitClient:
        """A client of the workspace, to be closed (a ``with`` block does). Raises what `settings` does."""
        return OutlitClient(self.settings, clock=self.outside.clock)

    def result(self, data: object, shown: RenderableType) -> None:
        """Prints the result: ``data`` as JSON, or what is ``shown`` to people."""
        if self.json:
            self.document(data)
        else:
            self.outside.out.print(shown)

    def document(self, data: object, *, indent: int | None = 2) -> None:
        """Prints a JSON document. Non-ASCII characters are escaped, so that it fits any pipe and terminal."""
        self.outside.out.print(json.dumps(data, indent=indent), soft_wrap=True)
        self.outside.out.file.flush()

    def note(self, shown: RenderableType, *, whole: bool = False) -> None:
        """Shows people something on the way, on standard error; ``whole`` leaves a line that is too long unfolded."""
        self.outside.err.print(shown, soft_wrap=whole)

    def warn(self, text: str) -> None:
        """Shows a warning, on standard error."""
        self.note(f"warning: {text}")

    def listed(self, client: OutlitClient, *, connected_only: bool = False) -> list[IntegrationItem]:
        """The workspace's list. An entry that cannot be read is a warning."""
        found = client.list_integrations(connected_only=connected_only)
        for id_ in found.unreadable:
            self.warn(f"an entry of Outlit's list cannot be read{f': {plain(id_)}' if id_ else ''}. It is left out.")
        return found.items

    def organization(self, client: OutlitClient) -> str | None:
        """The organization whose key it is; None where Outlit does not tell."""
        try:
            return client.organization()
        except ApiError:
            return None

    def say_whose(self, organization: str | None) -> None:
        """Tells people which organization it was."""
        if organization is not None and not self.json:
            self.note(f"Organization {plain(organization)}")

    def fail(self, error: OutlitError, *, indent: int | None = 2) -> None:
        """Says what went wrong: on standard error, and with ``--json`` as ``{"error": ..., "type": ...}``, too."""
        text = exits.told(error)
        self.note(f"outlit-pulumi: {text}")
        if self.json:
            self.document({"error": text, "type": type(error).__name__}, indent=indent)


@contextmanager
def command(ctx: typer.Context, *, stack: str | None = None, as_json: bool = False) -> Iterator[Command]:
    """Runs a command's block, and ends it with an exit code and one line whatever it raises.

    The block ends a command early, or with another code than 0, by raising ``typer.Exit(code)``.
    """
    outside: Any = ctx.obj
    run = Command(
        outside if isinstance(outside, Surroundings) else Surroundings.of_process(), stack=stack, as_json=as_json
    )
    try:
        try:
            yield run
        except typer.Exit:
            raise
        except OutlitError as error:
            run.fail(error)
            raise typer.Exit(exits.exit_code(error)) from None
        except KeyboardInterrupt:
            run.note("Interrupted.")
            raise typer.Exit(exits.INTERRUPTED) from None
        except (BrokenPipeError, Unwritable):
            raise
        except Exception as error:  # noqa: BLE001  # the last stop before the user's screen
            run.fail(InternalError.of(error))
            raise typer.Exit(exits.ERROR) from None
        finally:
            run.outside.out.file.flush()
    except BrokenPipeError:
        mute()
        raise typer.Exit(exits.BROKEN_PIPE) from None
    except OSError as error:
        mute()
        with suppress(OSError):  # standard error may be what cannot be written
            run.note(f"outlit-pulumi: {unwritable(error)}")
        raise typer.Exit(exits.ERROR) from None


def unwritable(error: OSError) -> str:
    """What is said of standard output that takes nothing more."""
    return f"standard output cannot be written: {error.strerror or type(error).__name__}."


def mute() -> None:
    """Lets nothing more be written to standard output: Python would complain about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
