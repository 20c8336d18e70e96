"""The bridge, with a note of what held its event loop: ``python -m tests.bench.held FILE run --config FILE``.

Each step that the loop takes is timed. At the end the longest are written as JSON: milliseconds by the clock, by the
processor (what other programs took meanwhile is not in it), and what it was.
"""

import asyncio
import atexit
import heapq
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.__main__ import main

_KEPT: Final = 5
_SETTLED: Final = 2.0
"""Seconds after the first step that are not looked at: what is imported and opened at the start holds nobody up."""


def note(file: Path) -> None:
    """Time each step from now on, and write the longest at the end."""
    longest: list[tuple[float, int, float, str]] = []
    number = itertools.count()
    plain = asyncio.Handle._run
    began = time.perf_counter()

    def timed(handle: Any) -> None:
        at, busy = time.perf_counter(), time.thread_time()
        plain(handle)
        took = time.perf_counter() - at
        if at - began > _SETTLED and (len(longest) < _KEPT or took > longest[0][0]):
            # its words are asked for now: later its coroutine stands elsewhere
            entry = took, next(number), time.thread_time() - busy, _words(handle)
            (heapq.heappush if len(longest) < _KEPT else heapq.heappushpop)(longest, entry)

    asyncio.Handle._run = timed  # type: ignore[assignment, method-assign]

    def write() -> None:
        ordered = sorted(longest, reverse=True)
        file.write_text(json.dumps([(1e3 * took, 1e3 * busy, words) for took, _, busy, words in ordered]))

    atexit.register(write)


def _words(handle: Any) -> str:
    task = getattr(handle._callback, "__self__", None)
    return repr(task.get_coro()) if isinstance(task, asyncio.Task) else repr(handle)


if __name__ == "__main__":
    note(Path(sys.argv.pop(1)))
    main()
