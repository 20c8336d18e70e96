"""The bridge, with a note of what held its event loop: ``python -m tests.bench.held FILE run --config FILE``.

Each step that the loop takes is timed from SIGRTMIN on: what is imported and opened at the start holds nobody up. At
the end the longest are written as JSON: milliseconds by the clock, by the processor (what other programs took meanwhile
is not in it), and what it was.
"""

import asyncio
import atexit
import heapq
import itertools
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.__main__ import main

BEGIN: Final = signal.SIGRTMIN
_KEPT: Final = 5


def note(file: Path) -> None:
    """Time each step from the signal on, and write the longest at the end."""
    longest: list[tuple[float, int, float, str]] = []
    number = itertools.count()
    plain = asyncio.Handle._run

    def timed(handle: Any) -> None:
        step = _step(handle)
        at, busy = time.perf_counter(), time.thread_time()
        plain(handle)
        took = time.perf_counter() - at
        if len(longest) < _KEPT or took > longest[0][0]:
            words = str(getattr(step, "__qualname__", type(step).__name__))
            entry = took, next(number), time.thread_time() - busy, words
            (heapq.heappush if len(longest) < _KEPT else heapq.heappushpop)(longest, entry)

    def begin(_number: int, _frame: object) -> None:
        asyncio.Handle._run = timed  # type: ignore[assignment, method-assign]

    signal.signal(BEGIN, begin)

    def write() -> None:
        ordered = sorted(longest, reverse=True)
        file.write_text(json.dumps([(1e3 * took, 1e3 * busy, words) for took, _, busy, words in ordered]))

    atexit.register(write)


def _step(handle: Any) -> object:
    """Return what a handle is about to call: of a task its coroutine, which it forgets at its end."""
    callback = handle._callback
    task = getattr(callback, "__self__", None)
    return task.get_coro() if isinstance(task, asyncio.Task) else getattr(callback, "func", callback)


if __name__ == "__main__":
    note(Path(sys.argv.pop(1)))
    main()
