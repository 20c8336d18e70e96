"""Whether what the broker retains comes by wildcards, too: found out at each connection."""

from collections.abc import Callable

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.topics import Subscription
from tests.bridge.mqtt.peer import PROTOCOLS, Peer, at, peer, until
from tests.bridge.mqtt.scripted_broker import ScriptedBroker
from tests.broker import Mosquitto

ONLINE = Publication(topic="b/m/availability", payload=b"online", retain=True)
STATE = Publication(topic="b/m/state", payload=b"{}", retain=True)
BY_NAME, BY_WILDCARD = "b/m/availability", "b/m/+"


def probing(broker: ScriptedBroker, protocol: MqttProtocol = MqttProtocol.V5) -> Peer:
    """Return a client that publishes two documents and finds out what becomes of them."""
    settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol)
    mark = Subscription("b/m/component", every_time=True)
    return Peer(settings, subscriptions=[mark], greeting=[ONLINE, STATE], probe=ONLINE.topic)


@PROTOCOLS
@pytest.mark.parametrize(
    ("gives", "found", "asked"),
    [
        (lambda _: True, True, [BY_NAME, BY_WILDCARD]),
        (lambda topic_filter: "+" not in topic_filter, False, [BY_NAME, BY_WILDCARD]),
        (lambda _: False, None, [BY_NAME]),
    ],
    ids=["any broker", "exact topics only", "no right to read"],
)
async def test_at_each_connection(
    *, protocol: MqttProtocol, gives: Callable[[str], bool], found: bool | None, asked: list[str]
) -> None:
    """It is asked by name first: only what comes so is missed if it does not come by a wildcard."""
    async with ScriptedBroker(gives=gives) as broker:
        one = probing(broker, protocol)
        for connection in (1, 2):
            await until(lambda: broker.dropped == asked * connection)  # noqa: B023 - waited for at once
            assert one.client.trouble.wildcards is found
            assert broker.asked == ["b/m/component", *asked] * connection
            assert one.heard.empty()
            broker.hang_up()
        assert one.client.trouble.forbidden == ()
        await one.end()


async def test_what_is_listened_to_is_handed_on() -> None:
    """A topic that the wildcard matches may be one that the client wants."""
    async with ScriptedBroker(gives=lambda _: True, retained={"b/m/component": b"here"}) as broker:
        one = probing(broker)
        await until(lambda: one.client.trouble.wildcards is True)
        assert (await one.next()).payload == b"here"
        await one.end()


async def test_a_broker_that_ends_the_connection_for_it() -> None:
    """One that forbids the subscription so is asked twice, and then left alone."""

    def grants(topic_filter: str) -> int:
        if topic_filter == BY_NAME:
            broker.hang_up()
        return 1

    async with ScriptedBroker(grants=grants) as broker:
        one = probing(broker)
        await one.ready(connections=3)
        await one.published(Publication(topic="t", payload=b"x"))
        await one.published(Publication(topic="t", payload=b"x"))
        assert broker.asked.count(BY_NAME) == 2
        assert broker.connections == 3
        assert one.client.trouble.taken_over == 0
        await one.end()


@PROTOCOLS
async def test_a_real_broker(broker: Mosquitto, protocol: MqttProtocol) -> None:
    """A mosquitto gives it by wildcards; where it denies the topic itself nothing can be told."""
    async with peer(at(broker, protocol), greeting=[ONLINE], probe=ONLINE.topic) as one:
        await until(lambda: one.client.trouble.wildcards is True)
    async with peer(at(broker, protocol), greeting=[], probe="b/other/availability") as one:
        await until(lambda: "b/other/availability" in broker.log.rpartition("Received UNSUBSCRIBE")[2])
        assert one.client.trouble.wildcards is None
