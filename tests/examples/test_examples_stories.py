"""What examples are about: drift that fails a job, keys that change, a destroy that is refused, many workspaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outlit_pulumi.sandbox import Sandbox, fingerprint
from tests.engine.conftest import CANARY, Stack, counted, provider_tracebacks

from .conftest import Make
from .projects import FOLDER, configure, create, load, missing_quotes, quotes, readme, run

pytestmark = pytest.mark.full

DRIFT = 7
"""The exit code of `--expect-no-changes` when there are changes."""


def workflow() -> dict[Any, Any]:
    """The job file of the drift check."""
    return load(FOLDER / "drift-check" / ".github" / "workflows" / "drift.yml")


def check(stack: Stack, **env: str) -> tuple[int, str]:
    """Runs the job's own check, as GitHub does."""
    step = workflow()["jobs"]["drift"]["steps"][-1]
    done = run(stack, "bash", "-e", "-c", step["run"], env={"STACK": "dev"} | env)
    return done.returncode, done.stdout


def test_the_drift_job_is_frugal() -> None:
    """It may only read, runs on a schedule, one at a time, and has its secrets from the repository."""
    job = workflow()
    assert job[True].keys() == {"schedule", "workflow_dispatch"}
    assert job["permissions"] == {"contents": "read"}
    assert job["concurrency"]["group"]
    steps = job["jobs"]["drift"]["steps"]
    assert all(step["uses"].rpartition("@")[2].startswith("v") for step in steps if "uses" in step)
    secret = {key: value for step in steps for key, value in step.get("env", {}).items() if key != "STACK"}
    assert secret == {name: "${{ secrets." + name + " }}" for name in ("PULUMI_ACCESS_TOKEN", "OUTLIT_API_KEY")}
    # Values reach the shell through the environment only, so that none is ever part of a script.
    assert not any("${{" in step.get("run", "") for step in steps)


def test_the_drift_job_tells_drift_from_no_answer(make: Make, sandbox: Sandbox) -> None:
    """0 when all is well, 7 and a message on drift, another code without an answer. It changes nothing."""
    stack = make("drift-check")
    stack.up()
    assert check(stack, OUTLIT_API_KEY=sandbox.api_key)[0] == 0

    code, shown = check(stack, OUTLIT_API_KEY="ok_" + "x" * 32)
    assert code not in (0, DRIFT)
    assert "::error title=Not checked::" in shown

    sandbox.disconnect("stripe")
    before = stack.deployment()["resources"]
    counted(sandbox)
    code, shown = check(stack, OUTLIT_API_KEY=sandbox.api_key)
    assert code == DRIFT
    assert "::error title=Drift::" in shown
    assert missing_quotes(stack, "drift-check", shown) == []
    assert counted(sandbox).keys() == {"list", "sync_status"}
    assert stack.deployment()["resources"] == before

    # An up alone believes the state; a refresh makes it see.
    assert "3 unchanged" in stack.up().output
    stack.ok("refresh", "--yes", "--skip-preview")
    stack.up()
    assert {c["provider"] for c in sandbox.connections()} == {"clerk", "stripe"}
    assert check(stack, OUTLIT_API_KEY=sandbox.api_key)[0] == 0
    assert stack.leaks() == []


OLD, NEW = "ok_old_0123456789abcdef0123456789abcdef", "ok_new_0123456789abcdef0123456789abcdef"
REFRESH = ("refresh", "--preview-only", "--expect-no-changes")


def test_both_keys_are_rotated(tmp_path: Path, env: dict[str, str]) -> None:
    """Stripe's in place. Outlit's: refresh and destroy use what the state remembers, until one of three ways helps."""
    state = tmp_path / "sandbox.db"
    with Sandbox(state=state, api_key=OLD) as sandbox:
        stack = create("rotate-key", tmp_path, env)
        stack.ok("stack", "init", "dev")
        configure(stack, "rotate-key", sandbox)
        stack.up()
        before = sandbox.connections()[0]["connectionId"]
        stack.secret("stripeApiKey", f"sk_{CANARY}_new")
        rotated = stack.ok("up", "--yes", "--skip-preview").output
        now = sandbox.connections()[0]
        assert (now["connectionId"], now["fingerprint"]) == (before, fingerprint({"apiKey": f"sk_{CANARY}_new"}))

    # The same workspace, where the old key is revoked. OUTLIT_API_URL: it has another port now.
    with Sandbox(state=state, api_key=NEW) as sandbox:
        stack.env["OUTLIT_API_URL"] = sandbox.url
        stack.secret("outlit:apiKey", NEW)
        refused = stack.fails(*REFRESH).output
        assert missing_quotes(stack, "rotate-key", rotated, refused) == []
        assert "does not accept the API key" in stack.fails("destroy", "--yes", "--skip-preview").output

        stack.ok(*REFRESH, env={"OUTLIT_API_KEY": NEW})
        stack.ok(*REFRESH, "--run-program")
        stack.fails(*REFRESH)  # neither of them changed the state
        stack.ok("refresh", "--yes", "--skip-preview", "--run-program")
        stack.ok(*REFRESH)
        assert len(sandbox.connections()) == 1

    with Sandbox(state=state, api_key=OLD) as sandbox:
        stack.env["OUTLIT_API_URL"] = sandbox.url
        stack.secret("outlit:apiKey", OLD)
        stack.fails(*REFRESH)
        assert "2 unchanged" in stack.up().output
        stack.ok(*REFRESH)
        stack.destroy()
        assert sandbox.connections() == []
    assert stack.leaks() == []


