"""What an answer other than 200 means: one typed error per status, in words for people."""

from __future__ import annotations

from ..errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    NotConnectedError,
    PermissionDeniedError,
    PlanLimitError,
    RateLimitedError,
    ServiceError,
)
from .models import Problem, UnreadableError, parse
from .redaction import Redactor
from .retry import retry_after


def refusal(status: int, wait: str | None, body: bytes, hide: Redactor) -> ApiError:
    """The error for an answer."""
    try:
        problem = parse(body, Problem)
    except UnreadableError:
        problem = Problem()
    said = hide(problem.error or problem.message or "")
    quoted = f' and said "{said}"' if said else ""
    if status == 400:
        return BadRequestError(f"Outlit refused the request as invalid{quoted}. Check the declared values.", status=400)
    if status == 401:
        return AuthenticationError(
            "Outlit does not accept the API key (401). Check outlit:apiKey, OUTLIT_API_KEY or the Provider's api_key.\n"
            "  After a key rotation, refresh and destroy still use the key in the state: set OUTLIT_API_KEY for them.",
            status=401,
        )
    if status == 403:
        return _forbidden(problem, quoted, hide)
    if status == 404 and problem.success is False:
        return NotConnectedError(f"Outlit answered 404{quoted}. Nothing was changed.", status=404)
    seconds = retry_after(wait)
    if status == 429:
        asks = f" It asks to wait {seconds:.0f} s." if seconds is not None else ""
        return RateLimitedError(
            f"Outlit limits the rate of requests (429).{asks} Run again later.", status=429, retry_after=seconds
        )
    if 300 <= status < 400:
        return ServiceError(
            f"Outlit answered with a redirect ({status}), which is not followed, so that the key stays where it "
            "belongs. Check outlit:baseUrl.",
            status=status,
        )
    return ServiceError(
        f"Outlit answered {status}{quoted}. Run again; if it goes on, tell Outlit's support.",
        status=status,
        took_effect=None,
        under_way=status == 504,  # a gateway that stopped waiting for the service
        retry_after=seconds,
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
        "  Disconnect one or upgrade the plan, then run pulumi up again.",
        code=code,
        feature=hide(problem.feature or "", limit=60) or None,
        plan=plan or None,
        current=problem.current_connections,
        limit=problem.limit,
    )
