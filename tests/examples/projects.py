"""The examples as templates that `pulumi new` makes a project of, with READMEs that quote real output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from outlit_pulumi.sandbox import Sandbox
from tests.engine.conftest import CANARY, Stack
from tools.engine.__main__ import pinned

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
QUOTED_ENGINE = f"v{pinned('cli')}"
"""The engine whose words the READMEs quote; others word and lay out some of it differently."""

PLAIN = {"ProjectId": "12345", "Region": "eu", "ProjectUrl": "https://acme.supabase.co"}
"""Values of the settings that are not credentials, by the end of the name."""


def load(path: Path) -> dict[Any, Any]:
    """A YAML file that holds a mapping. YAML 1.1 reads a key ``on`` as True."""
    read: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def manifest(name: str) -> dict[str, Any]:
    """An example's Pulumi.yaml."""
    return load(FOLDER / name / "Pulumi.yaml")


def readme(name: str) -> str:
    """An example's README."""
    return (FOLDER / name / "README.md").read_text(encoding="utf-8")


def quotes(text: str) -> list[str]:
    """The output that a page quotes: its blocks of ``text``."""
    return re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def plain(output: str) -> str:
    """Output without what differs from run to run: durations, and blanks at the ends of lines."""
    return re.sub(r" \(\d+(\.\d+)?s\)", "", re.sub(r"[ \t]+$", "", output, flags=re.MULTILINE))


def missing_quotes(stack: Stack, name: str, *outputs: str) -> list[str]:
    """The quotes of an example's README that no output has. A developer's own engine may word them differently."""
    said = [plain(output) for output in outputs]
    found = quotes(readme(name))
    assert found, "the README quotes nothing"
    missing = [quote for quote in found if not any(plain(quote) in output for output in said)]
    used = stack.ok("version").output.strip()
    if missing and used != QUOTED_ENGINE and "CI" not in os.environ:
        pytest.skip(f"Pulumi {used} prints otherwise than {QUOTED_ENGINE}, which the README quotes: {missing}")
    return missing


def settings(name: str, sandbox: Sandbox) -> dict[str, tuple[str, bool]]:
    """A value for everything that the template asks for, by key, and whether it says that it is secret."""
    values = {}
    for key, about in manifest(name)["template"]["config"].items():
        short = key.rpartition(":")[2]
        if key == "outlit:apiKey":
            value = sandbox.api_key
        elif short.endswith("OutlitKey"):
            value = sandbox.add_workspace(short.removesuffix("OutlitKey"))
        elif short.endswith("Key"):
            value = f"sk_{CANARY}_{short}"
        else:
            value = next(value for end, value in PLAIN.items() if short.endswith(end))
        values[key] = value, bool(about.get("secret"))
    return values


def configure(stack: Stack, name: str, sandbox: Sandbox, *more: str, api_key: str | None = None) -> None:
    """Sets everything that the template asks for, as secret as it says, in the selected stack."""
    arguments = ["--plaintext", f"outlit:baseUrl={sandbox.url}"]
    for key, (value, secret) in settings(name, sandbox).items():
        used = api_key if api_key and key == "outlit:apiKey" else value
        arguments += ["--secret" if secret else "--plaintext", f"{key}={used}"]
    stack.ok("config", "set-all", *arguments, *more)


def create(name: str, scratch: Path, env: dict[str, str], *options: str) -> Stack:
    """Makes a project of an example with `pulumi new`, without a stack, and installs what it requires.

    Args:
        name: The example.
        scratch: A folder for the project.
        env: The environment of Pulumi, with the virtual environment that it has active.
        options: More options of `pulumi new`.
    """
    ignored = shutil.ignore_patterns("venv", "__pycache__", "Pulumi.*.yaml", ".*_cache")
    template = scratch / "template" / name
    shutil.copytree(FOLDER / name, template, ignore=ignored)
    project = scratch / name  # as the READMEs say, so that a project is called what they quote
    project.mkdir()
    made = Stack(project, env)
    made.ok("new", "--offline", "--yes", "--generate-only", str(template), "--dir", str(project), *options)
    # `pulumi install` would make one, which takes a network and longer than most tests.
    (project / "venv").symlink_to(env["VIRTUAL_ENV"], target_is_directory=True)
    done = run(made, "venv/bin/python", "-m", "pip", "install", "--no-index", "-r", "requirements.txt")
    assert done.returncode == 0, done.stdout
    return made


def run(stack: Stack, *command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs something other than Pulumi in the project; its output is kept for `Stack.leaks`."""
    done = subprocess.run(
        command,
        cwd=stack.folder,
        env=stack.env | (env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    stack.outputs.append(done.stdout)
    return done
