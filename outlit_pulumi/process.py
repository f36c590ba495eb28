"""What this process has of each workspace that it talks to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .imports import keep, undisturbed
from .settings import Settings

if TYPE_CHECKING:
    from .preflight import Preflight
    from .run import Run
    from .workspace import Workspace


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


class Process:
    """What this process has of each workspace. The SDK may make several providers in it, which must know of each other.

    Modules are loaded when first needed, as every program loads this one.

    Args:
        loaded: Is called when the HTTP stack has been loaded; by default nothing is.
    """

    def __init__(self, loaded: Callable[[], None] = lambda: None) -> None:
        self._loaded = loaded
        self._lock = threading.Lock()
        self._runs: dict[Settings, Run] = {}
        self._workspaces: dict[Settings, Workspace] = {}
        self._preflights: dict[Settings, Preflight] = {}

    def run(self, known: Settings) -> Run:
        """What the resources of this run did in a workspace."""
        with self._lock:
            if known not in self._runs:
                from .handover import Handover
                from .run import Run

                # The engine starts every provider process of a run with its own address as the last argument.
                self._runs[known] = Run(Handover(sys.argv[-1], known.base_url))
            return self._runs[known]

    def workspace(self, known: Settings) -> Workspace:
        """The workspace, with a client.

        Both are made when first needed: previews and no-op updates never pay for the HTTP stack.
        """
        run = self.run(known)
        with self._lock:
            if known not in self._workspaces:
                with undisturbed():
                    from .trust import in_background

                    trust = in_background(environment=not known.loopback)
                    from .client import OutlitClient
                    from .workspace import Workspace

                    client = OutlitClient(known, trust=trust)
                self._loaded()
                self._workspaces[known] = Workspace(client, run, _in_background)
            return self._workspaces[known]

    def preflight(self, known: Settings) -> Preflight:
        """The one look at the workspace before anything is touched. Made when first needed, like the workspace."""
        workspace = self.workspace(known)
        with self._lock:
            if known not in self._preflights:
                from .preflight import Preflight

                self._preflights[known] = Preflight(workspace)
            return self._preflights[known]


PROCESS = Process(loaded=keep)
"""The one of a provider process, which lives as long as a run."""
