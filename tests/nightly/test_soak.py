"""A short form of the soak."""

from tests.campaign.soak import soak
from tests.e2e.world import World


async def test_the_promise_holds_under_load_and_faults(world: World) -> None:
    """While faults happen to a module at its line's limit, nothing that was acknowledged is lost, and nothing leaks."""
    account = await soak(world, seconds=15.0, seed=7020, speed=10.0, baud=115200)
    assert not account.broken(memory=False), account.verdict()
    assert account.faults
    assert account.verdict()["messages"] > 50
