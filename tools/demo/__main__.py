"""`python tools/demo`: the whole job on a real Pulumi engine, against a sandbox on this machine.

Tells the story step by step on a temporary copy of ``examples/quickstart`` and checks the outcome of each step. The
demo writes to a temporary folder only, and removes it at the end, also when interrupted. ``OUTLIT_ENGINE_BIN`` names
the folder of the engine's executables; without it, ``PATH`` has them.

Exit code: 0 when every step did what it should, 1 when one did not, 130 on Ctrl-C, 143 on SIGTERM.
"""

from __future__ import annotations

import contextlib
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

from rich.console import Console
from rich.text import Text

from outlit_pulumi.sandbox import Sandbox, SandboxRequestError, SandboxStartError

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
DECLARED = {"clerk", "posthog", "stripe"}
# Credentials that open nothing: the sandbox accepts any.
SECRETS = {
    "posthogApiKey": "phx_made_up_for_the_demo",
    "stripeApiKey": "sk_test_made_up_for_the_demo",
    "clerkSecretKey": "sk_test_also_made_up_for_the_demo",
}
SLACK = 'slack = outlit.Integration("slack", provider="slack")'
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 8.0  # that Pulumi may take to end, after each request

say = Console(markup=False, highlight=False, emoji=False, soft_wrap=True).print


class StoryError(Exception):
    """A step did not do what it should."""


def check(holds: bool, otherwise: str) -> None:
    """Raises StoryError with the text ``otherwise`` unless ``holds``."""
    if not holds:
        raise StoryError(otherwise)


