"""Three Outlit integrations as code: PostHog, Stripe and Clerk."""

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()

posthog = outlit.Integration(
    "posthog",
    provider="posthog",
    config={
        "api_key": config.require_secret("posthogApiKey"),
        "region": config.get("posthogRegion") or "us",
        "project_id": config.require("posthogProjectId"),
    },
)
stripe = outlit.Integration(
    "stripe",
    provider="stripe",
    config=outlit.StripeConfigArgs(api_key=config.require_secret("stripeApiKey")),
)
clerk = outlit.Integration(
    "clerk",
    provider="clerk",
    config=outlit.ClerkConfigArgs(secret_key=config.require_secret("clerkSecretKey")),
)

pulumi.export("posthog", posthog.connection_id)
pulumi.export("stripe", stripe.connection_id)
pulumi.export("clerk", clerk.connection_id)
