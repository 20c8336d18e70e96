"""Only what is news: the newest of each key so often, and beyond a dead band, over restarts, too."""

import asyncio
import json
from dataclasses import replace
from unittest.mock import patch

import pytest

from sim7020_bridge.config.model import PayloadForm
from sim7020_bridge.delivery.router import HELD_BACK_CHECK
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.last_sent import MOST_KEYS, LastSent, Sent
from sim7020_bridge.outbox.message import Entry
from tests.bridge.desk import Desk, change, named, sent, staffed
from tests.bridge.modem.bench import UDP, now
from tests.bridge.scripted_module import on_virtual_time

EVERY = replace(UDP, every=60.0)
CHANGE = replace(UDP, payload=PayloadForm.CBOR, pick=("t", "on"), change=("t 0.5", "on"))


def air(desk: Desk) -> list[str]:
    """Return the hexadecimal digits that the module was given, in order."""
    return [line.split('"')[1].lower() for line in desk.module.heard if line.startswith("AT+CSOSEND=")]


async def end(desk: Desk, name: str) -> tuple[str, str | None]:
    """Return a message's final state, and the code of its error."""
    receipt = await desk.final("udp", name)
    return receipt["state"], receipt["error"] and receipt["error"]["code"]


@on_virtual_time
async def test_the_newest_so_often() -> None:
    """The first goes at once; of those within a minute only the last, at its end; each key has a minute of its own."""
    async with staffed(EVERY) as desk:
        await desk.bench.opened("udp")
        began = now()
        desk.send("udp", b"1", **named("m1", key="a"))
        assert await end(desk, "m1") == ("accepted", None)
        for number in (2, 3, 4):
            desk.send("udp", b"%d" % number, **named(f"m{number}", key="a"))
        desk.send("udp", b"b", **named("other", key="b"))
        assert await end(desk, "other") == ("accepted", None)
        assert now() - began < 10
        assert await end(desk, "m4") == ("accepted", None)
        assert 60 <= now() - began < 62
        assert [await end(desk, name) for name in ("m2", "m3")] == [("superseded", None)] * 2
        assert sent(desk) == ["1", "b", "4"]


@on_virtual_time
async def test_a_wait_that_rounding_leaves() -> None:
    """A rest of the pause that is too short for the clock to show ends all the same."""
    async with staffed(EVERY) as desk:
        await desk.bench.opened("udp")
        await asyncio.sleep(5000)
        began, rest = now(), 1e-13
        assert began + rest == began

        def told(_: object) -> tuple[float, str]:
            return (60.0 if now() > began else 60.0 - rest), "{}"

        with patch.object(desk.outbox, "last_sent", told):
            desk.send("udp", b"1", **named("m1", key="a"))
            assert await end(desk, "m1") == ("accepted", None)


@on_virtual_time
async def test_a_topic_is_a_key() -> None:
    """Messages without a key are told apart by their topics; urgent ones, and requests without a key, go at once."""
    async with staffed(EVERY) as desk:
        await desk.bench.opened("udp")
        desk.send("udp", b"1", **named("m1"))
        assert await end(desk, "m1") == ("accepted", None)
        began = now()
        desk.send("udp", b"2", **named("m2"))
        desk.send("udp", b"!", **named("urgent", key="alarm", priority="high"))
        assert await end(desk, "urgent") == ("accepted", None)
        desk.send("udp", b"!!", **named("again", key="alarm", priority="high"))
        await desk.ask("send", socket="udp", data="r", id="r1")
        await desk.ask("send", socket="udp", data="s", id="r2")
        for name in ("again", "r1", "r2"):
            assert await end(desk, name) == ("accepted", None)
        assert now() - began < 10
        assert await end(desk, "m2") == ("accepted", None)
        assert 59 <= now() - began < 62


@on_virtual_time
async def test_what_is_held_wakes_nobody_before_its_time() -> None:
    """A module that sleeps is not woken for what its key holds back, nor for what says nothing new."""
    async with staffed(replace(CHANGE, every=100.0), absent=10**6) as desk:
        began = now()
        message = b'{"t": 20, "on": true}'
        desk.send("udp", message, **named("m1", key="a"))
        await desk.outbox.wait_written()
        entry = next(iter(desk.outbox))
        desk.outbox.settle((), (), [(entry.message, '{"t":20,"on":true}')])
        waking = asyncio.create_task(desk.router.until_any_may_go())
        assert await end(desk, "m1") == ("superseded", "unchanged")
        assert 99 <= now() - began < 130
        assert not waking.done()
        desk.send("udp", b'{"t": 25, "on": true}', **named("m2", key="a"))
        await waking


@pytest.mark.parametrize(
    ("readings", "goes"),
    [
        (["20", "20.5", "19.5", "20.51", "20.1", "20"], ["20", "20.51", "20"]),
        (["20", "null", "null", "20"], ["20", "null", "20"]),
        (['"warm"', '"warm"', '"cold"'], ['"warm"', '"cold"']),
        (["1", "true", "true", "1"], ["1", "true", "1"]),
    ],
)
@on_virtual_time
async def test_beyond_a_dead_band(readings: list[str], goes: list[str]) -> None:
    """Measured from what was last sent, not from what was last published; what is no number is new if it differs."""
    async with staffed(CHANGE) as desk:
        await desk.bench.opened("udp")
        ended = []
        for number, reading in enumerate(readings):
            desk.send("udp", b'{"t": %s, "on": false}' % reading.encode(), **named(f"m{number}"))
            ended.append(await end(desk, f"m{number}"))
        went = [reading for reading, ending in zip(readings, ended, strict=True) if ending == ("accepted", None)]
        assert went == goes
        assert set(ended) - {("accepted", None)} == {("superseded", "unchanged")}
        assert len(air(desk)) == len(goes)


