"""The far end's file: its own alone, and whatever is wrong with it is a sentence."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sim7020_bridge.errors import StorageFailed
from sim7020_far_end import records
from sim7020_far_end.records import Settled
from sim7020_far_end.store import FILE, SLOW, Store


async def test_one_program_has_the_file(tmp_path: Path) -> None:
    """A second one is told; once the first has ended, it can have it. Others on the machine can't read it."""
    first, second = Store(tmp_path / "state"), Store(tmp_path / "state")
    await first.open()
    with pytest.raises(StorageFailed, match="another program has it"):
        await second.open()
    await first.close()
    await second.open()
    assert (tmp_path / "state" / FILE).stat().st_mode & 0o077 == 0
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    await second.close()


async def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    """It stays where it is: who runs the far end decides."""
    (tmp_path / FILE).write_bytes(b"x" * 5000)
    store = Store(tmp_path)
    with pytest.raises(StorageFailed, match="move it away"):
        await store.open()
    await store.close()
    assert (tmp_path / FILE).read_bytes() == b"x" * 5000


async def test_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    """As where a file has the directory's name."""
    (tmp_path / "state").touch()
    store = Store(tmp_path / "state")
    with pytest.raises(StorageFailed, match="can't be used"):
        await store.open()
    await store.close()


async def test_what_fails_is_undone_and_told(tmp_path: Path) -> None:
    """The next piece of work is done nevertheless."""
    store = Store(tmp_path)
    await store.open()
    await store.do(lambda database: records.modem(database, "shed", 2e9))
    number = await store.do(lambda database: records.add(database, "shed", b"x"))
    with pytest.raises(StorageFailed, match="no such table"):
        await store.do(lambda database: database.execute("INSERT INTO no_table VALUES (1)"))
    assert await store.do(lambda database: records.add(database, "shed", b"y")) == (number or 0) + 1
    await store.close()
    with pytest.raises(StorageFailed, match="closed"):
        await Store(tmp_path).do(lambda database: records.known(database, "shed"))


async def test_what_is_remembered_of_a_key_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest numbers stay."""
    monkeypatch.setattr(records, "KEPT", 100)
    store = Store(tmp_path)
    await store.open()
    key = await store.do(lambda database: records.key(database, "key", 2e9))
    other = await store.do(lambda database: records.key(database, "other", 2e9))
    await store.do(lambda database: records.modem(database, "shed", 2e9))

    def settled(number: int, key: int) -> Settled:
        return Settled(key, number, b"seal", number, "shed", 2e9, "192.0.2.1:1", None)

    await store.do(lambda database: records.settle(database, settled(1, other)))
    for start in range(0, 1000, 100):
        await store.do(
            lambda database, start=start: [  # type: ignore[misc]
                records.settle(database, settled(number, key)) for number in range(start, start + 100)
            ]
        )
    [[count, least]] = await store.do(
        lambda database: database.execute("SELECT COUNT(*), MIN(number) FROM numbers WHERE key = ?", (key,)).fetchall()
    )
    assert 100 <= count < 200
    assert least >= 800
    assert (await store.do(lambda database: records.standing(database, key, 1000, 999))).done
    assert (await store.do(lambda database: records.standing(database, other, 2, 1))).done
    await store.close()


async def test_a_copy_in_the_very_same_place_is_noticed(tmp_path: Path) -> None:
    """Whatever put it there: the system says that it was written at another time than the file does."""
    store = Store(tmp_path)
    await store.open()
    await store.do(lambda database: records.modem(database, "shed", 2e9))
    await store.close()
    store = Store(tmp_path)
    await store.open()
    assert not store.is_copy
    await store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
        database.execute("UPDATE place SET written = written - ?", (2 * SLOW,))
    store = Store(tmp_path)
    await store.open()
    assert store.is_copy
    await store.close()
