"""Pieces of programs that the engine tests declare."""

from __future__ import annotations


def posthog(name: str = "posthog", *, key: str = 'config.require_secret("phx")', more: str = "") -> str:
    """A PostHog integration."""
    return (
        f'outlit.Integration("{name}", provider="posthog", config=outlit.PostHogConfigArgs('
        f'api_key={key}, region="us", project_id="12345"){more})\n'
    )


def stripe(name: str = "stripe", *, key: str = 'config.require_secret("sk")', more: str = "") -> str:
    """A Stripe integration, with a plain mapping."""
    return f'outlit.Integration("{name}", provider="stripe", config={{"apiKey": {key}}}{more})\n'
