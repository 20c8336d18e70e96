"""However many Response Topics anybody thinks of, what waits for the bridge's own topics stays."""

import asyncio

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.mqtt import quarantine
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.quarantine import MOST_ASIDE, MOST_TOPICS, MOST_WAITING
from sim7020_bridge.mqtt.timing import ClientTiming
from tests.bridge.mqtt.peer import Peer
from tests.bridge.mqtt.scripted_broker import TAKE, Answer, Published, ScriptedBroker
from tests.bridge.mqtt.wire import NOT_AUTHORIZED, PAYLOAD_INVALID, QUOTA, Wire
from tests.bridge.scripted_module import on_virtual_time

RECEIPT = "b/m/socket/s/receipt"
MANY = MOST_TOPICS + 20


def refuse(wire: Wire, code: int) -> None:
    """Refuse what was sent last."""
    wire.queue.refused(len(wire.sent), code, "no")


def answers(wire: Wire, many: int, code: int) -> None:
    """Queue answers that somebody waits for, each to a Response Topic of its own, and refuse them all."""
    for number in range(many):
        wire.keep(b"a%d" % number, topic=f"answers/{number}", answer=True)
        refuse(wire, code)


@on_virtual_time
async def test_what_waits_for_later_is_never_given_up() -> None:
    """More topics than are remembered wait for a broker that takes nothing now; then all comes, in order."""
    wire = Wire()
    wire.queue.open(16)
    wire.keep(b"r0", topic=RECEIPT)
    refuse(wire, QUOTA)
    for number in range(1, MANY):
        wire.keep(b"r%d" % number, topic=RECEIPT)
    answers(wire, MANY, QUOTA)
    assert wire.done == []
    answered = len(wire.sent)
    await asyncio.sleep(3)
    while answered < len(wire.sent):
        answered += 1
        wire.queue.acknowledged(answered)
    assert {error for _, error in wire.done} == {""}
    done = [payload for payload, _ in wire.done]
    assert [each for each in done if each.startswith(b"r")] == [b"r%d" % number for number in range(MANY)]
    assert len(done) == 2 * MANY
    wire.queue.close()


@on_virtual_time
async def test_topics_that_nothing_waits_for_are_forgotten() -> None:
    """Neither a topic for which something waits, nor an own one while there are Response Topics to be forgotten."""
    wire = Wire()
    wire.queue.open(16)
    for number in range(30):
        wire.keep(b"r%d" % number, topic=RECEIPT)
    for packet in range(1, 17):
        wire.queue.refused(packet, NOT_AUTHORIZED, "Not authorized")
    wire.put(b"status", topic="b/m/state", retain=True)
    refuse(wire, NOT_AUTHORIZED)
    wire.put(b"event", topic="b/m/event")
    refuse(wire, NOT_AUTHORIZED)
    for number in range(MANY):
        wire.put(b"x", topic=f"answers/{number}", answer=True)
        refuse(wire, NOT_AUTHORIZED)
    assert wire.done == []
    assert wire.quarantine.aside == 30
    assert wire.quarantine.forbidden[:3] == (RECEIPT, "b/m/state", "b/m/event")
    assert len(wire.quarantine.forbidden) == MOST_TOPICS + 2
    sent = len(wire.sent)
    wire.put(b"event", topic="b/m/event")
    wire.put(b"x", topic=f"answers/{MANY - 1}", answer=True)
    wire.keep(b"r", topic=RECEIPT)
    assert wire.sent[sent:] == []
    wire.put(b"again", topic="answers/0", answer=True)
    assert wire.sent[sent:] == [b"again"]
    wire.queue.close()


@on_virtual_time
async def test_answers_have_places_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    """What waits for forbidden Response Topics takes no place of a receipt; of more the log has the same line each."""
    wire = Wire()
    wire.queue.open(16)
    answers(wire, MOST_ASIDE + 3, NOT_AUTHORIZED)
    assert [payload for payload, _ in wire.done] == [b"a%d" % number for number in range(MOST_ASIDE, MOST_ASIDE + 3)]
    wire.keep(b"r", topic=RECEIPT)
    refuse(wire, NOT_AUTHORIZED)
    assert wire.quarantine.aside == MOST_ASIDE + 1
    line = "A message to a Response Topic can't be published: 500 wait already, and the broker does not take them"
    assert caplog.messages.count(line) == 3
    assert wire.quarantine.forbidden[0] == RECEIPT
    wire.queue.close()
    wire.queue.open(16)
    refuse(wire, NOT_AUTHORIZED)
    assert len(wire.done) == 3
    wire.queue.close()


@on_virtual_time
async def test_a_topic_that_is_forbidden_after_all() -> None:
    """What waited for later stays, tried or not, and takes no place of what waits for other topics."""
    wire = Wire()
    wire.queue.open(16)
    wire.keep(b"r", topic=RECEIPT)
    refuse(wire, QUOTA)
    for number in range(MANY):
        wire.keep(b"%d" % number, topic=RECEIPT)
    for _ in range(2):
        wire.news.clear()
        await wire.news.wait()
        refuse(wire, NOT_AUTHORIZED)
        assert wire.quarantine.aside == MANY + 1
    wire.keep(b"other", topic="b/m/socket/s/received")
    refuse(wire, NOT_AUTHORIZED)
    assert wire.done == []
    assert wire.quarantine.aside == MANY + 2
    wire.queue.close()


