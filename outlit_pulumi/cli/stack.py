"""Which Pulumi stack is selected and how it is configured, asked of the `pulumi` command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..api.redaction import redact
from ..errors import ConfigurationError
from .exits import UsageError

_SECONDS = 120
"""A backend in the network may take its time, and so may a passphrase."""

_QUIET = ("--non-interactive", "--color=never")

_KNOWN = (
    ("no Pulumi.yaml project file found", "this folder is not in a Pulumi project: there is no Pulumi.yaml"),
    ("no stack named", "there is no such stack in this project"),
    (
        "passphrase must be set",
        "its secrets need a passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    ),
    ("incorrect passphrase", "the passphrase in PULUMI_CONFIG_PASSPHRASE is not this stack's"),
    ("PULUMI_ACCESS_TOKEN must be set", "nobody is logged in to Pulumi: run `pulumi login`"),
)


class Value(NamedTuple):
    """A value of a stack's configuration, and whether the stack keeps it as a secret."""

    value: object
    secret: bool


def configuration(stack: str, environ: Mapping[str, str]) -> dict[str, Value]:
    """The values of the stack's configuration by their full names, such as ``outlit:apiKey``, decrypted.

    What `pulumi` prints holds every secret of the stack, so none of it is ever shown.

    Raises:
        UsageError: this cannot be the name of a stack. An empty one would mean whichever is selected.
        ConfigurationError: `pulumi` is missing or cannot tell; the message says what to do.
    """
    if not stack.strip() or not stack.isprintable():
        raise UsageError("--stack needs the name of a stack. Nothing was done.")
    executable = find("pulumi", environ)
    if executable is None:
        raise ConfigurationError(
            "--stack reads the stack's configuration with the command `pulumi`, which is not on PATH."
        )
    try:
        done = run([executable, "config", "--show-secrets", "--json", f"--stack={stack}", *_QUIET], environ)
    except subprocess.TimeoutExpired:
        raise _failed(stack, f"`pulumi config` did not end within {_SECONDS} s") from None
    except OSError:
        raise _failed(stack, "`pulumi` cannot be run") from None
    if done.returncode != 0:
        reasons = [reason for sign, reason in _KNOWN if sign in done.stderr]
        raise _failed(stack, reasons[0] if reasons else f"run `pulumi config --stack {stack}` to see why")
    try:
        entries = json.loads(done.stdout)
        return {name: Value(entry.get("value"), entry.get("secret") is True) for name, entry in entries.items()}
    except (ValueError, AttributeError):
        # `from None` would keep the error, and with it what it could not read.
        problem = _failed(stack, "`pulumi config` answered what is not its JSON")
    raise problem


def selected(environ: Mapping[str, str]) -> str | None:
    """The name of the stack that is selected in this folder; None where there is none, or no way to tell."""
    executable = find("pulumi", environ)
    if executable is None:
        return None
    try:
        done = run([executable, "stack", "--show-name", *_QUIET], environ)
    except (subprocess.TimeoutExpired, OSError):
        return None
    name = done.stdout.strip()
    return name if done.returncode == 0 and name and name.isprintable() else None


def find(program: str, environ: Mapping[str, str]) -> str | None:
    """The path of a program that PATH has; None where it has none."""
    return shutil.which(program, path=environ.get("PATH", os.defpath))


def run(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs `pulumi` and keeps what it prints from the screen.

    Raises:
        TimeoutExpired: it did not end in time.
        OSError: it cannot be run.
    """
    return subprocess.run(
        command,
        env={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )


def _failed(stack: str, reason: str) -> ConfigurationError:
    said = f'the configuration of stack "{stack}" cannot be read: {reason}.'
    return ConfigurationError(redact(said, limit=1000))  # a key in the wrong place
