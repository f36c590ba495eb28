"""Outlit integrations as code: a Pulumi dynamic provider.

Declare an `Integration` per tool; ``pulumi up`` connects it, ``pulumi refresh`` checks it, ``pulumi destroy``
disconnects it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .catalog import (
    PROVIDERS,
    ClerkConfigArgs,
    ConfigArgs,
    ConfigField,
    FirefliesConfigArgs,
    GranolaConfigArgs,
    PostHogConfigArgs,
    ProviderSpec,
    StripeConfigArgs,
    SupabaseConfigArgs,
)
from .errors import (
    AlreadyConnectedError,
    ApiError,
    AuthenticationError,
    BadRequestError,
    BrowserRequiredError,
    ConfigurationError,
    ConnectionChangedError,
    IntegrationError,
    InternalError,
    NotAppliedError,
    NotConnectedError,
    OutlitError,
    PermissionDeniedError,
    PlanLimitError,
    RateLimitedError,
    ServiceError,
    StateError,
    UnreachableError,
    UnreadableAnswerError,
)
from .integration import Integration, Provider

if TYPE_CHECKING:
    from .functions import (
        IntegrationInfo,
        ModelSyncInfo,
        SyncStatusInfo,
        get_integrations,
        get_integrations_output,
        get_sync_status,
        get_sync_status_output,
    )

__all__ = [
    "PROVIDERS",
    "AlreadyConnectedError",
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "BrowserRequiredError",
    "ClerkConfigArgs",
    "ConfigArgs",
    "ConfigField",
    "ConfigurationError",
    "ConnectionChangedError",
    "FirefliesConfigArgs",
    "GranolaConfigArgs",
    "Integration",
    "IntegrationError",
    "IntegrationInfo",
    "InternalError",
    "ModelSyncInfo",
    "NotAppliedError",
    "NotConnectedError",
    "OutlitError",
    "PermissionDeniedError",
    "PlanLimitError",
    "PostHogConfigArgs",
    "Provider",
    "ProviderSpec",
    "RateLimitedError",
    "ServiceError",
    "StateError",
    "StripeConfigArgs",
    "SupabaseConfigArgs",
    "SyncStatusInfo",
    "UnreachableError",
    "UnreadableAnswerError",
    "get_integrations",
    "get_integrations_output",
    "get_sync_status",
    "get_sync_status_output",
]


def __getattr__(name: str) -> Any:
    # Most programs ask nothing of their workspace, and no provider process does: they need not wait for this.
    if name in __all__:
        from . import functions

        return getattr(functions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
