"""The outbox, over its own file: what is written stays, goes once, and in order."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from sim7020_bridge.config.model import OutboxSettings, WhenFull
from sim7020_bridge.errors import PayloadRefused, StorageFailed
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.expiry import SLICE
from sim7020_bridge.outbox.message import Loss, PendingKind, PendingPublication, Priority, ReplyTo, Stage
from sim7020_bridge.outbox.passing_time import PassingTime
from tests.bridge.outbox.desk import Desk, Machine, malformed, message

DAY = 24 * 3600
YEAR = 365.25 * DAY


def is_full(desk: Desk) -> bool:
    """Whether the outbox says that it is full."""
    return desk.outbox.queue.full


async def test_messages_survive_in_order_of_priority_and_age(desk: Desk) -> None:
    """A new run goes on with what the last one had not sent, the important first, then the old."""
    desk.put("low", priority=Priority.LOW)
    desk.put("one")
    desk.put("two")
    desk.put("urgent", priority=Priority.CRITICAL)
    desk.put("elsewhere", socket="b")
    await desk.written()
    assert [name for name, new in desk.taken if new] == ["low", "one", "two", "urgent", "elsewhere"]
    await desk.again()
    assert [desk.send() for _ in range(5)] == ["urgent", "one", "two", "low", None]
    assert desk.send("b") == "elsewhere"
    await desk.written()
    await desk.again()
    assert desk.waiting() == []
    assert sorted(desk.pending()) == sorted(f"{n} accepted" for n in ("urgent", "one", "two", "low", "elsewhere"))


async def test_the_pool_of_a_message_survives(desk: Desk) -> None:
    """A new run still knows where the receipts of a message to a pool go."""
    desk.put("dealt", pool="meters")
    desk.put("own")
    await desk.again()
    assert [(entry.message.id, entry.message.pool) for entry in desk.outbox] == [("dealt", "meters"), ("own", None)]


async def test_how_full_it_is(desk: Desk) -> None:
    """The limit that is nearer counts, messages or bytes."""
    limits = desk.settings
    assert desk.outbox.queue.filled == 0
    desk.put("m", data=b"x" * 512)
    desk.put("n", data=b"x")
    assert desk.outbox.queue.filled == 2 / limits.max_messages
    desk.put("o", data=b"x" * (limits.max_bytes // 2 - desk.outbox.queue.bytes - 2))
    assert desk.outbox.queue.filled == 1 / 2


async def test_all_that_is_kept_counts(desk: Desk) -> None:
    """The limit in bytes holds for what is kept beside the payload too, and all of it is free again at the end."""
    plain = message("m", data=b"x")
    answered = replace(plain, key="ü", pool="b", reply_to=ReplyTo("topic", b"12345"))
    assert (plain.size, answered.size) == (3, 3 + 2 + 1 + 5 + 5)
    desk.put("m", data=b"x", reply_to=ReplyTo("t" * 1000, b"c" * 1000))
    await desk.written()
    assert desk.outbox.queue.bytes == 2003
    assert (await desk.again()).queue.bytes == 2003
    desk.send()
    assert desk.outbox.queue.bytes == 0


async def test_nothing_goes_before_it_is_on_disk(desk: Desk) -> None:
    """A message can be sent only once it is written."""
    desk.put("m")
    assert desk.outbox.queue.first("a") is None
    await desk.written()
    assert desk.outbox.queue.first("a") is not None


async def test_numbers_go_on(desk: Desk) -> None:
    """A message never gets the number of one that is gone, not after a restart either."""
    desk.put("one")
    desk.put("two")
    await desk.written()
    for _ in range(2):
        desk.send()
    await desk.again()
    desk.put("three")
    await desk.written()
    assert [entry.number for entry in desk.outbox] == [3]


async def test_sends_are_remembered_over_restarts(desk: Desk) -> None:
    """When a socket sent is known to the next run, as long as it matters."""
    desk.outbox.note_sent("a", remembered=100.0)
    desk.machine.pass_by(90)
    desk.outbox.note_sent("a", remembered=100.0)
    desk.machine.pass_by(20)
    desk.outbox.note_sent("b", remembered=100.0)
    desk.outbox.note_sent("a", remembered=100.0)
    await desk.again()
    desk.machine.pass_by(5)
    assert list(desk.outbox.send_ages("a")) == [25.0, 5.0]
    assert list(desk.outbox.send_ages("b")) == [5.0]


async def test_what_left_is_not_watched_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that were sent long before they expire don't pile up in memory."""
    monkeypatch.setattr("sim7020_bridge.outbox.expiry.FEW", 10)
    await desk.again()
    desk.put("never sent", ttl=50.0, socket="b")
    for number in range(100):
        desk.put(f"m{number}", ttl=1000.0)
        await desk.written()
        desk.send()
    assert len(desk.outbox._expiry._planned) <= 20
    desk.machine.pass_by(60)
    desk.outbox._expiry.end_due()
    await desk.written()
    assert "never sent expired" in desk.pending()


