"""What the broker does not give: the session to oneself, subscriptions, what it says that it lacks."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.mqtt.arrival import Offers
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.standing import Standing, Trouble
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription
from tests.bridge.mqtt.peer import PROTOCOLS, QUICK, WILL, Peer, at, peer, until
from tests.bridge.mqtt.scripted_broker import CLOSE, SILENCE, TAKE, ScriptedBroker
from tests.bridge.scripted_module import on_virtual_time
from tests.broker import Mosquitto

SUBSCRIPTIONS = (Subscription("to/#"), Subscription("$share/g/pool"))

NEVER = 86400.0
"""Seconds that no test lasts."""


@asynccontextmanager
async def client(broker: ScriptedBroker, **how: object) -> AsyncIterator[Peer]:
    """Run a client that is connected to a broker."""
    async with peer(MqttSettings("127.0.0.1", broker.port), **how) as one:
        yield one


async def test_taken_over() -> None:
    """Whoever is told that another took over stands back, for longer each time."""
    timing = replace(QUICK, taken_over=(0.05, 30.0))
    async with ScriptedBroker() as broker, client(broker, subscriptions=(), timing=timing) as one:
        began = asyncio.get_running_loop().time()
        for connection in range(1, 6):
            await one.ready(connections=connection)
            broker.disconnect(0x8E)
            await until(lambda: not one.client.connected)
        assert one.client.trouble == Trouble(taken_over=5)
        assert asyncio.get_running_loop().time() - began >= sum((0.05, 0.1, 0.2, 0.4)) / 2


async def test_two_with_one_session(broker: Mosquitto) -> None:
    """Whether this broker tells or only closes the connection: both have the trouble, and each waits longer."""
    timing = replace(QUICK, taken_over=(0.2, 30.0))
    async with peer(at(broker), timing=timing) as one, peer(at(broker), timing=timing) as other:
        await until(lambda: one.client.trouble.taken_over > 0 and other.client.trouble.taken_over > 0)
        await other.end()
        await until(lambda: one.client.connected)
        assert one.client.trouble.taken_over


async def _hung_up_on(one: Peer, broker: ScriptedBroker, *connections: int) -> None:
    for connection in connections:
        await one.ready(connections=connection)
        broker.hang_up()
        await until(lambda: not one.client.connected)


@PROTOCOLS
async def test_a_broker_that_is_restarted_now_and_then(protocol: MqttProtocol) -> None:
    """A connection that lasted ends what was brief before it: its own end is no sign of a second client."""
    async with ScriptedBroker() as broker:
        settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol)
        async with peer(settings, subscriptions=(), timing=replace(QUICK, stable=0.5)) as one:
            await _hung_up_on(one, broker, 1, 2)
            await one.ready(connections=3)
            await asyncio.sleep(0.6)  # as long as it must last
            await _hung_up_on(one, broker, 3, 4, 5)
            assert one.client.trouble.taken_over == 0
            await _hung_up_on(one, broker, 6)
            assert one.client.trouble == Trouble(taken_over=1, suspected=True)


@PROTOCOLS
async def test_an_end_in_good_order_is_no_sign_of_another(protocol: MqttProtocol) -> None:
    """However brief the connections were, the last of which the client ends itself."""
    async with ScriptedBroker() as broker:
        settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol)
        async with peer(settings, subscriptions=()) as one:
            await _hung_up_on(one, broker, 1, 2)
            await one.ready(connections=3)
            await one.end()
        assert one.client.trouble.taken_over == 0


@on_virtual_time
async def test_standing_back() -> None:
    """The waits grow from half a minute to an hour; what happened once is forgotten soon, a fight after hours."""
    timing, changes = ClientTiming(), []
    standing = Standing(lambda: changes.append(standing.takeovers), timing=timing)
    assert [timing.longest_back(takeovers) for takeovers in (1, 2, 7, 8, 100)] == [30, 60, 1920, 3600, 3600]
    assert all(15 <= timing.stand_back(1) <= 30 for _ in range(20))
    standing.disconnected(taken_over=True)
    standing.connected(Offers())
    await asyncio.sleep(119)
    assert standing.takeovers == 1
    await asyncio.sleep(2)
    assert standing.takeovers == 0
    for _ in range(8):
        standing.disconnected(taken_over=True)
        standing.connected(Offers())
        await asyncio.sleep(1)
    standing.disconnected(taken_over=False)
    await asyncio.sleep(5 * 3600)
    assert standing.takeovers == 8
    standing.connected(Offers())
    await asyncio.sleep(4 * 3600 + 1)
    assert standing.takeovers == 0


@PROTOCOLS
async def test_subscriptions_that_are_refused(protocol: MqttProtocol, caplog: pytest.LogCaptureFixture) -> None:
    """They are told once, asked for again without a new connection, and are trouble until they are granted."""
    code = 0x87 if protocol is MqttProtocol.V5 else 0x80
    async with ScriptedBroker(grants=lambda _: code if len(broker.asked) < 4 else 1) as broker:
        settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol)
        timing = replace(QUICK, ask_again=0.05)
        async with peer(settings, subscriptions=SUBSCRIPTIONS[:1], timing=timing) as one:
            await until(lambda: one.client.trouble.deaf_to == ("to/#",))
            await until(lambda: one.client.trouble == Trouble())
            assert one.connections == 1
            assert broker.asked == ["to/#"] * 4
    assert caplog.text.count("does not allow a subscription to to/#") == 1


@PROTOCOLS
async def test_a_subscription_that_ends_the_connection(
    protocol: MqttProtocol, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out for a while and told, what is published is not blamed, and it is asked for again."""
    lets_in = asyncio.Event()

    def grants(topic_filter: str) -> int | None:
        return 1 if topic_filter == "to/#" or lets_in.is_set() else None

    async with ScriptedBroker(grants=grants) as broker:
        settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol)
        timing = replace(QUICK, ask_again=0.5)
        wanted = (*SUBSCRIPTIONS[:1], Subscription("not/this/one"))
        async with peer(settings, subscriptions=wanted, timing=timing) as one:
            publishing = [
                asyncio.create_task(one.published(Publication(topic=topic, payload=b"1", retain=True)))
                for topic in ("b/m/state", "b/m/info")
            ]
            await until(lambda: one.client.trouble.deaf_to == ("not/this/one",))
            await asyncio.gather(*publishing)
            assert one.client.trouble.forbidden == ()
            lets_in.set()
            await until(lambda: one.client.trouble == Trouble())
    assert caplog.text.count("does not allow a subscription to not/this/one") == 1
    assert "second bridge" not in caplog.text


