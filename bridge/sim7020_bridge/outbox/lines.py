"""The order in which waiting messages go: by socket, priority and age."""

import asyncio
import heapq
from collections.abc import Iterator

from sim7020_bridge.outbox.message import Entry, Place, Priority

_FIRST_TO_LAST = tuple(sorted(Priority, reverse=True))


class Lines:
    """Waiting messages, one line for each socket and priority; what left out of turn is skipped when it comes up."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, Priority], list[tuple[int, Entry]]] = {}
        self._counts: dict[tuple[str, Priority], int] = {}
        self._filled: dict[str, asyncio.Event] = {}
        self._any = asyncio.Event()
        self._total = 0

    async def wait(self, socket: str) -> None:
        """Return once a message waits for a socket."""
        await self._event(socket).wait()

    async def until_any(self) -> None:
        """Return once a message waits for any socket."""
        await self._any.wait()

    def add(self, entry: Entry) -> None:
        """Put a message in its place: before those that were taken after it, also if it had been away."""
        entry.place = Place.WAITING
        line = entry.message.socket, entry.message.priority
        heapq.heappush(self._lines.setdefault(line, []), (entry.number, entry))
        self._counts[line] = self._counts.get(line, 0) + 1
        self._total += 1
        self._event(entry.message.socket).set()
        self._any.set()

    def remove(self, entry: Entry, place: Place) -> None:
        """Take a waiting message out, wherever it stands."""
        entry.place = place
        socket, priority = entry.message.socket, entry.message.priority
        self._counts[socket, priority] -= 1
        self._total -= 1
        self._trim((socket, priority))
        if not any(self._counts.get((socket, each)) for each in Priority):
            self._event(socket).clear()
        if not self._total:
            self._any.clear()

    def first(self, socket: str, lowest: Priority = Priority.LOW) -> Entry | None:
        """Return the message that is next for a socket, looking at priorities down to ``lowest``."""
        for priority in _FIRST_TO_LAST:
            line = self._lines.get((socket, priority))
            if priority >= lowest and line:
                return line[0][1]
        return None

    def least(self, highest: Priority) -> Entry | None:
        """Return the message that is missed least: of the lowest priority, up to ``highest``, the oldest."""
        for priority in Priority:
            firsts = [line[0] for (_, each), line in self._lines.items() if each is priority and line]
            if priority <= highest and firsts:
                return min(firsts)[1]
        return None

    def heads(self) -> Iterator[Entry]:
        """Yield the first of each line."""
        return (line[0][1] for line in self._lines.values() if line)

    def _trim(self, key: tuple[str, Priority]) -> None:
        """Keep a waiting message at the head; rebuild a line of which most have left."""
        line = self._lines[key]
        while line and line[0][1].place is not Place.WAITING:
            heapq.heappop(line)
        if len(line) > 2 * self._counts[key] + 16:
            line[:] = [item for item in line if item[1].place is Place.WAITING]
            heapq.heapify(line)

    def _event(self, socket: str) -> asyncio.Event:
        return self._filled.setdefault(socket, asyncio.Event())
