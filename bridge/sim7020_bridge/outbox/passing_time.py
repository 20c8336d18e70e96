"""Time by which messages grow old: it goes on over restarts, and a wall clock that jumps does not move it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

JUMP: Final = 5.0
"""Seconds that wall clock and uptime may drift apart before the wall clock counts as having been set."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment on several clocks.

    Args:
        elapsed: Seconds of the outbox's own time.
        boot: Which start of the machine ``uptime`` counts from.
        uptime: Seconds since then, sleep included.
        wall: Seconds since 1970, if the wall clock is right.
    """

    elapsed: float
    boot: str
    uptime: float
    wall: float


def _boot() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _uptime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Clocks:
    """A machine's clocks, as in ``Mark``; this one's, if nothing else is said."""

    boot: Callable[[], str] = _boot
    uptime: Callable[[], float] = _uptime
    wall: Callable[[], float] = time.time


class PassingTime:
    """Counts seconds, on from a mark of an earlier run.

    Within one start of the machine the count is exact, whatever the wall clock does. How long the machine itself was
    off only the wall clock can tell: it is believed, unless it went backwards, which counts as no time at all since the
    last that is known.
    """

    def __init__(self, clocks: Clocks | None = None) -> None:
        self._clocks = clocks or Clocks()
        self._boot = self._clocks.boot()
        self._start = self._clocks.uptime()
        self._base = 0.0
        self._offset = self._clocks.wall() - self._start

    def go_on(self, mark: Mark | None, latest: float) -> None:
        """Count on from the mark of an earlier run, if it left one, and from the latest time that it wrote down."""
        if mark is not None:
            self.go_on_from(mark)
        self.be_at_least(latest)

    def go_on_from(self, mark: Mark) -> None:
        """Count on from what an earlier run had come to."""
        uptime = self._clocks.uptime()
        passed = uptime - mark.uptime if mark.boot == self._boot else self._clocks.wall() - mark.wall
        self._base = mark.elapsed + max(0.0, passed)
        self._start = uptime

    def be_at_least(self, seconds: float) -> None:
        """Go on from what an earlier run has written down since its mark, if that is later."""
        self._base += max(0.0, seconds - self.now())

    def now(self) -> float:
        """Return seconds, which never go back."""
        return self._base + self._clocks.uptime() - self._start

    def mark(self) -> Mark:
        """Return this moment, to be kept for the next run."""
        uptime, wall = self._clocks.uptime(), self._clocks.wall()
        self._offset = wall - uptime
        return Mark(self.now(), self._boot, uptime, wall)

    @property
    def wall_was_set(self) -> bool:
        """Whether the wall clock jumped since the last mark, so that a new one is due."""
        return abs(self._clocks.wall() - self._clocks.uptime() - self._offset) > JUMP
