"""Whether an event loop that works leaves the others their turn."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

_ROUNDS = 3_000_000
"""Of a loop that does nothing: some 50 ms, and the page computes for 42 ms at most (docs/performance.md)."""


@contextmanager
def others_have_their_turn() -> Iterator[None]:
    """Hold the event loop to computing less at a time than a loop of so many rounds needs on the same machine."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
    before = time.thread_time()
    for _ in range(_ROUNDS):
        pass
    assert longest < time.thread_time() - before
