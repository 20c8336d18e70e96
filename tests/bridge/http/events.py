"""A stream of events that a test feeds."""

import asyncio
from collections.abc import AsyncIterator


class Events:
    """The events of one stream: the first ones, and what is pushed."""

    def __init__(self, *first: bytes) -> None:
        self.begun = self.closed = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        for each in first:
            self.push(each)

    def push(self, event: bytes) -> None:
        """Send an event after the others."""
        self._queue.put_nowait(event)

    def end(self) -> None:
        """Send no more after that."""
        self._queue.put_nowait(None)

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield them, and note when nobody takes them any more."""
        self.begun = True
        try:
            while (part := await self._queue.get()) is not None:
                yield part
        finally:
            self.closed = True
