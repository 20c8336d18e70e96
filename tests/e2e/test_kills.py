"""A short form of the kill campaign."""

import pytest

from tests.e2e.kills import broken, campaign
from tests.e2e.world import World


@pytest.mark.parametrize("victim", ["bridge", "broker", "module"])
async def test_the_promise_holds_over_kills(world: World, victim: str) -> None:
    """Whatever is killed at any moment, nothing is lost, and every message has one end."""
    verdict = await campaign(world, victim=victim, kills=4, rate=60, longest=2.0, seed=7020)
    assert not broken(verdict, victim), verdict
    assert verdict["messages"] > 50
