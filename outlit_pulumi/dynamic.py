"""The adapter between `lifecycle` and Pulumi's dynamic providers.

The path ``outlit_pulumi.dynamic.IntegrationProvider`` is part of every stack's state and never changes.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown

from . import settings
from .api.errors import NotConnectedError
from .api.redaction import redact
from .errors import ConfigurationError, InternalError, OutlitError
from .lifecycle import decide
from .lifecycle.check import UNKNOWN, check
from .lifecycle.ledger import Ledger
from .lifecycle.outputs import Observed, display_name
from .lifecycle.peers import Peers

if TYPE_CHECKING:
    from .lifecycle.workspace import Workspace

_P = ParamSpec("_P")
_T = TypeVar("_T")

READ_ONLY = "read_only"
"""A property: true of what `Integration.get` reads and nobody manages."""


class Workspaces:
    """The workspaces that a process talks to, each with its ledger. Safe to share between threads.

    Args:
        peers: The other processes of the run.
        short_lived: Whether the process ends with the run. What it loads is then never taken apart.
    """

    def __init__(self, peers: Peers | None = None, *, short_lived: bool = False) -> None:
        self._peers = peers or Peers()
        self._short_lived = short_lived
        self._lock = threading.Lock()
        self._ledgers: dict[settings.Settings, Ledger] = {}
        self._connected: dict[settings.Settings, Workspace] = {}
        weakref.finalize(self, self._peers.close)  # at the end of the process, if not before

    def ledger(self, known: settings.Settings) -> Ledger:
        """What the resources of this run did in a workspace."""
        with self._lock:
            return self._ledgers.setdefault(known, Ledger(self._peers))

    def workspace(self, known: settings.Settings) -> Workspace:
        """The workspace, with a client. Previews without changes and no-op updates never load the HTTP stack."""
        ledger = self.ledger(known)
        with self._lock:
            if known not in self._connected:
                from .api.client import OutlitClient
                from .lifecycle.workspace import Workspace

                made = self._connected[known] = Workspace(OutlitClient(known), ledger)
                weakref.finalize(made, made.client.close)
                if self._short_lived:
                    gc.freeze()  # as in configure, for the HTTP stack
            return self._connected[known]


def _notes() -> Path:
    return Path(os.environ.get("PULUMI_HOME") or os.path.expanduser("~/.pulumi")) / "outlit-notes"


# The engine starts every provider process of a run with its own address as the last argument.
WORKSPACES = Workspaces(Peers(sys.argv[-1], _notes()), short_lived=True)
"""Those of a provider process, which lives as long as a run. The SDK may make several providers in it."""


def _known(value: Any) -> Any:
    """The same value with Pulumi's unknowns replaced by the one that `lifecycle` knows."""
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return value


