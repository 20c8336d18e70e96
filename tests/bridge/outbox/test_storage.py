"""The outbox's file: whose it is, which form it has, and when it can't be written."""

import asyncio
import contextlib
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from sim7020_bridge.errors import OutboxInUse, PayloadRefused, StorageFailed
from sim7020_bridge.outbox import database, outbox
from sim7020_bridge.outbox.committer import Committer, _Job
from sim7020_bridge.outbox.database import Database
from sim7020_bridge.outbox.message import PendingKind, PendingPublication
from sim7020_bridge.outbox.outbox import MOST_UNSETTLED
from sim7020_bridge.outbox.reserve import Need
from tests.bridge.outbox.desk import Desk
from tests.no_threads import no_threads


async def test_the_file_is_its_user_s_alone(desk: Desk) -> None:
    """Nobody else can read what waits, not in the files that SQLite puts beside it either."""
    desk.put("m")
    await desk.written()
    for file in desk.file.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_a_second_owner_is_refused(desk: Desk) -> None:
    """Two bridges over one file would send everything twice."""
    other = desk.opened()
    with pytest.raises(OutboxInUse, match=f"process {os.getpid()} has it. Is a bridge running already"):
        await other.load()
    assert other.problem is not None
    await other.close()


async def test_the_end_needs_no_other_thread(desk: Desk) -> None:
    """Where no more are to be had, all that was asked for is committed, and the file is given back."""
    desk.put("m")
    with no_threads():
        await desk.outbox.close()
    other = desk.opened()
    await other.load()
    assert other.queue.messages == 1
    await other.close()


async def test_messages_are_committed_together(desk: Desk) -> None:
    """Many messages at once cost few commits."""
    before = desk.outbox._store.commits
    for number in range(1000):
        desk.put(f"m{number}")
    await desk.written()
    assert desk.outbox.queue.messages == 1000
    assert desk.outbox._store.commits - before <= 20


async def test_who_holds_the_file_is_waited_for_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program writes, all that is asked for together fails together: each alone would wait as long."""
    attempts: list[int] = []
    attempt = Committer._attempt

    def counted(committer: Committer, batch: list[_Job], need: Need, *, prepare: bool = False) -> Exception | None:
        attempts.append(len(batch))
        return attempt(committer, batch, need, prepare=prepare)

    await desk.written()
    with contextlib.closing(sqlite3.connect(desk.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store = desk.outbox._store
        assert isinstance(store, Committer)
        assert store._connection is not None
        store._connection.execute("PRAGMA busy_timeout = 10")
        monkeypatch.setattr(Committer, "_attempt", counted)
        for number in range(20):
            desk.put(f"m{number}")
        with pytest.raises(StorageFailed, match="locked"):
            await desk.written()
        other.execute("ROLLBACK")
    assert sum(attempts) == 21
    assert [str(failure) for failure in desk.failures] == [f"{desk.file} can't be used: database is locked"] * 20


async def test_what_sqlite_can_t_hold_is_refused_alone(desk: Desk) -> None:
    """A value that can't be written fails by itself, and what is written with it is not touched."""
    desk.put("lone surrogate", key="\ud800")
    desk.put("m")
    await desk.written()
    assert desk.taken == [("m", True)]
    assert len(desk.failures) == 1
    assert desk.waiting() == ["m"]


def test_a_newer_bridge_s_file_is_left_alone(tmp_path: Path) -> None:
    """An older bridge does not touch what a newer one wrote."""
    file = tmp_path / "shed.outbox"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageFailed, match="a newer bridge wrote it"):
        Database(file).open()
    assert not [path.name for path in tmp_path.iterdir() if "damaged" in path.name]


async def test_a_directory_that_can_t_be_made(tmp_path: Path) -> None:
    """What can't be opened is said, and nothing is taken that could not be kept."""
    (tmp_path / "state").write_text("a file")
    desk = Desk(tmp_path / "state")
    with pytest.raises(StorageFailed):
        await desk.outbox.load()
    with pytest.raises(PayloadRefused, match="can't be used"):
        desk.put("m")
    await desk.outbox.close()


@pytest.mark.parametrize("instead", ["another", "nothing"])
async def test_a_file_that_lost_its_place_takes_nothing(desk: Desk, instead: str) -> None:
    """What is put where nobody will look for it is lost: refused until the file is back, but what was taken ends."""
    desk.put("one")
    desk.put("two")
    await desk.written()
    hidden = desk.file.with_name("hidden")
    desk.file.rename(hidden)
    if instead == "another":
        desk.file.touch()
    desk.put("three")
    desk.send()
    await desk.written()
    why = {"another": "another file has its place", "nothing": "No such file"}[instead]
    assert [why in str(failure) for failure in desk.failures] == [True]
    assert why in desk.problem()
    assert desk.pending() == ["one accepted"]
    hidden.rename(desk.file)
    desk.put("four")
    looking = asyncio.create_task(desk.outbox.run())
    async with asyncio.timeout(20):
        while desk.problem():
            await desk.written()
    looking.cancel()
    await desk.again()
    assert desk.waiting() == ["two", "four"]


