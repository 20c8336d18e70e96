"""The queue towards the broker: order, window, bound, newest retained message, and what makes the broker hang up."""

import asyncio
import logging

import pytest

from tests.bridge.mqtt.wire import NOT_AUTHORIZED, TOO_LARGE, Wire
from tests.bridge.scripted_module import on_virtual_time


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
    wire.queue.refused(2, TOO_LARGE, "no")
    wire.queue.refused(2, TOO_LARGE, "no")
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
    """Memory is bounded, the log says so twice and not each time; what is waited for or retained is never dropped."""
    caplog.set_level(logging.WARNING)
    wire = Wire(max_waiting=2)
    wire.keep(b"awaited")
    wire.put(b"alert", retain=True)
    for number in range(6):
        wire.put(b"%d" % number)
    assert len(caplog.records) == 1
    wire.queue.open(9)
    assert wire.sent == [b"awaited", b"alert", b"4", b"5"]
    assert "4 messages were dropped while the broker was away" in caplog.text


async def test_refused_at_once() -> None:
    """A message that can't be sent does not hold up the next."""
    wire = Wire()
    wire.queue.open(1)
    wire.keep(b"bad")
    wire.put(b"good")
    assert wire.sent == [b"good"]
    assert wire.done == [(b"bad", "it is bad")]


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


async def test_withdrawn() -> None:
    """What waits can be withdrawn, and what was sent can't."""
    wire = Wire()
    wire.queue.open(1)
    sent, waiting = wire.keep(b"1"), wire.keep(b"2")
    assert (wire.queue.withdraw(sent), wire.queue.withdraw(waiting)) == (False, True)
    wire.queue.acknowledged(1)
    assert wire.sent == [b"1"]


@pytest.mark.parametrize(("code", "most"), [(None, 6), (NOT_AUTHORIZED, 2)])
@on_virtual_time
async def test_what_makes_the_broker_disconnect_is_found(code: int | None, most: int) -> None:
    """One at a time shows which topic it is, also if others are acknowledged before; a reason code makes it quicker."""
    wire = Wire()
    wire.put(b"before", topic="a")
    wire.put(b"poison", retain=True, topic="state")
    wire.keep(b"receipt", topic="b")
    wire.put(b"other state", retain=True, topic="c")
    assert wire.hang_up_at(b"poison", code) <= most
    assert wire.forbidden == ["state"]
    assert [payload for payload, _ in wire.done] == [b"receipt"]
    assert wire.sent[-1] == b"other state"
    assert wire.queue.window == 16
    sent = len(wire.sent)
    wire.put(b"poison", retain=True, topic="state")
    wire.put(b"later")
    assert wire.sent[sent:] == [b"later"]
    wire.queue.close()


@on_virtual_time
async def test_receipts_come_before_status_while_it_is_searched() -> None:
    """What is retained goes last as long as one of it may make the broker disconnect."""
    wire = Wire()
    for topic in ("a", "b"):
        wire.put(b"state", retain=True, topic=topic)
    wire.queue.open(16)
    wire.hang_up(NOT_AUTHORIZED)
    wire.keep(b"receipt")
    wire.queue.open(16)
    assert wire.sent[2:] == [b"receipt"]
    wire.queue.close()


async def test_what_is_in_flight_does_not_replace_a_newer_status() -> None:
    """Of what waits again after the broker hung up, only the newest of a topic is sent."""
    wire = Wire()
    wire.queue.open(2)
    wire.put(b"old", retain=True)
    wire.put(b"other", topic="u")
    wire.put(b"new", retain=True)
    assert wire.hang_up(NOT_AUTHORIZED)
    wire.queue.open(2)
    wire.queue.acknowledged(3)
    assert wire.sent[2:] == [b"other", b"new"]


async def test_the_window_is_whole_again_once_nothing_is_suspected() -> None:
    """One at a time only goes while what was under way as the broker hung up is not acknowledged."""
    wire = Wire()
    wire.queue.open(2)
    for number in range(6):
        wire.put(b"%d" % number, topic=f"t/{number}")
    wire.hang_up(NOT_AUTHORIZED)
    wire.queue.open(2)
    for packet in (3, 4):
        assert len(wire.sent) == packet
        wire.queue.acknowledged(packet)
    assert wire.sent[2:] == [b"0", b"1", b"2", b"3"]


async def test_an_idle_connection_that_ends_blames_nobody() -> None:
    """Nothing is held against what is published after connections on which nothing was in flight."""
    wire = Wire()
    for _ in range(10):
        wire.queue.open(16)
        assert not wire.hang_up()
    wire.queue.open(16)
    wire.put(b"1")
    wire.put(b"2")
    assert wire.sent == [b"1", b"2"]


async def test_a_line_that_breaks_now_and_then_blames_nobody() -> None:
    """A topic that is acknowledged between two connections that broke is no suspect."""
    wire = Wire()
    for _ in range(10):
        wire.queue.open(16)
        wire.put(b"state", retain=True)
        assert not wire.hang_up()
        wire.queue.open(16)
        wire.queue.acknowledged(len(wire.sent))
        wire.queue.close()
    assert wire.forbidden == []
