"""Declares as many resources that do nothing as plan.json asks for."""

import json
from pathlib import Path

import pulumi
from nothing import Nothing

plan = json.loads(Path("plan.json").read_text())
secret = pulumi.Config().require_secret("secret")
for workspace, key in plan["workspaces"].items():
    provider = pulumi.ProviderResource("pulumi-python", workspace, {"outlit:apiKey": key}) if key else None
    for name, fields in plan["integrations"].items():
        Nothing(
            f"{workspace}{name}",
            name,
            {f: v or secret.apply(lambda s, n=name: f"{s}_{n}") for f, v in fields.items()},
            pulumi.ResourceOptions(provider=provider),
        )
