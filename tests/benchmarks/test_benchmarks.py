"""The check fails when a target is missed, and the page says what the results say. Nothing is measured here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.__main__ import exit_code
from benchmarks.deployment import OPERATIONS, Run, Shape
from benchmarks.imports import SIDES
from benchmarks.page import PAGE, page
from benchmarks.results import FILE, read, results, verdicts, write
from outlit_pulumi.sandbox import Sandbox

CALLS: dict[str, dict[str, int]] = {
    "preview": {"list": 1, "validate_key": 1},
    "up": {"list": 1, "validate_key": 1, "connect": 6},
    "no-op up": {},
    "refresh": {"list": 1, "sync_status": 6},
    "destroy": {"list": 1, "validate_key": 1, "disconnect": 6},
}

FIRST_CALL = """
import pulumi, outlit_pulumi.lifecycle.operations
from outlit_pulumi.dynamic import WORKSPACES
from outlit_pulumi.settings import Settings
WORKSPACES.workspace(Settings({key!r}, {url!r})).glance("posthog")
"""


@pytest.mark.parametrize(
    ("ratios", "calls", "imports", "missed"),
    [
        ({}, {}, 1.0, ""),
        ({"up": 1.14, "refresh": 1.19}, {}, 1.05, ""),
        ({"up": 1.16}, {}, 1.0, "up of 6"),
        ({"refresh": 1.21}, {}, 1.0, "refresh of 6"),
        ({}, {"no-op up": {"list": 1}}, 1.0, "calls of 6"),
        ({}, {"up": {"list": 2, "validate_key": 1, "connect": 6}}, 1.0, "calls of 6"),
        ({}, {}, 1.2, "imports of the program"),
    ],
)
def test_a_missed_target_fails_the_check(
    ratios: Mapping[str, float],
    calls: Mapping[str, Mapping[str, int]],
    imports: float,
    missed: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = []
    for seconds in (1.0, 2.0, 3.0, 4.0):  # The machine becomes slower, which must not matter.
        for name in OPERATIONS:
            runs.append(Run("floor", Shape(6), name, seconds, 50, {}))
            runs.append(Run("ours", Shape(6), name, seconds * ratios.get(name, 1.05), 57, {**CALLS, **calls}[name]))
    starts = {"base": [0.5, 0.6], "program": [0.5 * imports, 0.6 * imports], "provider": [0.6, 0.7]}
    code = exit_code(verdicts(results(runs, starts, "v3")))
    printed = capsys.readouterr().out.splitlines()[-1]
    assert (code, printed) == ((1, f"Missed: {missed}.") if missed else (0, "No target is missed."))


def test_the_page_says_what_the_results_say(tmp_path: Path) -> None:
    measured = read(FILE)
    assert PAGE.read_text(encoding="utf-8") == page(measured)
    copy = tmp_path / "results.json"
    write(measured, copy)
    assert read(copy) == measured


def test_the_provider_side_is_all_that_a_process_loads_for_its_first_call() -> None:
    def loaded(code: str) -> set[str]:
        command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}

    with Sandbox() as sandbox:
        real = loaded(FIRST_CALL.format(key=sandbox.api_key, url=sandbox.url))
    assert "httpcore" in real
    assert real - loaded(SIDES["provider"]) == set()
