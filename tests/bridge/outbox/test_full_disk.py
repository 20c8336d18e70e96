"""With no room on the disk nothing is taken, and what was taken ends."""

import asyncio
import errno
import logging
import os
import sqlite3

import pytest

from sim7020_bridge.outbox.committer import Committer
from sim7020_bridge.outbox.message import PendingKind, PendingPublication
from sim7020_bridge.outbox.reserve import RESERVE, Need, Reserve
from tests.bridge.outbox.desk import Desk


async def test_a_full_disk_takes_nothing_and_loses_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Messages that can't be written are refused; the ends of messages are written as soon as that works again."""
    caplog.set_level(logging.INFO)
    desk.put("one")
    await desk.written()

    def limit(pages: int) -> None:
        store = desk.outbox._store
        assert isinstance(store, Committer)
        assert store._connection is not None
        store._connection.execute(f"PRAGMA max_page_count = {pages}")

    limit(1)
    desk.put("large", data=bytes(60000))
    await asyncio.gather(desk.outbox.keep([PendingPublication(PendingKind.RECEIVED, "received", bytes(60000))]))
    assert [str(failure) for failure in desk.failures] == [f"{desk.file} can't be used: database or disk is full"]
    assert desk.problem()
    assert desk.waiting() == ["one"]
    assert len(desk.outbox.pending) == 1
    limit(100000)
    desk.put("two")
    looking = asyncio.create_task(desk.outbox.run())
    async with asyncio.timeout(20):
        while desk.problem():
            await desk.written()
    looking.cancel()
    assert desk.waiting() == ["one", "two"]
    [again] = [record for record in caplog.records if "can be written again" in record.message]
    assert again.levelname == "INFO"


async def test_messages_come_to_their_end_with_the_reserve_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no room beside the reserve nothing is taken, but what was taken ends; with room again all goes on."""
    for number in range(20):
        desk.put(f"m{number}")
    await desk.written()
    reserve = desk.file.with_name("shed.outbox.reserve")
    assert reserve.stat().st_size == RESERVE
    with monkeypatch.context() as patched:
        patched.setattr(Reserve, "_free", lambda _reserve: 0)
        desk.put("refused")
        await desk.written()
        assert [str(failure) for failure in desk.failures] == [f"{desk.file} can't be used: database or disk is full"]
        assert desk.problem()
        while desk.send():
            await desk.written()
        assert len(desk.pending()) == 20
    looking = asyncio.create_task(desk.outbox.run())
    async with asyncio.timeout(20):
        while desk.problem():
            await desk.written()
    looking.cancel()
    desk.put("taken")
    await desk.written()
    assert desk.waiting() == ["taken"]
    assert reserve.exists()


async def test_the_reserve_is_used_when_the_disk_says_that_it_is_full(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file system itself refuses is tried again without the reserve, which is made anew once there is room."""
    desk.put("m")
    await desk.written()
    reserve = desk.file.with_name("shed.outbox.reserve")

    def check(_reserve: Reserve, _connection: sqlite3.Connection, _need: Need) -> None:
        if reserve.exists():
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    with monkeypatch.context() as patched:
        patched.setattr(Reserve, "check", check)
        assert desk.send() == "m"
        await desk.written()
        assert desk.pending() == ["m accepted"]
        assert not reserve.exists()
    desk.put("next")
    await desk.written()
    assert desk.waiting() == ["next"]
    assert reserve.exists()


async def test_the_reserve_is_made_whole_by_ends_too(desk: Desk) -> None:
    """While nothing new can be taken, ends are all that is written: the room for their log is set aside again."""
    for name in ("one", "two"):
        desk.put(name)
    await desk.written()
    reserve = desk.file.with_name("shed.outbox.reserve")
    store = desk.outbox._store
    assert isinstance(store, Committer)
    assert store._reserve.give_up()
    assert desk.send() == "one"
    await desk.written()
    assert reserve.stat().st_size == RESERVE


async def test_a_file_system_without_allocation_is_written_to(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where room can't be reserved in one call, it is by writing."""

    def unsupported(_file: int, _start: int, _size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr("os.posix_fallocate", unsupported)
    reserve = desk.file.with_name("shed.outbox.reserve")
    desk.put("m")
    await desk.written()
    assert reserve.stat().st_size == RESERVE
    assert desk.waiting() == ["m"]
