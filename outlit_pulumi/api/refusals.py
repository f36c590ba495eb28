"""What an answer other than 200 means: one typed error per status, in words for people."""

from __future__ import annotations

from .errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    CredentialsRejectedError,
    NotConnectedError,
    PermissionDeniedError,
    PlanLimitError,
    RateLimitedError,
    ServiceError,
)
from .models import Problem, UnreadableError, parse
from .redaction import Redactor
from .retry import retry_after

NOT_SERVED = (404, 405, 410)
"""Answers of a service that does not have a route, unless the API's own body says otherwise."""

_MAY_PASS = (408, 425, 500, 502, 503, 504)
"""Answers that may be another one a moment later."""


def refusal(
    status: int, wait: str | None, body: bytes, hide: Redactor, *, explicit: bool = False, credentials: bool = False
) -> ApiError:
    """The error for an answer: to the key of an ``explicit`` Provider, and to a request that sends ``credentials``."""
    try:
        problem = parse(body, Problem)
    except UnreadableError:
        problem = Problem()
    said = hide("; ".join(filter(None, [problem.error or problem.message or "", *problem.details])))
    quoted = f' and said "{said}"' if said else ""
    seconds = retry_after(wait)
    if status == 400 and credentials:
        return CredentialsRejectedError(
            f"Outlit does not accept its config{quoted}. Correct the credentials, which may be revoked, mistyped or "
            "without a right that Outlit needs.",
            status=400,
        )
    if status == 400:
        return BadRequestError(f"Outlit refused the request as invalid{quoted}. Check the declared values.", status=400)
    if status == 401:
        return AuthenticationError(_unauthorized(explicit), status=401)
    if status == 403:
        return _forbidden(problem, quoted, hide)
    if status == 404 and problem.success is False and problem.message:
        return NotConnectedError(f"Outlit answered 404{quoted}. Nothing was changed.", status=404)
    if status in NOT_SERVED:
        # A write that something else than Outlit answered may have been carried out all the same.
        return ServiceError(
            f"the service at this address does not serve Outlit's integration routes ({status}). The state is "
            "unchanged. Check outlit:baseUrl. If it is right, Outlit has retired the routes: see docs/limits.md.",
            status=status,
            took_effect=None,
        )
    if status == 407:
        return ServiceError(
            "the proxy asks for a user and a password (407). Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY.", status=407
        )
    if status == 429:
        asks = f" It asks to wait {seconds:.0f} s." if seconds is not None else ""
        return RateLimitedError(
            f"Outlit limits the rate of requests (429).{asks} Run again later.",
            status=429,
            passes=True,
            retry_after=seconds,
        )
    if 300 <= status < 400:
        return ServiceError(
            f"Outlit answered with a redirect ({status}), which is not followed, so that the key stays where it "
            "belongs. Check outlit:baseUrl.",
            status=status,
        )
    final = 400 <= status < 500 and status not in _MAY_PASS
    return ServiceError(
        f"Outlit answered {status}{quoted}. "
        + ("Nothing was changed." if final else "Run again; if it goes on, tell Outlit's support."),
        status=status,
        took_effect=False if final else None,
        passes=status in _MAY_PASS,
        under_way=status == 504,  # a gateway that stopped waiting for the service
        retry_after=seconds,
    )


def _unauthorized(explicit: bool) -> str:
    if explicit:
        return (
            "Outlit does not accept the API key (401). Check the Provider's api_key.\n"
            "  After a key rotation, refresh and destroy still use the key in the state: add --run-program to them.\n"
            "  If the Provider was removed from the program with its integrations, declare it once more, with the new "
            "key."
        )
    return (
        "Outlit does not accept the API key (401). Check outlit:apiKey or OUTLIT_API_KEY.\n"
        "  After a key rotation, refresh and destroy still use the key in the state: set OUTLIT_API_KEY for them."
    )


def _forbidden(problem: Problem, quoted: str, hide: Redactor) -> PermissionDeniedError:
    code = hide(problem.code, limit=60) if problem.code else None
    if problem.code != "plan_connection_limit_exceeded":
        named = f" ({code})" if code else ""
        return PermissionDeniedError(f"Outlit does not allow it{named}{quoted}. Check the key's rights.", code=code)
    plan = hide(problem.plan or "", limit=40)
    counts = (
        f"allows {problem.limit} {'integration' if problem.limit == 1 else 'integrations'} and "
        f"{problem.current_connections} {'is' if problem.current_connections == 1 else 'are'} connected"
        if problem.limit is not None and problem.current_connections is not None
        else "has reached its number of integrations"
    )
    return PlanLimitError(
        f"the {plan + ' ' if plan else ''}plan {counts}.\n"
        "  Disconnect one or upgrade the plan, then run pulumi up again. Where this one takes the place of another\n"
        "  that is still connected, remove that one first, or set opts=ResourceOptions(delete_before_replace=True).\n"
        "  Either deletes what was synced from it.",
        code=code,
        feature=hide(problem.feature or "", limit=60) or None,
        plan=plan or None,
        current=problem.current_connections,
        limit=problem.limit,
    )
