"""The broker connection against a real mosquitto: sessions, acknowledgements, restarts, the end."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.topics import Subscription
from tests.bridge.mqtt.peer import PATIENCE, PROTOCOLS, QUICK, WILL, Peer, Relay, at, peer, run, until
from tests.broker import Mosquitto, mosquitto
from tests.ports import free_port


@PROTOCOLS
async def test_publish_and_receive(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """Bytes go to the broker and come back as they were."""
    async with peer(at(broker, protocol)) as one:
        payload = bytes(range(256))
        await one.published(Publication(topic="to/me", payload=payload))
        received = await one.next()
        assert (received.topic, received.payload, received.qos) == ("to/me", payload, 1)
        assert not received.retain
        assert received.response_topic is None


async def test_mqtt_5_properties(broker: Mosquitto) -> None:
    """Response topic, correlation data, expiry and user properties arrive."""
    async with peer(at(broker)) as one:
        one.client.publish(Publication(topic="to/me", payload=b"x", correlation_data=b"\x00\xff", expiry=3600))
        received = await one.next()
        assert received.correlation_data == b"\x00\xff"
        assert received.message_expiry is not None
        assert 3600 - PATIENCE <= received.message_expiry <= 3600
        await run(
            "mosquitto_pub", "-V", "5", "-p", str(broker.port), "-t", "to/me", "-m", "x", "-q", "2",
            "-D", "publish", "response-topic", "answer/here",
            "-D", "publish", "user-property", "id", "7",
            "-D", "publish", "user-property", "id", "8",
        )  # fmt: skip
        received = await one.next()
        assert received.response_topic == "answer/here"
        assert received.user_properties == (("id", "7"), ("id", "8"))
        assert received.qos == 1


async def test_a_byte_order_mark_in_the_properties(broker: Mosquitto) -> None:
    """U+FEFF is a character as any other: such a message is taken, once, and the connection stays."""
    async with peer(at(broker)) as one:
        await run(
            "mosquitto_pub", "-V", "5", "-p", str(broker.port), "-t", "to/me", "-m", "x", "-q", "1",
            "-D", "publish", "user-property", "\ufeffnote", "\ufeffhello",
            "-D", "publish", "content-type", "\ufefftext",
            "-D", "publish", "response-topic", "answer/\ufeff",
        )  # fmt: skip
        received = await one.next()
        assert received.user_properties == (("\ufeffnote", "\ufeffhello"),)
        assert received.response_topic == "answer/\ufeff"
        await one.published(Publication(topic="to/me", payload=b"next"))
        assert (await one.next()).payload == b"next"
        assert one.connections == 1


async def test_the_library_opens_no_connection_of_its_own(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that opens it in a way of its own is not used: it would block the event loop, and know of no TLS."""
    monkeypatch.delattr("sim7020_bridge.mqtt.paho_client.PahoClient._create_socket")
    one = Peer(at(broker))
    with pytest.raises(NotImplementedError, match="opens a connection of its own"):
        await one.task
    assert one.connections == 0


