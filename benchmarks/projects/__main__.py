"""The program of both projects: declares what plan.json lists, as integrations or as resources that do nothing."""

import json
from pathlib import Path

import pulumi

plan = json.loads(Path("plan.json").read_text())
if plan["project"] == "floor":
    from nothing import Nothing as Integration
else:
    from outlit_pulumi import Integration

secret = pulumi.Config().require_secret("secret")
for name, fields in plan["configs"].items():
    Integration(name, name, {f: v or secret.apply(lambda s, n=name: f"{s}_{n}") for f, v in fields.items()})
