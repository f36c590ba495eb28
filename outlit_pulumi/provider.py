"""The adapter between `lifecycle` and Pulumi's dynamic providers.

The path ``outlit_pulumi.provider.IntegrationProvider`` is part of every stack's state and never changes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

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

from . import settings, validation
from .errors import ConfigurationError, InternalError, OutlitError
from .imports import keep
from .process import PROCESS
from .redaction import redact

if TYPE_CHECKING:
    from .operation import Observed
    from .workspace import Workspace

_T = TypeVar("_T")


def _known(value: Any) -> Any:
    """The same value with Pulumi's unknowns replaced by the one that `validation` knows."""
    if isinstance(value, Unknown):
        return validation.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return value


def one_line(operation: Callable[[], _T]) -> _T:
    """Runs ``operation``; whatever it raises reaches the user as one clean error.

    The SDK prints tracebacks with every chained exception, which can carry a request's headers. The limit is
    process-wide, so it is set only at this moment, when an error is on its way out.
    """
    try:
        return operation()
    except OutlitError as error:
        sys.tracebacklimit = 0
        raise error.with_traceback(None) from None
    except Exception as error:  # noqa: BLE001  # the last stop before the user's screen
        bug = InternalError.of(error)
        sys.tracebacklimit = 0
        raise bug from None


class IntegrationProvider(ResourceProvider):
    """Runs in the engine's provider process. Holds nothing when it is pickled.

    Every program loads this module, too, so what only that process needs is loaded there.
    """

    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._settings: settings.Settings | None = None
        self._problem: str | None = None
        self._name: str | None = None

    def __reduce__(self) -> tuple[type[IntegrationProvider], tuple[()]]:
        return IntegrationProvider, ()

    def configure(self, req: ConfigureRequest) -> None:
        """Reads the settings. A problem is remembered, for check to report: raising here would print a traceback."""
        explicit = req.config.get(settings.EXPLICIT)
        self._name = str(explicit) if explicit else None
        try:
            self._settings = settings.load(req.config.get, os.environ)
        except ConfigurationError as error:
            self._problem = str(error)
        keep()

    def _configured(self) -> settings.Settings:
        if self._settings is None:
            raise ConfigurationError(self._problem or "the provider was not configured.")
        return self._settings

    def _connected(self) -> Workspace:
        return PROCESS.workspace(self._configured())

    def _warn(self, message: str) -> None:
        """Shows a warning. Pulumi shows it without the resource, so it says which Provider's it is."""
        pulumi.log.warn(f"Provider {self._name}: {message}" if self._name else message)

    def _note(self, problem: str | None) -> None:
        if problem is not None:
            self._warn(problem)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Reports each problem with an empty property: the engine would print the value of a named one."""

        def run() -> CheckResult:
            known = self._settings
            base = redact(known.base_url, (known.api_key,)) if known else settings.DEFAULT_BASE_URL
            found = validation.check(_known(_olds), _known(news), offered=lambda: self._connected().items(), page=base)
            reasons = ([self._problem] if self._problem else []) + found.failures
            inputs = {**news, "provider": found.provider} if found.provider else news
            if known and found.provider:
                PROCESS.run(known).declare(found.provider)
                if _olds:
                    PROCESS.run(known).track(str(_olds.get("provider")))
                elif known.preflight and not reasons:
                    try:
                        self._note(PROCESS.preflight(known).new(_known(inputs)))
                    except OutlitError as error:
                        reasons.append(str(error))
            return CheckResult(inputs, [CheckFailure("", reason) for reason in reasons])

        return one_line(run)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Declared inputs against the state; a replacement deletes first, as a workspace holds one connection each."""

        def run() -> DiffResult:
            from . import lifecycle

            found = lifecycle.diff(_known(_olds), _known(_news))
            known, provider, held = self._settings, _olds.get("provider"), _olds.get("connection_id") or _id
            if known and isinstance(provider, str) and isinstance(held, str):
                PROCESS.run(known).track(provider)
                if not found.replaces:
                    PROCESS.run(known).keep(provider, held)
                retained = found.replaces and _olds.get("adopt_existing")
                if found.changes and known.preflight and not retained:
                    self._note(PROCESS.preflight(known).changed(provider, held, replaced=bool(found.replaces)))
            return DiffResult(
                changes=found.changes, replaces=list(found.replaces), delete_before_replace=bool(found.replaces)
            )

        return one_line(run)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Connects or takes over, and waits for the first sync where that is declared."""

        def run() -> CreateResult:
            from . import lifecycle

            made = lifecycle.create(self._connected(), props, self._warn)
            if props.get("wait_for_sync"):
                made = self._waited(made, props["wait_for_sync"])
            return CreateResult(made.id, made.outputs)

        return one_line(run)

    def _waited(self, made: Observed, seconds: float) -> Observed:
        try:
            from .waiting import wait_for_sync

            return wait_for_sync(self._connected(), made, seconds, self._warn, pulumi.log.info)
        except Exception as error:  # noqa: BLE001  # the connection exists: whatever happens, the state must hold it
            self._warn(f"the wait for the first sync ended early: {InternalError.of(error)}")
            return made

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks; an empty id tells the engine that the connection is gone."""

        def run() -> ReadResult:
            from . import lifecycle

            found = lifecycle.read(self._connected(), id_, props, self._warn)
            return ReadResult("", {}) if found is None else ReadResult(found.id, found.outputs)

        return one_line(run)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Sends changed credentials in place."""

        def run() -> UpdateResult:
            from . import lifecycle

            return UpdateResult(lifecycle.update(self._connected(), _id, _olds, _news, self._warn).outputs)

        return one_line(run)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Disconnects what the state holds."""

        def run() -> None:
            from . import lifecycle

            lifecycle.delete(self._connected(), _id, _props, self._warn)

        one_line(run)
