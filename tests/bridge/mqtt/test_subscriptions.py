"""When the broker is asked for what it ends the connection at; on virtual time."""

import asyncio
from itertools import count, pairwise

from sim7020_bridge.mqtt.subscriptions import LONGEST_PAUSE, Subscriptions
from sim7020_bridge.mqtt.topics import Subscription
from tests.bridge.scripted_module import on_virtual_time

WANTED = (Subscription("to/#"), Subscription("not/this/one"))


class Broker:
    """Grants what it likes, and ends the connection at the rest; between, it acknowledges what is published."""

    def __init__(self) -> None:
        self.grants = {"to/#"}
        self.asked: list[tuple[float, str]] = []
        self._packets = count(1)
        self._ends = asyncio.Event()
        self.subscriptions = Subscriptions(
            WANTED, ask=self._ask, drop=self.grants.discard, changed=lambda: None, ask_again=60.0
        )

    def _ask(self, wanted: Subscription) -> int:
        packet, loop = next(self._packets), asyncio.get_running_loop()
        self.asked.append((loop.time(), wanted.topic_filter))
        if wanted.topic_filter in self.grants:
            loop.call_soon(self.subscriptions.answered, packet, 1, "")
        else:
            loop.call_later(0.1, self._ends.set)
        return packet

    async def serve(self) -> None:
        """Let the client in again and again, a second after each end."""
        while True:
            began = asyncio.get_running_loop().time()
            self.subscriptions.connected(shared=True)
            await self._ends.wait()
            self._ends.clear()
            assert self.subscriptions.interrupted(alone=asyncio.get_running_loop().time() - began < 1)
            self.subscriptions.disconnected()
            await asyncio.sleep(1)


@on_virtual_time
async def test_what_ends_the_connection_is_asked_for_ever_more_rarely() -> None:
    """Three times in a row, then after a minute, two, four, up to an hour, for months; no more once it is granted."""
    broker = Broker()
    serving = asyncio.create_task(broker.serve())
    await asyncio.sleep(60 * 24 * 3600)
    assert not serving.done()
    times = [at for at, topic_filter in broker.asked if topic_filter == "not/this/one"]
    gaps = [later - before for before, later in pairwise(times)]
    assert max(gaps[:2]) < 2
    assert [round(gap / 60) for gap in gaps[2:9]] == [1, 2, 4, 8, 16, 32, 60]
    assert gaps[-1] < LONGEST_PAUSE + 2
    assert list(broker.subscriptions.refused) == ["not/this/one"]
    broker.grants.add("not/this/one")
    await asyncio.sleep(LONGEST_PAUSE + 2)
    assert not list(broker.subscriptions.refused)
    asked = len(broker.asked)
    await asyncio.sleep(24 * 3600)
    assert len(broker.asked) == asked
    serving.cancel()
