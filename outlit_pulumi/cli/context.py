"""What every command has: the workspace that it talks to, and one way to print and to fail.

::

    def list_(ctx: typer.Context, stack: Stack = None, as_json: Json = False) -> None:
        with command(ctx, stack=stack, as_json=as_json, reads=True) as run, run.client() as client:
            ...
            run.result({"items": [...]}, "what people read")
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import typer
from rich.console import RenderableType

from ..api.client import OutlitClient
from ..api.errors import ApiError
from ..api.models import IntegrationItem
from ..api.redaction import plain
from ..errors import InternalError, OutlitError
from ..settings import Settings
from . import exits
from .surroundings import Surroundings
from .which import Which, which


class Command:
    """One run of a command.

    Args:
        surroundings: What is outside.
        stack: The stack whose configuration counts; None for the environment's.
        as_json: Whether the result is JSON.
        reads: Whether it only reads, so that the selected stack counts where neither stack nor key was given.

    Attributes:
        outside: What is outside.
        json: Whether the result is JSON.
    """

    def __init__(
        self, surroundings: Surroundings, *, stack: str | None = None, as_json: bool = False, reads: bool = False
    ) -> None:
        self.outside = surroundings
        self.json = as_json
        self._stack = stack
        self._reads = reads

    @cached_property
    def which(self) -> Which:
        """The workspace, and where its settings were found. Says what people may not expect of that.

        Raises:
            OutlitError: as `which` does.
        """
        found = which(self.outside.environ, self._stack, selected=self._reads)
        if found.selected:
            self.note(f'note: OUTLIT_API_KEY is not set: this is the workspace of the selected stack, "{found.stack}".')
        for variable in found.unused:
            self.note(f'note: {variable} is set and not used: the workspace is that of stack "{found.stack}".')
        return found

    @property
    def settings(self) -> Settings:
        """The workspace's key and service. Raises what `which` does."""
        return self.which.settings

    def client(self) -> OutlitClient:
        """A client of the workspace, to be closed (a ``with`` block does). Raises what `settings` does."""
        client = OutlitClient(self.settings, clock=self.outside.clock)
        if self.which.url_is_secret:
            client.hide.add([self.settings.base_url])
        return client

    def result(self, data: object, shown: RenderableType) -> None:
        """Prints the result: ``data`` as JSON, or what is ``shown`` to people."""
        if self.json:
            self.document(data)
        else:
            self.outside.out.print(shown)

    def document(self, data: object, *, indent: int | None = 2) -> None:
        """Prints a JSON document. Non-ASCII characters are escaped, so that it fits any pipe and terminal."""
        self.outside.out.print(json.dumps(data, indent=indent), soft_wrap=True)

    def note(self, shown: RenderableType, *, whole: bool = False) -> None:
        """Shows people something on the way, on standard error; ``whole`` leaves a line that is too long unfolded."""
        self.outside.err.print(shown, soft_wrap=whole)

    def warn(self, text: str) -> None:
        """Shows a warning, on standard error."""
        self.note(f"warning: {text}")

    @contextmanager
    def writing(self, unclear: str) -> Iterator[None]:
        """Has Ctrl-C within the block, when a request may be under way, say that its outcome is ``unclear``."""
        try:
            yield
        except KeyboardInterrupt:
            self.warn(f"{unclear}.")
            raise

    def listed(self, client: OutlitClient, *, connected_only: bool = False) -> list[IntegrationItem]:
        """The workspace's list. An entry that cannot be read is a warning."""
        found = client.list_integrations(connected_only=connected_only)
        for id_ in found.unreadable:
            named = f": {plain(client.hide.data(id_))}" if id_ else ""
            self.warn(f"an entry of Outlit's list cannot be read{named}. It is left out.")
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
def command(
    ctx: typer.Context, *, stack: str | None = None, as_json: bool = False, reads: bool = False
) -> Iterator[Command]:
    """Runs a command's block, and ends it with an exit code and one line whatever it raises.

    The block ends a command early, or with another code than 0, by raising ``typer.Exit(code)``. ``--stack`` and
    ``--json`` count before the command, too. ``reads`` is as for `Command`.
    """
    outside: Any = ctx.obj
    before = ctx.parent.params if ctx.parent else {}
    run = Command(
        outside if isinstance(outside, Surroundings) else Surroundings.of_process(),
        stack=before.get("stack") if stack is None else stack,
        as_json=as_json or bool(before.get("as_json")),
        reads=reads,
    )
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
    except Exception as error:  # noqa: BLE001  # the last stop before the user's screen
        run.fail(InternalError.of(error))
        raise typer.Exit(exits.ERROR) from None