async def test_everything_else_goes_on_while_much_is_cancelled(desk: Desk) -> None:
    """A purge gives way to others again and again."""
    for number in range(1000):
        desk.put(f"m{number}")
    await desk.written()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(others())
    assert await desk.outbox.cancel([entry.number for entry in desk.outbox]) == 1000
    counting.cancel()
    assert turns >= 4
    await desk.written()
    assert len(desk.pending()) == 1000


async def test_messages_go_back_to_their_place(desk: Desk) -> None:
    """What was lost on the way goes again before what was taken after it."""
    for name in ("one", "two", "three"):
        desk.put(name)
    await desk.written()
    away = []
    for _ in range(2):
        entry = desk.outbox.queue.first("a")
        assert entry is not None
        desk.outbox.queue.start_sending(entry)
        away.append(entry)
    for entry in reversed(away):
        desk.outbox.put_back(entry)
    assert [desk.send() for _ in range(3)] == ["one", "two", "three"]


async def test_a_full_outbox_refuses(tmp_path: Path) -> None:
    """Beyond the limits messages are refused and the alert holds until there is room again."""
    desk = Desk(tmp_path, OutboxSettings(max_messages=10, max_bytes=100))
    await desk.outbox.load()
    for number in range(10):
        desk.put(f"m{number}")
    with pytest.raises(PayloadRefused, match="10 messages wait"):
        desk.put("more")
    assert is_full(desk)
    await desk.written()
    assert len(desk.waiting()) == 10
    desk.send()
    assert not is_full(desk)
    with pytest.raises(PayloadRefused):
        desk.put("large", data=bytes(90))
    await desk.outbox.close()


async def test_a_full_outbox_drops_what_is_missed_least(tmp_path: Path) -> None:
    """With drop_oldest the oldest of the lowest priority goes, but never for something less important."""
    settings = OutboxSettings(max_messages=3, max_bytes=102, when_full=WhenFull.DROP_OLDEST)
    desk = Desk(tmp_path, settings)
    await desk.outbox.load()
    desk.put("one", priority=Priority.HIGH)
    desk.put("two")
    desk.put("three")
    await desk.written()
    desk.put("four")
    desk.put("five", priority=Priority.HIGH)
    await desk.written()
    assert desk.waiting() == ["one", "four", "five"]
    assert desk.pending() == ["two dropped", "three dropped"]
    with pytest.raises(PayloadRefused):
        desk.put("six", priority=Priority.LOW)
    desk.put("huge", data=bytes(97), priority=Priority.CRITICAL)
    await desk.written()
    assert desk.waiting() == ["huge"]
    await desk.outbox.close()


async def test_many_that_expire_together_leave_others_their_turn(desk: Desk) -> None:
    """However many messages end at one moment, the event loop is not held up: at a start neither."""
    for number in range(5 * SLICE):
        desk.put(f"m{number}", ttl=10.0)
    await desk.written()
    desk.machine.pass_by(11)
    desk.outbox._expiry.end_due()
    left = set()
    while messages := desk.outbox.queue.messages:
        left.add(messages)
        await asyncio.sleep(0)
    assert left == {4 * SLICE, 3 * SLICE, 2 * SLICE, SLICE}


async def test_expired_messages_end(desk: Desk) -> None:
    """A message that waited longer than its ttl ends, also if that passed while the bridge was away."""
    desk.put("short", ttl=0.01)
    desk.put("long", ttl=100.0)
    await desk.written()
    desk.machine.pass_by(0.02)
    async with asyncio.timeout(30):
        while "short expired" not in desk.pending():  # noqa: ASYNC110 - a timer of the outbox's own
            await asyncio.sleep(0.01)
    assert desk.waiting() == ["long"]
    await desk.outbox.close()
    desk.machine.pass_by(101)
    desk.outbox = desk.opened()
    await desk.outbox.load()
    await desk.written()
    assert desk.waiting() == []
    assert "long expired" in desk.pending()


@pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["forward", "back"])
async def test_a_jump_of_the_wall_clock_changes_nothing(desk: Desk, jump: float) -> None:
    """A year more or less on the wall clock neither expires nor forgets anything, across restarts too."""
    desk.put("m", ttl=100.0)
    desk.put("known")
    await desk.written()
    desk.machine.wall += jump
    await desk.again()
    desk.machine.pass_by(50)
    await desk.again()
    assert desk.waiting() == ["m", "known"]
    desk.put("known")
    await desk.written()
    assert desk.taken[-1] == ("known", False)
    desk.machine.pass_by(51)
    desk.machine.wall -= jump
    await desk.again()
    await desk.written()
    assert desk.waiting() == ["known"]


def test_a_wall_clock_that_went_back_takes_no_time_away() -> None:
    """A machine without a clock of its own that starts in the past goes on where its last run had come to."""
    machine = Machine()
    before = PassingTime(machine.clocks())
    machine.pass_by(100)
    mark = before.mark()
    machine.start_again(off=50, wall=-YEAR)
    after = PassingTime(machine.clocks())
    after.go_on_from(mark)
    assert after.now() == mark.elapsed == 100


