"""Refused messages whose receipts have to wait: at the broker, over a reconnection, in a flood, at the end."""

import asyncio

import pytest

from sim7020_bridge.mqtt.messages import Acknowledgement
from sim7020_bridge.outbox.message import PendingPublication
from tests.bridge.desk import TOPICS, Desk, named, sent, staffed
from tests.bridge.modem.bench import UDP
from tests.bridge.scripted_module import on_virtual_time


def slow_to_take_receipts(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let two refusals wait, at a broker that takes nothing until the event is set."""
    monkeypatch.setattr("sim7020_bridge.delivery.intake.MOST_REFUSALS", 2)
    takes = asyncio.Event()

    async def take(desk: Desk, publication: PendingPublication) -> None:
        await takes.wait()
        desk.tell((publication,))

    monkeypatch.setattr(Desk, "take", take)
    return takes


@on_virtual_time
async def test_a_flood_of_refusals_waits_at_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """While too many receipts wait, a refused message stays with the broker, and one with QoS 0 gets no receipt."""
    takes = slow_to_take_receipts(monkeypatch)
    async with staffed(UDP) as desk:
        for number in range(5):
            desk.send("udp", b"", acknowledgement=Acknowledgement(1, number), **named(f"kept {number}"))
            desk.send("udp", b"", **named(f"lost {number}"))
        await asyncio.sleep(10)
        assert [one.acknowledgement for one in desk.acknowledged if one.acknowledgement] == [Acknowledgement(1, 0)]
        takes.set()
        await asyncio.sleep(10)
        assert len([one for one in desk.acknowledged if one.acknowledgement]) == 5
        ids = {receipt["id"] for receipt in desk.documents(TOPICS.receipt("udp"))}
        assert ids == {"lost 0", *(f"kept {n}" for n in range(5))}


@on_virtual_time
async def test_a_refusal_that_waits_when_the_broker_connects_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits to be refused, and comes again over another connection, is refused once, even if it could go now."""
    takes = slow_to_take_receipts(monkeypatch)
    async with staffed(UDP) as desk:
        desk.intake.change(())
        for number in range(5):
            desk.send("udp", b"x", acknowledgement=Acknowledgement(1, number), **named(f"kept {number}"))
        await asyncio.sleep(10)
        desk.intake.connected()
        desk.intake.change([UDP])
        for number in range(5):
            again = Acknowledgement(2, number)
            desk.send("udp", b"x", duplicate=True, acknowledgement=again, **named(f"kept {number}"))
        takes.set()
        await asyncio.sleep(10)
        assert [desk.receipts("udp", f"kept {number}") for number in range(5)] == [["rejected"]] * 5
        told = [one.acknowledgement for one in desk.acknowledged]
        assert not sent(desk)
        assert all(Acknowledgement(2, number) in told for number in range(5))


@on_virtual_time
async def test_a_refusal_that_waits_comes_before_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood with QoS 0 does not keep what the broker waits for from being refused."""
    monkeypatch.setattr("sim7020_bridge.delivery.intake.MOST_REFUSALS", 2)

    async def take(desk: Desk, publication: PendingPublication) -> None:
        await asyncio.sleep(0.4)
        desk.tell((publication,))

    monkeypatch.setattr(Desk, "take", take)
    async with staffed(UDP) as desk:
        for number in range(1000):
            desk.send("udp", b"")
            if number == 500:
                desk.send("udp", b"", acknowledgement=Acknowledgement(1, 1), **named("kept"))
            await asyncio.sleep(0.01)
        assert Acknowledgement(1, 1) in [one.acknowledgement for one in desk.acknowledged]


@on_virtual_time
async def test_a_refusal_that_waits_when_the_bridge_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be refused before the end is not acknowledged: the broker keeps it for the next run."""
    takes = slow_to_take_receipts(monkeypatch)
    async with staffed(UDP) as desk:
        for number in range(5):
            desk.send("udp", b"", acknowledgement=Acknowledgement(1, number), **named(f"kept {number}"))
        await asyncio.sleep(10)
        desk.intake.stop()
        takes.set()
        await asyncio.sleep(10)
        told = [one.acknowledgement for one in desk.acknowledged if one.acknowledgement]
        assert told == [Acknowledgement(1, 0), Acknowledgement(1, 1)]
        assert desk.receipts("udp", "kept 2") == []
