"""All messages of an outbox in memory: which there are, which of them go next, and which would have to make room."""

import asyncio
import heapq
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from sim7020_bridge.config.model import OutboxSettings, WhenFull
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.outbox.message import Entry, Loss, Message, Place, Priority

NO_LONGER_FULL: Final = 0.9
"""Part of a limit below which an outbox that was full counts as having room."""


class Queue:
    """Messages that wait, in one line for each socket and priority, and those on their way to the disk or being sent.

    Args:
        settings: The limits, which hold for all of them.
    """

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._entries: dict[int, Entry] = {}
        self._keys: dict[tuple[str, str], dict[int, Entry]] = {}
        self._away: set[Entry] = set()
        self._lines: dict[tuple[str, Priority], deque[Entry]] = {}
        self._filled: dict[str, asyncio.Event] = {}
        self._any = asyncio.Event()
        self.bytes = 0
        self.full = False
        """Whether a message found no room, until a tenth of the room is free again."""

    def __iter__(self) -> Iterator[Entry]:
        """Yield every message in the order in which they were taken."""
        return iter(sorted(self._entries.values(), key=_number))

    @property
    def messages(self) -> int:
        """How many messages have no final receipt yet."""
        return len(self._entries)

    @property
    def filled(self) -> float:
        """How much of the limits is used, the fuller one; 1 is all."""
        return max(self.messages / self._settings.max_messages, self.bytes / self._settings.max_bytes)

    @property
    def oldest(self) -> float | None:
        """When the oldest waiting message was taken, in the outbox's own time; None if none waits."""
        return min((line[0].taken for line in self._lines.values() if line), default=None)

    def waiting(self, numbers: Sequence[int]) -> list[Entry]:
        """Return which of these messages wait."""
        entries = [self._entries.get(number) for number in numbers]
        return [entry for entry in entries if entry and entry.place is Place.WAITING]

    async def wait(self, socket: str) -> None:
        """Return once a message waits for a socket."""
        await self._event(socket).wait()

    async def until_any(self) -> None:
        """Return once a message waits for any socket."""
        await self._any.wait()

    def first(self, socket: str, lowest: Priority = Priority.LOW) -> Entry | None:
        """Return the message that is next for a socket, looking at priorities down to ``lowest``."""
        for priority in reversed(Priority):
            line = self._lines.get((socket, priority))
            if priority >= lowest and line:
                return line[0]
        return None

    def line(self, socket: str, lowest: Priority = Priority.LOW) -> list[Entry]:
        """Return the messages that wait for a socket, the next first, looking at priorities down to ``lowest``."""
        lines = (self._lines.get((socket, priority), ()) for priority in reversed(Priority) if priority >= lowest)
        return [entry for line in lines for entry in line]

    def is_away(self, message: Message) -> bool:
        """Whether a message with the key and socket of this one is being sent."""
        where = message.socket, message.key
        return any((entry.message.socket, entry.message.key) == where for entry in self._away)

    def displaced_by(self, message: Message) -> list[tuple[Entry, Loss]]:
        """Return what has to go so that a message can be taken; nothing goes yet.

        Raises:
            PayloadRefused: ``outbox_full``: it can't be taken.
        """
        displaced = [(older, Loss.SUPERSEDED) for older in self._with_key_of(message)]
        superseded = {older for older, _ in displaced}
        messages = self.messages - len(superseded)
        size = self.bytes + message.size - sum(older.message.size for older in superseded)
        least = self._least(message.priority)
        while messages >= self._settings.max_messages or size > self._settings.max_bytes:
            self.full = True
            oldest = None if self._settings.when_full is WhenFull.REJECT else next(least, None)
            if oldest is None:
                raise PayloadRefused("outbox_full", f"{self.messages} messages wait already, and no more are taken")
            if oldest not in superseded:
                displaced.append((oldest, Loss.DROPPED))
                messages -= 1
                size -= oldest.message.size
        return displaced

    def enter(self, entry: Entry) -> None:
        """Take a message in, which does not wait yet."""
        self._entries[entry.number] = entry
        self.bytes += entry.message.size
        self._note_key(entry)

    def leave(self, entry: Entry) -> None:
        """Let go of a message, wherever it stands, if it is there."""
        if self._entries.pop(entry.number, None) is not None:
            self.bytes -= entry.message.size
            self._withdraw(entry)
            self._away.discard(entry)
            entry.place = Place.GONE
            self.full = self.full and self.filled > NO_LONGER_FULL

    def start_waiting(self, entry: Entry) -> list[Entry]:
        """Put a message in its place: before those that were taken after it, also if it had been away.

        Of those that then wait with its key only the newest should: return the others.
        """
        entry.place = Place.WAITING
        self._away.discard(entry)
        line = self._lines.setdefault((entry.message.socket, entry.message.priority), deque())
        if not line or line[-1].number < entry.number:
            line.append(entry)
        else:
            line.insert(_place(line, entry), entry)
        self._event(entry.message.socket).set()
        self._any.set()
        self._note_key(entry)
        same = (each for each in self._with_key_of(entry.message) if each.place is Place.WAITING)
        return sorted(same, key=_number)[:-1]

    def start_sending(self, entry: Entry) -> None:
        """Take a waiting message out of its line; it keeps its room, and is not superseded from here on."""
        self._withdraw(entry)
        entry.place, entry.given = Place.SENDING, True
        self._away.add(entry)

    def _withdraw(self, entry: Entry) -> None:
        """Take a message out of its line and from those with its key."""
        socket, key = entry.message.socket, (entry.message.socket, entry.message.key or "")
        same = self._keys.get(key)
        if same is not None:
            same.pop(entry.number, None)
            if not same:
                del self._keys[key]
        if entry.place is not Place.WAITING:
            return
        line = self._lines[socket, entry.message.priority]
        if line[0] is entry:
            line.popleft()
        else:
            del line[_place(line, entry)]
        if self.first(socket) is None:
            self._event(socket).clear()
        if not any(self._lines.values()):
            self._any.clear()

    def _least(self, highest: Priority) -> Iterator[Entry]:
        """Yield what is missed least first: of the lowest priority, up to ``highest``, the oldest."""
        for priority in Priority:
            if priority <= highest:
                lines = [line for (_, each), line in self._lines.items() if each is priority]
                yield from heapq.merge(*lines, key=_number)

    def _note_key(self, entry: Entry) -> None:
        if entry.message.key is not None:
            self._keys.setdefault((entry.message.socket, entry.message.key), {})[entry.number] = entry

    def _with_key_of(self, message: Message) -> Sequence[Entry]:
        """Return what waits with a message's key and socket, or is on its way to the disk."""
        return () if message.key is None else tuple(self._keys.get((message.socket, message.key), {}).values())

    def _event(self, socket: str) -> asyncio.Event:
        return self._filled.setdefault(socket, asyncio.Event())


def _number(entry: Entry) -> int:
    return entry.number


def _place(line: deque[Entry], entry: Entry) -> int:
    return bisect_left(line, entry.number, key=_number)
