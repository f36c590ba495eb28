"""`outlit-pulumi --stack`, which asks the real `pulumi` for a stack's configuration."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from outlit_pulumi.sandbox import Sandbox

from .conftest import PHX, SK, Stack

pytestmark = pytest.mark.full


def cli(stack: Stack, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs it in the project's folder."""
    done = subprocess.run(
        [sys.executable, "-m", "outlit_pulumi", *arguments],
        cwd=stack.folder,
        env=stack.env | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_the_stacks_workspace_whatever_the_environment_says(stack: Stack, sandbox: Sandbox) -> None:
    """Its secrets are decrypted for the command, and none is shown."""
    sandbox.connect("stripe", {"apiKey": "sk_made_up"})
    key_of_another = sandbox.add_workspace("other")
    done = cli(stack, "list", "--connected", "--stack", "dev", "--json", OUTLIT_API_KEY=key_of_another)
    assert done.returncode == 0, done.stderr
    assert [item["connectionId"] for item in json.loads(done.stdout)["items"]] == ["stripe-org_acme"]
    assert done.stderr == 'note: OUTLIT_API_KEY is set and not used: the workspace is that of stack "dev".\n'
    for secret in (PHX, SK, sandbox.api_key, key_of_another):
        assert secret not in done.stdout + done.stderr


def test_what_pulumi_cannot_tell_is_one_clear_line(stack: Stack) -> None:
    """In the words of the messages of the engine in use."""
    assert "there is no such stack in this project" in cli(stack, "list", "--stack", "nope").stderr
    wrong = cli(stack, "list", "--stack", "dev", PULUMI_CONFIG_PASSPHRASE="wrong")
    assert "the passphrase in PULUMI_CONFIG_PASSPHRASE is not this stack's" in wrong.stderr
    (stack.folder / "Pulumi.yaml").unlink()
    outside = cli(stack, "list", "--stack", "dev")
    assert (outside.returncode, outside.stdout) == (3, "")
    assert "this folder is not in a Pulumi project" in outside.stderr
