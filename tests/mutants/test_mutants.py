"""Do the tests bite? Each rule, broken by hand, one at a time, in a copy of the package, must make its test fail.

The named test runs as the default run runs it: one that is marked ``full`` would be left out, and so catch nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .rules import RULES, Rule

ROOT = Path(__file__).resolve().parents[2]


def copied(folder: Path) -> Path:
    """A copy of the package and of its tests, which import that copy."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("outlit_pulumi", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def outcome(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Runs tests of a copy, and stops at the first that fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    # The tests need no plugin, and loading them takes longer than most of the tests.
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_names_code_and_a_test_that_exist(rule: Rule) -> None:
    """So that a change of either is noticed at once, and not only where the rules are broken."""
    assert (ROOT / "outlit_pulumi" / rule.file).read_text(encoding="utf-8").count(rule.code) == 1
    file, _, name = rule.caught_by.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.full
def test_the_tests_pass_while_the_rules_stand(tmp_path: Path) -> None:
    """A test that fails anyway catches nothing."""
    done = outcome(copied(tmp_path), *{rule.caught_by for rule in RULES})
    assert done.returncode == 0, done.stdout


@pytest.mark.full
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_broken_rule_is_caught(tmp_path: Path, rule: Rule) -> None:
    """The edit applies exactly once, and the named test then fails: it is not merely missing or left out."""
    module = copied(tmp_path) / "outlit_pulumi" / rule.file
    source = module.read_text(encoding="utf-8")
    assert source.count(rule.code) == 1
    module.write_text(source.replace(rule.code, rule.broken), encoding="utf-8")
    done = outcome(tmp_path, rule.caught_by)
    assert done.returncode == 1, done.stdout
    assert "failed" in done.stdout
