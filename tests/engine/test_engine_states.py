"""States that a released version wrote, one of each in ``states/``: each later version must go on with them.

Each holds every kind of resource. ``OUTLIT_WRITE_STATE=1`` with ``-m full`` has this module write this version's.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi import __version__
from outlit_pulumi.sandbox import Sandbox, fingerprint

from .conftest import PHX, SK, UNSET_URL, Stack, counted
from .programs import posthog, stripe

FOLDER = Path(__file__).parent / "states"
OURS = FOLDER / f"{__version__}.json"

PROGRAM = f"""
class Tools(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("trial:index:Tools", name)
        args = outlit.SupabaseConfigArgs(
            project_url="https://acme.supabase.co", service_role_key=config.require_secret("sk")
        )
        outlit.Integration("supabase", "supabase", args, opts=ResourceOptions(parent=self))

{posthog()}
{stripe()}
Tools("tools")
outlit.Integration("clerk", "clerk", {{"secretKey": config.require_secret("phx")}}, adopt_existing=True)
outlit.Integration("slack", "slack", adopt_existing=True)
outlit.Integration.get("pylon", "pylon")
outlit.Integration("granola", "granola", {{"apiKey": config.require_secret("phx")}}, on_config_change="replace")
outlit.Integration(
    "fireflies", "fireflies", {{"apiKey": config.require_secret("sk")}}, opts=ResourceOptions(protect=True)
)
emea = ResourceOptions(provider=outlit.Provider("emea", api_key=config.require_secret("emea")))
whole = config.require_secret("sk").apply(lambda key: {{"apiKey": key}})
outlit.Integration("emea-fireflies", "fireflies", whole, opts=emea)
{stripe("emea-stripe", key='config.require_secret("emeaSk")', more=", opts=emea")}
"""
UNCONFIRMED = 'outlit.Integration("emea-clerk", "clerk", {"secretKey": config.require_secret("sk")}, opts=emea)\n'
"""Its connect request's answer is lost, so its config counts as unconfirmed and the next up sends it again."""


def configs(phx: str = PHX) -> dict[str, dict[str, str]]:
    """The config of each connection in the first workspace that has one; ``phx`` is the key that the test rotates."""
    return {
        "posthog": {"apiKey": phx, "region": "us", "projectId": "12345"},
        "stripe": {"apiKey": SK},
        "supabase": {"projectUrl": "https://acme.supabase.co", "serviceRoleKey": SK},
        "clerk": {"secretKey": phx},
        "granola": {"apiKey": phx},
        "fireflies": {"apiKey": SK},
    }


EMEA = {"fireflies": {"apiKey": SK}, "stripe": {"apiKey": SK + "emea"}, "clerk": {"secretKey": SK}}


def connected(sandbox: Sandbox, api_key: str | None = None) -> dict[str, str | None]:
    """The fingerprints of what is connected in a workspace."""
    return {c["provider"]: c["fingerprint"] for c in sandbox.connections(api_key)}


def used(given: dict[str, dict[str, str]]) -> dict[str, str]:
    """The fingerprints of configs."""
    return {provider: fingerprint(config) for provider, config in given.items()}


def approve(sandbox: Sandbox, *providers: str) -> None:
    """Connects providers as a person does in a browser."""
    for provider in providers:
        sandbox.complete_session(sandbox.connect(provider)["sessionId"])


def shape(deployment: dict[str, Any]) -> dict[str, Any]:
    """What this package has a state hold of each integration, without values that differ from run to run."""
    return {
        resource["urn"]: (
            *(resource.get(key) for key in ("id", "parent", "protect", "retainOnDelete", "external")),
            resource.get("provider", "").rpartition("::")[0],
            sorted(resource.get("inputs", ())),
            sorted(resource["outputs"]),
        )
        for resource in deployment["resources"]
        if resource["type"] == "pulumi-python:dynamic/outlit:Integration"
    }


@pytest.mark.parametrize("kept", sorted(FOLDER.iterdir()), ids=lambda path: path.stem)
def test_a_kept_state_is_refreshed_updated_and_destroyed(kept: Path, stack: Stack, sandbox: Sandbox) -> None:
    """Without drift, without a call for what did not change, and in both workspaces."""
    emea = sandbox.add_workspace("emea")
    for provider, config in configs().items():
        sandbox.connect(provider, config)
    for provider, config in EMEA.items():
        sandbox.connect(provider, config, api_key=emea)
    approve(sandbox, "slack", "pylon")
    sandbox.configure(new_id_on_force=True)
    sandbox.connect("stripe", EMEA["stripe"], force=True, api_key=emea)
    sandbox.configure(new_id_on_force=False)

    state = stack.folder.parent / "kept.json"
    state.write_text(kept.read_text().replace(UNSET_URL, sandbox.url))
    stack.ok("stack", "import", "--file", str(state))
    stack.secret("emea", emea)
    stack.secret("emeaSk", SK + "emea")
    counted(sandbox)
    refreshed = stack.ok("refresh", "--yes", "--skip-preview").output
    changed = re.findall(r"(\S+) (?:created|updated|deleted)", refreshed)
    assert changed == ["emea-clerk", "1"]  # whose config is unconfirmed, and the sum
    assert counted(sandbox) == {"list": 2, "sync_status": 10}

    stack.secret("phx", PHX + "new")
    stack.program(PROGRAM + UNCONFIRMED)
    stack.up()
    calls = counted(sandbox)
    assert (calls["connect"], calls["disconnect"]) == (4, 1)  # posthog, clerk, granola, which is replaced; emea-clerk
    assert connected(sandbox) == used(configs(PHX + "new")) | {"slack": None, "pylon": None}
    assert connected(sandbox, emea) == used(EMEA)
    assert "config_unconfirmed" not in stack.resources()["emea-clerk"]["outputs"]

    stack.ok("state", "unprotect", "--all", "--yes")
    stack.destroy()
    assert connected(sandbox).keys() == {"clerk", "slack", "pylon"}  # adopted, or only read
    assert connected(sandbox, emea) == {}
    assert stack.leaks() == []


@pytest.mark.full
def test_this_version_writes_the_state_that_is_kept_of_it(stack: Stack, sandbox: Sandbox) -> None:
    """One that looks different needs a release of its own: users have states of the last one."""
    emea = sandbox.add_workspace("emea")
    approve(sandbox, "slack", "pylon")
    sandbox.connect("clerk", configs()["clerk"])
    sandbox.advance(600)  # what is adopted has synced
    stack.secret("emea", emea)
    stack.secret("emeaSk", SK)
    stack.program(PROGRAM)
    stack.up()
    stack.secret("emeaSk", SK + "emea")
    sandbox.configure(new_id_on_force=True)
    stack.up()  # emea-stripe has another connection id since
    sandbox.fault("connect", kind="reset", after=True, provider="clerk", workspace="emea")
    stack.program(PROGRAM + UNCONFIRMED)
    stack.up()
    assert stack.leaks() == []

    deployment = stack.deployment()
    for resource in deployment["resources"]:
        for machine_s in ("sourcePosition", "stackTrace"):
            resource.pop(machine_s, None)
    if os.environ.get("OUTLIT_WRITE_STATE") == "1":
        written = json.dumps({"version": 3, "deployment": deployment}, indent=1)
        OURS.write_text(written.replace(sandbox.url, UNSET_URL) + "\n")
    assert shape(deployment) == shape(json.loads(OURS.read_text())["deployment"])
