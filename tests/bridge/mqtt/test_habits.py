"""What brokers are allowed to want, one by one and as the clouds want it: what the bridge does then, and says."""

import asyncio
import logging
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.standing import Trouble
from sim7020_bridge.mqtt.topics import Subscription
from tests.bridge.mqtt.peer import PATIENCE, PROTOCOLS, QUICK, Peer, peer, until
from tests.bridge.mqtt.scripted_broker import CLOSE, SILENCE, TAKE, Answer, Published, ScriptedBroker

ONLINE = Publication(topic="b/m/availability", payload=b"online", retain=True)


def to(broker: ScriptedBroker, protocol: MqttProtocol = MqttProtocol.V5) -> MqttSettings:
    """Return settings for a broker."""
    return MqttSettings("127.0.0.1", broker.port, protocol=protocol)


def text(value: str) -> bytes:
    """Return a text as a property has it."""
    return len(value).to_bytes(2, "big") + value.encode()


async def test_receive_maximum_of_one() -> None:
    """The next publication waits until the one before is acknowledged."""
    async with ScriptedBroker(rule=lambda _: SILENCE, connack=b"\x21\x00\x01") as broker, peer(to(broker)) as one:
        for number in range(1, 5):
            one.client.publish(Publication(topic="t", payload=b"%d" % number))
        for number in range(1, 5):
            await broker.until(lambda: len(broker.published) >= number)  # noqa: B023 - waited for at once
            broker.disconnect(0x93) if len(broker.published) > number else broker.answer_again()
        await one.client.wait_idle()
        assert [published.payload for published in broker.published] == [b"1", b"2", b"3", b"4"]
        assert one.connections == 1


@PROTOCOLS
async def test_many_messages_at_once(protocol: MqttProtocol) -> None:
    """What came in one piece is taken to its end, though nothing more comes."""
    async with ScriptedBroker() as broker, peer(to(broker, protocol)) as one:
        for number in range(1, 31):
            broker.deliver("to/m", b"%d" % number, packet=number)
        assert [(await one.next()).payload for _ in range(30)] == [b"%d" % number for number in range(1, 31)]
        await broker.until(lambda: len(broker.acknowledged) == 30)
        assert not broker.pings, "an answer to a ping brought the rest"


@PROTOCOLS
async def test_more_than_the_connection_takes_at_once(protocol: MqttProtocol) -> None:
    """What has to wait for the broker to read goes on when it does, in order and whole."""
    long = [b"%d" % number * 900_000 for number in range(8)]
    async with ScriptedBroker() as broker, peer(to(broker, protocol)) as one:
        for payload in long:
            one.client.publish(Publication(topic="t", payload=payload))
        await one.client.wait_idle()
        assert [published.payload for published in broker.published] == long
        assert not broker.pings, "a ping brought the rest"


@pytest.mark.parametrize("code", [0x00, 0x10], ids=["taken", "nobody subscribes"])
async def test_an_acknowledgement_with_properties(code: int) -> None:
    """Whether a broker says nothing, a code, or more with it: the publication is with it."""
    for more in (b"", bytes([code]), bytes([code, 0]), bytes([code, 4, 0x1F, 0, 1, 0x61])):
        async with ScriptedBroker(rule=lambda _: SILENCE) as broker, peer(to(broker)) as one:
            one.client.publish(Publication(topic="t", payload=b"1"))
            await broker.until(lambda: bool(broker.published))
            broker.babble(bytes([0x40, 2 + len(more)]) + broker.last + more)
            async with asyncio.timeout(PATIENCE):
                await one.client.wait_idle()
            assert one.client.connected


async def test_small_packets(caplog: pytest.LogCaptureFixture) -> None:
    """What is too long for the broker never gets to it, is told with its topic, and holds nothing up."""
    async with ScriptedBroker(connack=b"\x27\x00\x00\x01\x2c") as broker, peer(to(broker)) as one:
        assert one.client.trouble == Trouble(longest=300)
        with pytest.raises(PayloadRefused, match="larger than the 300 bytes") as refused:
            await one.published(Publication(topic="b/m/state", payload=b"x" * 300))
        assert refused.value.code == "too_large"
        assert "A message to b/m/state can't be published" in caplog.text
        await one.published(Publication(topic="t", payload=b"x" * 200))
        assert [published.topic for published in broker.published] == ["t"]