async def test_a_publication_that_ends_the_connection_of_a_broker_that_thinks() -> None:
    """A broker that asks somebody else who may subscribe is slow to answer: no subscription is blamed meanwhile."""
    async with ScriptedBroker(lambda said: CLOSE if said.topic == "b/m/bad" else TAKE, thinks=0.1) as broker:
        settings = MqttSettings("127.0.0.1", broker.port)
        async with peer(settings, subscriptions=SUBSCRIPTIONS, timing=QUICK) as one:
            for topic in ("b/m/state", "b/m/bad", "b/m/info"):
                one.client.publish(Publication(topic=topic, payload=b"1", retain=True))
            await until(lambda: one.client.trouble.forbidden == ("b/m/bad",))
            await until(lambda: {"b/m/state", "b/m/info"} <= {each.topic for each in broker.taken})
            assert one.client.trouble.deaf_to == ()


@PROTOCOLS
async def test_the_end_waits_for_no_subscription(protocol: MqttProtocol, caplog: pytest.LogCaptureFixture) -> None:
    """A broker that has not answered one yet is told all the same, and at once, that the client goes."""
    async with ScriptedBroker(thinks=NEVER) as broker:
        settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol)
        timing = replace(QUICK, granted=NEVER, farewell=NEVER)
        async with peer(settings, subscriptions=SUBSCRIPTIONS, farewell=[WILL], timing=timing) as one:
            one.client.publish(Publication(topic="b/m/state", payload=b"1", retain=True))
            await until(lambda: "to/#" in broker.asked)
            assert not broker.published
        assert [each.topic for each in broker.taken] == ["b/m/state", WILL.topic]
    assert "last will" not in caplog.text


@PROTOCOLS
async def test_a_broker_that_answers_no_subscription(protocol: MqttProtocol, caplog: pytest.LogCaptureFixture) -> None:
    """It acknowledges what it may throw away, and would never bring anything: another connection is made, and told."""

    def grants(_topic_filter: str) -> int:
        broker.thinks = math.inf if broker.connections == 1 else 0.0
        return 1

    async with ScriptedBroker(grants=grants) as broker:
        settings = MqttSettings("127.0.0.1", broker.port, protocol=protocol)
        timing = replace(QUICK, granted=0.05, heard=0.1)
        async with peer(settings, subscriptions=SUBSCRIPTIONS[:1], timing=timing) as one:
            await one.ready(connections=2)
            broker.deliver("to/it", b"at last", packet=1)
            assert (await one.next()).payload == b"at last"
            assert one.client.trouble == Trouble()
    assert caplog.text.count("is away: it answers no subscription") == 1


