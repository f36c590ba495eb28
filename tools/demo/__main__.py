"""`python tools/demo`: the whole job on a real Pulumi engine, against a sandbox on this machine.

Runs the story step by step on a temporary copy of ``examples/quickstart`` and checks the outcome of each step. Nothing
outside a temporary folder is touched, and that is removed at the end, also when interrupted. ``OUTLIT_ENGINE_BIN`` names
the folder that holds the engine's executables; without it they are taken from ``PATH``.

Exit code: 0 when every step did what it should, 1 when one did not, 130 on Ctrl-C, 143 on SIGTERM.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from outlit_pulumi.sandbox import Sandbox, SandboxRequestError, SandboxStartError

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
DECLARED = {"clerk", "posthog", "stripe"}

SECRETS = {
    "quickstart:posthogApiKey": "phx_made_up_for_the_demo",
    "quickstart:stripeApiKey": "sk_test_made_up_for_the_demo",
    "quickstart:clerkSecretKey": "sk_test_also_made_up_for_the_demo",
}
"""Credentials that open nothing: the sandbox accepts any."""

SLACK = """
slack = outlit.Integration("slack", provider="slack")
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 8.0
"""How long Pulumi may take to stop, per request to do so."""


class StoryError(Exception):
    """A step did not do what it should."""


