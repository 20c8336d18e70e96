"""What the broker does not take waits for its topic's next try, and holds up nothing else."""

import asyncio

import pytest

from sim7020_bridge.mqtt.quarantine import MOST_ASIDE, MOST_TOPICS, MOST_WAITING
from tests.bridge.mqtt.wire import NOT_AUTHORIZED, QUOTA, TOO_LARGE, Wire
from tests.bridge.scripted_module import on_virtual_time


@on_virtual_time
async def test_not_now() -> None:
    """What the broker can't take now is tried again with a growing pause, in order, and holds up no other topic."""
    wire = Wire()
    wire.queue.open(16)
    for payload in (b"1", b"2", b"3"):
        wire.keep(payload)
    wire.keep(b"other", topic="u")
    for packet in (1, 2, 3):
        wire.queue.refused(packet, QUOTA, "Quota exceeded")
    wire.queue.acknowledged(4)
    wire.keep(b"4")
    assert wire.done == [(b"other", "")]
    pauses = []
    for _ in range(9):
        before = asyncio.get_running_loop().time()
        sent = len(wire.sent)
        wire.news.clear()
        await wire.news.wait()
        assert wire.sent[sent:] == [b"1"]
        pauses.append(asyncio.get_running_loop().time() - before)
        wire.queue.refused(len(wire.sent), QUOTA, "Quota exceeded")
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60], abs=0.01)
    assert (wire.quarantine.aside, wire.forbidden) == (0, [])
    await asyncio.sleep(61)
    wire.queue.acknowledged(len(wire.sent))
    assert wire.sent[-3:] == [b"2", b"3", b"4"]
    for packet in range(len(wire.sent) - 2, len(wire.sent) + 1):
        wire.queue.acknowledged(packet)
    assert [payload for payload, _ in wire.done] == [b"other", b"1", b"2", b"3", b"4"]
    wire.queue.close()


@on_virtual_time
async def test_never(caplog: pytest.LogCaptureFixture) -> None:
    """What the broker can never take is given up, alone."""
    wire = Wire()
    wire.queue.open(16)
    wire.keep(b"1")
    wire.keep(b"2")
    wire.queue.refused(1, TOO_LARGE, "Packet too large")
    wire.queue.acknowledged(2)
    assert wire.done == [(b"1", "the broker refused it: Packet too large"), (b"2", "")]
    assert "A message to t can't be published: the broker refused it: Packet too large" in caplog.text


@on_virtual_time
async def test_forbidden(caplog: pytest.LogCaptureFixture) -> None:
    """What waits for a forbidden topic is kept, told once, tried with long pauses and at each connection."""
    wire = Wire()
    wire.queue.open(16)
    wire.keep(b"1")
    wire.put(b"passing")
    wire.put(b"old", retain=True)
    for packet in (1, 2, 3):
        wire.queue.refused(packet, NOT_AUTHORIZED, "Not authorized")
    wire.put(b"passing")
    wire.put(b"new", retain=True)
    wire.keep(b"2")
    assert wire.forbidden == ["t"]
    assert wire.quarantine.aside == 2
    assert caplog.text.count("A message to t can't be published: the broker refused it: Not authorized") == 1
    await asyncio.wait_for(wire.queue.wait_idle(), 1)
    await asyncio.sleep(2.1)
    assert wire.sent[3:] == [b"1"]
    wire.queue.refused(4, NOT_AUTHORIZED, "Not authorized")
    await asyncio.sleep(3.9)
    assert wire.sent[4:] == []
    wire.queue.close()
    wire.queue.open(16)
    assert wire.sent[4:] == [b"1"]
    wire.queue.acknowledged(5)
    assert wire.sent[5:] == [b"new", b"2"]
    assert (wire.asides[:3], wire.asides[-1]) == ([0, 1, 2], 0)
    assert wire.forbidden == ["t"]
    wire.queue.close()


@on_virtual_time
async def test_only_so_much_is_kept_for_forbidden_topics() -> None:
    """A topic that is forbidden for ever fills neither memory nor disk."""
    wire = Wire()
    wire.queue.open(16)
    wire.keep(b"first")
    wire.queue.refused(1, NOT_AUTHORIZED, "Not authorized")
    for number in range(MOST_ASIDE + 1):
        wire.keep(b"%d" % number)
    assert wire.quarantine.aside == MOST_ASIDE
    assert [payload for payload, _ in wire.done] == [b"%d" % number for number in (MOST_ASIDE - 1, MOST_ASIDE)]
    assert "500 wait already" in wire.done[0][1]
    wire.queue.close()