async def test_a_broker_that_brings_messages_before_it_answers() -> None:
    """All that waited in a session may come first: nobody is left for that."""
    async with ScriptedBroker(thinks=math.inf) as broker:
        settings = MqttSettings("127.0.0.1", broker.port)
        timing = replace(QUICK, granted=0.05, heard=1.0)
        async with peer(settings, subscriptions=SUBSCRIPTIONS[:1], timing=timing) as one:
            await until(lambda: broker.asked != [])
            broker.deliver("to/it", b"of before", packet=1)
            assert (await one.next()).payload == b"of before"
            await asyncio.sleep(2 * timing.heard)
            assert broker.connections == 1


async def test_several_subscriptions_that_end_the_connection() -> None:
    """They are found without waits that grow; then the connection is left in peace."""
    wanted = (*SUBSCRIPTIONS[:1], *(Subscription(f"not/this/{number}") for number in range(4)))
    async with ScriptedBroker(grants=lambda name: 1 if name == "to/#" else None) as broker:
        timing = replace(QUICK, first_retry=0.05, last_retry=60.0)
        async with peer(MqttSettings("127.0.0.1", broker.port), subscriptions=wanted, timing=timing) as one:
            await until(lambda: len(one.client.trouble.deaf_to) == 4)
            await one.published(Publication(topic="b/m/state", payload=b"1", retain=True))


async def test_a_shared_subscription_that_is_refused() -> None:
    """It is trouble with pools, and not with what the modem itself is told."""
    grants = lambda name: 0x9E if name.startswith("$share") else 1  # noqa: E731
    async with ScriptedBroker(grants=grants) as broker, client(broker, subscriptions=SUBSCRIPTIONS) as one:
        await until(lambda: one.client.trouble == Trouble(no_pools=True))
        one.client.subscribe(SUBSCRIPTIONS[:1])
        assert one.client.trouble == Trouble()


async def test_what_the_broker_says_that_it_lacks(caplog: pytest.LogCaptureFixture) -> None:
    """No shared subscription is asked for where there are none: some grant it all the same, and deal nothing."""
    lacks = b"\x25\x00\x2a\x00\x11\x00\x00\x00\x00"
    async with ScriptedBroker(connack=lacks) as broker, client(broker, subscriptions=SUBSCRIPTIONS) as one:
        await until(lambda: broker.asked == ["to/#"])
        assert one.client.trouble == Trouble(no_pools=True, no_retain=True, no_session=True, kept=0)
        assert one.troubles[-1] == one.client.trouble
        assert "it has no shared subscriptions for $share/g/pool" in caplog.text
        await one.published(Publication(topic="b/m/state", payload=b"{}", retain=True))
        assert [published.retain for published in broker.published] == [False]


async def test_subscriptions_with_less_than_was_asked_for() -> None:
    """What is granted with QoS 0 is not kept for a bridge that is away."""
    async with ScriptedBroker(grants=lambda _: 0) as broker, client(broker, subscriptions=SUBSCRIPTIONS) as one:
        await until(lambda: one.client.trouble == Trouble(no_session=True))


@pytest.mark.parametrize(
    ("code", "advice"), [(0x9A, "retained messages"), (0x97, "quota"), (0x87, "access rules"), (0x93, "under way")]
)
async def test_advice_at_a_disconnection(code: int, advice: str, caplog: pytest.LogCaptureFixture) -> None:
    """A reason that the broker gives is explained, and no second bridge is suspected beside it."""
    caplog.set_level(logging.DEBUG)
    async with ScriptedBroker() as broker, client(broker, subscriptions=()) as one:
        for connection in range(1, 6):
            await one.ready(connections=connection)
            broker.disconnect(code)
            await until(lambda: not one.client.connected)
    told = [line.getMessage() for line in caplog.records if "is away" in line.getMessage()]
    assert all(advice in line and "second bridge" not in line for line in told)
    assert len(told) >= 4


@PROTOCOLS
async def test_the_next_node_lacks_the_session(protocol: MqttProtocol, caplog: pytest.LogCaptureFixture) -> None:
    """What one node has not acknowledged the next one gets, and the log says what such a node can't have."""
    lacks = "a new session: what was published while the bridge was away is lost"
    async with ScriptedBroker() as second:
        async with ScriptedBroker(rule=lambda _: SILENCE) as first:
            settings = MqttSettings("127.0.0.1", first.port, protocol=protocol)
            one = Peer(replace(settings, other_nodes=(("127.0.0.1", second.port),)))
            publishing = asyncio.create_task(one.published(Publication(topic="t", payload=b"x")))
            await first.until(lambda: len(first.published) == 1)
        await publishing
        assert [published.payload for published in second.taken] == [b"x"]
        assert second.asked == ["to/#"]
        assert lacks in caplog.text
        caplog.clear()
        second.hang_up()
        await one.ready(connections=3)
        assert lacks not in caplog.text
        await one.end()
