"""Whether measurements keep to the targets: made-up measurements, each right but for one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from benchmarks.check import FULL, SMALL, Plan, missed, summary
from benchmarks.contenders import FLOOR, OPERATIONS, OURS
from benchmarks.deployment import SLOW, Run, Shape
from benchmarks.figures import surely_above
from benchmarks.startup import Start
from benchmarks.targets import Verdict, calls_expected, further, growth, judged, latencies, memory, unevenness


def lives(
    shape: Shape,
    *,
    over: Mapping[str, float] | None = None,
    repeats: int = 10,
    mib: float = 60,
    calls: Mapping[str, Mapping[str, int]] | None = None,
    floor: float = 1.0,
) -> list[Run]:
    """Lives of floor and ours: ours takes ``over`` times as long, 1.05 by default."""
    runs = []
    for repeat in range(repeats):
        for operation in OPERATIONS:
            speed = 1 + repeat / 10  # of the machine, which changes
            runs.append(Run(FLOOR.name, shape, operation, repeat, floor * speed, 50, {}))
            seconds = floor * speed * (over or {}).get(operation, 1.05)
            made = (calls or {}).get(operation, calls_expected(shape, operation))
            runs.append(Run(OURS.name, shape, operation, repeat, seconds, mib, made))
    return runs


def begun(program: float = 0.21, provider: float = 0.26) -> list[Start]:
    """Starts of Python, of which pulumi's takes 0.2 s."""
    sides = {"base": 0.2, "program": program, "provider": provider}
    return [Start(side, repeat, cpu, cpu) for repeat in range(10) for side, cpu in sides.items()]


def not_held(runs: Sequence[Run], starts: Sequence[Start] = ()) -> list[Verdict]:
    """The verdicts that say no."""
    return [verdict for verdict in judged(runs, starts) if not verdict.holds]


def test_what_keeps_to_all_targets_is_told_so() -> None:
    runs = [run for size in (1, 6, 60, 600) for run in lives(Shape(size), floor=size**0.5)]
    for size, operations in ((6, ("up", "refresh")), (60, ("refresh",))):
        runs += lives(Shape(size, latency=SLOW), over=dict.fromkeys(operations, 1.2))
    runs += lives(Shape(60, workspaces=10), over=dict.fromkeys(OPERATIONS, 3))
    verdicts = judged(runs, begun())
    assert not_held(runs, begun()) == []
    # 4 sizes and 5 operations; 3 slow ones; calls of 7 shapes; 2 sides; 5 exponents; memory
    assert len(verdicts) == 4 * 5 + 3 + 7 + 2 + 5 + 1
    assert len({verdict.target for verdict in verdicts}) == len(verdicts)


@pytest.mark.parametrize(
    ("integrations", "operation", "limit"),
    [(1, "preview", 1.10), (6, "up", 1.10), (6, "refresh", 1.15), (60, "no-op up", 1.15), (600, "destroy", 1.15)],
)
def test_a_ratio_over_its_limit_is_missed(integrations: int, operation: str, limit: float) -> None:
    assert not_held(lives(Shape(integrations), over={operation: limit - 0.001})) == []
    (verdict,) = not_held(lives(Shape(integrations), over={operation: limit + 0.001}))
    assert verdict.target == f"{operation} of {integrations}, time over the floor's"
    assert verdict.surely


def test_a_ratio_that_chance_may_have_made_is_not_surely_missed() -> None:
    runs = lives(Shape(6), over={"up": 1.2}, repeats=9)
    (verdict,) = not_held(runs)
    assert not verdict.surely
    assert missed([verdict], lenient=False) == [verdict]
    assert missed([verdict], lenient=True) == []


def test_what_is_known_to_be_missed_is_told_apart_as_long_as_it_gets_no_worse() -> None:
    def told(refresh: float, up: float = 1.05) -> tuple[list[str], str]:
        verdicts = judged(lives(Shape(600), over={"refresh": refresh, "up": up}), ())
        return [verdict.target for verdict in missed(verdicts, lenient=False)], summary(verdicts)

    name = "refresh of 600, time over the floor's"
    assert told(1.15) == ([], "6 of 6 targets hold.")
    assert told(1.39) == ([], f"5 of 6 targets hold. Missed, as is known: {name}.")
    assert told(1.41) == ([name], f"5 of 6 targets hold. Missed: {name}.")
    up = "up of 600, time over the floor's"
    assert told(1.39, up=1.2) == ([up], f"4 of 6 targets hold. Missed: {up}. Missed, as is known: {name}.")


