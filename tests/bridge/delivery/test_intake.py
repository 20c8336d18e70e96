"""Messages that come before the outbox could be opened."""

import asyncio
from datetime import UTC, datetime

import pytest

from sim7020_bridge.config.model import MqttSettings, OutboxSettings
from sim7020_bridge.delivery.intake import Intake
from sim7020_bridge.delivery.receipts import Receipts
from sim7020_bridge.mqtt.messages import Acknowledgement, Received
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.outbox import Outbox
from tests.bridge.desk import TOPICS, named
from tests.bridge.instant_store import InstantStore
from tests.bridge.modem.bench import UDP


class Gate:
    """An intake before an outbox that is not open yet."""

    def __init__(self, settings: OutboxSettings) -> None:
        receipts = Receipts(TOPICS, [UDP])
        self.acknowledged: list[Received] = []
        self.outbox = Outbox(
            InstantStore(),
            settings=settings,
            hooks=Hooks(
                lost=receipts.lost,
                resumed=lambda _: None,
                changed=lambda: None,
                publish=lambda *_: None,
                usage=lambda *_: None,
            ),
        )
        self.intake = Intake(
            [UDP],
            outbox=self.outbox,
            receipts=receipts,
            response_topics=ResponseTopics(MqttSettings("broker"), (), discovery_prefix=None),
            publish_interim=lambda _: None,
            acknowledge=self.acknowledged.append,
            clock=lambda: datetime(2026, 11, 29, tzinfo=UTC),
        )

    def send(self, message_id: str, packet: int | None, *, connection: int = 1) -> None:
        """Publish to the socket, with QoS 1 if there is a packet identifier."""
        acknowledgement = None if packet is None else Acknowledgement(connection, packet)
        self.intake.receive(
            "udp",
            Received(topic=TOPICS.send("udp"), payload=b"x", acknowledgement=acknowledgement, **named(message_id)),
        )

    async def open(self) -> None:
        """Open the outbox, and take what may be taken."""
        if not self.outbox.loaded.is_set():
            await self.outbox.load()
        await self.intake.run()
        for _ in range(5):  # a write, what follows it, and theirs
            await asyncio.sleep(0)

    def waiting(self) -> list[str]:
        """Return the ids in the outbox, in order."""
        return [entry.message.id for entry in self.outbox]


async def test_the_broker_keeps_what_comes_before(caplog: pytest.LogCaptureFixture) -> None:
    """A QoS 1 message is neither acknowledged nor refused until the outbox is open; one with QoS 0 nobody keeps."""
    gate = Gate(OutboxSettings())
    gate.send("first", 1)
    gate.send("fleeting", None)
    assert "message refused: " in caplog.text
    assert (gate.acknowledged, gate.waiting()) == ([], [])
    await gate.outbox.load()
    gate.send("second", 2)
    await gate.open()
    assert gate.waiting() == ["first", "second"]
    assert [one.acknowledgement for one in gate.acknowledged if one.acknowledgement] == [
        Acknowledgement(1, 1),
        Acknowledgement(1, 2),
    ]
    await gate.outbox.close()


async def test_what_the_broker_brings_again_is_taken_once() -> None:
    """What came over an earlier connection is left to the broker."""
    gate = Gate(OutboxSettings())
    gate.send("first", 1)
    gate.intake.connected()
    gate.send("first", 1, connection=2)
    await gate.open()
    assert gate.waiting() == ["first"]
    assert [one.acknowledgement for one in gate.acknowledged] == [Acknowledgement(2, 1)]
    await gate.outbox.close()


async def test_too_many_came_before() -> None:
    """What finds no room once the outbox is open is refused then, and acknowledged."""
    gate = Gate(OutboxSettings(max_messages=1))
    gate.send("first", 1)
    gate.send("second", 2)
    await gate.open()
    assert gate.waiting() == ["first"]
    assert len(gate.acknowledged) == 2
    assert len(gate.outbox.pending) == 1
    await gate.outbox.close()
