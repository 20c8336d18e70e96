"""Memory that a piece of code holds."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NOT_OURS = tracemalloc.Filter(inclusive=False, filename_pattern="*/slipcover/*", all_frames=True)


@contextmanager
def memory_traced() -> Iterator[Callable[[], int]]:
    """Yield what tells the bytes allocated since and still held; those of what measures the coverage don't count."""
    tracemalloc.start(16)

    def held() -> int:
        return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([_NOT_OURS]).traces)

    try:
        yield held
    finally:
        tracemalloc.stop()
