"""Server-sent events to one browser: what waits for it is bounded, and one that doesn't read is cut."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

MOST_QUEUED: Final = 256 * 1024
"""Bytes that may wait for a reader."""

KEEP_ALIVE: Final = 15.0
"""Seconds of silence after which a comment is sent, so that nothing between takes the stream for dead."""

_COMMENT: Final = b":\n\n"


def event(kind: str, data: str | bytes, *, number: str | None = None) -> bytes:
    """Return an event as it is sent.

    Args:
        kind: Its type, as in ``addEventListener``.
        data: Line by line what the browser gets; a carriage return, which would end a line, becomes a blank.
        number: What the browser says in ``Last-Event-ID`` when it comes back.
    """
    content = data.encode() if isinstance(data, str) else data
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b" ").split(b"\n")
    head = b"" if number is None else b"id: %s\n" % number.encode()
    return head + b"event: %s\n" % kind.encode() + b"".join(b"data: %s\n" % line for line in lines) + b"\n"


class Events:
    """The events of one stream, from the first to the one after which it is over.

    Args:
        first: What is sent before anything that is pushed, as ``event`` makes it; taken as fast as the reader reads.
        closed: Called once nobody reads any more.
    """

    def __init__(self, first: Iterable[bytes] = (), *, closed: Callable[[], None] = lambda: None) -> None:
        self._first = first
        self._on_close = closed
        self._closed = False
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._over = False
        self._something = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether nothing more will be sent."""
        return self._over

    def push(self, event: bytes) -> None:
        """Send an event, as ``event`` makes it, after all others; a reader for whom too much waits is cut."""
        if self._over:
            return
        if self._queued + len(event) > MOST_QUEUED:
            self._queue.clear()
            self._queued = 0
            self.end()
            return
        self._queue.append(event)
        self._queued += len(event)
        self._something.set()

    def end(self) -> None:
        """Send what waits, and then no more."""
        self._over = True
        self._something.set()

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield what is to be sent, keep-alive comments included."""
        for part in self._first:
            yield part
        self._first = ()
        while True:
            while self._queue:
                part = self._queue.popleft()
                self._queued -= len(part)
                yield part
            if self._over:
                return
            self._something.clear()
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    await self._something.wait()
            except TimeoutError:
                yield _COMMENT

    def close(self) -> None:
        """Be told that nobody reads any more."""
        self._over = True
        if not self._closed:
            self._closed = True
            self._on_close()
