"""The options that every command has, and which integration a person means."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated

import typer

from .. import catalog
from ..api.redaction import redact
from ..lifecycle.check import quoted
from .exits import UsageError


def complete(incomplete: str) -> list[str]:
    """What a shell offers for the beginning of a provider id: the catalogue's, without asking anybody."""
    return [id_ for id_ in catalog.PROVIDERS if id_.startswith(incomplete)]


Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        help="Use this Pulumi stack's outlit:apiKey and outlit:baseUrl, and nothing of the environment.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, also when it fails.")]
Provider = Annotated[
    str,
    typer.Argument(metavar="PROVIDER", help="Its id, such as slack; `list` shows them.", autocompletion=complete),
]


def provider_id(wanted: str, offered: Callable[[], Collection[str]]) -> str:
    """The API's id for what was typed: the catalogue is the first word, the workspace's list the second.

    Raises:
        UsageError: neither has it; the message suggests what may have been meant.
        ApiError: the list was needed, and could not be had.
    """
    spec = catalog.find(wanted)
    if spec is not None:
        return spec.id
    live = offered()
    if wanted in live:
        return wanted
    known = list(dict.fromkeys((*catalog.PROVIDERS, *live)))
    guess = catalog.closest(wanted, known)
    hint = f'Did you mean "{guess}"?' if guess else f"Known are {', '.join(known)}."
    raise UsageError(f"provider {quoted(wanted)} is unknown to Outlit. {redact(hint, limit=1000)}")
