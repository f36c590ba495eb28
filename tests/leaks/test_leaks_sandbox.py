"""The sandbox keeps and shows no credential: not in its state file, its call log, its output or anybody's debug log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from outlit_pulumi.api.client import OutlitClient
from outlit_pulumi.lifecycle.workspace import Workspace
from outlit_pulumi.sandbox import Sandbox
from outlit_pulumi.settings import Settings
from tests.faults.deployment import Deployment

from .canaries import API_KEYS, SHAPES
from .operations import OPERATIONS
from .screen import Screen

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {name: secret for name, secret in SHAPES.items() if name != "in the base URL"}
NEW = {name: secret[::-1].strip() for name, secret in CONFIG.items()}
KEY = "ok_" + "Rw6Yt8Ui3Op5" * 3
SECRETS = [*CONFIG.values(), *NEW.values()]


def files(screen: Screen, folder: Path) -> None:
    """Adds every file in a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            screen.show(path.name, path.read_bytes().decode(errors="replace"), path.read_bytes().decode("latin-1"))


def send(url: str, path: str, key: str, body: bytes | None = None) -> str:
    """Sends any bytes, and returns what comes back, headers first."""
    request = urllib.request.Request(url + path, data=body, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
            return f"{response.headers}{response.read().decode()}"
    except urllib.error.HTTPError as problem:
        with problem:
            return f"{problem.headers}{problem.read().decode()}"


def misuse(screen: Screen, sandbox: Sandbox) -> None:
    """Puts credentials where they do not belong, and adds the answers."""
    connect, key = "/api/integrations/connect", sandbox.api_key
    for secret in SECRETS:
        for body in (
            {"provider": secret, "config": {}},
            {"provider": "stripe", "config": secret},
            {"provider": "stripe", "config": {secret: secret}},
            {"provider": "stripe", "config": {"apiKey": [secret]}},
            {"provider": "stripe", "config": {"apiKey": ""}, secret: 1},
            {"provider": "stripe", "force": secret},
            [secret],
        ):
            screen.show("answer", send(sandbox.url, connect, key, json.dumps(body).encode()))
        screen.show("answer", send(sandbox.url, connect, key, f'{{"apiKey": "{secret}'.encode()))
    for api_key in API_KEYS.values():
        screen.show("answer", send(sandbox.url, connect, api_key, b"{}"))
        screen.show("answer", send(sandbox.url, "/nowhere", api_key))


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_running_sandbox_and_its_client(tmp_path: Path, name: str) -> None:
    """Every operation over a real connection, with all loggers at DEBUG."""
    operation, stack, screen = OPERATIONS[name], Deployment(), Screen()
    with screen.logging(), Sandbox(state=tmp_path / "state", extra_providers=1, api_key=KEY) as sandbox:
        with OutlitClient(Settings(sandbox.api_key, sandbox.url)) as client:
            operation.prepare(stack, Workspace(client), "extra-0001", CONFIG)
            report = operation.run(stack, Workspace(client), "extra-0001", CONFIG, NEW)
        assert report.succeeded
        screen.command(stack, report)
        screen.show("call log", sandbox.calls(), sandbox.connections())
        files(screen, tmp_path)
    files(screen, tmp_path)
    assert screen.leaks(*SECRETS, sandbox.api_key) == []


def test_a_sandbox_that_is_misused(tmp_path: Path) -> None:
    """Requests that it refuses are neither answered nor logged with what is in them."""
    screen = Screen()
    with screen.logging(), Sandbox(state=tmp_path / "state") as sandbox:
        misuse(screen, sandbox)
        screen.show("call log", sandbox.calls(), sandbox.connections())
    files(screen, tmp_path)
    assert screen.leaks(*SECRETS, *API_KEYS.values()) == []


def test_the_output_of_a_sandbox_process(tmp_path: Path) -> None:
    """It prints its own key, which is for that, and nothing of what it is sent."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "outlit_pulumi.sandbox", "--port", "0", "--state", str(tmp_path / "state")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    screen, sandbox = Screen(), Sandbox()
    with process:
        try:
            assert process.stdout is not None
            sandbox.url = process.stdout.readline().split()[-1]
            misuse(screen, sandbox)
            sandbox.connect("stripe", {"apiKey": SECRETS[0]})
            sandbox.fault("*", status=500, times=1)
            screen.show("answer", send(sandbox.url, "/api/integrations", sandbox.api_key))
        finally:
            process.terminate()
        screen.show("output", process.stdout.read())
    files(screen, tmp_path)
    assert screen.leaks(*SECRETS, *API_KEYS.values()) == []
