"""The outbox, told the same twice: ids, packets and keys."""

from functools import partial
from pathlib import Path

import pytest

from sim7020_bridge.config.model import OutboxSettings
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.message import Origin, PendingKind, PendingPublication
from sim7020_bridge.outbox.reserve import Reserve
from tests.bridge.outbox.desk import Desk

FULL = PayloadRefused("outbox_full", "too much waits")


async def test_an_id_is_taken_once_in_24_hours(desk: Desk) -> None:
    """A repeated id is not taken again, not even after it was sent and after a restart, for a day."""
    desk.put("m")
    desk.put("m")
    await desk.written()
    assert desk.taken == [("m", True), ("m", False)]
    assert desk.send() == "m"
    await desk.again()
    desk.put("m")
    desk.put("m", socket="b")
    await desk.written()
    assert desk.taken[2:] == [("m", False), ("m", True)]
    desk.machine.pass_by(24 * 3600)
    desk.put("m")
    await desk.written()
    assert desk.taken[-1] == ("m", True)
    assert desk.outbox.queue.messages == 2


async def test_a_packet_that_comes_again_is_taken_once(desk: Desk) -> None:
    """The broker's redelivery of a message without an id of its own is told by packet, content and the DUP flag."""
    desk.put("made1", origin=Origin(7, b"digest", duplicate=False))
    await desk.again()
    desk.put("made2", origin=Origin(7, b"digest", duplicate=True))
    desk.put("made3", origin=Origin(7, b"other", duplicate=True))
    desk.put("made4", origin=Origin(7, b"digest", duplicate=False))
    await desk.written()
    assert desk.taken[1:] == [("made2", False), ("made3", True), ("made4", True)]


async def test_packet_numbers_are_free_again_once_the_broker_has_the_acknowledgement(desk: Desk) -> None:
    """A redelivery of a later message with the number and content of an older one is not mistaken for it."""
    desk.put("first", origin=Origin(1, b"same", duplicate=False))
    await desk.written()
    desk.outbox.packets_acknowledged([1])
    desk.put("second", origin=Origin(1, b"same", duplicate=True))
    await desk.written()
    assert desk.taken == [("first", True), ("second", True)]


async def test_a_refusal_is_told_once(desk: Desk) -> None:
    """A message that is refused, and comes again because the bridge died, has one receipt."""
    told = PendingPublication(PendingKind.RECEIPT, "receipt/a", b"m rejected")
    await desk.outbox.refuse("a", Origin(3, b"digest", duplicate=False), FULL, [told])
    await desk.again()
    await desk.outbox.refuse("a", Origin(3, b"digest", duplicate=True), FULL, [told])
    assert desk.pending() == ["m rejected"]


