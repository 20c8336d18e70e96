"""The model of the field held to what was measured, at length."""

import pytest

from sim7020_emulator.field.conditions import PROFILES
from sim7020_emulator.field.quantiles import Quantiles
from tests.emulator.field.life import live
from tests.emulator.field.stage import Outdoors, outdoors
from tests.field_model import RATES, ROWS, WHOLE, Rate, Row, echoes
from tests.ks import distance, probability

_SEED = 1


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("profile", "size", "row"), WHOLE, ids=lambda value: value if isinstance(value, str) else None)
def test_whole_module(profile: str, size: int, row: Quantiles) -> None:
    """A thousand messages of a whole module over a real socket."""
    trips = echoes(profile, 1000, seed=_SEED, size=size)
    assert len(trips) > 970
    assert probability(distance(trips, row.below), len(trips)) > 0.05


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_distribution(row: Row) -> None:
    """Ten thousand messages of the model."""
    assert row.probability(row.sample(10_000, _SEED)) > 0.05


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_rate(rate: Rate) -> None:
    """Twenty thousand messages."""
    assert rate.probability(*rate.sample(20_000, _SEED)) > 0.05


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("profile", PROFILES)
def test_day(profile: str) -> None:
    """Every second of a day is in a state, and every datagram is counted once."""

    async def act(place: Outdoors) -> None:
        await live(place, 24)

    outdoors(profile, act, facts={"loss_up": "", "loss_down": ""})