@on_virtual_time
async def test_only_so_many_topics_are_remembered() -> None:
    """Whoever thinks of more and more topics has those of before forgotten."""
    wire = Wire()
    wire.queue.open(16)
    for number in range(MOST_TOPICS + 2):
        wire.put(b"x", topic=f"t/{number}")
        wire.queue.refused(len(wire.sent), NOT_AUTHORIZED, "Not authorized")
    sent = len(wire.sent)
    wire.put(b"x", topic="t/0")
    wire.put(b"x", topic=f"t/{MOST_TOPICS}")
    assert len(wire.sent) == sent + 1
    wire.queue.close()


@on_virtual_time
async def test_what_nobody_waits_for_is_bounded_while_a_topic_is_held() -> None:
    """The oldest of what is only passing is dropped, and what somebody waits for is not."""
    wire = Wire()
    wire.queue.open(16)
    wire.keep(b"kept")
    wire.queue.refused(1, QUOTA, "Quota exceeded")
    for number in range(MOST_WAITING + 3):
        wire.put(b"%d" % number)
    await asyncio.sleep(2)
    wire.queue.acknowledged(2)
    while (answered := len(wire.sent)) < MOST_WAITING + 2:
        wire.queue.acknowledged(answered)
    assert wire.sent[1:4] == [b"kept", b"3", b"4"]
    wire.queue.close()


@on_virtual_time
async def test_a_topic_that_makes_the_broker_disconnect_is_tried_again() -> None:
    """Each try costs one connection, and blames nobody else; once it is taken, all that waited goes."""
    wire = Wire()
    wire.keep(b"poison", topic="p")
    wire.hang_up_at(b"poison")
    wire.keep(b"more poison", topic="p")
    assert wire.quarantine.aside == 2
    wire.queue.close()
    wire.queue.open(16)
    assert wire.sent[-1] == b"poison"
    tries = wire.sent.count(b"poison")
    await asyncio.sleep(61)
    wire.put(b"bystander", topic="q")
    assert wire.sent.count(b"poison") == tries + 1
    assert wire.hang_up()
    wire.queue.open(16)
    assert wire.sent[-1] == b"bystander"
    await asyncio.sleep(100)
    assert wire.sent[-1] == b"bystander"
    await asyncio.sleep(30)
    assert wire.sent[-1] == b"poison"
    wire.queue.acknowledged(len(wire.sent))
    assert wire.sent[-1] == b"more poison"
    wire.queue.close()


@on_virtual_time
async def test_what_is_much_shorter_may_pass() -> None:
    """A publication that was too long for the broker does not hold up the short ones to its topic."""
    wire = Wire()
    wire.keep(bytes(1000))
    wire.hang_up_at(bytes(1000))
    wire.keep(b"short")
    assert wire.sent[-1] == b"short"
    wire.queue.acknowledged(len(wire.sent))
    wire.keep(bytes(900))
    assert wire.sent[-1] == b"short"
    assert wire.quarantine.aside == 2
    wire.queue.close()


@on_virtual_time
async def test_what_is_short_is_forbidden_too() -> None:
    """Once a short publication is refused as well, the topic is held whatever the size."""
    wire = Wire()
    wire.keep(bytes(1000))
    wire.hang_up_at(bytes(1000))
    wire.keep(b"short")
    wire.queue.refused(len(wire.sent), NOT_AUTHORIZED, "Not authorized")
    wire.keep(b"other")
    assert wire.sent[-1] == b"short"
    assert wire.forbidden == ["t"]
    wire.queue.close()


@on_virtual_time
async def test_what_waits_for_the_window_is_held_too() -> None:
    """A refusal holds all that waits for its topic, and what waits for others goes on."""
    wire = Wire()
    wire.queue.open(1)
    for payload in (b"1", b"2", b"3"):
        wire.keep(payload)
    wire.keep(b"other", topic="u")
    wire.queue.refused(1, QUOTA, "Quota exceeded")
    assert wire.sent == [b"1", b"other"]
    wire.queue.close()


@on_virtual_time
async def test_a_try_that_is_withdrawn() -> None:
    """If what was to be tried is not to be sent any more, the next is tried."""
    wire = Wire()
    wire.queue.open(1)
    first = wire.keep(b"1")
    wire.queue.refused(1, QUOTA, "Quota exceeded")
    wire.keep(b"busy", topic="u")
    await asyncio.sleep(2)
    assert wire.queue.withdraw(first)
    wire.keep(b"2")
    wire.queue.acknowledged(2)
    assert wire.sent == [b"1", b"busy", b"2"]
    wire.queue.close()


@on_virtual_time
async def test_a_status_that_is_refused_does_not_replace_a_newer_one() -> None:
    """Of a held topic the newest waits, in whichever order the broker answers."""
    wire = Wire()
    wire.queue.open(16)
    wire.put(b"old", retain=True)
    wire.put(b"new", retain=True)
    for packet in (2, 1):
        wire.queue.refused(packet, QUOTA, "Quota exceeded")
    await asyncio.sleep(2)
    wire.queue.acknowledged(3)
    assert wire.sent[2:] == [b"new"]
    wire.queue.close()