async def test_a_refusal_that_can_not_be_written_is_told_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet that comes again after a lost connection has one end, though the disk was full, and has room by then."""
    told = PendingPublication(PendingKind.RECEIPT, "receipt/a", b"m rejected")
    with monkeypatch.context() as patched:
        patched.setattr(Reserve, "_free", lambda _reserve: 0)
        for packet in (3, 4):
            await desk.outbox.refuse("a", Origin(packet, b"digest", duplicate=False), FULL, [told])
        await desk.outbox.refuse("a", Origin(3, b"digest", duplicate=True), FULL, [told])
        assert len(desk.published) == 2
    with pytest.raises(PayloadRefused, match="too much waits"):
        desk.put("again", origin=Origin(3, b"digest", duplicate=True))
    desk.put("other", origin=Origin(3, b"another", duplicate=True))
    desk.put("new", origin=Origin(4, b"digest", duplicate=False))
    await desk.written()
    assert sorted(desk.taken) == [("new", True), ("other", True)]


@pytest.mark.parametrize("free", ["acknowledged", "resent", "lost"])
async def test_a_refused_packet_s_number_is_free_again(desk: Desk, monkeypatch: pytest.MonkeyPatch, free: str) -> None:
    """What comes with it is another message once the broker has the acknowledgement, or a new session."""
    with monkeypatch.context() as patched:
        patched.setattr(Reserve, "_free", lambda _reserve: 0)
        await desk.outbox.refuse("a", Origin(3, b"digest", duplicate=False), FULL, [])
    match free:
        case "acknowledged":
            desk.outbox.packets_acknowledged([3])
        case "resent":
            desk.outbox.packets_resent([5])
        case _:
            desk.outbox.session_lost()
    desk.put("new", origin=Origin(3, b"digest", duplicate=True))
    await desk.written()
    assert desk.taken == [("new", True)]


async def test_the_latest_of_a_key_takes_the_place_of_the_others(desk: Desk) -> None:
    """A later message with the same key supersedes one that waits, also one that is not written yet."""
    for name in ("one", "two", "three"):
        desk.put(name, key="k")
    await desk.written()
    assert desk.waiting() == ["three"]
    assert desk.pending() == ["one superseded", "two superseded"]
    await desk.again()
    desk.put("four", key="k")
    desk.put("other", key="k", socket="b")
    await desk.written()
    assert desk.waiting() == ["four", "other"]
    assert desk.pending()[2:] == ["three superseded"]


async def test_what_is_on_its_way_is_not_superseded_unless_it_comes_back(desk: Desk) -> None:
    """A message that the module has is left alone; when it has to wait again the newer one wins."""
    desk.put("one", key="k")
    await desk.written()
    entry = desk.outbox.queue.first("a")
    assert entry is not None
    desk.outbox.queue.start_sending(entry)
    desk.put("two", key="k")
    await desk.written()
    assert desk.waiting() == ["one", "two"]
    desk.outbox.put_back(entry)
    await desk.written()
    assert desk.waiting() == ["two"]
    assert desk.pending() == ["one superseded"]


async def test_of_two_that_come_back_the_newer_stays(desk: Desk) -> None:
    """When a connection breaks with two messages of a key under way the newer is sent again, whichever comes first."""
    for name in ("one", "two"):
        desk.put(name, key="k")
        await desk.written()
        entry = desk.outbox.queue.first("a")
        assert entry is not None
        desk.outbox.queue.start_sending(entry)
    for entry in desk.outbox:
        desk.outbox.put_back(entry)
    await desk.written()
    assert desk.waiting() == ["two"]
    assert desk.pending() == ["one superseded"]


async def test_a_message_that_finds_no_room_supersedes_nothing(tmp_path: Path) -> None:
    """A message that is too large for what room is left leaves one with its key alone, though it is not written yet."""
    desk = Desk(tmp_path, OutboxSettings(max_bytes=100))
    await desk.outbox.load()
    desk.put("small", key="k")
    with pytest.raises(PayloadRefused, match="messages wait already"):
        desk.put("large", key="k", data=bytes(100))
    await desk.written()
    assert desk.taken == [("small", True)]
    assert desk.send() == "small"
    await desk.outbox.close()


async def test_a_repeated_id_supersedes_nothing(desk: Desk) -> None:
    """What is not taken takes nobody's place."""
    desk.put("one", key="k")
    desk.put("two", key="k")
    desk.put("one", key="k")
    await desk.written()
    assert desk.taken == [("one", True), ("two", True), ("one", False)]
    assert desk.waiting() == ["two"]
    assert desk.send() == "two"


async def test_a_repeated_id_between_two_of_a_key_leaves_one(desk: Desk) -> None:
    """A newer message supersedes the older one also if a repeated one came between them and was not taken."""
    desk.put("sent", key="k")
    await desk.written()
    assert desk.send() == "sent"
    desk.put("old", key="k")
    await desk.written()
    desk.put("sent", key="k")
    desk.put("new", key="k")
    await desk.written()
    await desk.written()
    assert desk.waiting() == ["new"]
    assert desk.pending() == ["sent accepted", "old superseded"]
    await desk.again()
    assert desk.waiting() == ["new"]
    desk.put("sent", key="k")
    desk.put("sent", key="k")
    await desk.written()
    assert desk.waiting() == ["new"]
    assert desk.send() == "new"


async def test_what_comes_back_is_not_superseded_by_a_repeated_id(desk: Desk) -> None:
    """A message that has to wait again just as a repeated one with its key came is not lost for it."""
    desk.put("before", key="k")
    await desk.written()
    assert desk.send() == "before"
    desk.put("one", key="k")
    await desk.written()
    entry = desk.outbox.queue.first("a")
    assert entry is not None
    desk.outbox.queue.start_sending(entry)
    desk.put("before", key="k")
    desk.outbox.put_back(entry)
    await desk.written()
    assert desk.taken[-1] == ("before", False)
    assert desk.waiting() == ["one"]
    assert (desk.outbox.queue.messages, desk.outbox.queue.bytes) == (1, 8)
    assert desk.send() == "one"


async def test_no_more_ids_are_remembered_than_promised(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many ids the oldest may come again."""
    monkeypatch.setattr("sim7020_bridge.outbox.records.MOST_REMEMBERED", 3)
    for number in range(5):
        desk.machine.pass_by(1)
        desk.put(f"m{number}")
        await desk.written()
        desk.send()
    await desk.outbox._writer.write(partial(records.forget_old, now=5.0))
    desk.put("m4")
    desk.put("m2")
    desk.put("m0")
    await desk.written()
    assert desk.taken[5:] == [("m4", False), ("m2", False), ("m0", True)]
