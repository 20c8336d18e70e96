"""A distribution that is known by its quantiles, and one that depends on something else."""

import pytest

from sim7020_emulator.field import rows
from sim7020_emulator.field.quantiles import GRID, Quantiles, Ranges


@pytest.mark.parametrize("size", [0, 100])
def test_hits_what_is_known(size: int) -> None:
    """At its probabilities it has its values, and the other way round."""
    row = Quantiles((1.0, 2.0, 4.0, 9.0), (0, 0.25, 0.9, 1), size=size)
    assert [row.at(part) for part in row.grid] == pytest.approx(row.values)
    assert [row.below(value) for value in (2.0, 4.0)] == pytest.approx([0.25, 0.9])
    assert (row.below(0.5), row.below(9.5)) == (0.0, 1.0)


def test_lies_on_a_line_or_is_log_normal_between() -> None:
    """Half way between two probabilities lies half way between two values, or their geometric mean at the middle."""
    assert Quantiles((1.0, 4.0), (0, 1)).at(0.5) == 2.5
    assert Quantiles((1.0, 4.0), (0, 1), size=1000).at(0.5) == pytest.approx(2.0)


@pytest.mark.parametrize("part", [0.001, 0.13, 0.5, 0.77, 0.999])
@pytest.mark.parametrize("row", [rows.ROUND_TRIP_1, rows.RELEASE[0].rows[0], rows.ATTACH])
def test_below_is_the_inverse_of_at(row: Quantiles, part: float) -> None:
    """What is drawn for a part has that part below it."""
    assert row.below(row.at(part)) == pytest.approx(part, abs=0.002)


@pytest.mark.parametrize("values", [(1.0, 2.0), tuple(range(len(GRID), 0, -1))])
def test_refuses_what_is_no_distribution(values: tuple[float, ...]) -> None:
    """A value for each probability, and none smaller than the one before."""
    with pytest.raises(ValueError, match=r"\d"):
        Quantiles(values)


def test_each_range_has_its_own() -> None:
    """A range begins with its bound, and ends before the next."""
    ranges = Ranges((1.5, 4.0), *(Quantiles((low, low + 10), (0, 1)) for low in (0.0, 100.0, 200.0)))
    assert [ranges.at(other, 0.5) for other in (0.0, 1.4, 1.5, 3.9, 4.0, 300.0)] == [5, 5, 105, 105, 205, 205]


@pytest.mark.parametrize("bounds", [(1.0,), (2.0, 1.0), (1.0, 2.0, 3.0)])
def test_refuses_what_are_no_ranges(bounds: tuple[float, ...]) -> None:
    """One distribution more than there are bounds, which ascend."""
    row = Quantiles((1.0, 2.0), (0, 1))
    with pytest.raises(ValueError, match=r"\d"):
        Ranges(bounds, row, row, row)
