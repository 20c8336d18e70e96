"""The broker connection against a real mosquitto: sessions, restarts, refusals, limits, TLS."""

import asyncio
import contextlib
import json
import logging
import socket
import ssl
import statistics
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Self

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings, TlsSettings
from sim7020_bridge.errors import BrokerDisconnects, PayloadRefused
from sim7020_bridge.mqtt import arrival
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription
from tests.broker import Mosquitto, free_port, mosquitto

QUICK = ClientTiming(
    connect=2.0, first_retry=0.02, last_retry=0.1, refused_retry=0.05, stable=5.0, farewell=1.0, tick=0.05
)
PATIENCE = 30.0
"""Seconds that a test waits for something that must come."""
WILL = Publication(topic="b/m/availability", payload=b"offline", retain=True)
PROTOCOLS = pytest.mark.parametrize("protocol", list(MqttProtocol), ids=["v5", "v311"])


class Peer:
    """A client under test, with what it heard."""

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str = "sim7020-bridge-m",
        subscriptions: Sequence[Subscription] = (Subscription("to/#", retain_as_published=True),),
        greeting: Sequence[Publication] = (),
        farewell: Sequence[Publication] = (),
        timing: ClientTiming = QUICK,
    ) -> None:
        self.heard: asyncio.Queue[Received] = asyncio.Queue()
        self.connections = 0
        self.greeting = greeting
        self.client = MqttClient(
            settings,
            client_id=client_id,
            will=WILL,
            farewell=farewell,
            subscriptions=subscriptions,
            on_connect=self.connected,
            on_message=self.heard.put_nowait,
            timing=timing,
        )
        self.task = asyncio.create_task(self.client.run())

    def connected(self) -> None:
        """Count connections, and greet."""
        self.connections += 1
        for publication in self.greeting:
            self.client.publish(publication)

    async def next(self) -> Received:
        """Return the next message, acknowledged."""
        async with asyncio.timeout(PATIENCE):
            received = await self.heard.get()
        self.client.acknowledge(received)
        return received

    async def ready(self, *, connections: int = 1) -> None:
        """Return when connected for the nth time and subscribed."""
        await until(lambda: self.connections >= connections and self.client.connected)

    async def end(self) -> None:
        """Stop in good order."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - logs and brokers set no events
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def peer(settings: MqttSettings, **how: object) -> AsyncIterator[Peer]:
    """Run a client that is connected."""
    one = Peer(settings, **how)  # type: ignore[arg-type]  # keywords of Peer, passed on
    try:
        await one.ready()
        yield one
    finally:
        await one.end()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """Run a broker that anybody may use."""
    async with mosquitto(tmp_path) as running:
        yield running


def at(broker: Mosquitto, protocol: MqttProtocol = MqttProtocol.V5) -> MqttSettings:
    """Return settings for a broker."""
    return MqttSettings(broker.host, broker.port, protocol=protocol)


@PROTOCOLS
async def test_publish_and_receive(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """Bytes go to the broker and come back as they were."""
    async with peer(at(broker, protocol)) as one:
        payload = bytes(range(256))
        await one.client.publish_acknowledged(Publication(topic="to/me", payload=payload))
        received = await one.next()
        assert (received.topic, received.payload, received.qos) == ("to/me", payload, 1)
        assert not received.retain
        assert received.response_topic is None


async def test_mqtt_5_properties(broker: Mosquitto) -> None:
    """Response topic, correlation data, expiry and user properties arrive; an invalid response topic does not."""
    async with peer(at(broker)) as one:
        one.client.publish(Publication(topic="to/me", payload=b"x", correlation_data=b"\x00\xff", expiry=3600))
        received = await one.next()
        assert received.correlation_data == b"\x00\xff"
        assert received.message_expiry is not None
        assert 3600 - PATIENCE <= received.message_expiry <= 3600
        for response_topic in ("answer/here", "answer/#"):
            await run(
                "mosquitto_pub", "-V", "5", "-p", str(broker.port), "-t", "to/me", "-m", "x", "-q", "2",
                "-D", "publish", "response-topic", response_topic,
                "-D", "publish", "user-property", "id", "7",
                "-D", "publish", "user-property", "id", "8",
            )  # fmt: skip
            if response_topic == "answer/#":
                break
            received = await one.next()
            assert received.response_topic == "answer/here"
            assert received.user_properties == (("id", "7"), ("id", "8"))
            assert received.qos == 1


async def test_nagle_is_off(tmp_path: Path) -> None:
    """Small packets are not held back: of fifty round trips, each acknowledged, few take the 40 ms of a late ACK."""
    async with mosquitto(tmp_path, "set_tcp_nodelay true") as broker, peer(at(broker)) as one:
        took = []
        for _ in range(50):
            started = asyncio.get_running_loop().time()
            await one.client.publish_acknowledged(Publication(topic="to/me", payload=b"x"))
            await one.next()
            took.append(asyncio.get_running_loop().time() - started)
        # the median: the broker is a program of its own, which a busy machine may keep from running now and then
        assert statistics.median(took) < 0.04


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
        one.client.acknowledge(second)
        await one.client.publish_acknowledged(Publication(topic="elsewhere", payload=b""))
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
        waiting = asyncio.create_task(one.client.publish_acknowledged(Publication(topic="to/me", payload=b"sure")))
        withdrawn = asyncio.create_task(one.client.publish_acknowledged(Publication(topic="to/me", payload=b"never")))
        await asyncio.sleep(0)
        withdrawn.cancel()
        await broker.start()
        await one.ready(connections=2)
        async with asyncio.timeout(PATIENCE):
            await waiting
        assert [(await one.next()).payload for _ in range(3)] == [b"new", b"event", b"sure"]
        assert "online" in await run("mosquitto_sub", "-p", str(broker.port), "-C", "1", "-t", "b/m/availability")


async def test_acknowledgement_is_bound_to_its_connection(broker: Mosquitto) -> None:
    """A packet identifier from before a reconnection acknowledges nothing: the broker may have given it away."""
    async with peer(at(broker)) as one:
        await one.client.publish_acknowledged(Publication(topic="to/me", payload=b"x"))
        stale = await one.heard.get()
        await broker.kill()
        await broker.start()
        await one.ready(connections=2)
        before = broker.log.count("Received PUBACK from sim7020-bridge-m")
        one.client.acknowledge(stale)
        await one.client.publish_acknowledged(Publication(topic="elsewhere", payload=b""))
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
        assert "its last will speaks" in caplog.text
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


class Relay:
    """A TCP relay that can hold everything back, or answer with bytes of its own."""

    def __init__(self, to: int | None = None, answer: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.to = to
        self.answer = answer
        self.tls = tls
        self.flows = asyncio.Event()
        self.flows.set()
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.to is None:
                await reader.read(1)
                writer.write(self.answer)
                await reader.read()
                return
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.to)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, up_writer))
                group.create_task(self._copy(up_reader, writer))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            return
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self.flows.wait()
                writer.write(data)
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("protocol", "answer", "message"),
    [
        (
            MqttProtocol.V5,
            b"",
            "it does not answer. Is it an MQTT broker, does it want TLS (mqtt.tls), and",
        ),
        (MqttProtocol.V5, b"\x20\x02\x00\x01", "Set mqtt.protocol to a version that the broker speaks"),
        (MqttProtocol.V5, b"HTTP/1.1 400 Bad Request\r\n\r\n", "Is it an MQTT broker"),
        (MqttProtocol.V5, b"\x20\x03\x00\xee\x00", "Is it an MQTT broker"),
        (MqttProtocol.V5, b"\x20\x03\x00\x84\x00", "Set mqtt.protocol to a version that the broker speaks"),
        (MqttProtocol.V5, b"\x20\x03\x00\x9a\x00", "The broker must keep retained messages"),
        (MqttProtocol.V5, b"\x20\x03\x00\x80\x00", "See the broker's log"),
        (MqttProtocol.V5, b"\x20\x03\x00\x00\x00\xe0\x02\x8e\x00", "is a second bridge running"),
        (MqttProtocol.V311, b"\x20\x02\x00\x01", "does it speak MQTT 3.1.1?"),
        (MqttProtocol.V311, b"\x20\x02\x00\x02", "Check which client identifiers the broker allows"),
        (MqttProtocol.V311, b"\x20\x02\x00\x04", "Check mqtt.username and mqtt.password"),
    ],
)
async def test_strange_answers(
    protocol: MqttProtocol, answer: bytes, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever answers at the port, the log says what may be wrong, once, and it is tried again."""
    caplog.set_level(logging.DEBUG)
    async with Relay(answer=answer) as relay:
        timing = ClientTiming(connect=0.1, first_retry=0.01, last_retry=0.02, refused_retry=0.02, tick=0.05)
        one = Peer(MqttSettings("127.0.0.1", relay.port, protocol=protocol), timing=timing)
        await until(lambda: sum(message in record.getMessage() for record in caplog.records) >= 2)
        levels = [record.levelno for record in caplog.records if message in record.getMessage()]
        assert levels[0] == logging.WARNING
        if b"\x8e" not in answer:
            assert set(levels[1:]) == {logging.DEBUG}
        assert not one.task.done()
        await one.end()


