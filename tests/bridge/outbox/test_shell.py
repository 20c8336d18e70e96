"""The outbox from the shell, where it can't be read."""

import asyncio
import re
from pathlib import Path

import pytest

from sim7020_bridge.errors import OutboxInUse, StorageFailed
from sim7020_bridge.outbox.message import PendingKind, PendingPublication
from sim7020_bridge.outbox.shell import Cancelled, OutboxFile, Waiting, orphans
from tests.bridge.outbox.desk import Desk


def test_a_directory_that_can_t_be_looked_into(tmp_path: Path) -> None:
    """What the system says about the directory is told as what keeps the outbox from being read."""
    with pytest.raises(StorageFailed, match="can't be used: File name too long"):
        OutboxFile(tmp_path / ("x" * 300), "shed").entries()


async def test_a_lock_that_is_none(desk: Desk, tmp_path: Path) -> None:
    """What is in the way of the lock is named, and not the outbox, which is sound; at a start it is no modem's."""
    desk.put("m")
    await desk.written()
    await desk.outbox.close()
    lock = tmp_path / "shed.outbox.lock"
    lock.unlink()
    lock.mkdir()
    wrong = f"^{re.escape(str(lock))} can't be used: Is a directory$"
    with pytest.raises(StorageFailed, match=wrong):
        await Desk(tmp_path).outbox.load()
    with pytest.raises(StorageFailed, match=wrong), OutboxFile(tmp_path, "shed").taken():
        pass
    with pytest.raises(StorageFailed, match=wrong):
        OutboxFile(tmp_path, "shed").cancel([1])
    assert not list(orphans(tmp_path, ()))


def test_no_file(tmp_path: Path) -> None:
    """Where no bridge has run yet nothing waits."""
    assert OutboxFile(tmp_path, "shed").entries() == ()
    assert not OutboxFile(tmp_path, "shed").waiting()
    with OutboxFile(tmp_path / "none", "shed").taken():
        assert not (tmp_path / "none").exists()


async def test_what_waits(desk: Desk, tmp_path: Path) -> None:
    """A publication that the broker never acknowledged waits as a message does; a bridge has both for itself."""
    outbox = OutboxFile(tmp_path, "shed")
    await desk.outbox.keep([PendingPublication(PendingKind.RECEIVED, "received", b"came")] * 2)
    assert str(outbox.waiting()) == "2 publications"
    desk.put("m")
    await desk.written()
    assert outbox.waiting() == Waiting(messages=1, publications=2)
    assert str(outbox.waiting()) == "1 message and 2 publications"
    with pytest.raises(OutboxInUse), outbox.taken():
        pass


async def test_what_the_module_has_already(tmp_path: Path) -> None:
    """Beside a running bridge the shell is told how many messages could not be called back."""
    desk = Desk(tmp_path)
    await desk.outbox.load()
    for name in ("sending", "waiting"):
        desk.put(name)
    await desk.written()
    entry = desk.outbox.queue.first("a")
    assert entry is not None
    desk.outbox.queue.start_sending(entry)
    looking = asyncio.create_task(desk.outbox.run())
    cancelled = await asyncio.to_thread(OutboxFile(tmp_path, "shed").cancel, [1, 2])
    looking.cancel()
    assert cancelled == Cancelled(done=True, sending=1)
    assert desk.pending() == ["waiting cancelled"]
    await desk.outbox.close()
    assert await asyncio.to_thread(OutboxFile(tmp_path, "shed").cancel, [1]) == Cancelled(done=False)
