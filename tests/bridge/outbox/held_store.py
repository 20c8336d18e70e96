"""A store whose commits a test makes, one piece of work or several at a time, or has fail."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sim7020_bridge.errors import StorageFailed
from sim7020_bridge.outbox.committer import Work
from sim7020_bridge.outbox.database import migrations
from sim7020_bridge.outbox.reserve import Need
from tests.bridge.instant_store import MemoryDatabase

T = TypeVar("T")


def disk() -> sqlite3.Connection:
    """Return an empty file in memory, which outlives the stores over it."""
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=MemoryDatabase, check_same_thread=False)
    for step in migrations():
        connection.executescript(step)
    return connection


class HeldStore:
    """Gathers work of one run of a bridge until the test commits it.

    Args:
        connection: The disk.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._dead = False
        self.jobs: deque[tuple[Work[Any], asyncio.Future[Any]]] = deque()
        self.restore: Callable[[], Work[None]] = lambda: lambda _connection: None
        self.set_aside = None
        self.commits = 0

    def submit(self, work: Work[T], *, within: float = 0.0, need: Need = Need.DELETE) -> "asyncio.Future[T]":
        """Gather work."""
        del within, need
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if not self._dead:
            self.jobs.append((work, done))
        return done

    def commit(self, count: int | None = None, *, fails: bool = False) -> None:
        """Commit the first pieces of work, all without a count, or have them fail; who waits is told later."""
        for _ in range(len(self.jobs) if count is None else min(count, len(self.jobs))):
            work, done = self.jobs.popleft()
            self._connection.execute("BEGIN")
            result = work(self._connection)
            self._connection.execute("ROLLBACK" if fails else "COMMIT")
            if fails:
                done.set_exception(StorageFailed(Path("shed.outbox"), "disk I/O error"))
            else:
                done.set_result(result)
        self.commits += 1

    def die(self) -> None:
        """Forget what was not committed, as when the bridge is killed."""
        self._dead = True
        self.jobs.clear()

    async def close(self) -> None:
        """Do nothing: the disk stays."""
