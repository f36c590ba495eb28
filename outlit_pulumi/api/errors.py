"""The errors of a call to the service: one type per documented status, and those of no answer."""

from __future__ import annotations

from ..errors import OutlitError


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
