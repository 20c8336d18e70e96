"""A short form of the campaign in which the broker forgets, and what it counts."""

import pytest

from tests.campaign import forget
from tests.e2e.world import World


@pytest.mark.parametrize("broker", ["mosquitto", "scripted"])
async def test_the_promise_holds_over_forgotten_sessions(world: World, broker: str) -> None:
    """However often the broker forgets the bridge, nothing is lost, and every message has one end."""
    verdict = await forget.campaign(world, broker=broker, times=2, rate=60, longest=0.3, seed=7020)
    assert not forget.broken(verdict), verdict
    assert verdict["sessions forgotten"] == 2
    assert verdict["messages"] > 50


def test_account_of_what_has_no_id() -> None:
    """Of what says the same, each that was acknowledged has come once; of what was not, nobody can know."""
    account = forget.Forgotten(sessions=1)
    account.bare.update({"bare-1": 2, "bare-2": 1})
    account.unsure.update({"bare-1": 1})
    account.arrived(b"bare-1;bare-1;bare-1;bare-2;")
    account.bare_ends = {b"1", b"2", b"3", b"4"}
    assert not forget.broken(account.verdict())
    account.arrived(b"bare-2;")
    assert forget.broken(account.verdict()) == [
        "without id, sent twice: 1",
        "without id, receipts missing or doubled: 1",
    ]
    account.bare["bare-3"] = 1
    assert "without id, lost: 1" in forget.broken(account.verdict())
