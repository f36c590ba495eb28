"""Every provider that connects with credentials, and a Slack that a person connected in a browser."""

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()

direct = [
    outlit.Integration(
        "fireflies",
        provider="fireflies",
        config=outlit.FirefliesConfigArgs(api_key=config.require_secret("firefliesApiKey")),
    ),
    outlit.Integration(
        "granola",
        provider="granola",
        config=outlit.GranolaConfigArgs(api_key=config.require_secret("granolaApiKey")),
    ),
    outlit.Integration(
        "posthog",
        provider="posthog",
        config={
            "api_key": config.require_secret("posthogApiKey"),
            "region": config.get("posthogRegion") or "us",
            "project_id": config.require("posthogProjectId"),
        },
    ),
    outlit.Integration(
        "stripe",
        provider="stripe",
        config=outlit.StripeConfigArgs(api_key=config.require_secret("stripeApiKey")),
    ),
    outlit.Integration(
        "supabase",
        provider="supabase",
        config=outlit.SupabaseConfigArgs(
            project_url=config.require("supabaseProjectUrl"),
            service_role_key=config.require_secret("supabaseServiceRoleKey"),
        ),
    ),
    outlit.Integration(
        "clerk",
        provider="clerk",
        config=outlit.ClerkConfigArgs(secret_key=config.require_secret("clerkSecretKey")),
    ),
]

# Slack needs a person in a browser, once. From then on it is tracked, and kept when this stack is destroyed.
slack = outlit.Integration("slack", provider="slack", adopt_existing=True)

pulumi.export("connections", [each.connection_id for each in (*direct, slack)])
