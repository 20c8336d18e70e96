"""A database without a thread or a disk, for virtual time: what is asked for is done at once."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sim7020_bridge.outbox.committer import Work
from sim7020_bridge.outbox.database import migrations
from sim7020_bridge.outbox.reserve import Need

T = TypeVar("T")


class MemoryDatabase(sqlite3.Connection):
    """A database in memory that is closed with whoever used it last, in whichever thread it is collected."""

    def __del__(self) -> None:
        self.close()


class InstantStore:
    """Does work as it is asked for; the futures are done in the loop's next round."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", factory=MemoryDatabase, check_same_thread=False)
        for step in migrations():
            self._connection.executescript(step)
        self.restore: Callable[[], Work[None]] = lambda: lambda _connection: None
        self.set_aside = None
        self.commits = 0

    def submit(self, work: Work[T], *, within: float = 0.0, need: Need = Need.DELETE) -> "asyncio.Future[T]":
        """Do work."""
        del within, need
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        done.set_result(work(self._connection))
        self.commits += 1
        return done

    async def close(self) -> None:
        """Let go of everything."""
        self._connection.close()