@pytest.mark.parametrize("plan", SMALL)
def test_what_a_busy_machine_may_excuse_can_fail(plan: Plan) -> None:
    assert surely_above([1.2] * plan.most, 1.1)


def test_a_fair_verdict_is_on_as_many_repeats_as_were_planned() -> None:
    assert [(plan.least, plan.least % 2) for plan in FULL] == [(plan.most, 0) for plan in FULL]


@pytest.mark.parametrize(("operation", "target"), [("up", "1.10 of the floor"), ("refresh", "the floor")])
def test_with_a_slow_service_round_trips_count(operation: str, target: str) -> None:
    shape = Shape(6, latency=SLOW)
    start = 0.1 if operation == "up" else 0  # an up has two rounds after the list, and must start, too
    assert not_held(lives(shape, over={operation: 1.59 + start}, repeats=1)) == []
    runs = lives(shape, over={operation: 1.61 + start}, repeats=1)
    (verdict,) = not_held(runs)
    assert verdict.target == f"{operation} of 6 at 200 ms, latencies over {target}"
    assert latencies(runs)[shape, operation] == [pytest.approx((0.61 + start) / SLOW)]
    for over, surely in ((1.79, False), (1.81, True)):  # a whole round trip more
        (verdict,) = not_held(lives(shape, over={operation: over + start}))
        assert verdict.surely is surely


@pytest.mark.parametrize(
    ("operation", "calls"),
    [
        ("preview", {}),
        ("up", {"list": 2, "connect": 6}),
        ("up", {"list": 1, "connect": 7}),
        ("no-op up", {"list": 1}),
        ("refresh", {"sync_status": 6}),
        ("destroy", {"list": 1, "disconnect": 6, "sync_status": 1}),
    ],
)
def test_a_call_more_or_less_is_surely_missed(operation: str, calls: Mapping[str, int]) -> None:
    (verdict,) = not_held(lives(Shape(6), calls={operation: calls}, repeats=1))
    assert verdict.target == "calls of 6 at 0 ms"
    assert verdict.found.startswith(f"{operation}: ")
    assert verdict.surely


def test_an_operation_of_more_than_half_a_minute_may_list_again() -> None:
    calls = {"up": {"list": 2, "connect": 600}}
    assert not_held(lives(Shape(600), calls=calls, repeats=1, floor=30)) == []
    assert len(not_held(lives(Shape(600), calls=calls, repeats=1, floor=20))) == 1


def test_imports_have_limits() -> None:
    assert not_held([], begun(program=0.22)) == []
    assert [verdict.target for verdict in not_held([], begun(program=0.225))] == [
        "import of the program side over pulumi's"
    ]
    assert [verdict.target for verdict in not_held([], begun(provider=0.275))] == [
        "import of the provider side over pulumi's"
    ]


def test_how_even_the_machine_was_is_told_by_the_floor() -> None:
    even = [Run(FLOOR.name, Shape(6), "up", repeat, 2, 50, {}) for repeat in range(5)]
    wild = [
        Run(FLOOR.name, Shape(6), "refresh", repeat, seconds, 50, {}) for repeat, seconds in enumerate((1, 2, 3, 4, 5))
    ]
    ours = [Run(OURS.name, Shape(6), "up", repeat, repeat + 1, 50, {}) for repeat in range(5)]
    assert unevenness(even + ours) == 0
    assert unevenness(wild) == pytest.approx(2 / 3)
    assert unevenness(wild[:3]) == 0


def test_what_each_further_integration_takes_is_without_the_start() -> None:
    runs = lives(Shape(60), floor=10, over={"up": 1.0}) + lives(Shape(600), floor=37, over={"up": 2.0})
    speed = 1.45  # of the median repeat
    assert further(runs)[FLOOR.name, "up"] == pytest.approx(speed * 27 / 540)
    assert further(runs)[OURS.name, "up"] == pytest.approx(speed * 64 / 540)


def test_growth_and_memory_are_compared_between_six_and_six_hundred() -> None:
    six, many = lives(Shape(6)), lives(Shape(600), floor=100, over={"up": 1.4}, mib=80)
    assert growth(six + many)[FLOOR.name, "up"] == pytest.approx(1)
    assert {size: peak.median for size, peak in memory(six + many).items()} == {6: 60, 600: 80}
    assert [verdict.target for verdict in not_held(six + many)] == [
        "up of 600, time over the floor's",
        "up, exponent of growth",
        "memory for 600 over that for 6",
    ]