class Interrupted(BaseException):
    """A signal asked this process to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Demo:
    """Pulumi on a copy of the quickstart, and the sandbox that it talks to.

    Args:
        scratch: An empty folder for everything that the demo writes.
        sandbox: A running sandbox.
    """

    def __init__(self, scratch: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.project = scratch / "quickstart"
        self.program = self.project / "__main__.py"
        self._env = environment(scratch)
        self._steps = 0
        ignored = shutil.ignore_patterns("venv", "__pycache__", "Pulumi.*.yaml")
        shutil.copytree(QUICKSTART, self.project, ignore=ignored)
        # Newer language hosts use the project's own environment: here it is the one that runs this.
        (self.project / "venv").symlink_to(sys.prefix, target_is_directory=True)

    def heading(self, title: str, *explanation: str) -> None:
        """Opens a step: its number, its title and what to look out for."""
        self._steps += 1
        say(f"\n=== {self._steps}. {title}")
        for line in explanation:
            say(f"    {line}")

    def pulumi(self, *arguments: str, succeeds: bool = True, given: str = "", quiet: bool = False) -> str:
        """Runs Pulumi and returns what it printed, which is also shown as it comes, unless ``quiet``.

        Args:
            arguments: Those of the ``pulumi`` command.
            succeeds: Whether it should.
            given: What it reads on its standard input.
            quiet: Whether to show its output only if something is wrong.

        Raises:
            StoryError: it ended in another way than it should.
        """
        command = " ".join(("pulumi", *arguments))
        if not quiet:
            say(f"\n  $ {command}\n")
        try:
            process = subprocess.Popen(
                ("pulumi", *arguments, "--non-interactive", "--color", "never"),
                cwd=self.project,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C reaches only us: we tell Pulumi, and wait for it
            )
        except OSError as error:
            raise StoryError(f"pulumi cannot be started ({error.strerror}): run this as `make demo`") from None
        assert process.stdin is not None and process.stdout is not None
        lines = []
        try:
            try:
                process.stdin.write(given)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it ended without reading; its exit code tells
            process.stdin = None  # done with, also for communicate()
            for line in process.stdout:
                lines.append(line)
                if not quiet:
                    say(f"  | {line.rstrip()}")
            code = process.wait()
        finally:
            stop(process)
        output = "".join(lines)
        if (code == 0) is not succeeds:
            if quiet:
                say(output)
            raise StoryError(
                f"`{command}` ended with exit code {code}, where it should have {'succeeded' if succeeds else 'failed'}"
            )
        return output

    def connected(self) -> dict[str, str]:
        """The connection id of every connected provider, asked of the sandbox."""
        return {item["provider"]: item["connectionId"] for item in self.sandbox.connections()}

    def calls(self) -> list[str]:
        """The routes that were called since this was last asked, in alphabetical order."""
        routes: list[str] = sorted(call["route"] for call in self.sandbox.calls())
        self.sandbox.clear_calls()
        return routes

    def show_connected(self) -> None:
        """Shows what the sandbox holds."""
        say(f"\n  Outlit now has: {', '.join(sorted(self.connected())) or 'no connections'}")


def say(text: str) -> None:
    """Shows a line at once, also through a pipe."""
    print(text, flush=True)


def check(holds: bool, otherwise: str) -> None:
    """Raises StoryError, which says what is wrong, unless something holds."""
    if not holds:
        raise StoryError(otherwise)


def environment(scratch: Path) -> dict[str, str]:
    """The environment of Pulumi: this one, without any setting of Outlit or Pulumi, and with everything in ``scratch``."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTLIT_", "PULUMI_"))}
    state = scratch / "state"
    state.mkdir()
    folders = [os.path.join(sys.prefix, "bin"), os.environ.get("OUTLIT_ENGINE_BIN", ""), env.get("PATH", "")]
    return env | {
        "PATH": os.pathsep.join(filter(None, folders)),
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_HOME": str(scratch / "home"),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for the demo",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def stop(process: subprocess.Popen[str]) -> None:
    """Ends Pulumi if it still runs: by asking, by insisting (both let it end its own helpers), by force."""
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            break
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        # What it still prints is read, so that a full pipe cannot hold it up.
        try:
            process.communicate(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    if process.stdout is not None:
        process.stdout.close()


def tell(demo: Demo) -> None:
    """The story. Raises StoryError at the first step that does not do what it should."""
    say(f"The program, {QUICKSTART.relative_to(QUICKSTART.parents[1])}/__main__.py:\n")
    for line in demo.program.read_text(encoding="utf-8").splitlines():
        say(f"  | {line}".rstrip())
    settle(demo)
    preview(demo)
    up(demo)
    refresh(demo)
    drift(demo)
    heal(demo)
    refuse_slack(demo)
    destroy(demo)


def settle(demo: Demo) -> None:
    """Makes the stack and its configuration."""
    demo.heading(
        "Configure",
        "A stack in a temporary folder, its Outlit a sandbox on this machine, its credentials made up.",
        "Each secret is set with `pulumi config set --secret`, and so encrypted.",
    )
    demo.pulumi("stack", "init", "demo", quiet=True)
    for name, value in {"outlit:apiKey": demo.sandbox.api_key, **SECRETS}.items():
        demo.pulumi("config", "set", "--secret", name, given=value, quiet=True)
    demo.pulumi("config", "set", "outlit:baseUrl", demo.sandbox.url, quiet=True)
    demo.pulumi("config", "set", "quickstart:posthogProjectId", "12345", quiet=True)
    demo.pulumi("config")
    stored = (demo.project / "Pulumi.demo.yaml").read_text(encoding="utf-8")
    check(not any(value in stored for value in SECRETS.values()), "a credential is stored in plain text")


def preview(demo: Demo) -> None:
    """Nothing is changed."""
    demo.heading("Preview", "Validates the three integrations, and looks once whether any is connected already.")
    output = demo.pulumi("preview")
    check("4 to create" in output, "the preview should plan the stack and three integrations")
    calls = demo.calls()
    check(calls == ["list"], f"a preview should take one list call, not {calls}")


def up(demo: Demo) -> None:
    """Connects three integrations, with one look at the workspace before."""
    demo.heading("Up", "Looks once at what the workspace has, then connects the three.")
    demo.pulumi("up", "--yes", "--skip-preview")
    check(set(demo.connected()) == DECLARED, "up should have connected exactly the declared integrations")
    calls = demo.calls()
    check(calls == ["connect"] * 3 + ["list"], f"up should take one list call and three connects, not {calls}")
    demo.show_connected()


def refresh(demo: Demo) -> None:
    """Finds everything as the state has it."""
    demo.heading("Refresh: nothing changed", "Compares with Outlit, and would fail on any drift.")
    demo.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def drift(demo: Demo) -> None:
    """Somebody disconnects Stripe; a refresh shows it."""
    demo.heading("Drift", "Somebody disconnects Stripe, behind Pulumi's back. A refresh finds it missing.")
    demo.sandbox.disconnect("stripe")
    demo.show_connected()
    output = demo.pulumi("refresh", "--yes", "--skip-preview")
    found = re.search(r"^ *- +\S*Integration stripe delete", output, re.MULTILINE)
    check(found is not None, "the refresh should have found stripe missing")
    check("- 1 deleted" in output, "the refresh should have found nothing else missing")


def heal(demo: Demo) -> None:
    """Connects Stripe again and leaves the others alone."""
    demo.heading("Up heals it", "Connects Stripe again. The other two are not touched.")
    before = demo.connected()
    demo.calls()
    demo.pulumi("up", "--yes", "--skip-preview")
    after = demo.connected()
    check(set(after) == DECLARED, "up should have connected stripe again")
    check(all(after[name] == before[name] for name in before), "up should not have touched the other connections")
    check(demo.calls() == ["connect", "list"], "up should take one list call and one connect")
    demo.show_connected()


def refuse_slack(demo: Demo) -> None:
    """A provider that needs a browser fails in preview, and says what to do."""
    demo.heading(
        "A preview that fails",
        "Slack connects through a browser session, which a deployment cannot complete.",
        "Declared all the same, it fails already in preview, and says what to do. Added to the program:",
    )
    program = demo.program.read_text(encoding="utf-8")
    demo.program.write_text(program + SLACK, encoding="utf-8")
    say(f"\n  | {SLACK.strip()}")
    demo.calls()
    try:
        output = demo.pulumi("preview", succeeds=False)
    finally:
        demo.program.write_text(program, encoding="utf-8")
    check("slack" in output and "browser" in output, "the diagnostic should name slack and the browser")
    check(demo.calls() == [], "a failing preview should not call Outlit")
    say("  As it should. The line is taken out again.")


def destroy(demo: Demo) -> None:
    """Disconnects all three."""
    demo.heading("Destroy", "Disconnects the three, each only if it is the connection that the state holds.")
    demo.pulumi("destroy", "--yes", "--skip-preview")
    check(demo.connected() == {}, "destroy should have disconnected everything")
    demo.show_connected()


def catch_signals() -> None:
    """Makes the first signal to stop an `Interrupted`; later ones are ignored, as cleaning up is under way."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    for each in SIGNALS:
        signal.signal(each, interrupt)


def perform() -> None:
    """Runs the story in a temporary folder, which is gone afterwards, whatever happens."""
    scratch = Path(tempfile.mkdtemp(prefix="outlit-demo-")).resolve()
    try:
        with Sandbox(process=True) as sandbox:
            tell(Demo(scratch, sandbox))
    finally:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        shutil.rmtree(scratch, ignore_errors=True)


def main() -> int:
    """Runs the demo, and returns the exit code."""
    started = time.monotonic()
    catch_signals()
    try:
        perform()
    except Interrupted as interrupted:
        say("\nInterrupted. Everything is cleaned up.")
        return 128 + interrupted.number
    except (StoryError, SandboxRequestError, SandboxStartError, OSError) as error:
        print(f"\nThe demo failed: {error}.", file=sys.stderr, flush=True)
        return 1
    say(f"\nEvery step did what it should ({time.monotonic() - started:.0f} s). Everything is cleaned up.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
