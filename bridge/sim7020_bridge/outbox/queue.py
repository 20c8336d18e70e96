"""The order in which waiting messages go: by socket, priority and age."""

import asyncio
import heapq
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator

from sim7020_bridge.outbox.message import Entry, Place, Priority


class Queue:
    """Waiting messages, one line for each socket and priority, in the order of their numbers."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, Priority], deque[Entry]] = {}
        self._filled: dict[str, asyncio.Event] = {}
        self._any = asyncio.Event()

    async def wait(self, socket: str) -> None:
        """Return once a message waits for a socket."""
        await self._event(socket).wait()

    async def until_any(self) -> None:
        """Return once a message waits for any socket."""
        await self._any.wait()

    def add(self, entry: Entry) -> None:
        """Put a message in its place: before those that were taken after it, also if it had been away."""
        entry.place = Place.WAITING
        line = self._waiting.setdefault((entry.message.socket, entry.message.priority), deque())
        if not line or line[-1].number < entry.number:
            line.append(entry)
        else:
            line.insert(_place(line, entry), entry)
        self._event(entry.message.socket).set()
        self._any.set()

    def remove(self, entry: Entry, place: Place) -> None:
        """Take a waiting message out, wherever it stands."""
        entry.place = place
        socket = entry.message.socket
        line = self._waiting[socket, entry.message.priority]
        if line[0] is entry:
            line.popleft()
        else:
            del line[_place(line, entry)]
        if self.first(socket) is None:
            self._event(socket).clear()
        if not any(self._waiting.values()):
            self._any.clear()

    def first(self, socket: str, lowest: Priority = Priority.LOW) -> Entry | None:
        """Return the message that is next for a socket, looking at priorities down to ``lowest``."""
        for priority in reversed(Priority):
            line = self._waiting.get((socket, priority))
            if priority >= lowest and line:
                return line[0]
        return None

    def least(self, highest: Priority) -> Iterator[Entry]:
        """Yield what is missed least first: of the lowest priority, up to ``highest``, the oldest."""
        for priority in Priority:
            if priority <= highest:
                lines = [line for (_, each), line in self._waiting.items() if each is priority]
                yield from heapq.merge(*lines, key=_number)

    def heads(self) -> Iterator[Entry]:
        """Yield the first of each line."""
        return (line[0] for line in self._waiting.values() if line)

    def _event(self, socket: str) -> asyncio.Event:
        return self._filled.setdefault(socket, asyncio.Event())


def _number(entry: Entry) -> int:
    return entry.number


def _place(line: deque[Entry], entry: Entry) -> int:
    return bisect_left(line, entry.number, key=_number)
