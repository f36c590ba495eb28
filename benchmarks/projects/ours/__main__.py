"""Declares as many integrations as plan.json asks for."""

import json
from pathlib import Path

import pulumi

import outlit_pulumi as outlit

plan = json.loads(Path("plan.json").read_text())
secret = pulumi.Config().require_secret("secret")
for workspace, key in plan["workspaces"].items():
    provider = outlit.Provider(workspace, api_key=key) if key else None
    for name, fields in plan["integrations"].items():
        outlit.Integration(
            f"{workspace}{name}",
            provider=name,
            config={f: v or secret.apply(lambda s, n=name: f"{s}_{n}") for f, v in fields.items()},
            opts=pulumi.ResourceOptions(provider=provider),
        )
