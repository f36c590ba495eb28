"""Programs that a type checker must refuse. Nothing runs them.

Each line that is wrong says so: mypy and pyright report a ``type: ignore`` that nothing needs.
"""

from __future__ import annotations

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()
key = config.require_secret("key")
text = config.require("text")
clerk: outlit.ClerkConfigArgsDict = {"secret_key": key}


def credentials_of_another_provider(provider: str) -> None:
    outlit.Integration("clerk", "clerk", outlit.StripeConfigArgs(api_key=key))  # type: ignore[call-overload]
    outlit.Integration("stripe", provider="stripe", config=clerk)  # type: ignore[arg-type]
    outlit.Integration("slack", "slack", clerk, adopt_existing=True)  # type: ignore[arg-type]
    outlit.Integration("any", provider, outlit.StripeConfigArgs(api_key=key))  # type: ignore[call-overload]


def a_wrong_region() -> None:
    outlit.PostHogConfigArgs(api_key=key, region="moon", project_id=text)  # type: ignore[arg-type]
    outlit.PostHogConfigArgs(api_key=key, region=text, project_id=text)  # type: ignore[arg-type]


def no_config(adopt: bool) -> None:
    outlit.Integration("slack", "slack")  # type: ignore[call-overload]
    outlit.Integration("stripe", provider="stripe")  # type: ignore[call-overload]
    outlit.Integration("stripe", "stripe", adopt_existing=False)  # type: ignore[call-overload]
    outlit.Integration("stripe", "stripe", adopt_existing=adopt)  # type: ignore[call-overload]


def fields() -> None:
    outlit.ClerkConfigArgs(api_key=key)  # type: ignore[call-arg]
    outlit.ClerkConfigArgs()  # type: ignore[call-arg]
    outlit.Integration("number", "posthog", {"apiKey": key, "projectId": 12345})  # type: ignore[dict-item]
    _: outlit.PostHogConfigArgsDict = {"api_key": key, "region": "us"}  # type: ignore[typeddict-item]


def options() -> None:
    outlit.Integration("stripe", "stripe", {"api_key": key}, on_config_change="never")  # type: ignore[call-overload]
    outlit.Integration("stripe", "stripe", {"api_key": key}, wait_for_sync="60")  # type: ignore[call-overload]


def outputs(integration: outlit.Integration) -> None:
    integration.conection_id  # type: ignore[attr-defined]  # noqa: B018
    integration.syncs.apply(lambda syncs: [sync.modl for sync in syncs or []])  # type: ignore[attr-defined]
