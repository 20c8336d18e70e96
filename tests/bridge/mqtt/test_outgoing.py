"""The queue towards the broker: order, window, bound, newest retained message, and what the broker does not take."""

import asyncio
import logging

import pytest

from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.outgoing import OutgoingQueue
from sim7020_bridge.mqtt.quarantine import MOST_ASIDE, MOST_TOPICS, MOST_WAITING, Outgoing, Quarantine
from sim7020_bridge.mqtt.timing import ClientTiming
from tests.bridge.scripted_module import on_virtual_time

NOT_AUTHORIZED, QUOTA, TOO_LARGE = 0x87, 0x97, 0x95


class Wire:
    """Notes what is sent, what became of what somebody waits for, and which topics are forbidden."""

    def __init__(self, *, max_waiting: int = 5) -> None:
        self.sent: list[bytes] = []
        self.news = asyncio.Event()
        self.done: list[tuple[bytes, str]] = []
        self.forbidden: list[str] = []
        self.asides: list[int] = []
        self.quarantine = Quarantine(self.aside_changed, timing=ClientTiming())
        self.queue = OutgoingQueue(self.send, quarantine=self.quarantine, max_waiting=max_waiting)

    def aside_changed(self, forbidden: str | None) -> None:
        """Note what is forbidden, and how much waits for it."""
        if forbidden is not None:
            self.forbidden.append(forbidden)
        else:
            self.asides.append(self.quarantine.aside)

    def send(self, outgoing: Outgoing) -> int | None:
        """Take one, and give up what is called bad; its packet identifier is how many were sent with it."""
        if outgoing.publication.payload == b"bad":
            outgoing.give_up(PayloadRefused("bad", "it is bad"))
            return None
        self.sent.append(outgoing.publication.payload)
        self.news.set()
        return len(self.sent)

    def put(self, payload: bytes, *, retain: bool = False, topic: str = "t") -> None:
        """Queue one that nobody waits for."""
        self.queue.put(Outgoing(Publication(topic=topic, payload=payload, retain=retain)))

    def keep(self, payload: bytes, *, topic: str = "t") -> Outgoing:
        """Queue one that somebody waits for."""
        outgoing = Outgoing(
            Publication(topic=topic, payload=payload), lambda refused: self.done.append((payload, str(refused or "")))
        )
        self.queue.put(outgoing)
        return outgoing

    def hang_up(self, code: int | None = None) -> bool:
        """End the connection, as the broker does."""
        self.queue.close()
        return self.queue.interrupted(code)

    def hang_up_at(self, payload: bytes, code: int | None = None) -> int:
        """Connect, and be hung up on at a payload until it comes no more; return how many connections it took."""
        connections, answered = 0, len(self.sent)
        while True:
            self.queue.open(16)
            while answered < len(self.sent) and self.sent[answered] != payload:
                answered += 1
                self.queue.acknowledged(answered)
            if answered == len(self.sent):
                return connections
            connections += 1
            if self.hang_up(code):
                answered = len(self.sent)


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
    assert (wire.asides[:2], wire.asides[-1]) == ([1, 2], 0)
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
    assert "500 messages wait already" in wire.done[0][1]
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