@on_virtual_time
async def test_what_says_nothing_new_is_no_dead_letter() -> None:
    """Somebody wanted it left out."""
    async with staffed(replace(CHANGE, dead_letter_topic="dead")) as desk:
        await desk.bench.opened("udp")
        for name in ("m1", "m2"):
            desk.send("udp", b'{"t": 20}', **named(name))
            await end(desk, name)
        assert await end(desk, "m2") == ("superseded", "unchanged")
        assert desk.on("dead") == []


@on_virtual_time
async def test_another_field_is_news() -> None:
    """One that changes at all is enough; one that is picked without a dead band is not looked at."""
    async with staffed(replace(CHANGE, pick=("t", "on", "x"))) as desk:
        await desk.bench.opened("udp")
        for number, text in enumerate(('{"t":1,"on":false,"x":1}', '{"t":1,"on":false,"x":9}', '{"t":1,"on":true}')):
            desk.send("udp", text.encode(), **named(f"m{number}"))
        assert await end(desk, "m2") == ("accepted", None)
        assert await end(desk, "m1") != ("accepted", None)


async def begun_after_20(desk: Desk) -> Entry:
    """Begin to send m1, of 25, where 20 was sent last, and return it."""
    desk.send("udp", b'{"t": 25}', **named("m1"))
    await asyncio.sleep(1)
    [entry] = desk.outbox
    desk.outbox.settle((), (), [(entry.message, '{"t":20,"on":null}')])
    desk.outbox.queue.start_sending(entry)
    return entry


@on_virtual_time
async def test_nothing_is_compared_while_one_is_on_its_way() -> None:
    """What returns to the value before the one that is being sent is news: that one changes what the peer has."""
    async with staffed(CHANGE, absent=10**6) as desk:
        first = await begun_after_20(desk)
        desk.send("udp", b'{"t": 20}', **named("m2"))
        await asyncio.sleep(1)
        second = desk.outbox.queue.first("udp")
        assert second is not None
        assert desk.router._first(CHANGE) == (second, HELD_BACK_CHECK)
        desk.outbox.settle([first], (), [(first.message, '{"t":25,"on":null}')])
        assert desk.router._first(CHANGE) == (second, 0.0)


@on_virtual_time
async def test_nothing_is_compared_with_what_was_before_a_doubt() -> None:
    """The peer may have a message that came to no good end: what was sent before it is what nobody knows it to have."""
    async with staffed(CHANGE, absent=10**6) as desk:
        first = await begun_after_20(desk)
        desk.outbox.put_back(first)
        desk.send("udp", b'{"t": 20}', **named("m2"))
        await asyncio.sleep(1)
        [second] = desk.outbox
        assert desk.router._first(CHANGE) == (second, 0.0)
        kept = await desk.outbox._writer.write(records.load)
        assert [sent.said for sent in kept.last_sent] == ["{}"]


@on_virtual_time
async def test_what_was_not_sent_changes_nothing() -> None:
    """A reading that expired is not what the peer has: the next is compared with the one before."""
    async with staffed(replace(CHANGE, every=60.0)) as desk:
        await desk.bench.opened("udp")
        desk.send("udp", b'{"t": 20}', **named("m1"))
        assert await end(desk, "m1") == ("accepted", None)
        desk.send("udp", b'{"t": 25}', message_expiry=5, **named("m2"))
        assert await end(desk, "m2") == ("expired", "expired")
        assert [json.loads(one.said)["t"] for one in desk.outbox._last_sent] == [20]


@on_virtual_time
async def test_it_is_on_disk_with_the_end_of_the_message() -> None:
    """In one commit: a bridge that is killed knows of both or of none, and goes on from there."""
    async with staffed(CHANGE) as desk:
        await desk.bench.opened("udp")
        desk.send("udp", b'{"t": 20, "on": true}', **named("m1", key="k"))
        await end(desk, "m1")
        kept = await desk.outbox._writer.write(records.load)
        assert [(sent.socket, sent.key, sent.said) for sent in kept.last_sent] == [("udp", "k", '{"t":20,"on":true}')]


@on_virtual_time
async def test_other_fields_after_a_reload_are_news() -> None:
    """What was last sent says nothing of a field that was not compared then."""
    async with staffed(CHANGE) as desk:
        await desk.bench.opened("udp")
        desk.send("udp", b'{"t": 20, "x": 1}', **named("m1"))
        await end(desk, "m1")
        await change(desk, replace(CHANGE, pick=("t", "x"), change=("x",)))
        desk.send("udp", b'{"t": 20, "x": 1}', **named("m2"))
        assert await end(desk, "m2") == ("accepted", None)


def test_the_keys_that_are_remembered_are_bounded() -> None:
    """Those that were sent longest ago are forgotten first."""
    last = LastSent()
    last.note(Sent("s", str(number), float(number), "{}") for number in range(MOST_KEYS))
    last.note([Sent("s", "0", 1e6, "{}"), Sent("s", "new", 1e6, "{}")])
    assert len(list(last)) == MOST_KEYS
    assert last.of("s", "1") is None
    assert last.of("s", "0") is not None
