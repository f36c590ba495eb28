"""What every workspace gets. `pulumi up --stack acme` runs it for one, fan_out.py for several at once."""

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()

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

pulumi.export("stripe", stripe.connection_id)
pulumi.export("clerk", clerk.connection_id)
