"""The configuration of a Pulumi stack, asked of the `pulumi` command."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping

from ..errors import ConfigurationError
from .exits import UsageError

_SECONDS = 120
"""A backend in the network may take its time, and so may a passphrase."""

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


def configuration(stack: str, environ: Mapping[str, str]) -> dict[str, object]:
    """The values of the stack's configuration by their full names, such as ``outlit:apiKey``, decrypted.

    What `pulumi` prints holds every secret of the stack, so none of it is ever shown.

    Raises:
        UsageError: this cannot be the name of a stack. An empty one would mean whichever is selected.
        ConfigurationError: `pulumi` is missing or cannot tell; the message says what to do.
    """
    if not stack.strip() or not stack.isprintable():
        raise UsageError("--stack needs the name of a stack. Nothing was done.")
    executable = shutil.which("pulumi", path=environ.get("PATH"))
    if executable is None:
        raise ConfigurationError(
            "--stack reads the stack's configuration with the command `pulumi`, which is not on PATH."
        )
    command = [
        executable,
        "config",
        "--show-secrets",
        "--json",
        f"--stack={stack}",
        "--non-interactive",
        "--color=never",
    ]
    try:
        done = subprocess.run(
            command,
            env={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(stack, f"`pulumi config` did not end within {_SECONDS} s") from None
    except OSError:
        raise _failed(stack, "`pulumi` cannot be run") from None
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        reasons = [reason for sign, reason in _KNOWN if sign in said]
        raise _failed(stack, reasons[0] if reasons else f"run `pulumi config --stack {stack}` to see why")
    try:
        entries = json.loads(done.stdout)
        return {name: entry.get("value") for name, entry in entries.items()}
    except (ValueError, AttributeError):
        # `from None` would keep the error, and with it what it could not read.
        problem = _failed(stack, "`pulumi config` answered what is not its JSON")
    raise problem


def _failed(stack: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f'the configuration of stack "{stack}" cannot be read: {reason}.')