@on_virtual_time
async def test_answers_for_later_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even what waits for later can't fill the memory with what others think of; receipts and retries have room."""
    monkeypatch.setattr(quarantine, "MOST_ANSWERS", 3)
    wire = Wire()
    wire.queue.open(16)
    answers(wire, 5, QUOTA)
    assert [payload for payload, _ in wire.done] == [b"a3", b"a4"]
    wire.keep(b"r", topic=RECEIPT)
    refuse(wire, QUOTA)
    wire.news.clear()
    await wire.news.wait()
    for packet in range(len(wire.sent) - 3, len(wire.sent) + 1):
        wire.queue.refused(packet, QUOTA, "no")
    assert len(wire.done) == 2
    wire.queue.close()


@on_virtual_time
async def test_what_nobody_waits_for_is_bounded_over_all_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is only passing, to whatever topics, the oldest is dropped."""
    monkeypatch.setattr(quarantine, "MOST_PASSING", MOST_WAITING)
    wire = Wire()
    wire.queue.open(16)
    for number in range(MOST_WAITING + 2):
        wire.put(b"%d" % number, topic=f"answers/{number}", answer=True)
        refuse(wire, QUOTA)
    sent = len(wire.sent)
    await asyncio.sleep(2)
    for packet in range(sent + 1, sent + MOST_WAITING + 1):
        wire.queue.acknowledged(packet)
    assert wire.sent[sent:] == [b"%d" % number for number in range(2, MOST_WAITING + 2)]
    wire.queue.close()


@on_virtual_time
@pytest.mark.parametrize("ends", ["refused for ever", "too large", "withdrawn"])
async def test_a_try_that_decides_nothing(ends: str) -> None:
    """If what is tried can never be published, or is not to be any more, what waits behind it is tried."""
    wire = Wire()
    wire.queue.open(1)
    first = wire.keep(b"1")
    wire.keep(b"2")
    refuse(wire, QUOTA)
    if ends == "too large":
        wire.too_large.add(b"1")
    wire.news.clear()
    if ends != "refused for ever":
        wire.keep(b"busy", topic="u")
        await asyncio.sleep(1.5)
        if ends == "withdrawn":
            assert wire.queue.withdraw(first)
        wire.queue.acknowledged(len(wire.sent))
    else:
        await wire.news.wait()
        refuse(wire, PAYLOAD_INVALID)
    await asyncio.sleep(1)
    assert wire.sent[-1] == b"2"
    wire.queue.close()


async def test_a_broker_that_takes_nothing_for_a_while() -> None:
    """Receipts and answers to hundreds of Response Topics reach it later, each once."""
    busy = True

    def rule(published: Published) -> Answer:
        return Answer(puback=0x97) if busy and published.topic != "open" else TAKE

    async with ScriptedBroker(rule) as broker:
        peer = Peer(MqttSettings("127.0.0.1", broker.port, protocol=MqttProtocol.V5), subscriptions=())
        await peer.ready()
        publishing = [
            asyncio.create_task(peer.published(Publication(topic=topic, payload=b"%d" % number, answer=answer)))
            for number in range(MANY)
            for topic, answer in ((RECEIPT, False), (f"answers/{number}", True))
        ]
        await broker.until(lambda: len({one.topic for one in broker.published}) == MANY + 1)
        busy = False
        await asyncio.gather(*publishing)
        receipts = [one.payload for one in broker.taken if one.topic == RECEIPT]
        assert receipts == [b"%d" % number for number in range(MANY)]
        assert len(broker.taken) == 2 * MANY
        await peer.end()


@on_virtual_time
async def test_a_response_topic_that_nobody_uses_again_is_forbidden_until_the_next_connection() -> None:
    """It would be called forbidden for ever: nothing waits that would show that it is not any more."""
    wire = Wire()
    wire.queue.open(16)
    wire.put(b"answer", topic="answers/1", answer=True)
    refuse(wire, NOT_AUTHORIZED)
    wire.keep(b"r", topic=RECEIPT)
    refuse(wire, NOT_AUTHORIZED)
    wire.put(b"news", topic="b/m/event")
    refuse(wire, NOT_AUTHORIZED)
    assert "answers/1" in wire.quarantine.forbidden
    wire.queue.close()
    wire.queue.open(16)
    assert wire.quarantine.forbidden == (RECEIPT, "b/m/event")
    wire.queue.close()


@on_virtual_time
async def test_what_is_on_its_way_decides_for_its_topic_though_it_was_to_be_withdrawn() -> None:
    """It can't be called back; with a second try beside it the topic would be tried at a pace of its own."""
    wire = Wire()
    wire.queue.open(16)
    first = wire.keep(b"1")
    refuse(wire, QUOTA)
    wire.keep(b"2")
    await asyncio.sleep(ClientTiming().later[0])
    assert wire.sent == [b"1", b"1"]
    assert not wire.queue.withdraw(first)
    await asyncio.sleep(ClientTiming().later[0] / 2)
    assert wire.sent == [b"1", b"1"]
    wire.queue.close()
