"""The far end's file: one thread has it, and does all that waits in one commit."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from sim7020_bridge.errors import StorageFailed
from sim7020_far_end import records

SLOW: Final = 2.0
"""Seconds between what is written and the time at which the system says that it was, beyond which a file is a copy.

A disk that takes longer has each modem prove once that its message is new, which costs little.
"""

Value = TypeVar("Value")
Work = Callable[[sqlite3.Connection], Any]

FILE: Final = "far-end.sqlite"


class Store:
    """What must be known after a restart.

    Args:
        directory: Where its file is, or is made.
    """

    def __init__(self, directory: Path) -> None:
        self.file = directory / FILE
        self._database: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._busy: asyncio.Task[None] | None = None
        self.is_copy = False
        """Whether the file is not the one that was written last, as one is that a backup gave back."""

    async def open(self) -> None:
        """Open the file, which nobody else then can; it is made if it is not there, for its owner alone.

        Raises:
            StorageFailed: It can't be used; says why.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    async def do(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        """Return what a piece of work returns, once it is on disk.

        Raises:
            StorageFailed: It could not be done, and nothing of it is.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Value] = loop.create_future()
        self._waiting.append((work, done))
        if self._busy is None:
            self._busy = loop.create_task(self._work(), name="store")
        return await done

    async def close(self) -> None:
        """Close the file once all is done that waits."""
        if self._busy is not None:
            await self._busy
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                results = await loop.run_in_executor(self._thread, self._commit, [work for work, _ in batch])
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                for _, done in batch:
                    if not done.cancelled():
                        done.set_exception(error)
            else:
                for (_, done), result in zip(batch, results, strict=True):
                    if not done.cancelled():
                        done.set_result(result)
        self._busy = None

    def _commit(self, batch: list[Work]) -> list[Any]:
        if self._database is None:
            raise StorageFailed(self.file, "it is closed")
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.execute("UPDATE place SET written = ?", (time.time(),))
                return [work(self._database) for work in batch]
        except sqlite3.Error as error:
            raise StorageFailed(self.file, str(error)) from error

    def _open(self) -> None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            place = os.fstat(descriptor)
            os.close(descriptor)
            changed = max(place.st_ctime, _changed(self.file.with_name(f"{FILE}-wal")))
            database = sqlite3.connect(self.file, isolation_level=None, timeout=0)
            try:
                self._prepare(database, place, changed)
            except BaseException:
                database.close()
                raise
        except sqlite3.OperationalError as error:
            locked = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            reason = "another program has it. Is a far end running already?" if locked else str(error)
            raise StorageFailed(self.file, reason) from error
        except sqlite3.DatabaseError as error:
            advice = "move it away, and each modem is asked once to prove that its message is new"
            raise StorageFailed(self.file, f"{error}; {advice}") from error
        except OSError as error:
            raise StorageFailed(self.file, error.strerror or str(error)) from error
        self._database = database

    def _prepare(self, database: sqlite3.Connection, place: os.stat_result, changed: float) -> None:
        """Make or check the tables; ``changed`` is when the system says that the file was written last."""
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA cache_size = -512")
        database.execute("BEGIN EXCLUSIVE")
        for statement in records.SCHEMA.split(";\n"):
            database.execute(statement)
        here = (place.st_ino, place.st_dev)
        made = database.execute("SELECT inode, device, written FROM place").fetchall()
        # a copy gets the inode of what it replaces often enough; when it was made, nothing can hide
        if [row[:2] for row in made] != [here] or abs(changed - made[0][2]) > SLOW:
            self.is_copy = bool(made)
            records.forget_windows(database)
        database.execute("DELETE FROM place")
        database.execute("INSERT INTO place VALUES (?, ?, ?)", (*here, time.time()))
        database.execute("COMMIT")

    def _close(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.execute("UPDATE place SET written = ?", (time.time(),))
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None


def _changed(file: Path) -> float:
    """Return when a file was changed, by the system's account; 0 if it is not there."""
    try:
        return file.stat().st_ctime
    except OSError:
        return 0.0
