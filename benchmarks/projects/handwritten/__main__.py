"""What one would write without the package: a dynamic provider of forty lines, and a request per call."""

import json
import os
from pathlib import Path

import httpx
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult


def post(path: str, body: dict) -> dict:
    response = httpx.post(
        os.environ["OUTLIT_API_URL"] + "/api/integrations" + path,
        json=body,
        headers={"Authorization": "Bearer " + os.environ["OUTLIT_API_KEY"]},
    )
    response.raise_for_status()
    return response.json()


class ConnectionProvider(ResourceProvider):
    def diff(self, id, olds, news):
        return DiffResult(changes=olds["config"] != news["config"])

    def create(self, props):
        answer = post("/connect", {"provider": props["provider"], "config": props["config"]})
        return CreateResult(answer["connectionId"], props)

    def read(self, id, props):
        response = httpx.get(
            os.environ["OUTLIT_API_URL"] + "/api/integrations/sync-status",
            params={"provider": props["provider"]},
            headers={"Authorization": "Bearer " + os.environ["OUTLIT_API_KEY"]},
        )
        response.raise_for_status()
        return ReadResult(id, props)

    def update(self, id, olds, news):
        post("/connect", {"provider": news["provider"], "config": news["config"], "force": True})
        return UpdateResult(news)

    def delete(self, id, props):
        post("/disconnect", {"provider": props["provider"]})


class Connection(Resource):
    def __init__(self, name, provider, config):
        super().__init__(ConnectionProvider(), name, {"provider": provider, "config": config})


secret = pulumi.Config().require_secret("secret")
for name, fields in json.loads(Path("plan.json").read_text())["integrations"].items():
    Connection(name, name, {f: v or secret.apply(lambda s, n=name: f"{s}_{n}") for f, v in fields.items()})