class Demo:
    """Pulumi on a copy of the quickstart in the empty folder ``scratch``, and a running sandbox."""

    def __init__(self, scratch: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.project = scratch / "quickstart"
        self._steps = 0
        shutil.copytree(QUICKSTART, self.project, ignore=shutil.ignore_patterns("venv", "__pycache__", "Pulumi.*.yaml"))
        manifest = self.project / "Pulumi.yaml"
        manifest.write_text(manifest.read_text(encoding="utf-8").replace("${PROJECT}", "quickstart"), encoding="utf-8")
        # Newer language hosts use the environment in the project's folder; older ones use VIRTUAL_ENV.
        (self.project / "venv").symlink_to(sys.prefix, target_is_directory=True)
        (scratch / "state").mkdir()
        # Settings of the user's own Outlit and Pulumi must not reach the demo.
        env = {name: value for name, value in os.environ.items() if not name.startswith(("OUTLIT_", "PULUMI_"))}
        folders = (os.path.join(sys.prefix, "bin"), os.environ.get("OUTLIT_ENGINE_BIN", ""), env.get("PATH", ""))
        self._env = env | {
            "PATH": os.pathsep.join(filter(None, folders)),
            "VIRTUAL_ENV": sys.prefix,
            "PULUMI_HOME": str(scratch / "home"),
            "PULUMI_BACKEND_URL": (scratch / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "only for the demo",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def step(self, title: str, explanation: str) -> None:
        """Opens a step."""
        self._steps += 1
        say(f"\n=== {self._steps}. {title}", style="bold")
        say(f"    {explanation}")

    def pulumi(self, *arguments: str, succeeds: bool = True, quiet: bool = False) -> str:
        """Runs Pulumi, shows its output as it comes unless ``quiet``, and returns the lines in one text.

        Raises:
            StoryError: Pulumi failed, or succeeded although ``succeeds`` is False.
        """
        if not quiet:
            say(f"\n  $ pulumi {' '.join(arguments)}\n", style="bold")
        try:
            process = subprocess.Popen(
                ("pulumi", *arguments, "--non-interactive", "--color", "always"),
                cwd=self.project,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C reaches only the demo, which stops Pulumi and waits for it
            )
        except OSError as error:
            raise StoryError(f"pulumi cannot be started ({error.strerror}): run this as `make demo`") from None
        lines = []
        try:
            for printed in process.stdout or ():
                line = Text.assemble("  | ", Text.from_ansi(printed))
                line.rstrip()
                lines.append(line.plain)
                if not quiet:
                    say(line)
            code = process.wait()
        finally:
            stop(process)
        output = "\n".join(lines)
        if (code == 0) is not succeeds:
            # Of the arguments only the first: the others can hold credentials.
            shown = f":\n{output}" if quiet else ""
            raise StoryError(f"`pulumi {arguments[0]}` ended with exit code {code}{shown}")
        return output

    def connected(self) -> dict[str, str]:
        """The connection id of every connected provider, from the sandbox."""
        return {item["provider"]: item["connectionId"] for item in self.sandbox.connections()}

    def show_connected(self) -> None:
        """Shows the providers that are connected."""
        say(f"\n  Outlit now has: {', '.join(sorted(self.connected())) or 'no connections'}")

    def check_calls(self, *routes: str) -> None:
        """Checks that exactly these routes were called since the last check, in any order."""
        called = sorted(call["route"] for call in self.sandbox.calls())
        self.sandbox.clear_calls()
        check(called == sorted(routes), f"the calls should have been {sorted(routes)}, not {called}")


def stop(process: subprocess.Popen[str]) -> None:
    """Ends Pulumi if it still runs: asks twice, so that it can end its own processes, then forces it."""
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=GRACE_SECONDS)  # reads on, so that a full pipe cannot hold Pulumi up
    if process.stdout is not None:
        process.stdout.close()


def tell(demo: Demo) -> None:
    """Tells the story. Raises StoryError at the first step that does not do what it should."""
    program = demo.project / "__main__.py"
    declared = program.read_text(encoding="utf-8")
    say("The program, examples/quickstart/__main__.py:\n")
    for line in declared.splitlines():
        say(f"  | {line}".rstrip())

    demo.step("Configure", "The Outlit of this stack is a sandbox on this machine; its credentials are made up.")
    secrets = {"outlit:apiKey": demo.sandbox.api_key, **SECRETS}
    plain = {"outlit:baseUrl": demo.sandbox.url, "posthogProjectId": "12345"}
    settings = [f"--secret={name}={value}" for name, value in secrets.items()]
    settings += [f"--plaintext={name}={value}" for name, value in plain.items()]
    demo.pulumi("stack", "init", "demo", quiet=True)
    demo.pulumi("config", "set-all", *settings, quiet=True)
    demo.pulumi("config")
    stored = (demo.project / "Pulumi.demo.yaml").read_text(encoding="utf-8")
    check(not any(value in stored for value in secrets.values()), "a secret is stored in plain text")

    demo.step("Preview", "Validates the three integrations, and looks once whether any is connected already.")
    check("4 to create" in demo.pulumi("preview"), "the preview should plan the stack and three integrations")
    demo.check_calls("list", "validate_key")

    demo.step("Up", "Looks once at what the workspace has, then connects the three.")
    demo.pulumi("up", "--yes", "--skip-preview")
    check(demo.connected().keys() == DECLARED, "up should have connected exactly the declared integrations")
    demo.check_calls("list", "validate_key", "connect", "connect", "connect")
    demo.show_connected()

    demo.step("Refresh: nothing changed", "Compares with Outlit, and would fail on any drift.")
    demo.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    demo.step("Drift", "Somebody disconnects Stripe, behind Pulumi's back. A refresh finds it missing.")
    demo.sandbox.disconnect("stripe")
    demo.show_connected()
    output = demo.pulumi("refresh", "--yes", "--skip-preview")
    found = re.search(r"- +\S*Integration stripe deleted", output) and "- 1 deleted" in output
    check(bool(found), "the refresh should have found stripe missing, and nothing else")

    demo.step("Up heals it", "Connects Stripe again. The other two are not touched.")
    before = demo.connected()
    demo.sandbox.clear_calls()
    demo.pulumi("up", "--yes", "--skip-preview")
    check(demo.connected().keys() == DECLARED, "up should have connected stripe again")
    check(before.items() <= demo.connected().items(), "up should not have touched the other connections")
    demo.check_calls("list", "validate_key", "connect")
    demo.show_connected()

    demo.step("A preview that fails", "Slack connects in a browser. The preview says so if it is declared like this:")
    program.write_text(f"{declared}\n{SLACK}\n", encoding="utf-8")
    say(f"\n  | {SLACK}")
    output = demo.pulumi("preview", succeeds=False)
    check("'slack'" in output and "browser" in output, "the diagnostic should name slack and the browser")
    demo.check_calls()
    program.write_text(declared, encoding="utf-8")
    say("\n  The preview failed, as it should. The line is taken out again.")

    demo.step("Destroy", "Disconnects the three, each only if it is the connection that the state holds.")
    demo.pulumi("destroy", "--yes", "--skip-preview")
    check(demo.connected() == {}, "destroy should have disconnected everything")
    demo.show_connected()


def ignore_signals() -> None:
    """Lets the cleaning up run to its end."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)


def interrupt(number: int, _frame: FrameType | None) -> None:
    """Ends the demo, as a signal asks, with the exit code that a shell expects."""
    ignore_signals()
    sys.exit(128 + number)


def main() -> None:
    """Runs the demo and cleans up."""
    started = time.monotonic()
    for each in SIGNALS:
        signal.signal(each, interrupt)
    try:
        with contextlib.ExitStack() as cleanup:
            folder = tempfile.TemporaryDirectory(prefix="outlit-demo-", ignore_cleanup_errors=True)
            scratch = Path(cleanup.enter_context(folder)).resolve()
            sandbox = cleanup.enter_context(Sandbox(process=True))
            cleanup.callback(ignore_signals)
            tell(Demo(scratch, sandbox))
    except SystemExit:
        print("\nInterrupted. Everything is cleaned up.", flush=True)
        raise
    except (StoryError, SandboxRequestError, SandboxStartError, OSError) as error:
        sys.exit(f"\nThe demo failed: {error}.")
    say(f"\nEvery step did what it should ({time.monotonic() - started:.0f} s). Everything is cleaned up.")


if __name__ == "__main__":
    main()
