"""What the broker is to have, until it has it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count, islice
from typing import Final

from sim7020_bridge.errors import BrokerDisconnects, PayloadRefused
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.committer import Work
from sim7020_bridge.outbox.journal import COMPANY, Journal
from sim7020_bridge.outbox.message import Owed, OwedKind
from sim7020_bridge.outbox.room import Need

log: Final = logging.getLogger(__name__)

MOST_ASIDE: Final = 100
"""Publications that are put aside; more are given up."""

Numbered = tuple[tuple[int, Owed], ...]
"""What is owed, with its numbers on disk."""

AHEAD: Final = 16
"""Publications that are on their way to the broker at the same time."""


class Owing:
    """Publishes what is owed, in order, and has each forgotten once the broker acknowledged it.

    Args:
        journal: Where to write what is owed, and that it is no more.
        dropped: Called with how many received messages were given up because too many waited for the broker.
        put_aside: Called with what makes the broker disconnect; it stays on disk and is tried again at the next start.
        most_received: How many may wait.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        dropped: Callable[[int], None],
        put_aside: Callable[[Owed], None],
        most_received: int,
    ) -> None:
        self._journal = journal
        self._dropped = dropped
        self._put_aside = put_aside
        self._most_received = most_received
        self._waiting: dict[int, Owed] = {}
        self._received: dict[int, None] = {}
        self._coming = 0
        self._on_the_way: dict[int, Owed] = {}
        self._aside: dict[int, Owed] = {}
        self._passing = count(-1, -1)
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def aside(self) -> int:
        """How many publications were put aside."""
        return len(self._aside)

    @property
    def unreceived(self) -> int:
        """How many publications that did not come from the network wait, on their way to the disk included."""
        return self._coming + len(self._waiting) - len(self._received)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._on_the_way)

    def __iter__(self) -> Iterator[tuple[int, Owed]]:
        """Yield all that is on the disk."""
        parts = self._aside, self._on_the_way, self._waiting
        return iter([item for part in parts for item in list(part.items()) if item[0] > 0])

    def owe(self, work: Work[Numbered], owed: Sequence[Owed]) -> asyncio.Future[None]:
        """Have work write what is owed, and return a future that is done when it has, or could not.

        What could not be written is owed all the same, for as long as the bridge runs.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        unreceived = sum(each.kind is not OwedKind.RECEIVED for each in owed)

        def written(done: asyncio.Future[Numbered]) -> None:
            self._coming -= unreceived
            if done.exception() is None:
                self.add(done.result())
            else:
                self.add((next(self._passing), each) for each in owed)
            if not kept.done():
                kept.set_result(None)

        self._coming += unreceived
        self._journal.write(work, need=Need.TAKES).add_done_callback(written)
        return kept

    def add(self, numbered: Iterable[tuple[int, Owed]]) -> None:
        """Owe what has been written to disk, under its numbers."""
        for number, owed in numbered:
            self._waiting[number] = owed
            if owed.kind is OwedKind.RECEIVED:
                self._received[number] = None
        surplus = max(0, len(self._received) - self._most_received)
        for number in list(islice(self._received, surplus)):
            del self._received[number]
            del self._waiting[number]
            self._paid(number)
        if surplus:
            log.warning("%d received messages were dropped: too many wait for the broker", surplus)
            self._dropped(surplus)
        if self._waiting:
            self._filled.set()
            self._idle.clear()

    async def wait_idle(self) -> None:
        """Return when nothing is owed."""
        await self._idle.wait()

    async def run(self, publish: Callable[[Owed], Awaitable[None]]) -> None:
        """Publish until cancelled.

        Args:
            publish: Returns when the broker has acknowledged; raises PayloadRefused if it never will.
        """
        room = asyncio.Semaphore(AHEAD)
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._filled.wait()
                await room.acquire()
                number = next(iter(self._waiting))
                owed = self._waiting.pop(number)
                self._received.pop(number, None)
                self._on_the_way[number] = owed
                if not self._waiting:
                    self._filled.clear()
                paying = tasks.create_task(self._pay(number, owed, publish), name=f"publish to {owed.topic}")
                paying.add_done_callback(lambda _paying: room.release())

    async def _pay(self, number: int, owed: Owed, publish: Callable[[Owed], Awaitable[None]]) -> None:
        try:
            await publish(owed)
        except PayloadRefused as refused:
            if isinstance(refused, BrokerDisconnects) and len(self._aside) < MOST_ASIDE:
                log.error("a message to %s is put aside until the next start: %s", owed.topic, refused)
                self._aside[number] = owed
                self._put_aside(owed)
            else:
                log.error("a message to %s is given up: %s", owed.topic, refused)
        del self._on_the_way[number]
        if number not in self._aside:
            self._paid(number)
        if not len(self):
            self._idle.set()

    def _paid(self, number: int) -> None:
        if number > 0:
            self._journal.write(partial(records.paid, number=number), within=COMPANY)
