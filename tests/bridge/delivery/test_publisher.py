"""What the broker is to have for sure."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from sim7020_bridge.config.model import OutboxSettings
from sim7020_bridge.delivery.publisher import DROPS_TOLD, LAST_MOMENTS, RESENT_WITHIN, Publisher
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Acknowledgement, Publication, Received
from sim7020_bridge.mqtt.quarantine import Outgoing
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.message import Origin, PendingKind, PendingPublication
from sim7020_bridge.outbox.outbox import Outbox
from tests.bridge.instant_store import InstantStore
from tests.bridge.outbox.desk import message
from tests.bridge.scripted_module import on_virtual_time

RECEIPT = PendingPublication(PendingKind.RECEIPT, "receipt", b"r", b"c")


class Broker:
    """A connection that notes in order what goes over it, and acknowledges when it is told to."""

    def __init__(self) -> None:
        self.connected = self.session_present = True
        self.said: list[str] = []
        self.waiting: list[Outgoing] = []
        self.under_way = 0
        self.begun = False
        self.idle = asyncio.Event()

    def publish(self, publication: Publication) -> None:
        """Note it."""
        self.said.append(publication.payload.decode())

    def publish_awaited(self, publication: Publication, done: Callable[[PayloadRefused | None], None]) -> Outgoing:
        """Note it, and what to call."""
        self.said.append(publication.payload.decode())
        self.waiting.append(Outgoing(publication, done))
        return self.waiting[-1]

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Forget one, unless it is among the first, which are under way."""
        if outgoing in self.waiting[: self.under_way]:
            return False
        self.waiting.remove(outgoing)
        return True

    def acknowledge(self, received: Received) -> bool:
        """Note it."""
        self.said.append(f"acknowledged {received.payload.decode()}")
        return self.connected

    def begin_to_publish(self) -> None:
        """Note it: the broker may not have answered the subscriptions."""
        self.begun = True

    async def wait_idle(self) -> None:
        """Return when the test says so."""
        await self.idle.wait()

    def take(self, refused: PayloadRefused | None = None) -> None:
        """Acknowledge the first, or refuse it for good."""
        done = self.waiting.pop(0).done
        assert done is not None
        done(refused)


class Bench:
    """A publisher between an outbox and a broker."""

    def __init__(self, *, most_received: int = 100) -> None:
        self.broker = Broker()
        self.drops: list[int] = []
        self.outbox = Outbox(
            InstantStore(),
            settings=OutboxSettings(),
            hooks=Hooks(
                lost=lambda *_: (),
                resumed=lambda _: None,
                changed=lambda: None,
                publish=self._publish,
                usage=lambda *_: None,
            ),
        )
        self.publisher = Publisher(
            cast(MqttClient, self.broker),
            outbox=self.outbox,
            most_received=most_received,
            dropped=self.drops.append,
            still_allow=lambda topic: topic == "allowed",
        )

    def _publish(self, number: int, publication: PendingPublication) -> None:
        self.publisher.publish(number, publication)

    def pending(self) -> list[bytes]:
        """Return the payloads that are on disk."""
        return [each.payload for _, each in self.outbox.pending]


@asynccontextmanager
async def bench(**how: int) -> AsyncIterator[Bench]:
    """Run a publisher."""
    one = Bench(**how)
    await one.outbox.load()
    yield one
    await one.outbox.close()


def came(payload: bytes, packet: int, *, duplicate: bool = False) -> Received:
    """Return a message that came with QoS 1."""
    return Received(topic="t", payload=payload, duplicate=duplicate, acknowledgement=Acknowledgement(1, packet))


@on_virtual_time
async def test_a_publication_stays_until_it_is_acknowledged() -> None:
    """What the broker has, or never will, is forgotten; all else is kept."""
    async with bench() as one:
        await one.outbox.keep([RECEIPT, RECEIPT, RECEIPT])
        assert [each.publication for each in one.broker.waiting] == 3 * [
            Publication(topic="receipt", payload=b"r", correlation_data=b"c")
        ]
        one.broker.take()
        one.broker.take(PayloadRefused("broker_refused", "too large"))
        assert one.pending() == [b"r"]


@on_virtual_time
async def test_response_topics_no_longer_allowed() -> None:
    """What may not go where a sender once wanted it goes nowhere, and is forgotten; the receipt itself goes."""
    replies = [PendingPublication(PendingKind.REPLY, topic, topic.encode()) for topic in ("allowed", "forbidden")]
    async with bench() as one:
        await one.outbox.keep([RECEIPT, *replies])
        assert one.pending() == [b"r", b"allowed"]
        one.publisher.publish_interim(lambda: (RECEIPT, *replies))
        await asyncio.sleep(1)
        assert one.broker.said == 2 * ["r", "allowed"]


@on_virtual_time
async def test_order() -> None:
    """Receipts that are not final and acknowledgements give way to the module, and never to a publication."""
    async with bench() as one:
        one.publisher.publish_interim(lambda: (PendingPublication(PendingKind.RECEIPT, "receipt", b"queued"),))
        one.publisher.acknowledge(came(b"x", 1))
        assert one.broker.said == []
        await one.outbox.keep([RECEIPT])
        assert one.broker.said == ["queued", "acknowledged x", "r"]
        one.publisher.acknowledge(came(b"y", 2))
        await asyncio.sleep(0.01)
        assert one.broker.said[3:] == ["acknowledged y"]


