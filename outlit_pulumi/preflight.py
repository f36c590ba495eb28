"""A look at the workspace before anything is touched: is the key accepted, and would what is declared fail?

One list call at most per process and workspace, and only when something is to be made or changed, so that a preview
without changes makes none. The same list then serves the creates and updates of an up.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import catalog
from .client import Budget
from .errors import ApiError, AuthenticationError, PermissionDeniedError
from .operation import plain
from .validation import Props

if TYPE_CHECKING:
    from .models import IntegrationItem
    from .workspace import Workspace

_SECONDS = 10.0
"""How long its request may take, connecting apart."""


class Preflight:
    """The one look of a process at a workspace. Safe to share between threads.

    Args:
        workspace: The workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._looked = False
        self._items: Mapping[str, IntegrationItem] = {}
        self._refused: ApiError | None = None

    def new(self, props: Props) -> str | None:
        """Looks, for a resource that is to be made.

        Returns:
            What would go wrong; None when nothing is seen, or when the service does not answer.

        Raises:
            AuthenticationError: the key is not accepted.
            PermissionDeniedError: it is not allowed to list integrations.
        """
        self._look()
        run, provider = self._workspace.run, props["provider"]
        if run.tracked(provider) or run.removed(provider):
            return None  # It is replaced: what is connected is its own.
        return would_not_connect(props, self._items.get(provider))

    def changed(self, provider: str, held: str, *, replaced: bool) -> str | None:
        """Looks, for a resource with the connection ``held`` that is to be updated or replaced.

        Returns and raises as `new`.
        """
        self._look()
        return would_not_change(provider, held, self._items.get(provider), replaced=replaced)

    def _look(self) -> None:
        with self._lock:
            if not self._looked:
                self._looked = True
                clock = self._workspace.client.clock
                try:
                    # A call takes half of its budget at most.
                    self._items = self._workspace.items(budget=Budget(clock, 2 * _SECONDS))
                except (AuthenticationError, PermissionDeniedError) as error:
                    self._refused = error
                except ApiError:
                    pass  # Nothing is known, as without a look.
            if self._refused is not None:
                raise self._refused


def would_not_connect(props: Props, item: IntegrationItem | None) -> str | None:
    """Why the create of what is declared would fail, by what the list shows; None where it shows no reason."""
    if item is None or not isinstance(props.get("adopt_existing", False), bool):
        return None
    name, adopt = _name(props["provider"]), props.get("adopt_existing") is True
    if item.connected and not adopt:
        return (
            f"{name} is connected already in this workspace, and not by this resource: creating it will fail. If the "
            "resource was renamed, add aliases. If the connection was made elsewhere, or by a run that was "
            "interrupted, set adopt_existing=True to take it over."
        )
    if not item.connected and props.get("config") is None:
        return (
            f"{name} is not connected, so there is nothing to adopt: creating it will fail unless it is connected by "
            "then."
        )
    return None


def would_not_change(provider: str, held: str, item: IntegrationItem | None, *, replaced: bool) -> str | None:
    """Why an update or a replacement would refuse, by what the list shows; None where it shows no reason."""
    if item is None or (item.connected and item.connection_id in (None, held)):
        return None
    name = _name(provider)
    if item.connected:
        return (
            f"{name} has another connection in this workspace than in the state ({plain(held)}), which will be neither "
            "updated nor disconnected. Check which workspace the API key is for. If it was reconnected outside Pulumi, "
            "run pulumi refresh to accept that."
        )
    if replaced:
        return None
    return (
        f"{name} is not connected any more in this workspace: updating it will fail. If the API key is the right one, "
        "run pulumi refresh first."
    )


def _name(provider: str) -> str:
    spec = catalog.find(provider)
    return spec.name if spec else plain(provider)
