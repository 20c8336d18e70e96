"""When messages go, which of them go together, and where those go that can't."""

import asyncio
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import MAX_SOCKETS, BatchFormat, Encoding
from sim7020_bridge.delivery.pace import Pace
from sim7020_bridge.delivery.router import ATTEMPTS, SHORTEST_WAIT
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.message import Priority
from sim7020_bridge.outbox.writer import Writer
from tests.bridge.desk import change, named, sent, staffed
from tests.bridge.modem.bench import UDP, now
from tests.bridge.scripted_module import on_virtual_time

WHAT_NO_BATCH_CAN_HOLD = pytest.mark.parametrize(
    ("form", "payload", "code"),
    [
        (BatchFormat.NEWLINE, b"two\nlines", "line_feed"),
        (BatchFormat.LENGTH, bytes(511), "too_large"),
        (BatchFormat.JSON, bytes(100), "too_large"),
    ],
)


@on_virtual_time
async def test_a_minimum_interval() -> None:
    """Messages keep their distance, however many wait, and priority decides who goes next."""
    async with staffed(replace(UDP, min_interval=10.0)) as desk:
        await desk.bench.opened("udp")
        began = now()
        for name in ("a", "b", "c"):
            desk.send("udp", name.encode(), **named(name))
        desk.send("udp", b"!", **named("d", priority="critical"))
        await desk.final("udp", "c")
        assert sent(desk) == ["!", "a", "b", "c"]
        assert 30 <= now() - began < 31


@on_virtual_time
async def test_messages_per_hour() -> None:
    """Only so many messages go within any 60 minutes."""
    async with staffed(replace(UDP, messages_per_hour=2)) as desk:
        await desk.bench.opened("udp")
        began = now()
        for number in range(5):
            desk.send("udp", b"%d" % number, **named(f"m{number}"))
        await desk.final("udp", "m1")
        assert now() - began < 5
        await desk.final("udp", "m4", within=9000)
        assert 7200 <= now() - began < 7210


@on_virtual_time
async def test_a_batch_counts_once() -> None:
    """With batches it is datagrams that are counted in an hour, however many messages are in them."""
    async with staffed(replace(UDP, messages_per_hour=1, batch=BatchFormat.NEWLINE), absent=1) as desk:
        for number in range(5):
            desk.send("udp", b"%d" % number, **named(f"m{number}"))
        await desk.final("udp", "m4", within=600)
        began = now()
        desk.send("udp", b"later", **named("later"))
        await desk.final("udp", "later")
        assert sent(desk) == ["0\n1\n2\n3\n4\n", "later\n"]
        assert 3500 <= now() - began <= 3600 + 2 * SHORTEST_WAIT


