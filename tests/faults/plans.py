"""What the stories of ``test_faults_machine`` are made of: what can be declared, and what can go wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Config = dict[str, str]


def _secret(number: int, of: str) -> str:
    """A credential that has nothing in common with any other, and no well-known shape."""
    return hashlib.sha256(f"{number} {of}".encode()).hexdigest()[:24]


_THREE = (0, 1, 2)

CONFIGS: Mapping[str, Sequence[Config]] = {
    "stripe": [{"apiKey": _secret(n, "stripe")} for n in _THREE],
    "clerk": [{"secretKey": f'"{_secret(n, "clerk")}" 100%25'} for n in _THREE],
    "posthog": [{"apiKey": f"ö{_secret(n, 'posthog')}", "region": "eu", "projectId": f"{n}"} for n in _THREE],
    "extra-0001": [{"token": _secret(n, "token"), "account": _secret(n, "account")} for n in _THREE],
    "slack": [],
}
"""What can be declared, by provider; Slack connects in a browser only."""

LABELS = {"stripe": "Stripe", "clerk": "Clerk", "posthog": "PostHog", "slack": "Slack", "extra-0001": "xtra"}
"""How each is named in messages; the one that the catalogue does not know by its id or by the name in the list."""

THEIRS: Mapping[str, Config] = {
    provider: {name: "eu" if name == "region" else f"theirs-{name}" for name in configs[0]}
    for provider, configs in CONFIGS.items()
    if configs
}
CANARIES = [_secret(n, of) for of in ("stripe", "clerk", "posthog", "token", "account") for n in _THREE]

# --- what can go wrong -----------------------------------------------------------------------------------------------

QUOTED = "{quoted}"
"""Stands in a fault's body for the credential that its provider is declared with."""


@dataclass(frozen=True)
class Plan:
    """A planned fault, by the members of the control route. Of kind ``refused``: that many connections are refused."""

    route: str
    kind: str
    members: Mapping[str, Any]


# A refusal comes instead of the work, and "not connected" (404) is true: a service that lies is not one with a fault.
_REFUSED_KEY: Mapping[str, Any] = {"status": 401, "body": '{"error": "Invalid credentials"}'}
_REFUSALS: Sequence[Mapping[str, Any]] = [
    {"status": 400, "body": f'{{"error": "Key {QUOTED} is not a key."}}'},
    {"status": 403, "body": '{"error": "No.", "code": "plan_connection_limit_exceeded", "plan": "free", "limit": 1}'},
    {"status": 403, "body": '{"error": "No.", "code": "api_limit_exceeded"}'},
    {"status": 302, "headers": {"Location": "https://elsewhere.test/"}},
    {"status": 404, "body": "<h1>Not found</h1>", "contentType": "text/html"},
    {"status": 429},
    {"status": 429, "headers": {"Retry-After": "20"}},
    {"status": 429, "headers": {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}},
]
_FAILURES: Sequence[Mapping[str, Any]] = [
    {"status": 500, "body": f'{{"error": "Cannot use {QUOTED}."}}'},
    {"status": 502, "body": "<h1>Bad gateway</h1>", "contentType": "text/html"},
    {"status": 503, "headers": {"Retry-After": "1"}},
    {"status": 504},
]
_MEMBERS = ["connectionId", "alreadyConnected", "connected", "status", "items", "id", "success", "provider", "syncs"]


def _one(name: str, values: Sequence[Any]) -> st.SearchStrategy[Mapping[str, Any]]:
    return st.fixed_dictionaries({name: st.sampled_from(values)})


_AFTER = _one("after", [False, True])
_COUNTS = st.fixed_dictionaries(
    {
        "times": st.sampled_from([1, 2, None]),
        "skip": st.sampled_from([0, 0, 0, 1]),
        "provider": st.sampled_from([*[None] * 5, *CONFIGS]),
    }
)
_NAMED = st.fixed_dictionaries({"members": st.lists(st.sampled_from(_MEMBERS), max_size=2)})


def plans(*routes: str) -> st.SearchStrategy[list[Plan]]:
    """What goes wrong during one command that uses these routes."""

    def plan(route: str, kind: str, *parts: Mapping[str, Any]) -> list[Plan]:
        members = {name: part[name] for part in parts for name in part}
        if route in ("list", "validate_key"):
            members["provider"] = None  # they are about none
        return [Plan(route, kind, members)]

    def fault(kinds: Sequence[str], *more: st.SearchStrategy[Mapping[str, Any]]) -> st.SearchStrategy[list[Plan]]:
        return st.builds(plan, st.sampled_from(routes), st.sampled_from(kinds), _COUNTS, *more)

    some = st.one_of(
        fault(["answer"], st.just(_REFUSED_KEY)),
        fault(["answer"], st.sampled_from(_REFUSALS)),
        fault(["answer"], _AFTER, st.sampled_from(_FAILURES)),
        fault(["delay"], _AFTER, _one("seconds", [5, 35, 45, 400])),
        fault(["drip"], _one("seconds", [5, 400])),
        fault(["reset", "html", "empty", "huge"], _AFTER),
        fault(["truncated", "content_type", "unknown_members", "unknown_values"]),
        fault(["says_not_connected", "duplicate_entries", "died"]),
        fault(["missing_members", "null_members"], _NAMED),
        fault(["connected_by_others", "disconnected_by_others", "reconnected_by_others"]),
        _one("times", [1, 6, 10**6]).map(lambda members: [Plan("*", "refused", members)]),
        st.just([Plan("connect", "reset", {}), Plan("connect", "connected_by_others", {})]),
    )
    return st.lists(some, min_size=1, max_size=3).map(lambda parts: [plan for part in parts for plan in part])
