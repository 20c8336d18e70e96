"""Whoever looks on is told of every message: what it is, where it came from, each step, and the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sim7020_bridge.config.model import Encoding
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.refusals import Problem
from sim7020_bridge.outbox.message import Entry, Message
from tests.bridge.desk import TOPICS, named, staffed
from tests.bridge.modem.bench import UDP
from tests.bridge.scripted_module import on_virtual_time


@dataclass
class Onlooker:
    """Writes down what it is told."""

    told: list[tuple[object, ...]] = field(default_factory=list)

    def published(self, publication: Publication) -> None:
        """Let it pass: it is of no message."""

    def broker(self, problem: Problem | None) -> None:
        """Note whether the broker has the bridge."""
        self.told.append(("broker", problem))

    def found(self, entry: Entry) -> None:
        """Note what waits."""
        self.told.append(("found", entry.message.id))

    def found_all(self) -> None:
        """Note that nothing else waits."""
        self.told.append(("found all",))

    def taken(self, message: Message, topic: str) -> None:
        """Note what is on disk."""
        self.told.append(("taken", message.id, message.data, topic))

    def refused(self, message_id: str, socket: str, received: Received) -> None:
        """Note what is not taken."""
        self.told.append(("refused", message_id, socket, received.payload))

    def receipt(self, receipt: Mapping[str, Any], message: Message | None) -> None:
        """Note a step."""
        error = receipt["error"]
        data = None if message is None else message.data
        self.told.append(("receipt", receipt["id"], str(receipt["state"]), None if error is None else error.code, data))

    def delivered(self, socket: str, data: bytes, topic: str) -> None:
        """Note what came."""
        self.told.append(("delivered", socket, data, topic))


@on_virtual_time
async def test_a_message_on_its_way() -> None:
    """It is told when it is on disk, then each of its receipts, with what was sent."""
    onlooker = Onlooker()
    async with staffed(UDP, observer=onlooker) as desk:
        desk.send("udp", b"21.5", **named("m1"))
        await desk.final("udp", "m1")
    assert onlooker.told == [
        ("taken", "m1", b"21.5", TOPICS.send("udp")),
        ("receipt", "m1", "queued", None, b"21.5"),
        ("receipt", "m1", "sending", None, b"21.5"),
        ("receipt", "m1", "accepted", None, b"21.5"),
    ]


@on_virtual_time
async def test_what_is_refused() -> None:
    """What is no message is told with what came, before the receipt that says why."""
    onlooker = Onlooker()
    async with staffed(replace(UDP, encoding=Encoding.HEX), observer=onlooker) as desk:
        desk.send("udp", b"zz", **named("m1"))
        await desk.final("udp", "m1")
        desk.send("nowhere", b"00", **named("m2"))
        await desk.final("nowhere", "m2")
        refused = await desk.ask("send", socket="nowhere", data="x")
        assert refused["status"] == "error"
    assert onlooker.told == [
        ("refused", "m1", "udp", b"zz"),
        ("receipt", "m1", "rejected", "invalid_hex", None),
        ("refused", "m2", "nowhere", b"00"),
        ("receipt", "m2", "rejected", "unknown_socket", None),
    ]


@on_virtual_time
async def test_what_is_cancelled() -> None:
    """A message that never goes has its end told."""
    onlooker = Onlooker()
    async with staffed(UDP, absent=100, observer=onlooker) as desk:
        await desk.ask("send", socket="udp", data="x", id="m1")
        await desk.ask("outbox", action="cancel", id="m1")
    assert onlooker.told == [
        ("taken", "m1", b"x", TOPICS.request("send")),
        ("receipt", "m1", "queued", None, b"x"),
        ("receipt", "m1", "failed", "cancelled", b"x"),
    ]
