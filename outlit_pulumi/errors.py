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

    Example:
        .. code-block:: python

            try:
                connected = len(outlit.get_integrations(connected_only=True))
            except outlit.OutlitError as error:
                pulumi.log.warn(f"the workspace could not be asked: {error}")
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
    """The API key, the base URL or another setting is missing or malformed.

    Example:
        A stack without an API key::

            there is no Outlit API key. Set one with `pulumi config set --secret outlit:apiKey`, or in the environment
            variable OUTLIT_API_KEY.

        The command asks for the key: ``pulumi config set --secret outlit:apiKey``.
    """


class StateError(OutlitError):
    """The stack's state of an integration is damaged: it does not say which integration it is.

    Example:
        A state that was edited by hand::

            the state of this integration is damaged: it does not say which provider and connection it is.

        ``pulumi stack import --file earlier.json`` restores an earlier export. Otherwise run
        ``pulumi state delete URN`` and declare the integration with ``adopt_existing=True``.
    """


class InternalError(OutlitError):
    """A bug of this package. The message says where, and holds no values.

    Example:
        ::

            unexpected KeyError at FILE:LINE. This is a bug in outlit-pulumi: please report this line.

        ``pulumi refresh`` then has the state follow the workspace.
    """

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

    Example:
        .. code-block:: python

            try:
                failing = [sync.model for sync in outlit.get_sync_status("stripe").syncs if sync.error_message]
            except outlit.ApiError as error:
                pulumi.log.warn(f"Stripe was not checked ({error.status}): {error}")

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
    """400: the service refused the request as invalid.

    Example:
        A misspelt provider::

            Integration.get found nothing: provider "stirpe" is unknown to Outlit. Did you mean "stripe"?

        ``outlit-pulumi list`` shows the providers that the workspace offers.
    """


class CredentialsRejectedError(BadRequestError):
    """400 of connect: the service does not accept the config.

    Example:
        A credential that is revoked or mistyped::

            Stripe was not connected: Outlit does not accept its config. Correct the credentials, which may be revoked,
            mistyped or without a right that Outlit needs.

        ``pulumi config set --secret stripeApiKey``, then ``pulumi up``.
    """


class AuthenticationError(ApiError):
    """401: the service does not accept the API key.

    Example:
        A key that was revoked before the state has the new one::

            Stripe was not read and its state is unchanged: Outlit does not accept the API key (401). Check
            outlit:apiKey or OUTLIT_API_KEY.

        ``pulumi config set --secret outlit:apiKey``, then ``pulumi up``. For a refresh or destroy before that, set
        ``OUTLIT_API_KEY``.
    """


class PermissionDeniedError(ApiError):
    """403: the key is known, but this is not allowed.

    Example:
        ::

            Stripe was not connected: Outlit does not allow it (api_limit_exceeded). Check the key's rights.

        The code in brackets is Outlit's own. Give the key the right in Outlit, or use another key.

    Attributes:
        code: The service's own code, such as ``plan_connection_limit_exceeded``; open-ended.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message, status=403)
        self.code = code


class PlanLimitError(PermissionDeniedError):
    """403 ``plan_connection_limit_exceeded`` (API page, "Errors").

    Example:
        ::

            Stripe was not connected: the free plan allows 3 integrations and 3 are connected.
              Disconnect one or upgrade the plan, then run pulumi up again.

        ``outlit-pulumi list --connected`` shows them, and ``outlit-pulumi disconnect slack`` disconnects one, which
        deletes what Outlit synced from it.

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
    """404: the provider is valid but not connected.

    Example:
        ``Integration.get("stripe", "stripe")`` without a connection::

            Stripe is not connected in this workspace, so Integration.get has nothing to read. Connect it at
            https://app.outlit.ai/integrations.

        If the same program connects it:

        .. code-block:: python

            stripe = outlit.Integration(
                "stripe", "stripe", outlit.StripeConfigArgs(api_key=config.require_secret("stripeApiKey"))
            )
            outlit.Integration.get("read", "stripe", opts=pulumi.ResourceOptions(depends_on=[stripe]))
    """


class RateLimitedError(ApiError):
    """429: too many requests.

    Example:
        ::

            Stripe was not connected: Outlit limits the rate of requests (429). It asks to wait 120 s. Run again later.

        ``pulumi up --parallel 2`` is gentler; ``pulumi config set outlit:timeout 300`` lets each operation wait longer.
    """


class ServiceError(ApiError):
    """5xx, a redirect, or any other status that the API page does not document.

    Example:
        ::

            Stripe was not updated: Outlit answered 503. Run again; if it goes on, tell Outlit's support.

        ``pulumi up`` once more sends the config again.
    """


class UnreachableError(ApiError):
    """No answer came. ``took_effect`` is False when the request certainly never arrived.

    Example:
        ::

            Stripe was not connected: no answer from https://app.outlit.ai (timed out). Check the network and
            outlit:baseUrl or OUTLIT_API_URL, then run again.

        ``outlit-pulumi doctor`` checks the address, the key and the routes.
    """


class UnreadableAnswerError(ApiError):
    """The answer is not the JSON that the API page documents.

    Example:
        A proxy or a sign-in page in Outlit's place::

            Stripe was not read and its state is unchanged: the answer from https://app.example.com is not what Outlit's
            API documents. Check outlit:baseUrl: a proxy or a sign-in page may be answering in its place, or the service
            does not serve the integration routes (docs/limits.md).

        ``pulumi config get outlit:baseUrl`` shows the address; ``outlit-pulumi doctor`` checks it.
    """


class IntegrationError(OutlitError):
    """The service works, but carrying on would be wrong."""


class AlreadyConnectedError(IntegrationError):
    """The provider is connected already, and not by this resource.

    Example:
        Somebody connected Stripe before the first ``pulumi up``::

            Stripe was not created: it is already connected in this workspace, and not by this resource. No credentials
            were applied.

        Take the connection over:

        .. code-block:: python

            outlit.Integration("stripe", provider="stripe", adopt_existing=True)
    """


class ConnectionChangedError(IntegrationError):
    """The workspace holds another connection than the state, or none.

    Example:
        Somebody reconnected Stripe outside Pulumi::

            Stripe was not updated: this workspace holds another connection of it than the state (stripe-org_1).

        If the API key is the right one, ``pulumi refresh`` accepts the change. Then ``pulumi up``.
    """


class WrongOrganizationError(IntegrationError):
    """The API key belongs to another organization than the state names, or it is not known whose it is.

    Example:
        ::

            Stripe was not updated: the API key is of organization org_2, the state is of org_1. Nothing was changed.
            Set that one's key.

        ``pulumi config set --secret outlit:apiKey``; ``OUTLIT_API_KEY``, if set, wins over it.
    """


class NotAppliedError(IntegrationError):
    """The service answered, but kept the connection as it was.

    Example:
        ::

            Stripe was not updated: Outlit kept the old config. Run pulumi up again; if it goes on, set
            on_config_change="replace", which disconnects first and so deletes what was synced.

        ``pulumi up`` sends the config again.
    """


class BrowserRequiredError(IntegrationError):
    """There is nothing to adopt, and nothing to connect with.

    Example:
        Slack with ``adopt_existing=True``, before somebody connected it::

            Slack was not taken over: it is not connected, so there is nothing to adopt. Connect it once in the browser,
            with `outlit-pulumi connect slack` or at the integrations page of Outlit, then run pulumi up again.

        ``outlit-pulumi connect slack``, then ``pulumi up``.
    """