def test_a_protected_integration_stays_until_it_is_unprotected(make: Make, sandbox: Sandbox) -> None:
    """Neither destroy nor a line taken out disconnects; unprotected, it goes, and the other stays protected."""
    stack = make("policy")
    stack.up()
    counted(sandbox)
    refused = stack.fails("destroy", "--yes", "--skip-preview").output
    assert missing_quotes(stack, "policy", refused) == []
    assert counted(sandbox) == {}

    program = stack.folder / "__main__.py"
    head, _, rest = program.read_text().partition("stripe = ")
    declared, _, exports = rest[rest.index("clerk = ") :].partition('pulumi.export("stripe", stripe.connection_id)\n')
    program.write_text(head + declared + exports)
    stack.fails("preview")
    stack.fails("up", "--yes", "--skip-preview")
    assert {c["provider"] for c in sandbox.connections()} == {"clerk", "stripe"}
    stack.ok("state", "unprotect", "--yes", stack.resources()["stripe"]["urn"])
    stack.up()
    assert {c["provider"] for c in sandbox.connections()} == {"clerk"}
    assert stack.resources()["clerk"]["protect"] is True


@pytest.fixture
def three(tmp_path: Path, env: dict[str, str], sandbox: Sandbox) -> Stack:
    """The automation example with three stacks, of which the last has a key that is not accepted."""
    stack = create("automation", tmp_path, env)
    for name in ("acme", "globex", "initech"):
        key = "ok_" + "x" * 32 if name == "initech" else sandbox.add_workspace(name)
        stack.ok("stack", "init", name)
        configure(stack, "automation", sandbox, api_key=key)
    stack.ok("stack", "select", "globex")
    return stack


def test_a_workspace_that_fails_does_not_stop_the_others(three: Stack, sandbox: Sandbox) -> None:
    """A line for each, exit code 1 and the reason; drift is found, and healed by refresh and up."""

    def fan_out(*arguments: str) -> tuple[int, str]:
        done = run(three, "python", "fan_out.py", *arguments)
        return done.returncode, done.stdout

    code, shown = fan_out("up", "--parallel", "2")
    assert code == 1
    for name in ("acme", "globex"):
        assert f"{name} ok (create 3)\n" in shown
        assert len(sandbox.connections(sandbox.add_workspace(name))) == 2
    assert "initech failed\n" in shown
    assert "does not accept the API key (401)" in shown
    # Which of the two integrations is refused first, and which workspace ends first, differs from run to run.
    for quote in quotes(readme("automation")):
        assert set(quote.splitlines()) <= set(shown.replace("resource 'stripe'", "resource 'clerk'").splitlines())
    assert shown.endswith("\n2 of 3 workspaces succeeded\n")
    assert provider_tracebacks(shown) == []

    sandbox.disconnect("stripe", api_key=sandbox.add_workspace("acme"))
    code, shown = fan_out("drift", "acme", "globex")
    assert code == 1
    assert "acme failed error: no changes were expected" in shown
    assert "Stripe: connection stripe-org_acme is not connected any more" in shown
    assert "globex ok" in shown
    assert fan_out("refresh", "acme")[0] == 0
    assert fan_out("up", "acme", "globex")[0] == 0
    assert len(sandbox.connections(sandbox.add_workspace("acme"))) == 2

    assert fan_out("up", "acme", "nobody") == (2, "error: no stack named 'nobody' found\n")
    assert three.ok("stack", "--show-name").output.strip() == "globex"
    counted(sandbox)
    code, shown = fan_out("destroy")
    assert (code, shown.count("\n")) == (2, 1)
    assert "--all" in shown
    assert counted(sandbox) == {}
    assert fan_out("destroy", "acme")[0] == 0
    assert sandbox.connections(sandbox.add_workspace("acme")) == []
    assert len(sandbox.connections(sandbox.add_workspace("globex"))) == 2
    assert fan_out("destroy", "--all")[0] == 0
    assert sandbox.connections(sandbox.add_workspace("globex")) == []
    assert three.leaks() == []