async def test_what_leaves_room_for_refusals(desk: Desk) -> None:
    """Neither received messages nor answers count against refusals: neither on disk nor on their way there."""
    received, receipt, answer = (
        PendingPublication(PendingKind.RECEIVED, "received", b""),
        PendingPublication(PendingKind.RECEIPT, "receipt", b""),
        PendingPublication(PendingKind.REPLY, "answer", b""),
    )
    kept = desk.outbox.keep([received, receipt, answer, received])
    assert desk.outbox.pending.unreceived == 1
    await kept
    assert (desk.outbox.pending.unreceived, len(desk.outbox.pending)) == (1, 4)


async def test_an_older_file_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in a file of before stays, with its number, when the file gets a newer form."""
    first = database.migrations()
    desk = Desk(tmp_path)
    await desk.outbox.load()
    desk.put("old")
    await desk.written()
    await desk.outbox.close()
    monkeypatch.setattr(database, "migrations", lambda: [*first, "ALTER TABLE message ADD COLUMN colour TEXT;"])
    desk = Desk(tmp_path)
    await desk.outbox.load()
    desk.put("new")
    await desk.written()
    assert [(entry.number, entry.message.id) for entry in desk.outbox] == [(1, "old"), (2, "new")]
    await desk.outbox.close()
    with contextlib.closing(sqlite3.connect(desk.file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(first) + 1,)
        assert connection.execute("SELECT colour FROM message").fetchall() == [(None,), (None,)]


async def test_usage_of_other_days_is_let_be(tmp_path: Path) -> None:
    """What is counted of some days replaces these, and all others only where that is said."""
    desk = Desk(tmp_path)
    await desk.outbox.load()
    older = ("2026-11-27", 10, 20, -5, 1, 2, 3, 4, 5)
    desk.outbox.keep_usage((older, ("2026-11-28", 1, 2, *6 * (0,))), ("2026-11-28", 7, 1, None))
    newer = ("2026-11-28", 3, 4, 0, 5, 6, 7, 8, 9)
    desk.outbox.keep_usage((newer,), ("2026-11-28", 7, 1, None), others=True)
    desk.usage.clear()
    await desk.again()
    assert desk.usage == [older, newer]
    desk.outbox.keep_usage((newer,), ("2026-11-28", 7, 1, None))
    desk.usage.clear()
    await desk.again()
    assert desk.usage == [newer]
    await desk.outbox.close()


async def test_a_newer_form_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a migration is none: the file is as it was, and the bridge that wrote it still reads it."""
    first = database.migrations()
    desk = Desk(tmp_path)
    await desk.outbox.load()
    desk.put("old")
    await desk.written()
    await desk.outbox.close()
    broken = "ALTER TABLE message ADD COLUMN colour TEXT; SELECT nonsense FROM nowhere;"
    with monkeypatch.context() as patch:
        patch.setattr(database, "migrations", lambda: [*first, broken])
        with pytest.raises(StorageFailed):
            await Desk(tmp_path).outbox.load()
    desk = Desk(tmp_path)
    await desk.outbox.load()
    assert [entry.message.id for entry in desk.outbox] == ["old"]
    await desk.outbox.close()


def test_a_commit_is_on_the_disk(tmp_path: Path) -> None:
    """SQLite syncs its log at every commit: with less, a power cut takes what was acknowledged to the broker."""
    with contextlib.closing(database.connect(tmp_path / "shed.outbox")) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_few_messages_are_sent_while_their_ends_can_t_be_written(desk: Desk) -> None:
    """With the disk held up, a bounded number of messages goes out: these would be sent again after a crash."""
    for number in range(MOST_UNSETTLED + 1):
        desk.put(f"m{number}")
    await desk.written()
    with contextlib.closing(sqlite3.connect(desk.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(MOST_UNSETTLED):
            await desk.outbox.wait_settled()
            desk.send()
        waiting = asyncio.create_task(desk.outbox.wait_settled())
        await asyncio.sleep(0)
        assert not waiting.done()
        other.execute("ROLLBACK")
    await waiting
    assert desk.send() == f"m{MOST_UNSETTLED}"


@pytest.mark.parametrize("hours", [True, False], ids=["every hour", "when the wall clock is set"])
async def test_time_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, hours: bool) -> None:
    """The time is written down now and then, and once a machine knows it that started without; not only at the end."""
    monkeypatch.setattr(outbox, "POLL_EVERY", 0.01)
    running = asyncio.create_task(desk.outbox.run())
    for _ in range(3):
        if hours:
            desk.machine.pass_by(3600)
        else:
            desk.machine.wall += 1_000_000.0
        with contextlib.closing(sqlite3.connect(desk.file)) as connection:
            async with asyncio.timeout(30):
                while connection.execute("SELECT wall FROM passing_time").fetchone() != (desk.machine.wall,):  # noqa: ASYNC110 - a row of a database
                    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
