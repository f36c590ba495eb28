"""What every example promises: a template, a README of a screen, and a program that does its job on a real engine."""

from __future__ import annotations

import pytest

from outlit_pulumi.sandbox import Sandbox
from tests.engine.conftest import counted

from .conftest import Make
from .projects import EXAMPLES, FOLDER, load, manifest, missing_quotes, readme

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
    # A literal name, not ${PROJECT}, so that the folder is a project, too. `pulumi new` puts another in its place.
    assert about["name"] == name
    assert about["description"]
    assert about["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": "venv"}}
    template = about["template"]
    assert template["displayName"]
    assert template["description"]
    assert "pulumi up" in template["quickstart"] or "fan_out.py up" in template["quickstart"]
    for key, asked in template["config"].items():
        assert asked["description"]
        assert asked.get("secret", False) is key.endswith("Key")


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_readme_fits_a_screen_and_has_the_commands(name: str) -> None:
    """60 lines, every setting that has no default, the sandbox, and nothing that only this machine knows."""
    text = readme(name)
    assert len(text.splitlines()) <= 60
    assert max(len(line) for line in text.split("```text")[0].splitlines()) <= 130
    for key, asked in manifest(name)["template"]["config"].items():
        if "default" not in asked:
            secret = "--secret " if asked.get("secret") else ""
            assert f"pulumi config set {secret}{key}" in text
    assert "python -m outlit_pulumi.sandbox" in text


def test_all_install_the_same_way() -> None:
    """The package of the clone, by the same lines, so that a release changes all of them alike."""
    heads = {tuple((FOLDER / name / "requirements.txt").read_text().splitlines()[:2]) for name in EXAMPLES}
    assert len(heads) == 1


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
