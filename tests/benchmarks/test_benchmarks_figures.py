"""What is made of measured numbers."""

from __future__ import annotations

import pytest

from benchmarks.figures import Figure, exponent, figure, ratios, surely_above


def test_a_figure_has_the_quartiles_of_enough_values_and_the_extremes_of_few() -> None:
    assert figure([5, 1, 2, 3, 4]) == Figure(3, 2, 4, 5)
    assert figure([3, 1, 2]) == Figure(2, 1, 3, 3)
    assert str(figure([1.004])) == "1.00 (1.00 to 1.00)"


def test_ratios_are_taken_pair_by_pair() -> None:
    assert ratios([2, 9], [1, 3]) == [2, 3]
    with pytest.raises(ValueError):
        ratios([1, 2], [1])


@pytest.mark.parametrize("power", [0, 1, 1.5])
def test_the_exponent_is_that_of_the_growth(power: float) -> None:
    assert exponent({size: 3 * size**power for size in (1, 6, 60, 600)}) == pytest.approx(power)


def test_a_limit_is_surely_missed_when_chance_would_hardly_do_it() -> None:
    assert surely_above([1.2] * 10, 1.1)
    assert not surely_above([1.2] * 9, 1.1)
    assert surely_above([1.2] * 13 + [1.0], 1.1)
    assert not surely_above([1.2] * 12 + [1.0], 1.1)
    assert not surely_above([1.1] * 20, 1.1)
