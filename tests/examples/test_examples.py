"""What every example promises: a template, a README of a screen, and a program that does its job on a real engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from outlit_pulumi.sandbox import Sandbox
from tests.engine.conftest import Stack, counted

from .conftest import Make
from .projects import EXAMPLES, FOLDER, ROOT, configure, load, manifest, missing_quotes, readme

CONNECTS: dict[str, dict[str, set[str]]] = {
    "all-providers": {"sandbox": {"clerk", "fireflies", "granola", "posthog", "slack", "stripe", "supabase"}},
    "automation": {"sandbox": {"clerk", "stripe"}},
    "drift-check": {"sandbox": {"clerk", "stripe"}},
    "policy": {"sandbox": {"clerk", "stripe"}},
    "quickstart": {"sandbox": {"clerk", "posthog", "stripe"}},
    "rotate-key": {"sandbox": {"stripe"}},
    "workspaces": {"amer": {"posthog", "stripe"}, "emea": {"posthog", "stripe"}},
}
"""What each example connects, by workspace."""

BY_HAND = {"all-providers": "slack"}
"""What a person connects in a browser before the example adopts it."""


def held(sandbox: Sandbox, workspaces: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is connected in these workspaces."""
    keys = {name: None if name == sandbox.workspace else sandbox.add_workspace(name) for name in workspaces}
    return {name: {c["provider"] for c in sandbox.connections(key)} for name, key in keys.items()}


def test_every_example_is_tested() -> None:
    """A new folder needs a line in CONNECTS."""
    assert list(CONNECTS) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_a_template(name: str) -> None:
    """`pulumi new` can ask for everything, hides what is secret, and says what comes next."""
    about = manifest(name)
    # With a name of its own, every project would be called that by default.
    assert (about["name"], about["description"]) == ("${PROJECT}", "${DESCRIPTION}")
    assert about["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": "venv"}}
    template = about["template"]
    assert template["displayName"]
    assert template["description"]
    assert "pulumi up" in template["quickstart"] or "fan_out.py up" in template["quickstart"]
    for key, asked in template["config"].items():
        assert asked["description"]
        assert asked.get("secret", False) is key.endswith("Key")
        assert key == "outlit:apiKey" or ":" not in key, "in the namespace of the project, whatever its name"
    ignored = (FOLDER / name / ".gitignore").read_text(encoding="utf-8")
    assert ignored.splitlines() == ["venv/", "__pycache__/"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_readme_fits_a_screen_and_has_the_commands(name: str) -> None:
    """60 lines, how to start, every setting that has no default, the sandbox, and nothing of the clone's Makefile."""
    text = readme(name)
    assert len(text.splitlines()) <= 60
    assert max(len(line) for line in text.split("```text")[0].splitlines()) <= 130
    assert f"\n    pulumi new path/to/outlit-pulumi/examples/{name} --dir " in text
    assert not re.search(r"(^ +|`)make ", text, re.MULTILINE)
    for key, asked in manifest(name)["template"]["config"].items():
        if "default" not in asked:
            secret = "--secret " if asked.get("secret") else ""
            assert f"pulumi config set {secret}{key}" in text
    assert "python -m outlit_pulumi.sandbox" in text


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_readme_says_before_that_data_is_deleted(name: str) -> None:
    """In the paragraph of the first command that disconnects, or in one before it."""
    text = readme(name)
    if first := re.search(r"(pulumi|fan_out\.py) destroy|pulumi disconnect|state unprotect", text):
        assert "permanently deletes" in text[: first.end()] + text[first.end() :].partition("\n\n")[0]


def test_all_install_the_same_way() -> None:
    """The package by its name, by the same lines, so that a release changes all of them alike."""
    heads = {tuple((FOLDER / name / "requirements.txt").read_text().splitlines()[:3]) for name in EXAMPLES}
    assert [head[-1] for head in heads] == ["outlit-pulumi>=0.1,<1"]


@pytest.mark.parametrize("arguments", [["destroy"], ["destroy", "--parallel", "2"], ["destroy", "acme", "--all"]])
def test_fan_out_destroys_nothing_unasked(arguments: list[str]) -> None:
    """Without names or --all it asks nobody, and starts no Pulumi: one line says what to give."""
    command = [sys.executable, str(FOLDER / "automation" / "fan_out.py"), *arguments]
    done = subprocess.run(
        command, env=os.environ | {"PATH": "/nowhere"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert re.fullmatch(r"error: .*stacks, or (give )?--all.*\n", done.stdout)


@pytest.mark.parametrize(
    "name", [name if name == "quickstart" else pytest.param(name, marks=pytest.mark.full) for name in EXAMPLES]
)
def test_it_runs(name: str, make: Make, sandbox: Sandbox) -> None:
    """Made into a project of another name: up, nothing more to do, no drift, destroy; and no credential shows."""
    stack = make(name, "--name", "renamed", "--description", "Mine")
    project = load(stack.folder / "Pulumi.yaml")
    assert (project["name"], project["description"]) == ("renamed", "Mine")
    assert "template" not in project

    expected = CONNECTS[name]
    kept = {BY_HAND[name]} if name in BY_HAND else set()
    outputs = []
    if kept:
        outputs.append(stack.fails("up", "--yes", "--skip-preview").output)
        sandbox.complete_session(sandbox.connect(BY_HAND[name])["sessionId"])
    counted(sandbox)
    stack.ok("preview")
    assert not counted(sandbox)["connect"]
    outputs.append(stack.ok("up", "--yes", "--skip-preview").output)
    assert held(sandbox, expected) == expected
    stack.ok("up", "--yes", "--skip-preview", "--expect-no-changes")
    stack.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    if name == "policy":
        stack.ok("state", "unprotect", "--all", "--yes")
    stack.destroy()
    assert held(sandbox, expected) == dict.fromkeys(expected, kept)
    assert stack.leaks() == []
    if name in ("all-providers", "workspaces"):
        assert missing_quotes(stack, name, *outputs) == []


@pytest.mark.full
def test_the_root_of_the_clone_runs_the_quickstart(tmp_path: Path, env: dict[str, str], sandbox: Sandbox) -> None:
    """The same program, whose settings are then those of the root's project."""
    root = tmp_path / "clone"
    shutil.copytree(FOLDER / "quickstart", root / "examples" / "quickstart", ignore=shutil.ignore_patterns("venv"))
    shutil.copy(ROOT / "Pulumi.yaml", root)
    stack = Stack(root, env)
    stack.ok("stack", "init", "dev")
    configure(stack, "quickstart", sandbox)
    assert "4 to create" in stack.ok("preview").output
