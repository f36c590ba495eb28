"""Runs one Pulumi command on several workspaces at once: `python fan_out.py up acme globex`.

Each workspace is a stack of this project. One that fails does not stop the others. `destroy` deletes data, so it takes
only the stacks that are named, or `--all`. Exit code: 0 when all succeeded, 1 when one did not, 2 when nothing was run,
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from pulumi import automation as auto
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

PROJECT = Path(__file__).resolve().parent
COMMANDS = {
    "preview": "show what up would do",
    "up": "connect what is declared",
    "drift": "fail where something was disconnected outside Pulumi",
    "refresh": "accept what drift shows, so that up connects it again",
    "destroy": "disconnect everything, which permanently deletes what Outlit synced",
}
SHOWN = {"error": "error: ", "warning": "warning: ", "info#err": ""}
"""The kinds of messages that are passed on, and what to write before them. A provider's own messages are `info#err`."""


class Run:
    """One command on one workspace, shown as one task of the progress display."""

    def __init__(self, stack: auto.Stack, progress: Progress) -> None:
        self.name = stack.name
        self._stack = stack
        self._progress = progress
        self._task: TaskID = progress.add_task(stack.name, start=False, doing="")
        self._said: list[str] = []
        self._changes = ""

    def perform(self, command: str) -> bool:
        """Runs the command, shows its outcome, and returns whether it succeeded."""
        self._progress.start_task(self._task)
        try:
            self._pulumi(command)
            outcome, succeeded = ["ok", self._changes], True
        except auto.CommandError as error:
            outcome, succeeded = ["failed", reason(error)], False
        self._progress.remove_task(self._task)
        lines = [" ".join([self.name, *outcome]).rstrip(), *self._said]
        self._progress.console.print(Text("\n  ".join(lines)))
        return succeeded

    def _pulumi(self, command: str) -> None:
        # show_secrets=False: the results, unused here, would hold the stack's configuration in plain text.
        if command == "preview":
            self._stack.preview(on_event=self._notice)
        elif command == "up":
            self._stack.up(on_event=self._notice, show_secrets=False)
        elif command == "drift":
            self._stack.preview_refresh(on_event=self._notice, show_secrets=False, expect_no_changes=True)
        elif command == "refresh":
            self._stack.refresh(on_event=self._notice, show_secrets=False)
        elif command == "destroy":
            self._stack.destroy(on_event=self._notice, show_secrets=False)

    def _notice(self, event: auto.EngineEvent) -> None:
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            self._progress.update(self._task, doing=f"{step.op.value} {step.urn.rpartition('::')[2]}")
        if event.diagnostic_event and (diagnostic := event.diagnostic_event).severity in SHOWN:
            message = re.sub(r"<\{%.*?%\}>", "", diagnostic.message).strip()  # without the markup for colours
            if message:
                self._said.append(SHOWN[diagnostic.severity] + message)
        if event.summary_event:
            counts = event.summary_event.resource_changes.items()
            self._changes = "(" + ", ".join(f"{auto.OpType(kind).value} {count}" for kind, count in counts) + ")"


def reason(error: auto.CommandError) -> str:
    """What Pulumi says on its error output, which is the end of the error's text."""
    return str(error).rpartition("stderr:")[2].strip()


def select(names: list[str]) -> list[auto.Stack]:
    """The stacks of these names, or all. The one that is selected in this folder stays so.

    Raises:
        auto.CommandError: There is no such stack, or no Pulumi backend.
    """
    workspace = auto.LocalWorkspace(work_dir=str(PROJECT))
    known = workspace.list_stacks()
    try:
        return [auto.select_stack(name, work_dir=str(PROJECT)) for name in names or [each.name for each in known]]
    finally:
        for each in known:
            if each.current:
                workspace.select_stack(each.name)


def main() -> int:
    """Runs the command line, and returns the exit code."""
    parser = argparse.ArgumentParser(description="Run one Pulumi command on several workspaces at once.")
    parser.add_argument(
        "command", choices=COMMANDS, help="; ".join(f"{name}: {does}" for name, does in COMMANDS.items())
    )
    parser.add_argument(
        "workspaces", nargs="*", metavar="workspace", help="name of a stack (default: all stacks, except for destroy)"
    )
    parser.add_argument("--all", action="store_true", help="all stacks, also for destroy")
    parser.add_argument("--parallel", type=int, default=4, metavar="N", help="how many at once (default: %(default)s)")
    wanted = parser.parse_args()
    console = Console(soft_wrap=True, highlight=False)
    if wanted.all and wanted.workspaces:
        console.print(Text("error: give names of stacks, or --all, not both"))
        return 2
    if wanted.command == "destroy" and not (wanted.all or wanted.workspaces):
        console.print(Text("error: destroy permanently deletes what Outlit synced: name the stacks, or give --all"))
        return 2
    try:
        stacks = select(wanted.workspaces)
    except auto.CommandError as error:
        console.print(Text(reason(error)))
        return 2
    columns = SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.fields[doing]}"), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(max(1, wanted.parallel)) as pool:
        pending = [pool.submit(Run(stack, progress).perform, wanted.command) for stack in stacks]
        try:
            succeeded = sum(future.result() for future in as_completed(pending))
        except KeyboardInterrupt:
            # The terminal tells Pulumi, too: what is under way comes to its end, and nothing further is started.
            pool.shutdown(cancel_futures=True)
            return 130
    console.print(f"{succeeded} of {len(stacks)} workspaces succeeded")
    return 0 if succeeded == len(stacks) else 1


if __name__ == "__main__":
    sys.exit(main())
