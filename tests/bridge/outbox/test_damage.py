"""A file that is no sound database is set aside, and a new one has all that memory knows."""

import sqlite3
import threading
from pathlib import Path

import pytest

from sim7020_bridge.errors import StorageFailed
from sim7020_bridge.outbox.committer import Work
from sim7020_bridge.outbox.database import Database
from sim7020_bridge.outbox.message import PendingKind, PendingPublication
from tests.bridge.outbox.desk import Desk, malformed


@pytest.mark.parametrize("harm", ["truncated", "overwritten", "no database"])
async def test_a_damaged_file_is_set_aside(tmp_path: Path, harm: str) -> None:
    """A file that can't be trusted is kept under another name, and a new one takes its place."""
    desk = Desk(tmp_path)
    await desk.outbox.load()
    for number in range(200):
        desk.put(f"m{number}", data=bytes(100))
    await desk.written()
    await desk.outbox.close()
    content = desk.file.read_bytes()
    match harm:
        case "truncated":
            desk.file.write_bytes(content[: len(content) // 2])
        case "overwritten":
            desk.file.write_bytes(content[:4096] + bytes(8192) + content[12288:])
        case _:
            desk.file.write_bytes(b"nonsense" * 1000)
    spoiled = desk.file.read_bytes()
    desk.outbox = desk.opened()
    await desk.outbox.load()
    assert desk.waiting() == []
    assert desk.outbox.set_aside is not None
    assert (tmp_path / desk.outbox.set_aside).read_bytes() == spoiled
    desk.put("new")
    await desk.written()
    await desk.again()
    assert desk.waiting() == ["new"]
    await desk.outbox.close()


async def test_a_file_that_lost_its_content(tmp_path: Path) -> None:
    """SQLite takes an empty file for a new one and deletes its log, which has what was acknowledged last."""
    desk = Desk(tmp_path)
    await desk.outbox.load()
    desk.put("kept in the log")
    await desk.written()
    log = desk.file.with_name(f"{desk.file.name}-wal").read_bytes()
    await desk.outbox.close()
    desk.file.write_bytes(b"")
    desk.file.with_name(f"{desk.file.name}-wal").write_bytes(log)
    desk.outbox = desk.opened()
    await desk.outbox.load()
    assert desk.outbox.set_aside is not None
    assert (tmp_path / f"{desk.outbox.set_aside}-wal").read_bytes() == log
    await desk.outbox.close()


@pytest.mark.parametrize("renamed", [0, 1, 2])
async def test_a_crash_while_a_file_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: int) -> None:
    """Nothing of the damaged file gets into the new one: SQLite would read an old log beside it."""
    desk = Desk(tmp_path)
    await desk.outbox.load()
    await desk.outbox.close()
    for suffix in ("", "-wal", "-shm"):
        desk.file.with_name(desk.file.name + suffix).write_bytes(b"damaged." * 1024)
    rename = Path.rename
    done: list[str] = []

    def crash(path: Path, target: Path) -> Path:
        if len(done) == renamed:
            raise OSError("power cut")
        done.append(path.name)
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        with pytest.raises(OSError, match="power cut"):
            Database(desk.file)._set_aside("damaged")  # SQLite often removes the log before, when it closes the file
    assert desk.file.exists() or not desk.file.with_name(f"{desk.file.name}-wal").exists()
    desk.outbox = desk.opened()
    await desk.outbox.load()
    desk.put("new")
    await desk.again()
    assert desk.waiting() == ["new"]
    await desk.outbox.close()


async def test_a_file_that_is_damaged_meanwhile_is_written_anew(desk: Desk) -> None:
    """Memory has everything: when the file turns out to be damaged, a new one gets all of it."""
    for number in range(5):
        desk.put(f"m{number}")
    await desk.outbox.keep([PendingPublication(PendingKind.RECEIVED, "received", b"came")])

    def fail(_connection: sqlite3.Connection) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    with pytest.raises(StorageFailed, match="malformed"):
        await desk.outbox._writer.write(fail)
    for suffix in ("", "-wal"):
        desk.file.with_name(desk.file.name + suffix).write_bytes(b"nonsense" * 1000)
    desk.put("m5")
    await desk.written()
    assert desk.outbox.set_aside is not None
    await desk.again()
    assert desk.waiting() == [f"m{number}" for number in range(6)]
    assert desk.pending() == ["came"]


async def test_a_file_made_anew_has_what_nobody_has_heard_of(desk: Desk) -> None:
    """What was committed to a damaged file just before is in the new one, though the loop was busy meanwhile."""
    restored: list[tuple[list[str], bool]] = []
    restore = desk.outbox._store.restore

    def restoring() -> Work[None]:
        restored.append(([name for name, _ in desk.taken], threading.current_thread() is threading.main_thread()))
        return restore()

    desk.outbox._store.restore = restoring
    begun = threading.Event()
    desk.put("one")
    desk.outbox._writer.write(lambda _connection: begun.set())
    assert begun.wait(30)
    failed = desk.outbox._writer.write(malformed)
    desk.put("two")
    with pytest.raises(StorageFailed, match="malformed"):
        await failed
    await desk.written()
    assert desk.outbox.set_aside is not None
    assert restored == [(["one"], True)]
    told = [name for name, _ in desk.taken]
    await desk.again()
    assert desk.waiting() == told


async def test_a_new_file_that_could_not_be_made_gets_all_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full just when a damaged file was set aside costs nothing of what memory has."""
    desk.put("m")
    await desk.written()

    def full(_database: Database) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(StorageFailed, match="malformed"):
        await desk.outbox._writer.write(malformed)
    monkeypatch.setattr("sim7020_bridge.outbox.committer.REOPEN_WAIT", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(Database, "_open", full)
        with pytest.raises(StorageFailed, match="full"):
            await desk.written()
    assert desk.outbox.set_aside is not None
    await desk.written()
    await desk.again()
    assert desk.waiting() == ["m"]


async def test_numbers_go_on_in_a_file_made_anew(desk: Desk) -> None:
    """In the file that replaced a damaged one no message gets a number that was used before, after a restart either."""
    for name in ("one", "two", "three"):
        desk.put(name)
    await desk.written()
    assert [desk.send() for _ in range(3)] == ["one", "two", "three"]
    await desk.written()

    with pytest.raises(StorageFailed, match="malformed"):
        await desk.outbox._writer.write(malformed)
    await desk.written()
    assert desk.outbox.set_aside is not None
    await desk.again()
    desk.put("four")
    await desk.written()
    assert [entry.number for entry in desk.outbox] == [4]


@pytest.mark.parametrize("change", ["at = 'no time'", "priority = 9", "id = CAST(x'ff' AS TEXT)"])
async def test_rows_that_nobody_wrote_are_damage(tmp_path: Path, change: str) -> None:
    """A file that SQLite finds sound but no bridge can read is set aside, and the bridge goes on without it."""
    desk = Desk(tmp_path)
    await desk.outbox.load()
    desk.put("m")
    await desk.outbox.close()
    connection = sqlite3.connect(desk.file)
    connection.execute(f"UPDATE message SET {change}")  # noqa: S608 - a constant
    connection.commit()
    connection.close()
    desk.outbox = desk.opened()
    with pytest.raises(StorageFailed):
        await desk.outbox.load()
    await desk.outbox.load()
    assert desk.outbox.set_aside is not None
    assert (tmp_path / desk.outbox.set_aside).exists()
    desk.put("new")
    await desk.written()
    assert desk.waiting() == ["new"]
    await desk.outbox.close()
