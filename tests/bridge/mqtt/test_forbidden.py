"""Brokers that refuse what is published, or hang up for it; over both protocol versions and a real connection."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.timing import ClientTiming
from tests.bridge.mqtt.peer import PROTOCOLS, Peer, until
from tests.bridge.mqtt.scripted_broker import CLOSE, SILENCE, TAKE, Answer, Published, ScriptedBroker

TIMING = ClientTiming(
    connect=5.0,
    first_retry=0.02,
    last_retry=0.1,
    refused_retry=0.05,
    stable=5.0,
    farewell=1.0,
    tick=0.05,
    later=(0.05, 0.2),
    forbidden=(0.3, 1.0),
    disconnects=(0.5, 2.0),
)
IMPATIENT = replace(TIMING, answer=(0.1, 0.3), silent=(0.2, 1.0))
STATE = Publication(topic="b/m/state", payload=b"{}", retain=True)
HANGS_UP = [
    pytest.param(MqttProtocol.V311, CLOSE, id="3.1.1, closes"),
    pytest.param(MqttProtocol.V5, CLOSE, id="5, closes"),
    pytest.param(MqttProtocol.V5, Answer(puback=None, disconnect=0x87), id="5, says why"),
]


@asynccontextmanager
async def client(
    broker: ScriptedBroker,
    protocol: MqttProtocol,
    greeting: tuple[Publication, ...] = (),
    timing: ClientTiming = TIMING,
) -> AsyncIterator[Peer]:
    """Run a client that is connected to the broker."""
    settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol, keepalive=2)
    peer = Peer(settings, greeting=greeting, subscriptions=(), timing=timing)
    try:
        await peer.ready()
        yield peer
    finally:
        await peer.end()


@pytest.mark.parametrize("code", [0x97, 0x80, 0x83])
async def test_not_now(code: int) -> None:
    """What the broker can't take now reaches it later, once, while other topics go on."""
    refusals = [Answer(puback=code)] * 3

    def rule(published: Published) -> Answer:
        return refusals.pop() if published.topic == "busy" and refusals else TAKE

    async with ScriptedBroker(rule) as broker, client(broker, MqttProtocol.V5) as peer:
        publishing = [
            asyncio.create_task(peer.published(Publication(topic=topic, payload=b"%d" % number)))
            for number, topic in enumerate(("busy", "busy", "idle"))
        ]
        await asyncio.gather(*publishing)
        assert sorted(one.payload for one in broker.taken) == [b"0", b"1", b"2"]
        assert broker.taken[0].topic == "idle"
        assert [one.payload for one in broker.taken if one.topic == "busy"] == [b"0", b"1"]
        assert broker.connections == 1


async def test_forbidden_until_the_rules_are_mended(caplog: pytest.LogCaptureFixture) -> None:
    """What is refused as not authorized is kept, told once, and comes once it is allowed, without a new connection."""
    allowed = False

    def rule(published: Published) -> Answer:
        return TAKE if allowed or published.topic != "secret" else Answer(puback=0x87)

    async with ScriptedBroker(rule) as broker, client(broker, MqttProtocol.V5) as peer:
        publishing = asyncio.create_task(peer.published(Publication(topic="secret", payload=b"1")))
        await broker.until(lambda: len(broker.published) >= 3)
        await peer.published(Publication(topic="open", payload=b"2"))
        assert peer.client.trouble.aside == 1
        allowed = True
        await publishing
        assert [one.payload for one in broker.taken if one.topic == "secret"] == [b"1"]
        assert broker.connections == 1
        assert peer.forbidden == ["secret"]
    assert caplog.text.count("A message to secret can't be published: the broker refused it: Not authorized") == 1