@on_virtual_time
async def test_what_goes_while_no_end_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the page on delivery says: 15 of a modem, and two for each of its UDP sockets."""
    monkeypatch.setattr(Writer, "insist", lambda *_, **__: None)
    sockets = [replace(UDP, name=f"s{number}") for number in range(MAX_SOCKETS)]
    async with staffed(*sockets, absent=1) as desk:
        for number in range(20):
            for socket in sockets:
                desk.send(socket.name, b"x", **named(f"m{number}"))
        for socket in sockets:
            await desk.bench.opened(socket.name)
        await asyncio.sleep(600)
        assert 15 <= len(sent(desk)) <= 15 + 2 * MAX_SOCKETS


@on_virtual_time
async def test_what_is_held_back_wakes_nobody() -> None:
    """A message that the pace or the data budget holds back is no reason to wake the module, until it may go."""
    settings = replace(UDP, min_interval=100.0)
    async with staffed(settings, absent=10**6) as desk:
        began = now()
        desk.router._note_sent(settings)
        desk.send("udp", b"a", **named("a"))
        await desk.router.until_any_may_go()
        assert 99 <= now() - began <= 101
        desk.router._lowest = lambda: Priority.HIGH
        waking = asyncio.create_task(desk.router.until_any_may_go())
        await asyncio.sleep(1000)
        assert not waking.done()
        desk.send("udp", b"b", **named("b", priority="critical"))
        await waking
        assert now() - began < 1200


@on_virtual_time
async def test_a_paced_send_is_remembered() -> None:
    """What a socket with a pace sent is kept for the next run for as long as it matters, and nothing else is."""
    paced = replace(UDP, min_interval=100.0)
    async with staffed(paced, replace(UDP, name="free")) as desk:
        for socket in ("udp", "free"):
            await desk.bench.opened(socket)
            desk.send(socket, b"a", **named(socket))
            await desk.final(socket, socket)
        kept = await desk.outbox._writer.write(records.load)
        assert [socket for socket, _ in kept.sent] == ["udp"]


def test_earlier_sends_count() -> None:
    """A bridge that is started again keeps the pace of the one before."""
    assert Pace([-20.0, -4.0]).wait(replace(UDP, min_interval=10.0), 0.0) == 6.0
    twice = replace(UDP, messages_per_hour=2)
    assert Pace([-3000.0, -1000.0, -500.0]).wait(twice, 0.0) == 2600.0
    assert Pace([-500.0]).wait(twice, 0.0) == 0.0


@pytest.mark.parametrize(
    ("form", "datagrams"),
    [
        (BatchFormat.NEWLINE, ["one\ntwo\nthree\n"]),
        (BatchFormat.LENGTH, ["\0\3one\0\4two\n\0\5three"]),
        (BatchFormat.JSON, ['["one","two\\n","three"]']),
    ],
)
@on_virtual_time
async def test_batches(form: BatchFormat, datagrams: list[str]) -> None:
    """Messages that wait together go in one datagram, each with its own receipts."""
    async with staffed(replace(UDP, batch=form), absent=1) as desk:
        for name in ("one", "two\n", "three"):
            desk.send("udp", name.encode(), **named(name.strip()))
        await desk.final("udp", "three")
        assert sent(desk) == datagrams
        assert desk.receipts("udp", "two") == ["queued", "sending", "accepted"]


@on_virtual_time
async def test_batches_are_bounded_and_wait_for_company() -> None:
    """A batch is no larger than a datagram; a message waits for others, but an urgent one does not."""
    async with staffed(replace(UDP, batch=BatchFormat.NEWLINE, batch_wait=60.0)) as desk:
        await desk.bench.opened("udp")
        began = now()
        for number in range(3):
            desk.send("udp", 200 * b"x", **named(f"m{number}"))
        await desk.final("udp", "m2")
        assert 60 <= now() - began < 61
        assert [len(data) for data in sent(desk)] == [402, 201]
        desk.send("udp", b"x", **named("later"))
        desk.send("udp", b"!", **named("urgent", priority="high"))
        await desk.final("udp", "urgent")
        assert now() - began < 62


@WHAT_NO_BATCH_CAN_HOLD
@on_virtual_time
async def test_what_no_batch_can_hold(form: BatchFormat, payload: bytes, code: str) -> None:
    """A message that could not be told from others in a batch is refused at once."""
    async with staffed(replace(UDP, batch=form)) as desk:
        desk.send("udp", payload, **named("m1"))
        assert (await desk.final("udp", "m1"))["error"]["code"] == code


@WHAT_NO_BATCH_CAN_HOLD
@on_virtual_time
async def test_what_waits_when_batches_begin(form: BatchFormat, payload: bytes, code: str) -> None:
    """A message that waits while its socket is made one with batches is held to what is refused of new ones."""
    async with staffed(UDP, absent=10_000) as desk:
        desk.send("udp", payload, **named("m1"))
        desk.send("udp", b"fits", **named("m2"))
        await asyncio.sleep(1)
        await change(desk, replace(UDP, batch=form))
        assert (await desk.final("udp", "m1"))["error"]["code"] == code
        assert [entry.message.id for entry in desk.outbox] == ["m2"]


@on_virtual_time
async def test_a_refused_batch_is_refused_for_each() -> None:
    """Every message of a batch that the module refuses ends with its own receipt."""
    async with staffed(replace(UDP, batch=BatchFormat.NEWLINE), absent=1) as desk:
        desk.module.answer("AT+CSOSEND", "ERROR")
        for name in ("a", "b"):
            desk.send("udp", 150 * name.encode(), **named(name))
        for name in ("a", "b"):
            assert (await desk.final("udp", name))["attempts"] == ATTEMPTS


@on_virtual_time
async def test_dead_letters() -> None:
    """What failed or expired is published as it would have been sent; what was superseded is not."""
    settings = replace(UDP, dead_letter_topic="dead/letters", encoding=Encoding.HEX)
    async with staffed(settings, absent=20) as desk:
        desk.send("udp", b"61", message_expiry=5, **named("m1"))
        desk.send("udp", b"62", **named("m2", key="k"))
        desk.send("udp", b"63", **named("m3", key="k"))
        await desk.final("udp", "m1")
        await desk.bench.opened("udp")
        await desk.final("udp", "m3")
        desk.module.answer("AT+CSOSEND", "ERROR")
        desk.send("udp", 257 * b"64", **named("m4"))
        await desk.final("udp", "m4")
        await asyncio.sleep(1)
        assert [one.payload for one in desk.on("dead/letters")] == [b"61", 257 * b"64"]


@on_virtual_time
async def test_more_fits_from_a_reload_on() -> None:
    """A socket whose limit was raised sends what fits now in one datagram, as before."""
    async with staffed(replace(UDP, max_payload=100)) as desk:
        await desk.bench.opened("udp")
        await change(desk, replace(UDP, max_payload=200))
        desk.send("udp", 150 * b"a", **named("m1"))
        assert (await desk.final("udp", "m1"))["state"] == "accepted"
        assert sent(desk) == [150 * "a"]


@on_virtual_time
async def test_less_fits_while_a_message_is_refused() -> None:
    """What no longer fits a datagram when it is to go again fails, and does not go in two."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        desk.module.answer("AT+CSOSEND")
        desk.send("udp", 150 * b"a", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        changing = asyncio.create_task(change(desk, replace(UDP, max_payload=100)))
        desk.module.answer("AT+CSOSEND", "OK")
        desk.module.say("ERROR")
        await changing
        assert (await desk.final("udp", "m1"))["error"]["code"] == "too_large"
        assert len(sent(desk)) == 1