@on_virtual_time
async def test_an_acknowledged_publication_proves_acknowledgements() -> None:
    """A packet identifier is forgotten once the broker answered what was published after its acknowledgement."""
    async with bench() as one:
        taken: list[bool] = []

        def put(packet: int, *, duplicate: bool = False) -> None:
            origin = Origin(packet, b"same", duplicate)
            one.outbox.put(message(f"m{len(taken)}"), origin, written=taken.append, failed=lambda _: None)

        put(1)
        await asyncio.sleep(0)
        one.publisher.acknowledge(came(b"x", 1))
        await asyncio.sleep(0.01)
        put(1, duplicate=True)
        await asyncio.sleep(0)
        assert taken == [True, False]
        await one.outbox.keep([RECEIPT])
        one.broker.take()
        put(1, duplicate=True)
        await asyncio.sleep(0)
        assert taken == [True, False, True]


@pytest.mark.parametrize("between", ["another connection", "another message", "another session"])
@on_virtual_time
async def test_an_acknowledgement_that_is_not_proven(between: str) -> None:
    """What was told on an earlier connection, or of an earlier message with the identifier, proves nothing.

    In another session the identifier is of another message, whatever was told.
    """
    async with bench() as one:
        taken: list[bool] = []

        def put(*, duplicate: bool) -> None:
            origin = Origin(1, b"same", duplicate)
            one.outbox.put(message(f"m{len(taken)}"), origin, written=taken.append, failed=lambda _: None)

        put(duplicate=False)
        one.publisher.acknowledge(came(b"x", 1))
        await asyncio.sleep(0.01)
        if between == "another message":
            one.publisher.came(came(b"x", 1))
        else:
            one.broker.session_present = between == "another connection"
            one.publisher.connected()
        await one.outbox.keep([RECEIPT])
        one.broker.take()
        put(duplicate=True)
        await asyncio.sleep(0)
        assert taken == [True, between == "another session"]


@on_virtual_time
async def test_which_acknowledgements_a_publication_proves(monkeypatch: pytest.MonkeyPatch) -> None:
    """It proves those of before it and of its connection, each once, and none of a message that came since."""
    async with bench() as one:
        proven: list[list[int]] = []
        monkeypatch.setattr(one.outbox, "packets_acknowledged", proven.append)

        async def acknowledge(*packets: int) -> None:
            for packet in packets:
                one.publisher.acknowledge(came(b"x", packet))
            await asyncio.sleep(0.01)

        await acknowledge(1, 2)
        await one.outbox.keep([RECEIPT])
        one.publisher.came(came(b"y", 2))
        await acknowledge(2, 3)
        one.broker.take()
        assert proven == [[1]]
        await one.outbox.keep([RECEIPT])
        one.broker.take()
        assert proven == [[1], [2, 3]]
        await acknowledge(4)
        await one.outbox.keep([RECEIPT])
        one.publisher.connected()
        await acknowledge(4)
        one.broker.take()
        assert proven == [[1], [2, 3]]


@on_virtual_time
async def test_what_comes_at_the_end_stays_with_the_broker() -> None:
    """A message that the broker keeps is taken until the end; one that nobody keeps, always."""
    async with bench() as one:
        fleeting = Received(topic="t", payload=b"x", qos=0)
        assert one.publisher.came(came(b"x", 1))
        one.publisher.end()
        assert not one.publisher.came(came(b"x", 2))
        assert one.publisher.came(fleeting)


@on_virtual_time
async def test_received_messages_are_bounded() -> None:
    """The oldest that is not under way is dropped, receipts are not, and a flood of drops is told together."""
    async with bench(most_received=2) as one:
        one.broker.under_way = 2
        await one.outbox.keep([RECEIPT])
        for number in range(6):
            await one.outbox.keep([PendingPublication(PendingKind.RECEIVED, "received", b"%d" % number)])
        assert one.pending() == [b"r", b"0", b"5"]
        assert one.drops == []
        await asyncio.sleep(DROPS_TOLD + 0.1)
        assert one.drops == [4]
        await one.outbox.keep([PendingPublication(PendingKind.RECEIVED, "received", b"6")])
        one.broker.idle.set()
        await one.publisher.finish()
        assert one.drops == [4, 1]


@on_virtual_time
async def test_the_end() -> None:
    """The broker gets a moment; what it has not acknowledged then stays on disk."""
    async with bench() as one:
        await one.outbox.keep([RECEIPT])
        one.publisher.acknowledge(came(b"x", 1))
        before = asyncio.get_running_loop().time()
        await one.publisher.finish()
        assert asyncio.get_running_loop().time() - before == LAST_MOMENTS
        one.broker.take()
        assert one.pending() == [b"r"]
        assert one.broker.said == ["r", "acknowledged x"]
        assert one.broker.begun
    async with bench() as one:
        one.broker.idle.set()
        before = asyncio.get_running_loop().time()
        await one.publisher.finish()
        assert asyncio.get_running_loop().time() == before


@pytest.mark.parametrize("sign", ["nothing for a while", "a new message", "itself again"])
@on_virtual_time
async def test_what_does_not_come_again_is_acknowledged(sign: str) -> None:
    """After a restart the broker brings again at once what it has no acknowledgement of; other identifiers are free.

    So an equal message under an identifier of before is not lost, if the bridge is killed again while it comes.
    """
    async with bench() as one:
        taken: list[bool] = []

        def put(*, duplicate: bool) -> None:
            origin = Origin(1, b"same", duplicate)
            one.outbox.put(message(f"m{len(taken)}"), origin, written=taken.append, failed=lambda _: None)

        put(duplicate=False)
        await asyncio.sleep(0)
        one.publisher.connected()
        if sign == "itself again":
            one.publisher.came(came(b"x", 1, duplicate=True))
        elif sign == "a new message":
            one.publisher.came(came(b"y", 2))
        if sign != "a new message":
            await asyncio.sleep(RESENT_WITHIN + 0.1)
        one.publisher.connected()  # of the next bridge, after another kill
        put(duplicate=True)
        await asyncio.sleep(0)
        assert taken == [True, sign != "itself again"]
        await one.publisher.finish()