@pytest.mark.parametrize("answer", [Answer(0x90), Answer(0x99), Answer(None, disconnect=0x95)], ids=str)
async def test_never(answer: Answer) -> None:
    """What can never be published is given up at once."""
    rule = lambda published: answer if published.payload == b"bad" else TAKE  # noqa: E731
    async with ScriptedBroker(rule) as broker, client(broker, MqttProtocol.V5) as peer:
        with pytest.raises(PayloadRefused, match=r"the broker (refused|disconnects)"):
            await peer.published(Publication(topic="t", payload=b"bad"))
        await peer.published(Publication(topic="t", payload=b"good"))
        assert [one.payload for one in broker.taken] == [b"good"]
        assert len(broker.published) <= 3


@pytest.mark.parametrize(("protocol", "answer"), HANGS_UP)
async def test_a_status_topic_for_which_the_broker_hangs_up(
    protocol: MqttProtocol, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is found, named and left alone, and all else gets through, however often the status is published anew."""
    caplog.set_level(logging.INFO)
    greeting = tuple(Publication(topic=f"b/m/{name}", payload=b"{}", retain=True) for name in ("a", "state", "z"))
    rule = lambda published: answer if published.topic == STATE.topic else TAKE  # noqa: E731
    async with ScriptedBroker(rule) as broker, client(broker, protocol, greeting) as peer:
        receipts = [
            asyncio.create_task(peer.published(Publication(topic="receipt", payload=b"%d" % number)))
            for number in range(5)
        ]
        while not peer.forbidden:
            peer.client.publish(STATE)
            await asyncio.sleep(0.01)
        await asyncio.gather(*receipts)
        await broker.until(lambda: {"b/m/a", "b/m/z"} <= {one.topic for one in broker.taken})
        assert peer.forbidden == [STATE.topic]
        found = broker.connections
        assert found <= 8
        for _ in range(20):
            peer.client.publish(STATE)
            await peer.published(Publication(topic="receipt", payload=b"later"))
        assert broker.connections <= found + 1
        assert "A message to b/m/state can't be published: the broker disconnects when it comes" in caplog.text
        assert "second bridge" not in caplog.text


async def test_the_search_does_not_slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is searched for what makes the broker hang up, the pauses between connections do not grow."""
    attempts: list[int] = []

    def pause(_timing: ClientTiming, before: int, *, refused: bool) -> float:
        del refused
        attempts.append(before)
        return 0.01

    monkeypatch.setattr(ClientTiming, "pause", pause)
    rule = lambda published: CLOSE if published.topic == STATE.topic else TAKE  # noqa: E731
    async with ScriptedBroker(rule) as broker, client(broker, MqttProtocol.V311, (STATE,)) as peer:
        await broker.until(lambda: len(attempts) >= 5 or bool(peer.forbidden))
    assert len(attempts) >= 4
    assert max(attempts) <= 1


@pytest.mark.parametrize(("protocol", "answer"), HANGS_UP)
async def test_it_is_tried_again_now_and_then(
    protocol: MqttProtocol, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """What made the broker hang up comes once it may; that it is known to do so is no sign of a second bridge."""
    allowed = False

    def rule(published: Published) -> Answer:
        return TAKE if allowed or published.topic != "secret" else answer

    async with ScriptedBroker(rule) as broker, client(broker, protocol) as peer:
        publishing = asyncio.create_task(peer.published(Publication(topic="secret", payload=b"1")))
        while not peer.forbidden:
            await peer.published(Publication(topic="open", payload=b"2"))
            await asyncio.sleep(0.01)
        await broker.until(lambda: sum(one.topic == "secret" for one in broker.published) >= 5)
        assert peer.client.trouble.taken_over == 0
        allowed = True
        await publishing
        assert peer.client.trouble.aside == 0
    assert "second bridge" not in caplog.text


@PROTOCOLS
async def test_topics_that_the_broker_does_not_answer(protocol: MqttProtocol, caplog: pytest.LogCaptureFixture) -> None:
    """They take the room of no other, however many; each is named, tried again, and comes once it is answered."""
    allowed = False
    rule = lambda one: TAKE if allowed or not one.topic.startswith("secret") else SILENCE  # noqa: E731
    async with ScriptedBroker(rule) as broker, client(broker, protocol, timing=IMPATIENT) as peer:
        secrets = [
            asyncio.create_task(peer.published(Publication(topic=f"secret/{number}", payload=b"%d" % number)))
            for number in range(20)
        ]
        for number in range(5):
            await peer.published(Publication(topic="open", payload=b"%d" % number))
        await until(lambda: len(peer.forbidden) == 20)
        assert peer.client.trouble.aside == 20
        assert "A message to secret/0 can't be published: the broker does not answer it" in caplog.text
        broker.hang_up()
        await peer.ready(connections=2)
        await peer.published(Publication(topic="open", payload=b"after"))
        allowed = True
        await asyncio.gather(*secrets)
        assert peer.client.trouble.aside == 0
        assert [one.payload for one in broker.taken if one.topic == "open"] == [
            *(b"%d" % n for n in range(5)),
            b"after",
        ]


async def test_a_late_answer() -> None:
    """What was answered after all is not published again, and its topic is held no longer."""
    timing = replace(IMPATIENT, silent=(60.0, 60.0))
    async with ScriptedBroker(lambda _: SILENCE) as broker, client(broker, MqttProtocol.V5, timing=timing) as peer:
        publishing = asyncio.create_task(peer.published(Publication(topic="slow", payload=b"1")))
        await until(lambda: peer.forbidden == ["slow"])
        broker.answer_again()
        await publishing
        assert peer.client.trouble.forbidden == ()
        assert [one.topic for one in broker.published] == ["slow"]


async def test_many_topics_that_somebody_else_thought_of() -> None:
    """Foreign topics for which the broker hangs up cost a connection or two each, and no receipt."""
    rule = lambda one: Answer(puback=None, disconnect=0x87) if one.topic.startswith("foreign") else TAKE  # noqa: E731
    async with ScriptedBroker(rule) as broker, client(broker, MqttProtocol.V5) as peer:
        for number in range(5):
            for _ in range(3):
                peer.client.publish(Publication(topic=f"foreign/{number}", payload=b"x"))
            await peer.published(Publication(topic="receipt", payload=b"%d" % number))
        await broker.until(lambda: broker.connections >= 3)
        await peer.published(Publication(topic="receipt", payload=b"last"))
        assert broker.connections <= 11


async def test_small_limits() -> None:
    """A broker that takes one publication at a time and short ones only gets all that it takes."""
    async with (
        ScriptedBroker(connack=b"\x21\x00\x01\x27\x00\x00\x00\xc8") as broker,
        client(broker, MqttProtocol.V5) as peer,
    ):
        with pytest.raises(PayloadRefused, match="larger than the 200 bytes"):
            await peer.published(Publication(topic="t", payload=bytes(200)))
        await asyncio.gather(*(peer.published(Publication(topic="t", payload=b"%d" % n)) for n in range(20)))
        assert [one.payload for one in broker.taken] == [b"%d" % number for number in range(20)]


async def test_a_session_that_is_lost() -> None:
    """What was not acknowledged comes again with DUP in a session that goes on, and not in a new one."""
    async with ScriptedBroker() as broker, client(broker, MqttProtocol.V5) as peer:
        broker.deliver("to/m", b"x", packet=1)
        first = await peer.heard.get()
        broker.hang_up()
        again = await peer.heard.get()
        assert (first.duplicate, again.duplicate, again.payload) == (False, True, b"x")
        known = [peer.client.session_present]
        broker.forget_session()
        broker.hang_up()
        await peer.ready(connections=3)
        assert [*known, peer.client.session_present] == [True, False]
        broker.deliver("to/m", b"y", packet=1)
        other = await peer.next()
        assert (other.payload, other.duplicate) == (b"y", False)
        await broker.until(lambda: broker.acknowledged == [1])
