"""Outlit integrations as code: a Pulumi dynamic provider.

Declare an `Integration` per tool; ``pulumi up`` connects it, ``pulumi refresh`` checks it, ``pulumi destroy``
disconnects it.
"""

from __future__ import annotations

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
    CredentialsRejectedError,
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
    WrongOrganizationError,
)
from .functions import (
    IntegrationInfo,
    ModelSyncInfo,
    SyncStatusInfo,
    get_integrations,
    get_integrations_output,
    get_sync_status,
    get_sync_status_output,
)
from .invoke import Provider
from .resources import Integration

__version__ = "0.1.0"

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
    "CredentialsRejectedError",
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
    "WrongOrganizationError",
    "get_integrations",
    "get_integrations_output",
    "get_sync_status",
    "get_sync_status_output",
]
