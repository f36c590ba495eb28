"""Results are kept and shown as they are."""

from __future__ import annotations

from pathlib import Path

from benchmarks.__main__ import PLAN, RESULTS, taking_part
from benchmarks.contenders import OPERATIONS, OURS
from benchmarks.deployment import Run, Shape
from benchmarks.page import PAGE, page
from benchmarks.report import table
from benchmarks.results import Results, read, write
from benchmarks.startup import SIDES, Start
from benchmarks.targets import calls_expected


def test_a_table_lines_up() -> None:
    assert table(("Name", "Value"), [("a", "1"), ("longer", "22.5")]) == (
        "| Name   | Value |\n"
        "| ------ | ----: |\n"
        "| a      |     1 |\n"
        "| longer |  22.5 |"
    )  # fmt: skip


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    run = Run("ours", Shape(6, 1, 0.2), "up", 0, 1.25, 61.5, {"list": 1, "connect": 6})
    results = Results(
        {"when": "then"}, [run], [Start(side, 0, 0.2, 0.19) for side in SIDES], {"program": {"a": 0.5}}, {}
    )
    file = tmp_path / "results.json"
    write(results, file)
    assert read(file) == results


def test_the_page_has_all_that_was_measured() -> None:
    runs: list[Run] = []
    for shape, contenders, repeats, _ in PLAN:
        for contender in contenders:
            for operation in (operation for operation in OPERATIONS if operation in contender.commands):
                calls = calls_expected(shape, operation) if contender is OURS else {}
                seconds = shape.integrations * (1.25 if contender is OURS else 1)
                runs += [
                    Run(contender.name, shape, operation, n, seconds, 50, calls)
                    for n in range(repeats)
                    if contender in taking_part(contenders, n)
                ]
    starts = [Start(side, 0, 0.2, 0.2) for side in SIDES]
    shares = {side: {"some_package": 0.5} for side in ("program", "provider")}
    shown = page(Results({"when": "then", "pulumi": "3"}, runs, starts, shares, shares))
    assert "Taken on then, pulumi 3." in shown
    assert "An `up` of six integrations took 1.25 times as long" in shown
    assert "| up of 600, time over the floor's" in shown
    assert "some_package 500 ms" in shown
    assert "600 connect + 1 list" in shown
    assert "$" not in shown


def test_the_page_is_made_from_the_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read(RESULTS))