async def test_second_client_with_the_same_identifier(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    """Two bridges with one name throw each other out, and the log says so."""
    async with peer(at(broker)) as one, peer(at(broker)):
        await until(lambda: "is a second bridge running with the same modem name?" in caplog.text)
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
            await one.client.publish_acknowledged(Publication(topic=topic, payload=b"x"))
        assert (await one.next()).topic == "kept"
        listen = ("mosquitto_sub", "-V", "5", "-p", str(broker.port), "-i", "sim7020-bridge-m", "-c", "-x", "3600")
        await run(*listen, "-q", "1", "-t", "to/#", "-E")
    await one.end()


@PROTOCOLS
async def test_wrong_password(tmp_path: Path, protocol: MqttProtocol, caplog: pytest.LogCaptureFixture) -> None:
    """A refused login is explained and tried again; the password is not in the log."""
    passwords = tmp_path / "passwords"
    await run("mosquitto_passwd", "-c", "-b", str(passwords), "bridge", "right")
    passwords.chmod(0o644)
    async with mosquitto(tmp_path, f"password_file {passwords}", "allow_anonymous false") as broker:
        wrong = Peer(MqttSettings(broker.host, broker.port, "bridge", "hunter2", protocol))
        await until(lambda: "Check mqtt.username and mqtt.password" in caplog.text)
        assert not wrong.client.connected
        assert "hunter2" not in caplog.text
        await wrong.end()
        async with peer(MqttSettings(broker.host, broker.port, "bridge", "right", protocol)) as right:
            assert right.client.connected


async def test_publication_that_the_broker_forbids(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A publication that the access rules forbid is told to who waits for it, and to the log."""
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite to/#\n")
    async with mosquitto(tmp_path, f"acl_file {rules}") as broker, peer(at(broker)) as one:
        with pytest.raises(PayloadRefused, match="the broker refused it: Not authorized"):
            await one.client.publish_acknowledged(Publication(topic="b/m/state", payload=b"{}"))
        assert "A message to b/m/state can't be published" in caplog.text
        await one.client.publish_acknowledged(Publication(topic="to/me", payload=b"x"))


PLUGIN = next(iter(Path("/usr/lib").glob("**/mosquitto_dynamic_security.so")), Path("mosquitto_dynamic_security.so"))


async def test_subscription_that_the_broker_forbids(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A forbidden subscription is logged with its topic, and the others work."""
    access = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    rule = {"acltype": "subscribePattern", "topic": "to/#", "allow": True}
    (tmp_path / "security.json").write_text(
        json.dumps(
            {
                "defaultACLAccess": access,
                "clients": [],
                "groups": [{"groupname": "all", "roles": [{"rolename": "some"}]}],
                "roles": [{"rolename": "some", "acls": [rule]}],
                "anonymousGroup": "all",
            }
        )
    )
    config = (f"plugin {PLUGIN}", f"plugin_opt_config_file {tmp_path}/security.json")
    subscriptions = (Subscription("forbidden/+"), Subscription("to/#"))
    async with mosquitto(tmp_path, *config) as broker, peer(at(broker), subscriptions=subscriptions) as one:
        await until(lambda: "does not allow a subscription to forbidden/+: Not authorized" in caplog.text)
        await one.client.publish_acknowledged(Publication(topic="to/me", payload=b"x"))
        assert (await one.next()).payload == b"x"


async def test_publication_larger_than_the_broker_takes(tmp_path: Path) -> None:
    """A message over the broker's limit is refused here, or the broker would cut the connection again and again."""
    async with mosquitto(tmp_path, "max_packet_size 1000") as broker, peer(at(broker)) as one:
        with pytest.raises(PayloadRefused, match="larger than the 1000 bytes that the broker takes") as caught:
            await one.client.publish_acknowledged(
                Publication(topic="to/me", payload=b"x" * 900, correlation_data=b"x" * 100)
            )
        assert caught.value.code == "too_large"
        await one.client.publish_acknowledged(Publication(topic="to/me", payload=b"x" * 800))
        assert one.connections == 1


async def test_publication_that_makes_the_broker_disconnect(tmp_path: Path) -> None:
    """With MQTT 3.1.1 a broker can't tell its limit and ends the connection; all but that one message get through."""
    async with mosquitto(tmp_path, "max_packet_size 1000") as broker, peer(at(broker, MqttProtocol.V311)) as one:
        small = [Publication(topic="to/me", payload=b"%d" % number) for number in range(4)]
        large = Publication(topic="to/me", payload=b"x" * 1500)
        publishing = [
            asyncio.create_task(one.client.publish_acknowledged(each)) for each in (*small[:2], large, *small[2:])
        ]
        with pytest.raises(BrokerDisconnects):
            await publishing.pop(2)
        await asyncio.gather(*publishing)
        heard: set[bytes] = set()
        while heard != {b"0", b"1", b"2", b"3"}:
            heard.add((await one.next()).payload)
        ended = one.connections
        await one.client.publish_acknowledged(Publication(topic="to/me", payload=b"later"))
        assert one.connections == ended


async def test_message_larger_than_is_taken(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An oversized message is dropped with a log line and does not come again."""
    monkeypatch.setattr(arrival, "LONGEST", 1000)
    async with peer(at(broker, MqttProtocol.V311)) as one:
        await run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "to/me", "-m", "x" * 1001)
        await until(lambda: "a message to to/me was dropped: it has 1001 bytes" in caplog.text)
        await one.client.publish_acknowledged(Publication(topic="to/me", payload=b"x"))
        assert (await one.next()).payload == b"x"
    async with peer(at(broker, MqttProtocol.V311)) as one:
        assert one.heard.empty()


async def test_topic_that_is_not_utf8(caplog: pytest.LogCaptureFixture) -> None:
    """An unreadable topic is dropped with a log line."""
    publish = b"\x32\x07\x00\x02\xff\xfe\x00\x01x"
    async with Relay(answer=b"\x20\x02\x00\x00" + publish) as relay:
        one = Peer(MqttSettings("127.0.0.1", relay.port, protocol=MqttProtocol.V311))
        await until(lambda: "an unreadable topic was dropped: its topic is not UTF-8" in caplog.text)
        assert one.heard.empty()
        await one.end()


async def test_nothing_listens(caplog: pytest.LogCaptureFixture) -> None:
    """No broker: said once in plain words; the end comes at once."""
    one = Peer(MqttSettings("127.0.0.1", free_port()))
    await until(lambda: "nothing listens there. Is the broker running?" in caplog.text)
    await asyncio.sleep(0.1)
    assert caplog.text.count("nothing listens there") == 1
    await one.end()


async def test_unresolvable_name(caplog: pytest.LogCaptureFixture) -> None:
    """A name that is none is said to be that."""
    one = Peer(MqttSettings("broker.invalid", 1883))
    await until(lambda: "can't be reached: the name can't be resolved" in caplog.text)
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
        one = Peer(MqttSettings("127.0.0.1", full.getsockname()[1]))
        await asyncio.sleep(0.05)
        started = asyncio.get_running_loop().time()
        await one.end()
        assert asyncio.get_running_loop().time() - started < 0.5
        for filler in fillers:
            filler.close()


async def test_end_while_connecting_closes_what_opens(broker: Mosquitto) -> None:
    """A connection that opens after the end is closed again."""
    one = Peer(at(broker))
    await asyncio.sleep(0)
    await one.end()
    await asyncio.sleep(0.1)
    assert not one.client.connected
    assert one.connections == 0


async def test_error_in_a_callback_ends_the_run(broker: Mosquitto) -> None:
    """A mistake of ours surfaces where it can be seen, and is not swallowed by the library."""
    one = Peer(at(broker))

    def mistake() -> None:
        raise ZeroDivisionError

    one.connected = mistake  # type: ignore[method-assign]  # the callback was bound before
    one.client._on_connect = mistake
    with pytest.raises(ZeroDivisionError):
        await one.task
    assert not one.client.connected


def certificate(directory: Path, name: str, *extra: str) -> None:
    """Make a key and a certificate."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", *extra],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    (directory / f"{name}.key").chmod(0o644)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Make an authority, a broker's certificate for localhost, and a client's."""
    certificate(tmp_path, "ca")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key")
    certificate(tmp_path, "localhost", *signed, "-addext", "subjectAltName=DNS:localhost")
    certificate(tmp_path, "client", *signed)
    certificate(tmp_path, "stranger")
    return tmp_path


@pytest.fixture
async def tls_broker(certificates: Path) -> AsyncIterator[Mosquitto]:
    """Run a broker that wants TLS and client certificates."""
    files = {"cafile": "ca.pem", "certfile": "localhost.pem", "keyfile": "localhost.key"}
    config = [f"{key} {certificates / name}" for key, name in files.items()]
    async with mosquitto(certificates, *config, "require_certificate true") as running:
        yield running


@PROTOCOLS
async def test_tls(tls_broker: Mosquitto, protocol: MqttProtocol) -> None:
    """Both sides are verified, and a burst over TLS arrives whole."""
    files = tls_broker.directory
    tls = TlsSettings(files / "ca.pem", files / "client.pem", files / "client.key")
    async with peer(MqttSettings("localhost", tls_broker.port, protocol=protocol, tls=tls)) as one:
        for number in range(200):
            one.client.publish(Publication(topic="to/me", payload=b"%d" % number * 100))
        assert [(await one.next()).payload for _ in range(200)] == [b"%d" % number * 100 for number in range(200)]


@pytest.mark.parametrize(
    ("host", "ca", "client", "message"),
    [
        ("127.0.0.1", "ca", "client", "its certificate can't be trusted: IP address mismatch"),
        ("localhost", "stranger", "client", "its certificate can't be trusted"),
        ("localhost", None, "client", "its certificate can't be trusted"),
        ("localhost", "ca", None, "the MQTT broker"),
        ("localhost", "ca", "stranger", "the MQTT broker"),
        ("localhost", "no", "client", "a certificate or key can't be read: No such file or directory"),
        ("localhost", "ca", "localhost.key", "TLS failed: "),
    ],
)
async def test_tls_refusals(
    *,
    tls_broker: Mosquitto,
    host: str,
    ca: str | None,
    client: str | None,
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing unverified is talked to, and the log says what is wrong."""
    files = tls_broker.directory
    key = None if client is None else files / f"{client.removesuffix('.key')}.key"
    cert = None if client is None else files / (client if client.endswith(".key") else f"{client}.pem")
    tls = TlsSettings(None if ca is None else files / f"{ca}.pem", cert, key)
    one = Peer(MqttSettings(host, tls_broker.port, tls=tls))
    await until(lambda: message in caplog.text)
    assert one.connections == 0
    await one.end()


async def test_many_packets_in_one_tls_record(broker: Mosquitto, certificates: Path) -> None:
    """What TLS has decrypted is read to the end, though the socket shows nothing more to read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
    async with Relay(broker.port, tls=context) as relay:
        settings = MqttSettings("localhost", relay.port, tls=TlsSettings(certificates / "ca.pem"))
        async with peer(settings) as one:
            await one.client.publish_acknowledged(Publication(topic="elsewhere", payload=b""))
            relay.flows.clear()
            async with peer(at(broker), client_id="other") as other:
                for number in range(12):
                    await other.client.publish_acknowledged(Publication(topic="to/me", payload=b"%d" % number))
            relay.flows.set()
            assert [int((await one.next()).payload) for _ in range(12)] == list(range(12))


async def test_what_the_library_cannot_read(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that the library lets through ends the connection, and a new one is made."""
    async with peer(at(broker)) as one:

        def fail() -> None:
            raise KeyError(238)

        with monkeypatch.context() as patch:
            patch.setattr(one.client._paho, "loop_read", fail)
            one.client.publish(Publication(topic="to/me", payload=b"x"))
            await until(lambda: "the broker sent what is not MQTT: 238" in caplog.text)
        await one.ready(connections=2)


async def test_wait_connected(broker: Mosquitto) -> None:
    """Who needs a connection can wait for it."""
    one = Peer(at(broker))
    async with asyncio.timeout(PATIENCE):
        await one.client.wait_connected()
    assert one.client.connected
    await one.end()


async def test_plain_broker_with_tls(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    """TLS towards a port without it fails in plain words."""
    one = Peer(MqttSettings("localhost", broker.port, tls=TlsSettings()))
    await until(lambda: "can't be reached" in caplog.text or "refused the connection" in caplog.text)
    await one.end()


async def run(*command: str) -> str:
    """Run a program to its end and return what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, error = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert not error, error.decode()
    return out.decode()
