"""A connection that exists, read and not managed: what is behind `Integration.get`.

The path ``outlit_pulumi.existing.ExistingProvider`` is part of the state of every stack that uses it and never changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NoReturn

from pulumi import Input, InvokeOutputOptions, Output, ProviderResource, ResourceOptions
from pulumi.dynamic import ReadResult

from . import access, catalog
from .errors import ApiError, BadRequestError, NotConnectedError, UnreadableAnswerError
from .functions import canonical
from .process import PROCESS
from .provider import IntegrationProvider, one_line
from .redaction import redact
from .settings import Settings


class ExistingProvider(IntegrationProvider):
    """Reads what a program names. The engine neither updates nor deletes a resource that was read."""

    def __reduce__(self) -> tuple[type[ExistingProvider], tuple[()]]:
        return ExistingProvider, ()

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks, when a program runs. A refresh keeps what was read: to the engine, anything else would be drift.

        The engine hands over the inputs for a program, and the outputs for a refresh.
        """
        if props.get("connection_id"):
            return ReadResult(id_, props)
        found = super().read(id_, props)
        if not found.id:
            return one_line(lambda: _gone(props["provider"]))
        # What the program reads must not be disconnected by the deletion of the resource that managed it.
        PROCESS.run(self._configured()).read(props["provider"], found.id)
        return found


def connection_id(provider: Input[str], opts: ResourceOptions | None) -> Output[str]:
    """The id of the connection that a provider has in the workspace of ``opts``.

    The engine takes the id for what tells resources apart: an `Integration` that becomes an `Integration.get` is taken
    out of management if both have the same id, and deleted otherwise.
    """
    invoke = InvokeOutputOptions(
        parent=opts.parent if opts else None,
        provider=_explicit(opts),
        depends_on=opts.depends_on if opts else None,
    )
    fresh = access.depends_on(invoke) is not None
    return Output.all(access.settings_output(invoke), provider).apply(
        lambda known: asyncio.to_thread(_held, known[0], known[1], fresh)
    )


def _explicit(opts: ResourceOptions | None) -> ProviderResource | None:
    """The provider in ``opts``, as Pulumi finds it for a resource: one of another package is for child resources."""
    if opts is None:
        return None
    if opts.provider is not None and opts.provider.package == access.PACKAGE:
        return opts.provider
    if isinstance(opts.providers, Mapping):
        return opts.providers.get(access.PACKAGE)
    several = [opts.providers] if isinstance(opts.providers, ProviderResource) else opts.providers or []
    return next((provider for provider in reversed(several) if provider.package == access.PACKAGE), None)


def _held(known: Settings, provider: str, fresh: bool) -> str:
    workspace = access.process().workspace(known)
    budget = workspace.client.budget()
    try:
        wanted = canonical(provider, workspace, budget)
        item = workspace.item(wanted, fresh=fresh, budget=budget)
    except ApiError as error:
        raise error.during("Integration.get found nothing") from None
    name = _name(wanted)
    if item is None:
        raise BadRequestError(f"this workspace does not offer {name}.")
    if not item.connected:
        raise NotConnectedError(
            f"{name} is not connected in this workspace, so Integration.get has nothing to read. Connect it at "
            f"{redact(known.base_url, (known.api_key,))}/integrations. If an Integration of this program connects it, "
            "give that one to Integration.get: opts=ResourceOptions(depends_on=[...])."
        )
    if item.connection_id is None:
        raise UnreadableAnswerError(f"Outlit's list gives no connection id for {name}. Run again.")
    return item.connection_id


def _gone(provider: str) -> NoReturn:
    raise NotConnectedError(
        f"{_name(provider)} was disconnected at this moment, so Integration.get has nothing to read."
    )


def _name(provider: str) -> str:
    spec = catalog.find(provider)
    return spec.name if spec else redact(provider, (), limit=60)
