"""A short form of the kill campaign between a shed and its far end; it takes minutes, for each kill costs seconds."""

import pytest

from tests.e2e.far_kills import VICTIMS, broken, campaign
from tests.e2e.world import World


@pytest.mark.parametrize("victim", VICTIMS)
async def test_the_promise_holds_over_kills(world: World, victim: str) -> None:
    """Whatever is killed: nothing acknowledged is lost, nothing comes twice without a kill, no number is used twice."""
    verdict = await campaign(world, victim=victim, kills=1, rate=20, longest=1.0, seed=7020)
    assert not broken(verdict), verdict
    assert verdict["numbers"] > 0
