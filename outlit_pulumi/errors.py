"""The errors of this package, and nothing else.

The tree::

    OutlitError
    ├── ConfigurationError          API key or base URL missing or malformed
    ├── ApiError                    a call to the service did not succeed
    │   ├── BadRequestError         400
    │   │   └── CredentialsRejectedError  400 of connect: the service does not accept the config
    │   ├── AuthenticationError     401
    │   ├── PermissionDeniedError   403
    │   │   └── PlanLimitError      403, the plan's number of connections is used up
    │   ├── NotConnectedError       404 of disconnect
    │   ├── RateLimitedError        429, also after retries
    │   ├── ServiceError            5xx, a redirect, or an answer that the API page does not have
    │   ├── UnreachableError        no answer: DNS, refused, reset, timeout
    │   └── UnreadableAnswerError   an answer that is not what the API page documents
    ├── StateError                  the state does not hold what this package writes there
    ├── InternalError               a bug of this package
    └── IntegrationError            the service works, but the operation would be wrong
        ├── AlreadyConnectedError   connected, and not by this resource
        ├── ConnectionChangedError  another connection than the one in the state, or none
        ├── WrongOrganizationError  the API key is of another organization than the state names
        ├── NotAppliedError         the service kept the old credentials
        └── BrowserRequiredError    nothing to adopt, and nothing to connect with

Messages are made for people: what happened, to which integration, what to do. They never hold a credential, a header or
a raw body. Control flow uses types and attributes, never messages.

What causes each, and what to do, is in docs/reference.md.
"""

from __future__ import annotations

import copy
import os
import sys
import traceback
from typing import Self

from pulumi import RunError


class OutlitError(RunError):
    """Base of every error that this package raises on purpose.

    In a program it ends the run with its message alone, as Pulumi does for a `pulumi.RunError`.
    """

    def __init_subclass__(cls) -> None:
        # What the engine prints is module and class: the public path is the one that users can import.
        cls.__module__ = "outlit_pulumi"

    def during(self, what: str) -> Self:
        """The same error with ``what`` ("PostHog was not connected") before its message."""
        told = copy.copy(self)
        told.args = (f"{what}: {self}",)
        return told


class ConfigurationError(OutlitError):
    """The API key, the base URL or another setting is missing or malformed."""


class StateError(OutlitError):
    """The stack's state of an integration is damaged: it does not say which integration it is."""


class InternalError(OutlitError):
    """A bug of this package. The message says where, and holds no values."""

    @classmethod
    def of(cls, error: Exception) -> Self:
        """What is said of an error that nobody foresaw: its kind and where it happened, and no values."""
        if isinstance(error, (ImportError, AttributeError)) and (hidden := _hidden_modules()):
            files = ", ".join(f"{name}.py" for name in hidden)
            return cls(f"the program's folder has {files}, which hides Python's own module of that name. Rename it.")
        where = " < ".join(
            f"{os.path.basename(frame.filename)}:{frame.lineno}"
            for frame in reversed(traceback.extract_tb(error.__traceback__, limit=-4))
        )
        return cls(
            f"unexpected {type(error).__name__} at {where}. This is a bug in outlit-pulumi: please report this line."
        )


def _hidden_modules() -> list[str]:
    """Modules of Python itself in whose place a file of the program's folder was loaded."""
    folder = os.path.realpath(os.curdir)
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in sys.stdlib_module_names}
    return [name for name, file in files.items() if file and os.path.dirname(os.path.realpath(file)) == folder]


class ApiError(OutlitError):
    """A call to the service did not succeed.

    Attributes:
        status: The HTTP status; None when there was no answer.
        took_effect: False when a write certainly changed nothing; None when it may have.
        passes: Whether the same call may succeed a moment later.
        under_way: Whether the service may still be working on it, so that looking now does not tell how it ends.
        retry_after: Seconds that the service asks to wait before the next call; None when it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        took_effect: bool | None = False,
        passes: bool = False,
        under_way: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.took_effect = took_effect
        self.passes = passes
        self.under_way = under_way
        self.retry_after = retry_after


class BadRequestError(ApiError):
    """400: the service refused the request as invalid."""


class CredentialsRejectedError(BadRequestError):
    """400 of connect: the service does not accept the config."""


class AuthenticationError(ApiError):
    """401: the service does not accept the API key."""


class PermissionDeniedError(ApiError):
    """403: the key is known, but this is not allowed.

    Attributes:
        code: The service's own code, such as ``plan_connection_limit_exceeded``; open-ended.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message, status=403)
        self.code = code


class PlanLimitError(PermissionDeniedError):
    """403 ``plan_connection_limit_exceeded`` (API page, "Errors").

    Attributes:
        feature: What is limited, such as ``integration_connections``.
        plan: The plan's name.
        current: How many connections there are.
        limit: How many the plan allows.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        feature: str | None = None,
        plan: str | None = None,
        current: int | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.feature = feature
        self.plan = plan
        self.current = current
        self.limit = limit


class NotConnectedError(ApiError):
    """404: the provider is valid but not connected."""


class RateLimitedError(ApiError):
    """429: too many requests."""


class ServiceError(ApiError):
    """5xx, a redirect, or any other status that the API page does not document."""


class UnreachableError(ApiError):
    """No answer came. ``took_effect`` is False when the request certainly never arrived."""


class UnreadableAnswerError(ApiError):
    """The answer is not the JSON that the API page documents."""


class IntegrationError(OutlitError):
    """The service works, but carrying on would be wrong."""


class AlreadyConnectedError(IntegrationError):
    """The provider is connected already, and not by this resource."""


class ConnectionChangedError(IntegrationError):
    """The workspace holds another connection than the state, or none."""


class WrongOrganizationError(IntegrationError):
    """The API key belongs to another organization than the state names, or it is not known whose it is."""


class NotAppliedError(IntegrationError):
    """The service answered, but kept the connection as it was."""


class BrowserRequiredError(IntegrationError):
    """There is nothing to adopt, and nothing to connect with."""
