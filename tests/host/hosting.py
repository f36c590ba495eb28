"""The SDK's provider process on its own, driven over gRPC as the engine drives it."""

from __future__ import annotations

import atexit
import base64
import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import dill  # type: ignore[import-untyped]
import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from outlit_pulumi.dynamic import IntegrationProvider
from outlit_pulumi.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
CANARY = "CANARY"
STRIPE = {"apiKey": "sk_CANARYstripe0123456789"}
OTHER = {"apiKey": "sk_CANARYother00123456789"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine spells a value that a preview does not know."""
PREFIX = "Exception calling application: "
PICKLED = base64.b64encode(dill.dumps(IntegrationProvider())).decode()


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """As the engine sends it."""
    found = struct_pb2.Struct()
    found.update(values)
    return found


def plain(values: struct_pb2.Struct) -> dict[str, Any]:
    """As the engine keeps it."""
    found: dict[str, Any] = json_format.MessageToDict(values)
    return found


def declared(provider: str, config: Any = None, **more: Any) -> dict[str, Any]:
    """The inputs of an integration."""
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
    log: IO[str]

    def warnings(self) -> list[str]:
        """What the process warned of so far: without an engine the SDK writes that to stderr."""
        self.log.seek(0)
        return [line.removeprefix("warning: ") for line in self.log.read().splitlines() if line.startswith("warning: ")]

    def check(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
        """The checked inputs and the reasons of failures, none of which may name a property."""
        answer = self.stub.Check(provider_pb2.CheckRequest(olds=struct(olds or {}), news=struct(news)), timeout=60)
        assert [failure.property for failure in answer.failures] == [""] * len(answer.failures)
        return plain(answer.inputs), [failure.reason for failure in answer.failures]

    def create(self, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Id and outputs of what was created or taken over."""
        answer = self.stub.Create(provider_pb2.CreateRequest(properties=struct(inputs)), timeout=60)
        return answer.id, plain(answer.properties)

    def read(self, id_: str, state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Id and outputs of what was seen; no id when it is gone."""
        answer = self.stub.Read(provider_pb2.ReadRequest(id=id_, properties=struct(state)), timeout=60)
        return answer.id, plain(answer.properties)

    def diff(self, id_: str, state: dict[str, Any], news: dict[str, Any]) -> Any:
        """What changed."""
        return self.stub.Diff(provider_pb2.DiffRequest(id=id_, olds=struct(state), news=struct(news)), timeout=60)

    def update(self, id_: str, state: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """The outputs after the update."""
        request = provider_pb2.UpdateRequest(id=id_, olds=struct(state), news=struct(news))
        return plain(self.stub.Update(request, timeout=60).properties)

    def delete(self, id_: str, state: dict[str, Any]) -> None:
        """Disconnects."""
        self.stub.Delete(provider_pb2.DeleteRequest(id=id_, properties=struct(state)), timeout=60)


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Ends it. An interrupt that another thread than the main one gets does not wake the SDK's loop: it is repeated."""
    if sys.platform == "win32":  # where a process alone cannot be interrupted
        process.kill()
        return
    for _ in range(4):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return
    process.kill()
    raise AssertionError("the provider process does not end")


_RUNS = itertools.count(1)
_HOME = tempfile.TemporaryDirectory(prefix="outlit-host-")
atexit.register(_HOME.cleanup)
"""Pulumi's own folder, in which the processes of a run leave each other notes: never the one of who runs the tests."""


@contextmanager
def hosting(config: dict[str, Any], *, run: int | None = None, **environ: str) -> Iterator[Host]:
    """A provider process that was given this configuration: of a run of its own, or of the one of this number.

    It is ended as the engine ends it, by an interrupt.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTLIT_", "PULUMI_"))}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{run or next(_RUNS)}"]
    log = tempfile.TemporaryFile(mode="a+")  # noqa: SIM115  # closed below, with the process
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**env, "PYTHONPATH": path, "PULUMI_PROJECT": "test", "PULUMI_HOME": _HOME.name, **environ},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    with log, process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                stub.Configure(provider_pb2.ConfigureRequest(args=struct(config)), timeout=60)
                yield Host(stub, log)
        finally:
            _interrupt(process)


def served(sandbox: Sandbox) -> Counter[str]:
    """The calls that the sandbox served, by route; whose the key is is asked next to a list."""
    return Counter(call["route"] for call in sandbox.calls() if call["route"] != "validate_key")


def refused(call: Callable[[], object]) -> str:
    """The message of a call that must fail: one that is clean, without its prefix."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    details = str(caught.value.details())
    assert "Traceback" not in details
    assert CANARY not in details
    return details.removeprefix(PREFIX).strip()
