"""The provider inside the SDK's own process, driven over gRPC as the engine drives it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dill  # type: ignore[import-untyped]
import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from outlit_pulumi.provider import IntegrationProvider
from outlit_pulumi.sandbox import Sandbox, fingerprint

ROOT = Path(__file__).resolve().parents[2]
CANARY = "CANARY"
STRIPE = {"apiKey": "sk_CANARYstripe0123456789"}
OTHER = {"apiKey": "sk_CANARYother00123456789"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine spells a value that a preview does not know."""
PREFIX = "Exception calling application: "
PICKLED = base64.b64encode(dill.dumps(IntegrationProvider())).decode()


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    found = struct_pb2.Struct()
    found.update(values)
    return found


def plain(values: struct_pb2.Struct) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(values)
    return found


def declared(provider: str, config: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "__provider": PICKLED,
        "provider": provider,
        "config": config,
        "adopt_existing": False,
        "on_config_change": "reconnect",
        **more,
    }


@dataclass
class Host:
    """The SDK's provider process."""

    stub: Any

    def check(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
        """The checked inputs and the reasons of failures, none of which may name a property."""
        answer = self.stub.Check(provider_pb2.CheckRequest(olds=struct(olds or {}), news=struct(news)), timeout=60)
        assert [failure.property for failure in answer.failures] == [""] * len(answer.failures)
        return plain(answer.inputs), [failure.reason for failure in answer.failures]

    def create(self, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        answer = self.stub.Create(provider_pb2.CreateRequest(properties=struct(inputs)), timeout=60)
        return answer.id, plain(answer.properties)

    def read(self, id_: str, state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        answer = self.stub.Read(provider_pb2.ReadRequest(id=id_, properties=struct(state)), timeout=60)
        return answer.id, plain(answer.properties)

    def diff(self, id_: str, state: dict[str, Any], news: dict[str, Any]) -> Any:
        return self.stub.Diff(provider_pb2.DiffRequest(id=id_, olds=struct(state), news=struct(news)), timeout=60)

    def update(self, id_: str, state: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(id=id_, olds=struct(state), news=struct(news))
        return plain(self.stub.Update(request, timeout=60).properties)

    def delete(self, id_: str, state: dict[str, Any]) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id=id_, properties=struct(state)), timeout=60)


@contextmanager
def hosting(config: dict[str, Any], **environ: str) -> Iterator[Host]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTLIT_", "PULUMI_"))}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**env, "PYTHONPATH": path, "PULUMI_PROJECT": "test", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(args=struct(config)), timeout=60)
                yield Host(stub)
        finally:
            process.kill()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("acme") as sandbox:
        yield sandbox


@pytest.fixture
def host(sandbox: Sandbox) -> Iterator[Host]:
    with hosting({"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url}) as host:
        yield host


def test_a_round_trip(sandbox: Sandbox, host: Host) -> None:
    inputs, failures = host.check(declared("stripe", STRIPE))
    assert failures == []
    assert inputs["provider"] == "stripe"

    id_, state = host.create(inputs)
    assert id_ == state["connection_id"] == "stripe-org_acme"
    assert state["__provider"] == PICKLED

    assert host.read(id_, state)[0] == id_
    assert host.diff(id_, state, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE

    changed = declared("stripe", OTHER)
    difference = host.diff(id_, state, changed)
    assert (difference.changes, list(difference.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])

    state = host.update(id_, state, changed)
    assert [item["fingerprint"] for item in sandbox.connections()] == [fingerprint(OTHER)]

    assert routes_of(sandbox) == {"list": 1, "connect": 2, "sync_status": 1}

    # What a run made itself it keeps, so the next run deletes.
    sandbox.clear_calls()
    with hosting({"outlit:apiKey": sandbox.api_key, "outlit:baseUrl": sandbox.url}) as later:
        later.delete(id_, state)
    assert sandbox.connections() == []
    assert routes_of(sandbox) == {"list": 1, "disconnect": 1}


def routes_of(sandbox: Sandbox) -> dict[str, int]:
    routes = [call["route"] for call in sandbox.calls()]
    return {route: routes.count(route) for route in set(routes)}


def test_replacements_delete_first(host: Host) -> None:
    state = declared("stripe", STRIPE) | {"connection_id": "stripe-org_acme"}
    for news, because in (
        (declared("stripe", OTHER, on_config_change="replace"), "config"),
        (declared("clerk", {"secretKey": "k"}), "provider"),
    ):
        found = host.diff("stripe-org_acme", state, news)
        assert (list(found.replaces), found.deleteBeforeReplace) == ([because], True)


def test_read_of_what_is_gone_has_no_id(sandbox: Sandbox, host: Host) -> None:
    id_, state = host.create(declared("stripe", STRIPE))
    sandbox.disconnect("stripe")
    assert host.read(id_, state)[0] == ""


def test_an_alias_is_registered_under_its_id(host: Host) -> None:
    inputs, failures = host.check(declared("gmail", adopt_existing=True))
    assert (inputs["provider"], failures) == ("google-mail", [])


@pytest.mark.parametrize(
    "news",
    [
        declared(UNKNOWN, UNKNOWN),
        declared("stripe", UNKNOWN),
        declared("stripe", {"apiKey": UNKNOWN}),
        declared("posthog", {"apiKey": "k", "region": UNKNOWN, "projectId": UNKNOWN}),
        declared("stripe", {"apiKey": "k"}, adopt_existing=UNKNOWN, on_config_change=UNKNOWN),
    ],
)
def test_values_that_a_preview_does_not_know(sandbox: Sandbox, host: Host, news: dict[str, Any]) -> None:
    assert host.check(news)[1] == []
    assert sandbox.calls() == []


def test_check_failures_hold_no_values(host: Host) -> None:
    for news in (
        declared("posthog", {"apikey": "phx_CANARY0123456789", "region": "CANARY", "projectId": 5}),
        declared("stripe", {"apiKey": "sk_CANARY0123456789\n"}),
        declared("sk_CANARY0123456789", {"apiKey": "CANARY"}),
        declared("slack", {"token": "CANARY"}),
    ):
        _, reasons = host.check(news)
        assert reasons
        assert CANARY not in "".join(reasons)
        assert "Traceback" not in "".join(reasons)


def test_a_missing_key_is_a_check_failure() -> None:
    with hosting({}) as host:
        (reason,) = host.check(declared("stripe", STRIPE))[1]
    assert reason.startswith("there is no Outlit API key.")


def test_a_bad_key_is_a_check_failure_without_its_value() -> None:
    with hosting({"outlit:apiKey": "ok_CANARY \n"}) as host:
        (reason,) = host.check(declared("stripe", STRIPE))[1]
    assert "white space" in reason
    assert CANARY not in reason


def test_the_environment_wins(sandbox: Sandbox) -> None:
    config = {"outlit:apiKey": "ok_CANARYstale0123456789", "outlit:baseUrl": "http://127.0.0.1:1"}
    with hosting(config, OUTLIT_API_KEY=sandbox.api_key, OUTLIT_API_URL=sandbox.url) as host:
        assert host.create(declared("stripe", STRIPE))[0] == "stripe-org_acme"


def failing(host: Host, inputs: dict[str, Any]) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        host.create(inputs)
    details = str(caught.value.details())
    assert "Traceback" not in details
    assert CANARY not in details
    return details.removeprefix(PREFIX).strip()


def test_a_refused_create_is_one_clean_line(sandbox: Sandbox, host: Host) -> None:
    sandbox.fault("connect", status=400, body='{"error": "bad key sk_CANARYstripe0123456789"}')
    details = failing(host, declared("stripe", STRIPE))
    assert len(details.splitlines()) == 1
    assert "Stripe was not connected: Outlit refused the request as invalid" in details


def test_a_create_without_a_service_is_one_clean_line() -> None:
    key = "ok_CANARYkey0123456789abcdef0123456789"
    config = {"outlit:apiKey": key, "outlit:baseUrl": "http://127.0.0.1:1", "outlit:timeout": "1"}
    with hosting(config) as host:
        details = failing(host, declared("stripe", STRIPE))
    assert len(details.splitlines()) == 1
    assert "Stripe was not connected: no answer from http://127.0.0.1:1" in details


def test_a_plan_limit_names_integration_and_numbers(sandbox: Sandbox, host: Host) -> None:
    sandbox.configure(limit=0)
    assert "Stripe was not connected: the free plan allows 0 integrations and 0 are connected." in failing(
        host, declared("stripe", STRIPE)
    )


def test_a_conflict_sends_nothing(sandbox: Sandbox, host: Host) -> None:
    sandbox.connect("stripe", OTHER)
    sandbox.clear_calls()
    assert "Stripe is already connected" in failing(host, declared("stripe", STRIPE))
    assert [call["route"] for call in sandbox.calls()] == ["list"]
