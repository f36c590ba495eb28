"""Outlit integrations as code: a Pulumi dynamic provider.

Declare an `Integration` per tool; ``pulumi up`` connects it, ``pulumi refresh`` checks it, ``pulumi destroy``
disconnects it.
"""

from __future__ import annotations

from .api.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    CredentialsRejectedError,
    NotConnectedError,
    PermissionDeniedError,
    PlanLimitError,
    RateLimitedError,
    ServiceError,
    UnreachableError,
    UnreadableAnswerError,
)
from .catalog import (
    PROVIDERS,
    ClerkConfigArgs,
    ClerkConfigArgsDict,
    ConfigArgs,
    ConfigField,
    FirefliesConfigArgs,
    FirefliesConfigArgsDict,
    GranolaConfigArgs,
    GranolaConfigArgsDict,
    PostHogConfigArgs,
    PostHogConfigArgsDict,
    ProviderId,
    ProviderSpec,
    StripeConfigArgs,
    StripeConfigArgsDict,
    SupabaseConfigArgs,
    SupabaseConfigArgsDict,
)
from .errors import (
    AlreadyConnectedError,
    BrowserRequiredError,
    ConfigurationError,
    ConnectionChangedError,
    IntegrationError,
    InternalError,
    NotAppliedError,
    OutlitError,
    StateError,
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
from .resources import Integration, SyncOutput

__version__ = "0.1.0"

__all__ = [
    "PROVIDERS",
    "AlreadyConnectedError",
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "BrowserRequiredError",
    "ClerkConfigArgs",
    "ClerkConfigArgsDict",
    "ConfigArgs",
    "ConfigField",
    "ConfigurationError",
    "ConnectionChangedError",
    "CredentialsRejectedError",
    "FirefliesConfigArgs",
    "FirefliesConfigArgsDict",
    "GranolaConfigArgs",
    "GranolaConfigArgsDict",
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
    "PostHogConfigArgsDict",
    "Provider",
    "ProviderId",
    "ProviderSpec",
    "RateLimitedError",
    "ServiceError",
    "StateError",
    "StripeConfigArgs",
    "StripeConfigArgsDict",
    "SupabaseConfigArgs",
    "SupabaseConfigArgsDict",
    "SyncOutput",
    "SyncStatusInfo",
    "UnreachableError",
    "UnreadableAnswerError",
    "WrongOrganizationError",
    "get_integrations",
    "get_integrations_output",
    "get_sync_status",
    "get_sync_status_output",
]
