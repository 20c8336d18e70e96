"""What changes, as server-sent events to any number of browsers: each event is written once, and all read the same.

A stream is a place among the events and no queue of its own, so that one more costs next to nothing, and a reader who
is slow is sent only the newest of what replaces each other.
"""

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.http.stream import KEEP_ALIVE, event

MOST_KEPT: Final = 128 * 1024
"""Bytes of events that a reader may be behind, or may have missed while it was away."""

MOST_LINES_KEPT: Final = 32 * 1024
"""Bytes of lines, which come in floods; a reader that misses some sees it by their numbers."""

LINES: Final = frozenset({"log", "trace"})
"""Kinds of events that only those get who ask for them."""

MOST_PLACES: Final = 4
"""Places of readers for which what comes next is held; nearly all of them are at the same one."""

AT_ONCE: Final = 16 * 1024
"""Bytes after which a reader is waited for."""

_BEGIN: Final = b"retry: 2000\n\n"
_KEEP_ALIVE: Final = b":\n\n"
_LONGEST_NUMBER: Final = 15


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One event; ``key`` is what later ones replace it by, empty for what nothing replaces."""

    number: int
    kind: str
    key: str
    content: bytes
    empty: bool


class _Ring:
    """The newest events of some kinds; ``dropped`` is the number of the last that is gone."""

    def __init__(self, most: int) -> None:
        self.dropped = 0
        self._most = most
        self._events: deque[Event] = deque()
        self._bytes = 0

    def add(self, added: Event) -> Iterator[Event]:
        """Take an event, and yield those that make room for it."""
        self._events.append(added)
        self._bytes += len(added.content)
        while self._bytes > self._most:
            gone = self._events.popleft()
            self._bytes -= len(gone.content)
            self.dropped = gone.number
            yield gone

    def after(self, number: int) -> Iterator[Event]:
        """Yield the events after a number, the newest first."""
        for each in reversed(self._events):
            if each.number <= number:
                return
            yield each


class Feed:
    """The events of this run, numbered from 1.

    Args:
        run: What tells the numbers of this run from those of another one.
    """

    def __init__(self, run: str | None = None) -> None:
        self._run = run or secrets.token_hex(4)
        self._number = 0
        self._events, self._lines = _Ring(MOST_KEPT), _Ring(MOST_LINES_KEPT)
        self._newest: dict[str, Event] = {}
        self._readers: Counter[str] = Counter()
        self._joined: dict[tuple[int, frozenset[str]], tuple[list[bytes], int]] = {}
        self._news = asyncio.Event()

    def wants(self, kind: str) -> bool:
        """Whether anybody reads a kind of lines: nobody need make them otherwise."""
        return self._readers[kind] > 0

    def tell(self, kind: str, data: bytes, *, key: str = "", empty: bool = False) -> None:
        """Have every reader told.

        Args:
            kind: What it is; see LINES.
            data: The event's data.
            key: Events of the same key replace each other, and who comes anew gets the last of each.
            empty: It says that there is nothing any more, so that who comes anew need not be told.
        """
        self._number += 1
        content = event(kind, data, number=f"{self._run}-{self._number}")
        made = Event(self._number, kind, key, content, empty)
        if key:
            self._newest.pop(key, None)  # so that they stand in the order of their numbers
            self._newest[key] = made
        for gone in (self._lines if kind in LINES else self._events).add(made):
            if gone.empty and self._newest.get(gone.key) is gone:
                del self._newest[gone.key]
        self._joined.clear()
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, last: str | None = None, also: Iterable[str] = ()) -> AsyncGenerator[bytes]:
        """Yield what is sent to one reader, for as long as it keeps up.

        Args:
            last: The id of the last event that it has; None if it comes anew.
            also: Which of LINES it wants.
        """
        wanted = LINES.intersection(also)
        self._readers.update(wanted)
        try:
            yield _BEGIN
            place = self._place(last)
            if place is None:
                if last:
                    yield event("restart", b"")
                place = self._number
                for part in _parts(self._all()):
                    yield part
            while place >= self._events.dropped:
                parts, place = self._since(place, wanted)
                for part in parts:
                    yield part
                if place == self._number and not await self._more():
                    yield _KEEP_ALIVE
        finally:
            self._readers.subtract(wanted)

    async def _more(self) -> bool:
        """Wait for something new; False if there was nothing for so long that a proxy may take the stream for dead."""
        try:
            async with asyncio.timeout(KEEP_ALIVE):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _place(self, last: str | None) -> int | None:
        """Return the number of the last event that a reader has; None if what came after it is gone."""
        run, _, number = (last or "").rpartition("-")
        if run != self._run or not number.isdecimal() or not number.isascii() or len(number) > _LONGEST_NUMBER:
            return None
        return int(number) if self._events.dropped <= int(number) <= self._number else None

    def _all(self) -> Iterator[bytes]:
        """Yield what holds now; what was replaced while the reader read comes later."""
        for key, held in list(self._newest.items()):
            if self._newest.get(key) is held and not held.empty:
                yield held.content

    def _since(self, place: int, wanted: frozenset[str]) -> tuple[list[bytes], int]:
        """Return what a reader at a place is to get, and its next place; those at the same one share it."""
        found = self._joined.get((place, wanted))
        if found is None:
            events = [each for each in self._events.after(place) if self._newest.get(each.key, each) is each]
            events += [each for each in self._lines.after(place) if each.kind in wanted]
            events.sort(key=lambda each: each.number)
            found = list(_parts(each.content for each in events)), self._number
            if len(self._joined) == MOST_PLACES:
                self._joined.clear()
            self._joined[place, wanted] = found
        return found


def _parts(contents: Iterable[bytes]) -> Iterator[bytes]:
    """Join what is sent into parts of which each may be written at once."""
    gathered: list[bytes] = []
    size = 0
    for content in contents:
        gathered.append(content)
        size += len(content)
        if size >= AT_ONCE:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
