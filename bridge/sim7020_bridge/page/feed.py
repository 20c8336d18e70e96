"""What changes, as server-sent events to any number of browsers: each event is written once, and all read the same.

A stream is a place among the events and no queue of its own, so that one more costs next to nothing, and a reader who
is slow is sent only the newest of what replaces each other.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Final, NamedTuple

from sim7020_bridge.http.stream import COMMENT, KEEP_ALIVE, event

MOST_KEPT: Final = 64 * 1024
"""Bytes of events that a reader may be behind, or may have missed while it was away; beside what holds."""

MOST_LINES_KEPT: Final = 32 * 1024
"""Bytes of lines, which come in floods; a reader that misses some sees it by their numbers."""

LINES: Final = frozenset({"log", "trace"})
"""Kinds of events that only those get who ask for them."""

MOST_PLACES: Final = 4
"""Places of readers for which what comes next is held; nearly all of them are at the same one."""

AT_ONCE: Final = 16 * 1024
"""Bytes after which a reader is waited for."""

_BEGIN: Final = b"retry: 2000\n\n"
_LONGEST_NUMBER: Final = 15


class Event(NamedTuple):
    """One event; ``empty`` says that there is nothing any more of what it is about."""

    number: int
    kind: str
    content: bytes
    empty: bool = False


class _Ring:
    """The newest events of some kinds; ``dropped`` is the number of the last that is gone."""

    def __init__(self, most: int) -> None:
        self.dropped = 0
        self._most = most
        self._events: dict[str, Event] = {}
        self._bytes = 0

    def add(self, key: str, added: Event) -> bool:
        """Take an event in place of the one with its key; say whether another one had to go for it."""
        replaced = self._events.pop(key, None)
        self._events[key] = added
        self._bytes += len(added.content) - (0 if replaced is None else len(replaced.content))
        full = self._bytes > self._most
        while self._bytes > self._most:
            gone = self._events.pop(next(iter(self._events)))
            self._bytes -= len(gone.content)
            self.dropped = gone.number
        return full

    def after(self, number: int) -> Iterator[Event]:
        """Yield the events after a number, the newest first."""
        return _after(self._events, number)


class Feed:
    """The events of this run, numbered from 1.

    Args:
        run: What tells the numbers of this run from those of another one.
    """

    def __init__(self, run: str | None = None) -> None:
        self._run = run or os.urandom(4).hex()
        self._number = 0
        self._events, self._lines = _Ring(MOST_KEPT), _Ring(MOST_LINES_KEPT)
        self._newest: dict[str, Event] = {}
        self._readers: Counter[str] = Counter()
        self._joined: dict[tuple[int, frozenset[str]], tuple[list[bytes], int]] = {}
        self._news = asyncio.Event()
        self._beating: asyncio.TimerHandle | None = None

    def wants(self, kind: str) -> bool:
        """Whether anybody reads a kind of lines: nobody need make them otherwise."""
        return self._readers[kind] > 0

    def tell(self, kind: str, data: bytes, *, key: str = "", holds: bool = True, empty: bool = False) -> None:
        """Have every reader told.

        Args:
            kind: What it is; see LINES.
            data: The event's data.
            key: Events of the same key replace each other; those without one are replaced by none.
            holds: Who comes anew gets it, if it has a key and is the last with that.
            empty: It says that there is nothing any more, so that who comes anew need not be told.
        """
        self._number += 1
        number = f"{self._run}-{self._number}"
        made = Event(self._number, kind, event(kind, data, number=number), empty)
        if key and holds:
            self._newest.pop(key, None)  # so that they stand in the order of their numbers
            self._newest[key] = made
        elif kind in LINES:
            self._lines.add(number, made)
        elif self._events.add(key or number, made):
            self._forget_empty()
        self._joined.clear()
        self._wake()

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
                if place == self._number:
                    await self._more()
                    if place == self._number:
                        yield COMMENT
        finally:
            self._readers.subtract(wanted)

    def _forget_empty(self) -> None:
        """Forget what there is nothing of any more, once everybody who is not told of it begins anew."""
        for key in [key for key, each in self._newest.items() if each.empty and each.number <= self._events.dropped]:
            del self._newest[key]

    async def _more(self) -> None:
        """Wait for something new, or for the moment when all readers get a comment."""
        if self._beating is None:
            self._beating = asyncio.get_running_loop().call_later(KEEP_ALIVE, self._beat)
        await self._news.wait()

    def _beat(self) -> None:
        self._beating = None
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

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
            events = [*_after(self._newest, place), *self._events.after(place)]
            events += [each for each in self._lines.after(place) if each.kind in wanted]
            events.sort(key=lambda each: each.number)
            found = list(_parts(each.content for each in events)), self._number
            if len(self._joined) == MOST_PLACES:
                self._joined.clear()
            self._joined[place, wanted] = found
        return found


def _after(events: dict[str, Event], number: int) -> Iterator[Event]:
    """Yield events that stand in the order of their numbers, the newest first, as far as they are after a number."""
    for each in reversed(events.values()):
        if each.number <= number:
            return
        yield each


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
