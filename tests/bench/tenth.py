"""The bridge, held to a tenth of a core: ``python -m tests.bench.tenth run --config FILE``.

A process beside it looks at the processor time that it has used, and stops it (SIGSTOP) once that is its share, until
it has another (SIGCONT). That needs no root and no cgroup. Shares are small, so that it runs evenly, as on a slow core,
and not in strides: one millisecond of each ten.
"""

import contextlib
import os
import signal
import time
from typing import Final

PART: Final = 0.1
"""Part of a core that it may have."""

PERIOD: Final = 0.01
"""Seconds; what was not used of a share is lost after as many."""

_LOOK: Final = 0.0002
"""Seconds between two looks at what it has used."""


def cpu(process: int) -> float:
    """Return the seconds of processor time that a process has used, all threads together, to the nanosecond."""
    return time.clock_gettime((~process << 3) | 2)  # the kernel's MAKE_PROCESS_CPUCLOCK(process, CPUCLOCK_SCHED)


def hold(process: int) -> None:
    """Hold a process to its part, until it is gone or its parent is another."""
    share = PART * PERIOD
    due = share * 0.9  # what it has to have again before it goes on
    allowed, at, stopped = share, time.monotonic(), False  # what it used before it makes up for
    while os.getppid() == process:
        now = time.monotonic()
        used = cpu(process)
        allowed = min(allowed + PART * (now - at), used + share)
        at = now
        if stopped != (allowed - used < due if stopped else allowed <= used):
            stopped = not stopped
            os.kill(process, signal.SIGSTOP if stopped else signal.SIGCONT)
        time.sleep(_LOOK)


def main() -> None:
    """Fork what holds this process, and be the bridge."""
    process = os.getpid()
    if not os.fork():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it would leave the bridge stopped
        with contextlib.suppress(OSError):
            hold(process)
        os._exit(0)
    from sim7020_bridge.__main__ import main as bridge  # noqa: PLC0415 - what is imported is part of the start

    bridge()


if __name__ == "__main__":
    main()
