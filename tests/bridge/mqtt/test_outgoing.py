"""The queue towards the broker: order, window, bound, newest retained message."""

import asyncio
import logging

import pytest

from sim7020_bridge.errors import BrokerDisconnects, PayloadRefused
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.outgoing import Outgoing, OutgoingQueue


class Wire:
    """Notes what is sent."""

    def __init__(self, *, max_waiting: int = 5) -> None:
        self.sent: list[bytes] = []
        self.queue = OutgoingQueue(self.send, max_waiting=max_waiting)

    def send(self, outgoing: Outgoing) -> int | None:
        """Take one, and refuse what is called bad."""
        if outgoing.publication.payload == b"bad":
            outgoing.refuse(PayloadRefused("bad", "it is bad"))
            return None
        self.sent.append(outgoing.publication.payload)
        return len(self.sent)

    def put(self, payload: bytes, *, retain: bool = False, topic: str = "t") -> None:
        """Queue one that nobody waits for."""
        self.queue.put(Outgoing(Publication(topic=topic, payload=payload, retain=retain)))


async def test_window() -> None:
    """No more are sent than the broker allows before it acknowledges."""
    wire = Wire()
    wire.queue.open(2)
    for payload in (b"1", b"2", b"3", b"4"):
        wire.put(payload)
    assert wire.sent == [b"1", b"2"]
    wire.queue.acknowledged(1)
    wire.queue.acknowledged(99)
    assert wire.sent == [b"1", b"2", b"3"]
    wire.queue.refused(2, "no")
    wire.queue.refused(2, "no")
    assert wire.sent == [b"1", b"2", b"3", b"4"]
    idle = asyncio.create_task(wire.queue.wait_idle())
    await asyncio.sleep(0)
    assert not idle.done()
    wire.queue.acknowledged(3)
    wire.queue.acknowledged(4)
    await idle
    assert len(wire.queue) == 0


async def test_only_the_newest_retained_message_waits() -> None:
    """State that changed ten times while the broker was away is published once."""
    wire = Wire()
    wire.put(b"old", retain=True)
    wire.put(b"event")
    wire.put(b"other", retain=True, topic="u")
    wire.put(b"new", retain=True)
    wire.queue.open(9)
    assert wire.sent == [b"event", b"other", b"new"]


async def test_oldest_is_dropped_at_the_bound(caplog: pytest.LogCaptureFixture) -> None:
    """Memory is bounded, the log says so twice and not each time, and who waits is never dropped."""
    caplog.set_level(logging.WARNING)
    wire = Wire(max_waiting=2)
    awaited = Outgoing(Publication(topic="t", payload=b"awaited"), asyncio.get_running_loop().create_future())
    wire.queue.put(awaited)
    for number in range(5):
        wire.put(b"%d" % number)
    assert len(caplog.records) == 1
    wire.queue.open(9)
    assert wire.sent == [b"awaited", b"4"]
    assert "4 messages were dropped while the broker was away" in caplog.text


async def test_nothing_to_drop_but_what_somebody_waits_for() -> None:
    """Whoever waits bounds themselves."""
    wire = Wire(max_waiting=1)
    loop = asyncio.get_running_loop()
    for payload in (b"1", b"2", b"3"):
        wire.queue.put(Outgoing(Publication(topic="t", payload=payload), loop.create_future()))
    assert len(wire.queue) == 3


async def test_refused_at_once() -> None:
    """A message that can't be sent does not hold up the next."""
    wire = Wire()
    wire.queue.open(1)
    outgoing = Outgoing(Publication(topic="t", payload=b"bad"), asyncio.get_running_loop().create_future())
    wire.queue.put(outgoing)
    wire.put(b"good")
    assert wire.sent == [b"good"]
    assert outgoing.acknowledged is not None
    with pytest.raises(PayloadRefused, match="it is bad"):
        await outgoing.acknowledged


async def test_closed_queue_only_collects() -> None:
    """Between connections nothing is sent, and what was in flight may still be acknowledged."""
    wire = Wire()
    wire.queue.open(1)
    wire.put(b"1")
    wire.queue.close()
    wire.put(b"2")
    wire.queue.acknowledged(1)
    assert wire.sent == [b"1"]
    wire.queue.open(1)
    assert wire.sent == [b"1", b"2"]


async def test_what_makes_the_broker_disconnect_is_found_and_given_up() -> None:
    """Where nothing in flight is acknowledged, one at a time shows which it is; only that one is given up."""
    wire = Wire()
    poisoned = asyncio.get_running_loop().create_future()
    wire.put(b"1")
    wire.queue.put(Outgoing(Publication(topic="t", payload=b"2"), poisoned))
    wire.put(b"3")
    wire.queue.open(16)
    assert wire.sent == [b"1", b"2", b"3"]
    wire.queue.close()
    assert not wire.queue.interrupted()
    wire.queue.open(16)
    wire.queue.close()
    assert wire.queue.interrupted()
    wire.queue.open(16)
    assert wire.sent[3:] == [b"1"]
    wire.queue.acknowledged(4)
    assert wire.sent[4:] == [b"2"]
    wire.queue.close()
    assert not wire.queue.interrupted()
    while not poisoned.done():
        wire.queue.open(1)
        wire.queue.close()
        wire.queue.interrupted()
    with pytest.raises(BrokerDisconnects, match="3 times in a row"):
        await poisoned
    wire.queue.open(16)
    assert wire.sent[-1] == b"3"
    wire.queue.acknowledged(len(wire.sent))
    assert len(wire.queue) == 0


async def test_an_idle_connection_that_ends_blames_nobody() -> None:
    """Nothing is held against what is published after connections on which nothing was in flight."""
    wire = Wire()
    for _ in range(10):
        wire.queue.open(16)
        wire.queue.close()
        assert not wire.queue.interrupted()
    wire.queue.open(16)
    wire.put(b"1")
    wire.put(b"2")
    assert wire.sent == [b"1", b"2"]
