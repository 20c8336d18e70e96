"""One thread that owns the database: what was asked for meanwhile is committed together."""

import asyncio
import concurrent.futures
import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sim7020_bridge.errors import OutboxClosed, StorageFailed
from sim7020_bridge.outbox.database import Database, busy, damaged, failed
from sim7020_bridge.outbox.reserve import Need, Reserve, is_full

log: Final = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MOST_AT_ONCE: Final = 500
"""Pieces of work that are handed over at once, and from which on a commit takes in no more."""

_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"

REOPEN_WAIT: Final = 5.0
"""Seconds before a database that could not be opened is tried again."""


@dataclass(slots=True, eq=False)
class _Job:
    work: Work[Any]
    done: "asyncio.Future[Any]"
    need: Need
    result: Any = None
    error: Exception | None = None


class Store(Protocol):
    """What carries out work on a database; see Committer."""

    restore: Callable[[], Work[None]]
    commits: int

    @property
    def set_aside(self) -> str | None:
        """The name of the damaged file that was replaced, if there was one."""

    def submit(self, work: Work[T], *, within: float = 0.0, need: Need = Need.DELETE) -> "asyncio.Future[T]":
        """Have work done; the future is done once it is committed."""

    async def close(self) -> None:
        """Finish all that was submitted."""


