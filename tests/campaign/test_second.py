"""A short form of the campaign that starts the bridge a second time, and what it counts."""

import time

import pytest

from tests.campaign import second
from tests.e2e.world import World


@pytest.mark.parametrize("where", ["here", "elsewhere"])
async def test_the_promise_holds_over_second_starts(world: World, where: str) -> None:
    """A second bridge on the same machine ends at once, unnoticed; with one elsewhere the two take turns."""
    times = {"here": 4, "elsewhere": 2}[where]
    verdict = await second.campaign(world, where=where, times=times, rate=60, longest=0.3, seed=7020)
    assert not second.broken(verdict, where), verdict
    assert verdict["second starts"] == times
    assert verdict["messages"] > 50


def test_account_of_two_bridges() -> None:
    """What two bridges end is explained only if the session changed hands while the message was under way."""
    now = time.monotonic()
    account = second.Seconds(takeovers=[now])
    account.sent = {"control-1": now - 100, "alarms-2": now - 0.1, "alarms-3": now}
    for name in ("control-1", "alarms-2"):
        account.ends[name] = [b'{"state": "accepted"}', b'{"state": "acknowledged"}']
        account.ended[name] = now - 99 if name == "control-1" else now + 1
    account.arrivals["alarms-2"] = [now, now + 0.5]
    assert second.broken(account.verdict(), "elsewhere") == [
        "lost: 1",
        "receipts missing: 1",
        "receipts doubled without a take-over: 1",
    ]
    assert "receipts doubled: 2" in second.broken(account.verdict(), "here")
