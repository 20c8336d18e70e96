"""A short form of the soak."""

import time

from tests.campaign.soak import Soaked, soak
from tests.e2e.world import World


async def test_the_promise_holds_under_load_and_faults(world: World) -> None:
    """While faults happen to a module at its line's limit, nothing that was acknowledged is lost, and nothing leaks."""
    account = await soak(world, seconds=15.0, seed=7020, speed=10.0, baud=115200)
    assert not account.broken(memory=False), account.verdict()
    assert account.faults
    assert account.verdict()["messages"] > 50


def test_account() -> None:
    """What is acknowledged and did not arrive is lost, unless noise damaged it; so is a descriptor that is left."""
    account = Soaked(speed=10.0, use=[(40.0, 16, 2)] * 16)
    now = time.monotonic()
    account.sent = {"control-1": now, "control-2": now, "telemetry-3": now}
    account.arrived(b"control-2;cont\xffol-1;")
    for name in account.sent:
        account.ends[name] = [b'{"state": "accepted"}']
        account.ended[name] = now
    assert account.damaged == 1
    assert account.verdict()["lost"] == 1
    assert account.verdict()["datagrams lost with the module or its network"] == 1
    account.faults = [(now - 1, "fault: noise 3 30")]
    assert account.verdict()["lost"] == 0
    assert not account.broken()
    account.use[-1] = (40.0, 18, 2)
    assert account.broken() == ["descriptors and threads: (16, 2) became (18, 2)"]
    account.use[-4:] = [(60.0, 16, 2)] * 4
    assert account.broken() == ["memory: +50.0 %"]