class Committer:
    """Carries out work on the database, in order, in as few commits as can be.

    While one commit waits for the disk, what comes meanwhile gathers for the next: so a slow disk makes larger
    commits, not a longer queue. What may wait for company does so in the event loop: each piece of work that the
    thread is woken for costs two changes of threads.

    Args:
        database: What to own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reserve = Reserve(database.file)
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Job] = []
        self._next: asyncio.TimerHandle | None = None
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._failed: tuple[float, StorageFailed] | None = None
        self._thread = threading.Thread(target=self._run, name=f"outbox {database.file.name}", daemon=True)
        self._closed = False
        self._ended = asyncio.Event()
        self.commits = 0
        """How many there were."""
        self._restored: Path | None = None
        self.restore: Callable[[], Work[None]] = lambda: lambda _connection: None
        """Called in the event loop for what is done first whenever a damaged file was replaced by a new one."""
        self._thread.start()

    @property
    def set_aside(self) -> str | None:
        """The name of the damaged file that was replaced, if there was one."""
        return None if self._database.set_aside is None else self._database.set_aside.name

    def submit(self, work: Work[T], *, within: float = 0.0, need: Need = Need.DELETE) -> "asyncio.Future[T]":
        """Have work done, in the order of submission; the future is done once it is committed.

        Args:
            work: Called in the committer's thread, inside a transaction.
            within: Seconds that it may wait for company.
            need: What it may use of the room on the disk.

        Raises:
            StorageFailed: In the future: it could not be committed, and nothing of this work was done.
        """
        done: asyncio.Future[T] = self._loop.create_future()
        if self._closed:
            done.set_exception(OutboxClosed(self._database.file))
            return done
        self._gathered.append(_Job(work, done, need))
        due = self._loop.time() + within
        if not within or len(self._gathered) == MOST_AT_ONCE:
            self._hand_over()
        elif self._next is None or due < self._next.when():
            self._plan(due)
        return done

    async def close(self) -> None:
        """Finish all that was submitted, and close the file."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._jobs.put(None)
        # told by the thread itself: another one to wait for it in might not be to be had
        await self._ended.wait()
        self._thread.join()

    def _plan(self, due: float | None) -> None:
        """Hand over at a time of the event loop's, and not when it was planned before; at none for now if None."""
        if self._next is not None:
            self._next.cancel()
        self._next = None if due is None else self._loop.call_at(due, self._hand_over)

    def _hand_over(self) -> None:
        self._plan(None)
        gathered, self._gathered = self._gathered, []
        self._jobs.put(gathered)

    def _run(self) -> None:
        try:
            self._commit_all()
        finally:
            self._tell(self._ended.set)

    def _commit_all(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._gather()
            if batch:
                self._commit(batch)
                self._tell(_resolve, batch)
        if self._connection is not None:
            self._connection.close()
        self._database.release()

    def _tell(self, call: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def _gather(self) -> tuple[list[_Job], bool]:
        """Return what is to be committed together, and whether more will come."""
        batch: list[_Job] = []
        jobs = self._jobs.get()
        while jobs is not None:
            batch += jobs
            if len(batch) >= MOST_AT_ONCE:
                return batch, True
            try:
                jobs = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[_Job]) -> None:
        need = max(job.need for job in batch)
        # ends alone fill the log, too, and with it the room that it must be moved to: so each makes the reserve whole
        error = self._attempt(batch, need, prepare=True)
        if error is not None and is_full(error):
            self._empty_log()
            error = self._attempt(batch, need)
        if error is not None and is_full(error) and need < Need.INSERT and self._reserve.give_up():
            self._empty_log()
            error = self._attempt(batch, need)
        if error is None:
            return
        if len(batch) > 1 and not isinstance(error, StorageFailed) and not damaged(error) and not busy(error):
            for job in batch:
                self._commit([job])
            return
        problem = error if isinstance(error, StorageFailed) else failed(self._database.file, error)
        for job in batch:
            job.error = problem
        if damaged(error):
            self._give_up(str(error))

    def _attempt(self, batch: list[_Job], need: Need, *, prepare: bool = False) -> Exception | None:
        """Commit work; return what kept it from being committed."""
        try:
            self._transact(batch, need, prepare=prepare or need >= Need.INSERT)
        except (OSError, RuntimeError) as error:  # the latter: the loop is closed, so nobody knows what to restore
            return failed(self._database.file, error)
        except (sqlite3.Error, StorageFailed, ValueError, OverflowError) as error:  # the latter: SQLite can't hold it
            return error
        return None

    def _transact(self, batch: list[_Job], need: Need, *, prepare: bool) -> None:
        connection = self._open()
        if need >= Need.INSERT:
            self._database.look_for_another()
        if prepare and not self._reserve.whole:
            self._empty_log()
            self._reserve.prepare()
        connection.execute("BEGIN IMMEDIATE")
        try:
            if self._database.set_aside != self._restored:
                self._restoring()(connection)
            for job in batch:
                job.result = job.work(connection)
            self._reserve.check(connection, need)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._restored = self._database.set_aside
        self.commits += 1

    def _restoring(self) -> Work[None]:
        """Have the event loop say what is to be restored, once it has heard of all that was committed."""
        said: concurrent.futures.Future[Work[None]] = concurrent.futures.Future()
        # what a commit is followed by runs in the round after the one that hears of it
        self._loop.call_soon_threadsafe(self._loop.call_soon, lambda: said.set_result(self.restore()))
        return said.result()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if self._failed is not None and time.monotonic() - self._failed[0] < REOPEN_WAIT:
            raise self._failed[1]
        try:
            self._connection = self._open_with_room()
        except StorageFailed as error:
            self._failed = (time.monotonic(), error)
            raise
        self._failed = None
        return self._connection

    def _open_with_room(self) -> sqlite3.Connection:
        try:
            return self._database.open()
        except StorageFailed as error:
            if error.__cause__ is None or not is_full(error.__cause__) or not self._reserve.give_up():
                raise
            return self._database.open()

    def _empty_log(self) -> None:
        """Make room by moving SQLite's log to its file, for which the reserve may be needed for a moment."""
        if self._connection is None:
            return
        try:
            self._connection.execute(_EMPTY_LOG).fetchone()
        except sqlite3.Error as error:
            if is_full(error) and self._reserve.give_up():
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute(_EMPTY_LOG).fetchone()

    def _give_up(self, problem: str) -> None:
        """Close a file that turned out to be damaged; opening it again sets it aside."""
        self._database.distrust(problem)
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _resolve(batch: list[_Job]) -> None:
    for job in batch:
        if job.done.done():
            continue
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
