"""Programs that must type-check. Nothing runs them."""

from __future__ import annotations

from typing import Literal

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()
key = config.require_secret("key")
text = config.require("text")


def args_classes() -> None:
    outlit.Integration("fireflies", "fireflies", outlit.FirefliesConfigArgs(api_key=key))
    outlit.Integration("granola", "granola", outlit.GranolaConfigArgs(api_key=key))
    outlit.Integration("posthog", "posthog", outlit.PostHogConfigArgs(api_key=key, region="us", project_id=text))
    outlit.Integration("stripe", provider="stripe", config=outlit.StripeConfigArgs(api_key=text), adopt_existing=True)
    outlit.Integration("supabase", "supabase", outlit.SupabaseConfigArgs(project_url=text, service_role_key=key))
    outlit.Integration("clerk", "clerk", outlit.ClerkConfigArgs(secret_key=key), on_config_change="replace")


def dicts() -> None:
    outlit.Integration("fireflies", "fireflies", {"api_key": key})
    outlit.Integration("posthog", "posthog", {"api_key": key, "region": "us", "project_id": text})
    outlit.Integration("supabase", provider="supabase", config={"project_url": text, "service_role_key": key})
    outlit.Integration("names of the API", "supabase", {"projectUrl": text, "serviceRoleKey": key})
    outlit.Integration("region of the stack's configuration", "posthog", {"api_key": key, "region": text})
    stripe: outlit.StripeConfigArgsDict = {"api_key": key}
    outlit.Integration("stripe", "stripe", stripe, wait_for_sync=60)


def regions(region: Literal["us", "eu"]) -> None:
    outlit.PostHogConfigArgs(api_key=key, region=region, project_id=text)
    outlit.PostHogConfigArgs(api_key=key, region=pulumi.Output.from_input(text), project_id=text)


def outputs() -> None:
    whole = key.apply(lambda known: {"secretKey": known})
    outlit.Integration("mapping", "clerk", whole)
    outlit.Integration("args", "clerk", key.apply(lambda known: outlit.ClerkConfigArgs(secret_key=known)))
    outlit.Integration("object", "clerk", config.require_secret_object("clerk"))
    outlit.Integration("provider", key, {"token": key})


def ids_in_variables(provider: str, adopt: bool) -> None:
    outlit.Integration("direct", provider, {"api_key": key})
    outlit.Integration("adopted", provider, adopt_existing=True)
    outlit.Integration("either", provider, {"api_key": key}, adopt_existing=adopt)
    outlit.Integration("read", config.require("provider"), {"token": text})
    outlit.Integration.get("there", provider)
    outlit.get_sync_status(provider)
    outlit.get_sync_status_output(key)


def adopted() -> None:
    outlit.Integration("slack", "slack", adopt_existing=True)
    outlit.Integration("gmail", provider="gmail", adopt_existing=True, opts=pulumi.ResourceOptions(protect=True))
    outlit.Integration("stripe", "stripe", adopt_existing=True)


def failing(integration: outlit.Integration) -> pulumi.Output[list[str]]:
    return integration.syncs.apply(
        lambda syncs: [f"{sync.model.lower()}: {sync.error_message or ''}" for sync in syncs or []]
    )
