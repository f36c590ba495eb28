"""Every integration of this program is protected: Pulumi refuses whatever would disconnect it."""

import pulumi

import outlit_pulumi as outlit

config = pulumi.Config()


def protect_integrations(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Adds ``protect`` to every integration, whatever its own options say."""
    if args.type_ != "pulumi-python:dynamic/outlit:Integration":
        return None
    opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True))
    return pulumi.ResourceTransformResult(args.props, opts)


# Before the first resource: a transform does not reach back.
pulumi.runtime.register_resource_transform(protect_integrations)

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