async def test_time_that_the_machine_was_off_counts_by_the_wall_clock(desk: Desk) -> None:
    """A wall clock that lost its time while the machine was off makes nothing older, and one that kept it does."""
    desk.put("m", ttl=100.0)
    await desk.written()
    await desk.outbox.close()
    desk.machine.start_again(off=50, wall=-YEAR)
    desk.outbox = desk.opened()
    await desk.outbox.load()
    assert desk.waiting() == ["m"]
    desk.machine.wall += YEAR
    desk.machine.pass_by(1)
    await desk.again()
    assert desk.waiting() == ["m"]
    await desk.outbox.close()
    desk.machine.start_again(off=200, wall=200)
    desk.outbox = desk.opened()
    await desk.outbox.load()
    await desk.written()
    assert desk.waiting() == []


async def test_time_goes_on_from_what_was_written_last(desk: Desk) -> None:
    """After a power cut on a machine that has lost the time nothing lies in the future: not ages, not the pace."""
    desk.machine.pass_by(30 * DAY)
    desk.put("m", ttl=100.0)
    desk.outbox.note_sent("a", remembered=3600.0)
    await desk.outbox._store.close()
    desk.machine.start_again(off=600, wall=-YEAR)
    desk.outbox = desk.opened()
    await desk.outbox.load()
    (entry,) = desk.outbox
    assert (desk.outbox.age(entry), *desk.outbox.send_ages("a")) == (0.0, 0.0)
    desk.put("m")
    await desk.written()
    assert desk.taken[-1] == ("m", False)
    desk.machine.pass_by(101)
    desk.outbox._expiry.end_due()
    await desk.written()
    assert desk.pending() == ["m expired"]


async def test_a_message_in_doubt_ends_if_its_socket_says_so(desk: Desk) -> None:
    """After a crash a message that may have gone is given up where nothing may go twice."""
    desk.put("m")
    await desk.written()
    entry = desk.outbox.queue.first("a")
    assert entry is not None
    desk.outbox.queue.start_sending(entry)
    await desk.outbox.progress(entry, Stage.SENDING)
    desk.resumed = lambda entry: Loss.UNSURE if entry.stage is Stage.SENDING else None
    await desk.again()
    await desk.written()
    assert desk.waiting() == []
    assert desk.pending() == ["m unsure"]


async def test_cancelling_ends_only_what_waits(desk: Desk) -> None:
    """A message that waits can be cancelled; one that is with the module can't."""
    desk.put("one")
    desk.put("two")
    await desk.written()
    entry = desk.outbox.queue.first("a")
    assert entry is not None
    desk.outbox.queue.start_sending(entry)
    assert await desk.outbox.cancel([entry.number, 99]) == 0
    assert await desk.outbox.cancel([entry.number, entry.number + 1]) == 1
    await desk.written()
    assert desk.pending() == ["two cancelled"]


async def test_publications_stay_until_the_broker_has_them(desk: Desk) -> None:
    """Each is published once it is on disk, in order; what is not removed is published again in the next run."""
    three = [PendingPublication(PendingKind.RECEIVED, "received", b"%d" % number) for number in range(3)]
    await desk.outbox.keep(three)
    numbers = [number for number, _ in desk.published]
    assert [publication for _, publication in desk.published] == three
    for number in numbers[:2]:
        desk.outbox.pending.remove(number)
    await desk.again()
    assert desk.pending() == ["2"]
    assert desk.published[3:] == [(numbers[2], three[2])]


async def test_what_was_last_sent_with_a_key_is_remembered(desk: Desk) -> None:
    """Over restarts, moves of the clock and a damaged file, with when it was: it was written with the message's end."""
    desk.put("one", key="k")
    await desk.written()
    (entry,) = desk.outbox
    assert desk.outbox.last_sent(entry.message) is None
    desk.outbox.settle((entry,), (), [(entry.message, '{"t":1}')])
    await desk.again()
    desk.machine.pass_by(5)
    assert desk.outbox.last_sent(entry.message) == (5.0, '{"t":1}')

    with pytest.raises(StorageFailed, match="malformed"):
        await desk.outbox._writer.write(malformed)
    await desk.written()
    assert desk.outbox.set_aside is not None
    await desk.again()
    assert desk.outbox.last_sent(entry.message) == (5.0, '{"t":1}')


async def test_keys_that_were_sent_long_ago_are_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has no more of them than the memory."""
    monkeypatch.setattr("sim7020_bridge.outbox.records.MOST_KEYS", 2)
    for number in range(3):
        desk.machine.pass_by(1)
        desk.outbox.settle((), (), [(message("x", key=f"k{number}"), "{}")])
    await desk.outbox._writer.write(partial(records.forget_old, now=desk.machine.uptime))
    content = await desk.outbox._writer.write(records.load)
    assert [sent.key for sent in content.last_sent] == ["k1", "k2"]