@pytest.mark.parametrize(
    "properties",
    [
        b"\x03" + text("a\0b"),
        b"\x03\x00\x03\xed\xa0\x80",
        b"\x03\x00\x09short",
        b"\x03" + text("a") + b"\x03" + text("b"),
        b"\x01\x02",
        b"\x11\0\0\0\1",
        b"\x7e\x00",
    ],
    ids=["null", "surrogate", "short", "twice", "range", "elsewhere", "unknown"],
)
async def test_a_message_that_is_not_mqtt(properties: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is dropped with a line that names its topic, and acknowledged: else it would come at every connection."""
    async with ScriptedBroker() as broker, peer(to(broker)) as one:
        broker.deliver("to/me", b"x", packet=7, properties=properties)
        broker.deliver("to/me", b"next", packet=8)
        assert (await one.next()).payload == b"next"
        await broker.until(lambda: broker.acknowledged == [7, 8])
        assert "a message to to/me was dropped: it is not MQTT: " in caplog.text
        assert one.connections == 1


@pytest.mark.parametrize(
    "packet", [b"\xf0\0", b"\x32\x01\0", b"\x32\x05\0\1t\0\0", b"\x36\x06\0\1t\0\1\0", b"\x90\xff\xff\xff\xff\x01"]
)
async def test_a_broker_that_sends_what_is_not_mqtt(packet: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The connection ends and is made again, ever more slowly; neither what is published nor another client did it."""
    timing = replace(QUICK, first_retry=0.01, last_retry=60.0)
    async with ScriptedBroker(rule=lambda _: SILENCE) as broker, peer(to(broker), timing=timing) as one:
        one.client.publish(Publication(topic="t", payload=b"x"))
        started = asyncio.get_running_loop().time()
        for connection in range(1, 8):
            await one.ready(connections=connection)
            await broker.until(lambda: any(each.connection == connection for each in broker.published))  # noqa: B023
            broker.babble(packet)
            await until(lambda: not one.client.connected)
        await one.ready(connections=8)
        assert asyncio.get_running_loop().time() - started >= 0.01 * (2**7 - 1) / 2
        assert one.client.trouble == Trouble()
        assert "is away: it sent what is not MQTT: " in caplog.text
        assert "while this was published" not in caplog.text
        assert "second bridge" not in caplog.text


@PROTOCOLS
async def test_a_node_that_refuses(protocol: MqttProtocol, caplog: pytest.LogCaptureFixture) -> None:
    """The next node is not made to wait for it, and the log names the one that refused."""
    busy = 0x88 if protocol is MqttProtocol.V5 else 3
    async with ScriptedBroker(admits=lambda _: busy) as refuses, ScriptedBroker() as takes:
        nodes = replace(to(refuses, protocol), other_nodes=(("127.0.0.1", takes.port),))
        async with peer(nodes, timing=replace(QUICK, refused_retry=3600.0)) as one:
            await one.published(Publication(topic="t", payload=b"x"))
        assert refuses.connections == takes.connections == 1
        assert f"127.0.0.1:{refuses.port} refused the connection: " in caplog.text


async def test_the_server_s_keep_alive() -> None:
    """It counts, and not the configured one."""
    async with ScriptedBroker(connack=b"\x13\x00\x01") as broker:
        one = Peer(replace(to(broker), keepalive=3600))
        await broker.until(lambda: broker.pings >= 2)
        assert one.connections == 1
        await one.end()


async def test_a_session_that_is_kept_for_less(caplog: pytest.LogCaptureFixture) -> None:
    """For how long is in the log; one that is not kept at all is trouble."""
    caplog.set_level(logging.INFO)
    async with ScriptedBroker(connack=b"\x11\x00\x00\x0e\x10") as broker, peer(to(broker)) as one:
        assert one.client.trouble == Trouble(kept=3600)
        assert "a new session, kept for 3600 s at most" in caplog.text
    async with ScriptedBroker(connack=b"\x11\x00\x00\x00\x00") as broker, peer(to(broker)) as one:
        assert one.client.trouble == Trouble(kept=0, no_session=True)


async def test_a_broker_that_forgets_sessions() -> None:
    """Once may be a restart, again and again is trouble; and it is over when a session is known again."""
    async with ScriptedBroker() as broker, peer(to(broker)) as one:
        for connection in range(1, 5):
            await one.ready(connections=connection)
            assert one.client.trouble.no_session is (connection == 4)
            broker.forget_session()
            broker.hang_up()
            await until(lambda: not one.client.connected)
        await one.ready(connections=5)
        broker.hang_up()
        await one.ready(connections=6)
        assert not one.client.trouble.no_session


async def test_no_qos_1() -> None:
    """Nothing that matters can be relied on there."""
    async with ScriptedBroker(connack=b"\x24\x00") as broker, peer(to(broker)) as one:
        assert one.client.trouble == Trouble(no_session=True)


async def test_no_retained_messages() -> None:
    """Nothing is retained there, for such a broker disconnects whoever does; and that is trouble."""

    def rule(published: Published) -> Answer:
        return CLOSE if published.retain else TAKE

    async with (
        ScriptedBroker(rule=rule, connack=b"\x25\x00") as broker,
        peer(to(broker), greeting=[ONLINE]) as one,
    ):
        await one.published(Publication(topic="t", payload=b"x", retain=True))
        assert one.client.trouble == Trouble(no_retain=True)
        assert one.connections == 1


async def test_no_subscriptions_with_wildcards(caplog: pytest.LogCaptureFixture) -> None:
    """They are not asked for, what the bridge does not hear is trouble, and the rest is heard."""
    subscriptions = [Subscription("b/m/request/+"), Subscription("a/#"), Subscription("exact")]
    async with ScriptedBroker(connack=b"\x28\x00", gives=lambda _: True) as broker:
        settings = to(broker)
        async with peer(settings, subscriptions=subscriptions, greeting=[ONLINE], probe=ONLINE.topic) as one:
            await broker.until(lambda: bool(broker.asked and broker.published))
            await one.published(Publication(topic="t", payload=b"x"))
            assert broker.asked == ["exact"]
            assert one.client.trouble == Trouble(deaf_to=("a/#", "b/m/request/+"), wildcards=False)
            assert one.troubles[-1] == one.client.trouble
            assert "has no subscriptions with wildcards: none for b/m/request/+" in caplog.text
            broker.connack = b""
            broker.hang_up()
            await until(lambda: one.client.trouble == Trouble(wildcards=True))


async def test_no_shared_subscriptions() -> None:
    """They are not asked for: there are brokers that grant them all the same, and deal nothing."""
    subscriptions = [Subscription("$share/g/pool"), Subscription("to")]
    async with ScriptedBroker(connack=b"\x2a\x00") as broker, peer(to(broker), subscriptions=subscriptions) as one:
        await until(lambda: broker.asked == ["to"])
        assert one.client.trouble == Trouble(no_pools=True)


@pytest.mark.parametrize("connack", [b"", b"\x22\x00\x00", b"\x22\x00\x0a"], ids=["unsaid", "none", "ten"])
async def test_no_topic_aliases(connack: bytes) -> None:
    """However many the broker would take, each publication has its topic."""
    async with ScriptedBroker(connack=connack) as broker, peer(to(broker)) as one:
        for _ in range(3):
            await one.published(Publication(topic="a/topic", payload=b"x", expiry=60))
        assert [(each.topic, each.properties) for each in broker.published] == [("a/topic", b"\x02\0\0\0<")] * 3


async def test_an_assigned_client_identifier(caplog: pytest.LogCaptureFixture) -> None:
    """It is told; the bridge goes on under its own."""
    caplog.set_level(logging.INFO)
    async with ScriptedBroker(connack=b"\x12" + text("auto-7")) as broker, peer(to(broker), client_id="mine") as one:
        await one.published(Publication(topic="t", payload=b"x"))
        broker.hang_up()
        await one.ready(connections=2)
        assert broker.client_ids == ["mine"] * 2
        assert "a new session, under the client identifier auto-7" in caplog.text


@PROTOCOLS
@pytest.mark.parametrize("longest", [23, 128])
async def test_short_client_identifiers(protocol: MqttProtocol, longest: int, caplog: pytest.LogCaptureFixture) -> None:
    """A longer one is refused, and the log names the key that gives a shorter one, which is taken."""
    refused = 0x85 if protocol is MqttProtocol.V5 else 2
    async with ScriptedBroker(admits=lambda client_id: refused if len(client_id) > longest else 0) as broker:
        one = Peer(to(broker, protocol), client_id="x" * (longest + 1))
        await until(lambda: len(broker.client_ids) >= 2)
        assert "Set client_id of the modem to one that the broker allows" in caplog.text
        assert one.connections == 0
        await one.end()
        async with peer(to(broker, protocol), client_id="x" * longest) as other:
            await other.published(Publication(topic="t", payload=b"x"))


async def test_a_cloud_s_broker(caplog: pytest.LogCaptureFixture) -> None:
    """AWS IoT Core's habits at once: it closes for what it does not allow, and for topics of more than seven slashes.

    It keeps sessions for an hour, takes QoS 1 at most and packets of 128 KiB, and few retained messages.
    """
    retained: set[str] = set()

    def rule(published: Published) -> Answer:
        if published.qos > 1 or published.topic.count("/") > 7 or published.topic.startswith("forbidden/"):
            return CLOSE
        if published.retain:
            retained.add(published.topic)
        return TAKE

    connack = b"\x24\x01\x21\x00\x64\x11\x00\x00\x0e\x10\x27\x00\x02\x00\x00\x22\x00\x08\x13\x04\xb0"
    deep, forbidden = "a/b/c/d/e/f/g/h/i", "forbidden/answer"
    timing = replace(QUICK, disconnects=(60.0, 60.0))
    async with (
        ScriptedBroker(rule=rule, connack=connack) as broker,
        peer(to(broker), greeting=[ONLINE], timing=timing) as one,
    ):
        for topic in (deep, forbidden):
            one.client.publish_awaited(Publication(topic=topic, payload=b"kept"), lambda _: None)
        for number in range(20):
            one.client.publish(Publication(topic="b/m/socket/s/receipt", payload=b"%d" % number))
        async with asyncio.timeout(30):
            await one.client.wait_idle()
        taken = dict.fromkeys(each.payload for each in broker.taken if each.topic == "b/m/socket/s/receipt")
        assert list(taken) == [b"%d" % number for number in range(20)]
        assert {each.qos for each in broker.published} == {1}
        trouble = one.client.trouble
        assert (set(trouble.forbidden), trouble.aside) == ({deep, forbidden}, 2)
        assert trouble.kept == 3600
        assert retained == {ONLINE.topic}
        for topic in (deep, forbidden):
            assert f"A message to {topic} can't be published: the broker disconnects when it comes" in caplog.text
        assert "second bridge" not in caplog.text
