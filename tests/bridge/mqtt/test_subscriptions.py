"""When the broker is asked for what it ends the connection at; on virtual time."""

import asyncio
import math
from contextlib import suppress
from itertools import count, pairwise

from sim7020_bridge.mqtt.subscriptions import LONGEST_PAUSE, Subscriptions
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription
from tests.bridge.scripted_module import on_virtual_time

WANTED = (Subscription("to/#"), Subscription("not/this/one"))


class Broker:
    """Grants what it likes, and ends the connection at the rest; between, it acknowledges what is published."""

    def __init__(self) -> None:
        self.grants = {"to/#"}
        self.refuses: set[str] = set()
        self.lasts = math.inf
        self.asked: list[tuple[float, str]] = []
        self._packets = count(1)
        self._ends = asyncio.Event()
        self.subscriptions = Subscriptions(
            WANTED, ask=self._ask, drop=self.grants.discard, changed=lambda: None, timing=ClientTiming()
        )

    def _ask(self, wanted: Subscription) -> int:
        packet, loop = next(self._packets), asyncio.get_running_loop()
        self.asked.append((loop.time(), wanted.topic_filter))
        if wanted.topic_filter in self.grants:
            loop.call_soon(self.subscriptions.answered, packet, 1, "")
        elif wanted.topic_filter in self.refuses:
            loop.call_soon(self.subscriptions.answered, packet, 0x87, "not authorized")
        else:
            self._ending = loop.call_later(0.1, self._ends.set)
        return packet

    async def serve(self) -> None:
        """Let the client in again and again, a second after each end: its own, or what the network makes one."""
        while True:
            began = asyncio.get_running_loop().time()
            self.subscriptions.connected(shared=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.lasts):
                    await self._ends.wait()
            alone = asyncio.get_running_loop().time() - began < 1
            blamed = self.subscriptions.interrupted(alone=alone)
            assert blamed or not self._ends.is_set()
            self._ending.cancel()
            self._ends.clear()
            self.subscriptions.disconnected()
            await asyncio.sleep(1)

    def gaps(self, topic_filter: str) -> list[float]:
        """Return the seconds from each time to the next that it was asked for something."""
        return [later - before for before, later in pairwise(at for at, asked in self.asked if asked == topic_filter)]


@on_virtual_time
async def test_what_ends_the_connection_is_asked_for_ever_more_rarely() -> None:
    """Three times in a row, then after a minute, two, four, up to an hour, for months; no more once it is granted."""
    broker = Broker()
    serving = asyncio.create_task(broker.serve())
    await asyncio.sleep(60 * 24 * 3600)
    assert not serving.done()
    gaps = broker.gaps("not/this/one")
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


@on_virtual_time
async def test_connections_that_end_meanwhile_make_it_no_later() -> None:
    """It is asked for when it is due, though each connection is shorter than the pause, or as soon as there is one."""
    broker = Broker()
    serving = asyncio.create_task(broker.serve())
    await asyncio.sleep(24 * 3600)
    before = len(broker.gaps("not/this/one"))
    broker.lasts = 50 * 60
    await asyncio.sleep(24 * 3600)
    broker.lasts = 5
    await asyncio.sleep(24 * 3600)
    assert not serving.done()
    gaps = broker.gaps("not/this/one")[before + 1 :]
    assert len(gaps) > 40
    assert LONGEST_PAUSE - 1 < min(gaps) < max(gaps) < LONGEST_PAUSE + 5
    serving.cancel()


@on_virtual_time
async def test_what_is_refused_does_not_wait_for_what_ends_the_connection() -> None:
    """A subscription that the broker only refuses is asked for every minute, whatever the other one's pause."""
    broker = Broker()
    broker.grants, broker.refuses = set(), {"to/#"}
    serving = asyncio.create_task(broker.serve())
    await asyncio.sleep(24 * 3600)
    assert not serving.done()
    assert max(broker.gaps("to/#")) <= 61
    assert max(broker.gaps("not/this/one")) > LONGEST_PAUSE
    serving.cancel()


@on_virtual_time
async def test_a_broker_that_answers_no_subscription() -> None:
    """It is known for what it is after the patience; one that answers any, refused or granted, is not taken for it."""
    broker = Broker()
    broker.grants = set()
    broker.subscriptions.connected(shared=True)
    began = asyncio.get_running_loop().time()
    assert not await broker.subscriptions.wait_heard(30)
    assert asyncio.get_running_loop().time() - began >= 30
    broker.subscriptions.disconnected()
    broker.refuses = {"not/this/one"}
    broker.subscriptions.connected(shared=True)
    assert await broker.subscriptions.wait_heard(30)
    broker.subscriptions.disconnected()
    broker.subscriptions.change([])
    broker.subscriptions.connected(shared=True)
    assert await broker.subscriptions.wait_heard(0)