@PROTOCOLS
async def test_retained_commands_are_seen_as_such(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """An old retained message always shows its flag; a new one does with MQTT 5, where that was asked for."""
    publish = ("mosquitto_pub", "-p", str(broker.port), "-r", "-m", "x", "-q", "1", "-t")
    await run(*publish, "to/old")
    subscriptions = (Subscription("to/#", retain_as_published=True), Subscription("other/#"))
    async with peer(at(broker, protocol), subscriptions=subscriptions) as one:
        assert (await one.next()).retain
        await run(*publish, "to/new")
        assert (await one.next()).retain is (protocol is MqttProtocol.V5)
        await run(*publish, "other/new")
        assert not (await one.next()).retain


@PROTOCOLS
async def test_unacknowledged_messages_come_again(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """What was not acknowledged is delivered again, also to a new process; what was is not."""
    async with peer(at(broker, protocol)) as one:
        for number in range(3):
            one.client.publish(Publication(topic="to/me", payload=b"%d" % number))
        first, second, third = [await one.heard.get() for _ in range(3)]
        assert one.client.acknowledge(second)
        await one.published(Publication(topic="elsewhere", payload=b""))
        assert (first.payload, third.payload) == (b"0", b"2")
    async with peer(at(broker, protocol)) as again:
        assert [(await again.next()).payload for _ in range(2)] == [b"0", b"2"]


@PROTOCOLS
async def test_messages_wait_while_the_bridge_is_away(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """The session is persistent: what is published meanwhile is delivered later."""
    async with peer(at(broker, protocol)):
        pass
    await run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "to/me", "-m", "later")
    async with peer(at(broker, protocol)) as one:
        assert (await one.next()).payload == b"later"


@PROTOCOLS
@pytest.mark.parametrize("gently", [True, False], ids=["stopped", "killed"])
async def test_broker_restart(*, broker: Mosquitto, protocol: MqttProtocol, gently: bool) -> None:
    """After a restart, everything is subscribed again, greeted again, and what waited is published."""
    greeting = Publication(topic="b/m/availability", payload=b"online", retain=True)
    async with peer(at(broker, protocol), greeting=[greeting]) as one:
        await (broker.stop() if gently else broker.kill())
        await until(lambda: not one.client.connected)
        one.client.publish(Publication(topic="to/me", payload=b"old", retain=True))
        one.client.publish(Publication(topic="to/me", payload=b"new", retain=True))
        one.client.publish(Publication(topic="to/me", payload=b"event"))
        waiting = asyncio.create_task(one.published(Publication(topic="to/me", payload=b"sure")))
        withdrawn = asyncio.create_task(one.published(Publication(topic="to/me", payload=b"never")))
        await asyncio.sleep(0)
        withdrawn.cancel()
        await broker.start()
        await one.ready(connections=2)
        async with asyncio.timeout(PATIENCE):
            await waiting
        assert [(await one.next()).payload for _ in range(3)] == [b"new", b"event", b"sure"]
        assert "online" in await run("mosquitto_sub", "-p", str(broker.port), "-C", "1", "-t", "b/m/availability")


@PROTOCOLS
async def test_publish_now_or_never(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """What is published now comes at once; while the broker is away it is refused, and never comes."""
    async with peer(at(broker, protocol)) as one:
        assert one.client.publish_now("to/me", b"1")
        assert (await one.next()).payload == b"1"
        await broker.kill()
        await until(lambda: not one.client.connected)
        assert not one.client.publish_now("to/me", b"2")
        await broker.start()
        await one.ready(connections=2)
        assert one.client.publish_now("to/me", b"3")
        assert (await one.next()).payload == b"3"
        await one.published(Publication(topic="to/me", payload=b"4"))
        assert (await one.next()).payload == b"4"


async def test_acknowledgement_is_bound_to_its_connection(broker: Mosquitto) -> None:
    """A packet identifier from before a reconnection acknowledges nothing: the broker may have given it away."""
    async with peer(at(broker)) as one:
        await one.published(Publication(topic="to/me", payload=b"x"))
        stale = await one.heard.get()
        await broker.kill()
        await broker.start()
        await one.ready(connections=2)
        before = broker.log.count("Received PUBACK from sim7020-bridge-m")
        assert not one.client.acknowledge(stale)
        await one.published(Publication(topic="elsewhere", payload=b""))
        assert broker.log.count("Received PUBACK from sim7020-bridge-m") == before


@PROTOCOLS
async def test_many_publications_after_an_outage(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """Hundreds of queued messages go out in order without overrunning the broker's window."""
    async with peer(at(broker, protocol)) as one:
        await broker.stop()
        await until(lambda: not one.client.connected)
        for number in range(300):
            one.client.publish(Publication(topic="to/me", payload=b"%d" % number))
        await broker.start()
        await one.ready(connections=2)
        assert [int((await one.next()).payload) for _ in range(300)] == list(range(300))
        assert one.connections == 2


async def test_clean_end_publishes_the_farewell(broker: Mosquitto) -> None:
    """A bridge that is stopped says what it has to, and its will stays silent."""
    async with peer(at(broker), farewell=[Publication(topic="b/m/availability", payload=b"bye", retain=True)]):
        pass
    assert await run("mosquitto_sub", "-p", str(broker.port), "-C", "1", "-t", "b/m/availability") == "bye\n"
    assert "Received DISCONNECT from sim7020-bridge-m" in broker.log


async def test_will_speaks_when_the_farewell_cannot(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    """When the broker does not take the farewell in time, the connection is cut so that the will is published."""
    watcher = asyncio.create_task(
        run("mosquitto_sub", "-p", str(broker.port), "-C", "1", "-t", "b/m/availability", "-q", "1")
    )
    await until(lambda: "b/m/availability (QoS 1)" in broker.log)
    async with Relay(broker.port) as relay:
        one = Peer(MqttSettings("127.0.0.1", relay.port), farewell=[WILL])
        await one.ready()
        relay.flows.clear()
        await one.end()
        assert "it will publish the last will" in caplog.text
    async with asyncio.timeout(PATIENCE):
        assert await watcher == "offline\n"


async def test_silent_broker_is_noticed(broker: Mosquitto) -> None:
    """A connection that has gone dead is given up after the keep-alive."""
    async with Relay(broker.port) as relay:
        one = Peer(MqttSettings("127.0.0.1", relay.port, keepalive=1))
        await one.ready()
        relay.flows.clear()
        await until(lambda: not one.client.connected)
        relay.flows.set()
        await one.ready(connections=2)
        await one.end()


async def test_what_is_given_up_is_told_at_every_connection(broker: Mosquitto) -> None:
    """A session that still listens to what is not wanted any more is told so, whenever it comes about."""
    async with peer(at(broker)):
        pass
    one = Peer(at(broker), subscriptions=(Subscription("to/#"), Subscription("kept")))
    one.client.subscribe((Subscription("kept"),))
    for connections in (1, 2):
        await one.ready(connections=connections)
        for topic in ("to/me", "kept"):
            await one.published(Publication(topic=topic, payload=b"x"))
        assert (await one.next()).topic == "kept"
        listen = ("mosquitto_sub", "-V", "5", "-p", str(broker.port), "-i", "sim7020-bridge-m", "-c", "-x", "3600")
        await run(*listen, "-q", "1", "-t", "to/#", "-E")
    await one.end()


async def test_end_while_connecting() -> None:
    """Stopping does not wait for a connection that hangs; what still comes of it is closed."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        one = Peer(MqttSettings("127.0.0.1", full.getsockname()[1]), timing=replace(QUICK, connect=86400.0))
        await asyncio.sleep(0.05)
        await one.end()
        for filler in fillers:
            filler.close()


async def test_end_while_connecting_closes_what_opens() -> None:
    """A connection that opens as the client ends is closed, and nobody watches its descriptor after that."""
    accepted, closed = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()
        writer.close()
        closed.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, asyncio.timeout(PATIENCE):
        place = MqttSettings("127.0.0.1", server.sockets[0].getsockname()[1])
        for turns in range(100):
            one = Peer(place)
            await accepted.wait()
            for _ in range(turns % 10):
                await asyncio.sleep(0)
            await one.end()
            await closed.wait()
            assert not one.client.connected
            accepted.clear()
            closed.clear()


async def test_wait_connected(broker: Mosquitto) -> None:
    """Who needs a connection can wait for it."""
    one = Peer(at(broker))
    async with asyncio.timeout(PATIENCE):
        await one.client.wait_connected()
    assert one.client.connected
    await one.end()


@PROTOCOLS
async def test_another_node_of_the_cluster(tmp_path: Path, protocol: MqttProtocol) -> None:
    """Where one node can't be reached the next is tried, and so on in turn, for as long as it takes."""
    async with mosquitto(tmp_path) as other:
        settings = replace(
            MqttSettings("127.0.0.1", free_port(), protocol=protocol),
            other_nodes=(("127.0.0.1", free_port()), (other.host, other.port)),
        )
        async with peer(settings) as one:
            await one.published(Publication(topic="to/me", payload=b"x"))
            assert (await one.next()).payload == b"x"
            await other.stop()
            await until(lambda: not one.client.connected)
            await other.start()
            await one.ready(connections=2)
