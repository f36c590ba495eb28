"""One integration. The two credentials behind it, Stripe's and Outlit's, come from the stack's configuration."""

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()

stripe = outlit.Integration(
    "stripe",
    provider="stripe",
    config=outlit.StripeConfigArgs(api_key=config.require_secret("stripeApiKey")),
)

pulumi.export("stripe", stripe.connection_id)
