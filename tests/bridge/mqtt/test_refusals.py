"""The broker connection where a broker refuses, forbids, is none, or is not there."""

import asyncio
import json
import logging
import signal
import socket
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt import arrival
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.refusals import Kind, away, unreachable
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription
from tests.bridge.mqtt.peer import PROTOCOLS, Peer, Relay, at, peer, run, until
from tests.broker import Mosquitto, mosquitto
from tests.ports import free_port


@pytest.mark.parametrize(
    ("protocol", "answer", "message"),
    [
        (
            MqttProtocol.V5,
            b"",
            "took the connection, but it does not answer. Is it an MQTT broker, does it want TLS (mqtt.tls), and",
        ),
        (MqttProtocol.V5, b"\x20\x02\x00\x01", "Set mqtt.protocol to a version that the broker speaks"),
        (MqttProtocol.V5, b"HTTP/1.1 400 Bad Request\r\n\r\n", "Is it an MQTT broker"),
        (MqttProtocol.V5, b"\x20\x03\x00\xee\x00", "Is it an MQTT broker"),
        (MqttProtocol.V5, b"\x20\x03\x00\x84\x00", "Set mqtt.protocol to a version that the broker speaks"),
        (MqttProtocol.V5, b"\x20\x03\x00\x9a\x00", "The broker must keep retained messages"),
        (MqttProtocol.V5, b"\x20\x03\x00\x80\x00", "See the broker's log"),
        (MqttProtocol.V5, b"\x20\x03\x00\x00\x00\xe0\x02\x8e\x00", "is a second bridge running"),
        (
            MqttProtocol.V311,
            b"\x20\x02\x00\x01",
            "took the connection, but it hung up without an answer. Is it an MQTT broker",
        ),
        (MqttProtocol.V311, b"\x20\x02\x00\x01", "does it speak MQTT 3.1.1?"),
        (MqttProtocol.V311, b"\x20\x02\x00\x02", "Set client_id of the modem to one"),
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
        await until(lambda: "is a second bridge running with the same modem name and base topic?" in caplog.text)
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
    """A publication that the access rules forbid is told to the log, kept, and goes once they are mended."""
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite to/#\n")
    async with mosquitto(tmp_path, f"acl_file {rules}") as broker, peer(at(broker)) as one:
        publishing = asyncio.create_task(one.published(Publication(topic="b/m/state", payload=b"{}")))
        await until(lambda: "A message to b/m/state can't be published: the broker refused it: Not auth" in caplog.text)
        await one.published(Publication(topic="to/me", payload=b"x"))
        assert one.client.trouble.aside == 1
        rules.write_text("topic readwrite #\n")
        assert broker.process is not None
        broker.process.send_signal(signal.SIGHUP)
        await publishing
        assert one.connections == 1


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
        await one.published(Publication(topic="to/me", payload=b"x"))
        assert (await one.next()).payload == b"x"


async def test_publication_larger_than_the_broker_takes(tmp_path: Path) -> None:
    """A message over the broker's limit is refused here, or the broker would cut the connection again and again."""
    async with mosquitto(tmp_path, "max_packet_size 1000") as broker, peer(at(broker)) as one:
        with pytest.raises(PayloadRefused, match="larger than the 1000 bytes that the broker takes") as caught:
            await one.published(Publication(topic="to/me", payload=b"x" * 900, correlation_data=b"x" * 100))
        assert caught.value.code == "too_large"
        await one.published(Publication(topic="to/me", payload=b"x" * 800))
        assert one.connections == 1


async def test_publication_that_makes_the_broker_disconnect(tmp_path: Path) -> None:
    """With MQTT 3.1.1 a broker can't tell its limit and ends the connection; all but that one message get through."""
    async with mosquitto(tmp_path, "max_packet_size 1000") as broker, peer(at(broker, MqttProtocol.V311)) as one:
        small = [Publication(topic="to/me", payload=b"%d" % number) for number in range(4)]
        large = Publication(topic="to/me", payload=b"x" * 1500)
        publishing = [asyncio.create_task(one.published(each)) for each in (*small[:2], large, *small[2:])]
        poison = publishing.pop(2)
        await asyncio.gather(*publishing)
        heard: set[bytes] = set()
        while heard != {b"0", b"1", b"2", b"3"}:
            heard.add((await one.next()).payload)
        ended = one.connections
        await one.published(Publication(topic="to/me", payload=b"later"))
        assert one.connections == ended
        assert (one.forbidden, one.client.trouble.aside) == (["to/me"], 1)
        poison.cancel()


async def test_message_larger_than_is_taken(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An oversized message is dropped with a log line and does not come again."""
    monkeypatch.setattr(arrival, "LONGEST", 1000)
    async with peer(at(broker, MqttProtocol.V311)) as one:
        await run("mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "to/me", "-m", "x" * 1001)
        await until(lambda: "a message to to/me was dropped: it has 1001 bytes" in caplog.text)
        await one.published(Publication(topic="to/me", payload=b"x"))
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


async def test_what_the_library_cannot_read(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error that the library lets through ends the connection, and a new one is made."""
    async with peer(at(broker)) as one:

        def fail(_client: Client) -> MQTTErrorCode:
            raise KeyError(238)

        with monkeypatch.context() as patch:
            patch.setattr(Client, "_packet_handle", fail)
            one.client.publish(Publication(topic="to/me", payload=b"x"))
            await until(lambda: "is away: it sent what is not MQTT: 238" in caplog.text)
        await one.ready(connections=2)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"\x20\x03\x00\x86\x00", Kind.LOG_IN),
        (b"\x20\x03\x00\x87\x00", Kind.LOG_IN),
        (b"\x20\x03\x00\x8a\x00", Kind.REFUSED),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Kind.NO_ANSWER),
        (b"\x20\x03\x00\x00\x00\xe0\x02\x8b\x00", Kind.LOST),
        (b"", Kind.NO_ANSWER),
    ],
)
async def test_what_a_person_would_call_it(answer: bytes, kind: Kind) -> None:
    """Whoever asks is told why there is no connection with the words that the log has."""
    async with Relay(answer=answer) as relay:
        timing = ClientTiming(connect=0.1, first_retry=0.01, last_retry=0.02, refused_retry=0.02, tick=0.05)
        one = Peer(MqttSettings("127.0.0.1", relay.port), timing=timing)
        await until(lambda: one.client.problem is not None and one.client.problem.kind is kind)
        await one.end()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(-2, "Name or service not known"), Kind.NAME),
        (ConnectionRefusedError(111, "Connection refused"), Kind.NOT_THERE),
        (TimeoutError(), Kind.NO_ANSWER),
        (FileNotFoundError(2, "No such file or directory"), Kind.TLS),
        (OSError(101, "Network is unreachable"), Kind.UNREACHABLE),
    ],
)
def test_what_a_person_would_call_a_way_that_is_closed(error: OSError, kind: Kind) -> None:
    """It goes by what the system says."""
    assert unreachable(MqttSettings("broker"), error).kind is kind


def test_a_search_without_end_may_be_a_second_bridge() -> None:
    """A topic is blamed while it is searched for; if that goes on and on, the other cause is told as well."""
    told = [
        away("broker:1883", "the connection was lost", None, suspects=suspects, brief=brief).words
        for suspects in ((), ("t",))
        for brief in (2, 3, 10)
    ]
    assert ["second bridge" in words for words in told] == [False, True, True, False, False, True]
    assert ["while this was published: t" in words for words in told] == [False] * 3 + [True] * 3