def _one_line(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Has whatever the method raises reach the user as one clean error.

    The SDK prints tracebacks with every chained exception, which can carry a request's headers. The limit is
    process-wide, so it is set only at this moment, when an error is on its way out.
    """

    @functools.wraps(method)
    def clean(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # the last stop before the user's screen
            told = error.with_traceback(None) if isinstance(error, OutlitError) else InternalError.of(error)
            sys.tracebacklimit = 0
        raise told from None

    return clean


class IntegrationProvider(ResourceProvider):
    """Runs in the engine's provider process. Holds nothing when it is pickled.

    Every program loads this module, too, so httpx and pydantic are loaded where a workspace is needed.
    """

    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._settings: settings.Settings | None = None
        self._problem: str | None = None

    def __reduce__(self) -> tuple[type[IntegrationProvider], tuple[()]]:
        return IntegrationProvider, ()

    def configure(self, req: ConfigureRequest) -> None:
        """Reads the settings. A problem is remembered, for check to report: raising here would print a traceback."""
        try:
            self._settings = settings.load(req.config.get, os.environ)
        except ConfigurationError as error:
            self._problem = str(error)
        gc.freeze()  # or Python takes apart what is loaded, at the end, while the engine waits

    def _configured(self) -> settings.Settings:
        if self._settings is None:
            raise ConfigurationError(self._problem or "the provider was not configured.")
        return self._settings

    def _workspace(self) -> Workspace:
        return WORKSPACES.workspace(self._configured())

    def _warn(self, message: str) -> None:
        pulumi.log.warn(self._named(message))

    def _tell(self, message: str) -> None:
        pulumi.log.info(self._named(message))

    def _named(self, message: str) -> str:
        """The message with the Provider that it is of: Pulumi shows it without the resource."""
        name = self._configured().explicit
        return f"Provider {name}: {message}" if name else message

    @_one_line
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Reports each problem with an empty property: the engine would print the value of a named one."""
        known, olds, props = self._settings, _known(_olds), _known(news)
        page = redact(known.base_url, (known.api_key,)) if known else settings.DEFAULT_BASE_URL
        found = check(olds, props, offered=self._offered, page=page)
        reasons = ([self._problem] if self._problem else []) + found.failures
        if known and found.provider:
            ledger = WORKSPACES.ledger(known)
            ledger.declare(found.provider)
            if olds:
                ledger.meet(str(olds.get("provider")), props.get("resource_name"))
            elif not reasons:
                reasons += self._foresee_create({**props, "provider": found.provider})
            if reasons:
                try:
                    ledger.fail(found.provider)
                except ConfigurationError as error:  # the notes of the run cannot be used
                    reasons.append(str(error))
        inputs = {**news, "provider": found.provider} if found.provider else news
        return CheckResult(inputs, [CheckFailure("", reason) for reason in reasons])

    def _foresee_create(self, props: Mapping[str, Any]) -> list[str]:
        from .lifecycle import previews

        try:
            return previews.create(self._workspace(), props, self._warn, self._tell)
        except ConfigurationError as error:  # a proxy that cannot be used, or notes of the run
            return [str(error)]

    def _offered(self) -> Collection[str]:
        workspace = self._workspace()
        return workspace.offered(workspace.client.budget())

    @_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Declared inputs against the state."""
        olds, news = _known(_olds), _known(_news)
        found = decide.difference(olds, news)
        known, provider, held = self._settings, olds.get("provider"), olds.get("connection_id") or _id
        if known and isinstance(provider, str) and isinstance(held, str):
            ledger = WORKSPACES.ledger(known)
            ledger.track(provider, news.get("resource_name"))  # a create has that, also after a rename by alias
            ledger.belong(olds.get("organization_id"))
            if not found.replaces:
                ledger.keep(provider, held)
            if found.changes:
                from .lifecycle import previews

                previews.change(self._workspace(), olds, news, held, found, self._warn, self._tell)
        return DiffResult(
            changes=found.changes, replaces=list(found.replaces), delete_before_replace=found.delete_first
        )

    @_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Connects or takes over, and waits for the first sync where that is declared."""
        from .lifecycle import operations

        made = operations.create(self._workspace(), props, self._warn)
        if props.get("wait_for_sync"):
            made = self._waited(made, props["wait_for_sync"])
        return CreateResult(made.id, made.outputs)

    def _waited(self, made: Observed, seconds: float) -> Observed:
        try:
            from .lifecycle.first_sync import wait_for_sync

            return wait_for_sync(self._workspace(), made, seconds, self._warn, pulumi.log.info)
        except Exception as error:  # noqa: BLE001  # the connection exists: whatever happens, the state must hold it
            self._warn(f"the wait for the first sync ended early: {InternalError.of(error)}")
            return made

    @_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks; an empty id tells the engine that the connection is gone.

        For what `Integration.get` reads, the engine hands over the inputs when a program runs, and the outputs in a
        refresh. The refresh keeps what was read: to the engine, anything else would be drift.
        """
        from .lifecycle import operations

        if props.get(READ_ONLY) and props.get("connection_id"):
            return ReadResult(id_, props)
        found = operations.read(self._workspace(), id_, props, self._warn)
        if not props.get(READ_ONLY):
            return ReadResult("", {}) if found is None else ReadResult(found.id, found.outputs)
        if found is None:
            raise NotConnectedError(
                f"{display_name(props['provider'])} was disconnected at this moment, so Integration.get has nothing "
                "to read."
            )
        # What the program reads must not be disconnected by the deletion of the resource that managed it.
        WORKSPACES.ledger(self._configured()).read(props["provider"], found.id)
        return ReadResult(found.id, {**found.outputs, READ_ONLY: True})

    @_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sends changed credentials in place."""
        from .lifecycle import operations

        return UpdateResult(operations.update(self._workspace(), _id, _olds, _news, self._warn).outputs)

    @_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Disconnects what the state holds."""
        from .lifecycle import operations

        operations.delete(self._workspace(), _id, _props, self._warn)
