"""The model is held to what was measured: in short here, at length every night, and for people on docs/field.md."""

import math

import pytest

from sim7020_emulator.field import rows
from sim7020_emulator.field.conditions import BAD_VENDOR, CELLAR, EDGE, GOOD, PROFILES, Conditions
from sim7020_emulator.field.quantiles import Quantiles
from tests.field_model import ENERGIES, RATES, ROWS, WHOLE, Energy, Rate, Row, echoes, messages, part_up
from tests.field_published import (
    ATTACH,
    DISTRIBUTIONS,
    UPDATE_MEANS,
    VENDOR_MEAN,
    VENDOR_MOST,
    WAY_UP,
    Figures,
)
from tests.ks import distance, probability

SEED = 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_distribution(row: Row) -> None:
    """What the model does can't be told from its row, or from what was measured if it comes out of several."""
    values = row.sample(400, SEED)
    assert len(values) > 360
    assert row.probability(values) > 0.05
    for part in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert row.row.at(part - 0.06) * 0.95 < sorted(values)[int(len(values) * part)]
        assert sorted(values)[int(len(values) * part)] < row.row.at(part + 0.06) * 1.05


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_what_was_measured(row: Row) -> None:
    """The model draws from the quantiles of the sources, of as many measurements as they have."""
    assert row.source.endswith(f" {row.published.count}")
    if row.drawn:
        _check(row.drawn, row.published)


@pytest.mark.parametrize(
    ("level", "trips"), [(0, "level 0, all of them"), (1, "level 1, 20 bytes"), (2, "level 2, 20 bytes")]
)
def test_release_is_what_was_measured(level: int, trips: str) -> None:
    """So does the release with round trips of each range; the bounds are where as many messages were below them."""
    release, published = rows.RELEASE[level], DISTRIBUTIONS[f"round trip from idle, {trips}, s"]
    below = 0
    for number, (row, bound) in enumerate(zip(release.rows, (*release.bounds, math.inf), strict=True), 1):
        found = DISTRIBUTIONS[f"echo to release, level {level}, range {number}, s"]
        _check(row, found)
        below += found.count
        assert published.quantiles.below(bound) == pytest.approx(below / published.count, abs=0.02)
    assert below == DISTRIBUTIONS[f"echo to release, level {level}, s"].count == published.count


def _check(row: Quantiles, published: Figures) -> None:
    assert row.size in {0, published.count}
    for part, value in zip(row.grid, row.values, strict=True):
        assert value == pytest.approx(published.values[round(100 * part)], rel=0.006)


@pytest.mark.parametrize(("level", "conditions"), [(0, GOOD), (1, EDGE), (2, CELLAR)])
def test_way_up(level: int, conditions: Conditions) -> None:
    """The way up is the part of a round trip from idle that was measured, at each level."""
    assert part_up(conditions, seed=SEED) == pytest.approx(WAY_UP[level])


def test_updates() -> None:
    """A tracking-area update takes between the means that were published, and the slowest vendor's in its profile."""
    assert (GOOD.update.at(0), GOOD.update.at(1)) == UPDATE_MEANS
    assert BAD_VENDOR.update.at(0.5) == UPDATE_MEANS[1]


@pytest.mark.parametrize("conditions", list(PROFILES.values()), ids=lambda conditions: conditions.name)
def test_attach(conditions: Conditions) -> None:
    """Attaching takes what each profile says it does."""
    assert [conditions.attach.at(part) for part in (0.5, 0.95, 1)] == pytest.approx(ATTACH[conditions.name], rel=0.006)


def test_slowest_vendor() -> None:
    """What was published as a mean is the median of the round trips, from which the tail makes a greater mean."""
    trips = sorted(trip for each in messages(BAD_VENDOR, 2000, seed=SEED) if (trip := each.trip) is not None)
    row = Quantiles((2.4, VENDOR_MEAN, *VENDOR_MOST), (0, 0.5, 0.95, 1), size=1000)
    assert probability(distance(trips, row.below), len(trips)) > 0.05
    assert sum(trips) / len(trips) == pytest.approx(32, rel=0.1)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_rate(rate: Rate) -> None:
    """What happens now and then happens as often."""
    assert rate.probability(*rate.sample(1000, SEED)) > 0.05


@pytest.mark.parametrize("energy", ENERGIES, ids=lambda energy: energy.name)
def test_energy(energy: Energy) -> None:
    """The median message costs what it did."""
    values = sorted(energy.sample(200, SEED))
    assert values[len(values) // 2] == pytest.approx(energy.published[1], rel=0.2)


@pytest.mark.parametrize(("profile", "size"), [("field-good", 128), ("field-cellar", 20)])
def test_whole_module(profile: str, size: int) -> None:
    """So can't the round trips of a whole module over a real socket."""
    row = next(row for name, payload, row in WHOLE if (name, payload) == (profile, size))
    trips = echoes(profile, 200, seed=SEED, size=size)
    assert len(trips) >= 195
    assert probability(distance(trips, row.below), len(trips)) > 0.05


def test_the_test_tells() -> None:
    """A tenth more is noticed with a thousand messages."""
    row = ROWS[0]
    values = [1.1 * value for value in row.sample(1000, SEED)]
    assert row.probability(values) < 0.001


@pytest.mark.parametrize(("found", "count", "expected"), [(0.1, 100, 0.25), (0.136, 100, 0.045), (0.0, 10, 1.0)])
def test_probability(found: float, count: int, expected: float) -> None:
    """The probabilities are those of the tables: 1.36 over the root of the number is about 0.05."""
    assert probability(found, count) == pytest.approx(expected, abs=0.02)
