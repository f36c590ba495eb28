"""An Outlit workspace per region, in one stack: each has a Provider with its own key, and the same integrations."""

from typing import Literal

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()

POSTHOG_REGIONS: dict[str, Literal["us", "eu"]] = {"amer": "us", "emea": "eu"}


def connect(workspace: str, posthog_region: Literal["us", "eu"]) -> None:
    """Declares what every workspace gets."""
    provider = outlit.Provider(workspace, api_key=config.require_secret(f"{workspace}OutlitKey"))
    opts = pulumi.ResourceOptions(provider=provider)
    posthog = outlit.Integration(
        f"{workspace}-posthog",
        provider="posthog",
        config=outlit.PostHogConfigArgs(
            api_key=config.require_secret(f"{workspace}PosthogApiKey"),
            region=posthog_region,
            project_id=config.require(f"{workspace}PosthogProjectId"),
        ),
        opts=opts,
    )
    stripe = outlit.Integration(
        f"{workspace}-stripe",
        provider="stripe",
        config=outlit.StripeConfigArgs(api_key=config.require_secret(f"{workspace}StripeApiKey")),
        opts=opts,
    )
    pulumi.export(workspace, {"posthog": posthog.connection_id, "stripe": stripe.connection_id})


for name, region in POSTHOG_REGIONS.items():
    connect(name, region)
