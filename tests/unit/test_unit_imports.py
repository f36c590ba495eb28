"""What is loaded when: nobody waits for what is not needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = """
import sys
def heavy(*more):
    print(sorted({"httpx", "pydantic", *more} & set(sys.modules)))
"""


def run(code: str, *args: str, **environment: str) -> list[str]:
    """The lines that a Python process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", HEAVY + code, *args],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    return done.stdout.splitlines()


def test_a_program_loads_no_http_stack() -> None:
    """Every program imports the package, whatever it does with it."""
    assert run("import outlit_pulumi\nheavy('rich', 'typer', 'fastapi', 'uvicorn')") == ["[]"]


PROVIDER = """
import json
from pulumi.dynamic import Config, ConfigureRequest
from outlit_pulumi.dynamic import IntegrationProvider

provider = IntegrationProvider()
config = {"outlit:apiKey": "ok_live", "outlit:baseUrl": "http://127.0.0.1:9", "outlit:timeout": "1"}
provider.configure(ConfigureRequest(Config(config, "outlit")))
state, news = json.loads(sys.argv[1]), json.loads(sys.argv[2])
inputs = {name: value for name, value in state.items() if name != "connection_id"}
found = provider.check(inputs, {**inputs, **news})
assert not found.failures
if state:
    print(provider.diff("stripe-org_1", state, found.inputs).changes)
heavy()
"""
STATE = {
    "provider": "stripe",
    "config": {"apiKey": "made-up"},
    "adopt_existing": False,
    "on_config_change": "reconnect",
    "connection_id": "stripe-org_1",
}
CHANGED = {"config": {"apiKey": "other"}}


@pytest.mark.parametrize(
    ("state", "news", "shown"),
    [
        pytest.param(STATE, {}, ["False", "[]"], id="nothing changed"),
        pytest.param(STATE, {"wait_for_sync": 30}, ["False", "[]"], id="nothing changed that is sent"),
        pytest.param(STATE, CHANGED, ["True", "['httpx', 'pydantic']"], id="changed"),
        pytest.param({}, STATE, ["['httpx', 'pydantic']"], id="new"),
    ],
)
def test_a_provider_loads_the_http_stack_when_it_has_to_ask(
    tmp_path: Path, state: dict[str, object], news: dict[str, object], shown: list[str]
) -> None:
    """Most check and diff calls find nothing to do. The last two show that the others could."""
    given = (json.dumps(part) for part in (state, news))
    assert run(PROVIDER, *given, PULUMI_HOME=str(tmp_path)) == shown
