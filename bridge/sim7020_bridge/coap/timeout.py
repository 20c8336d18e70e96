"""How long a server may take to answer, learnt from how long it took (RFC 6298)."""

from typing import Final

FLOORS: Final = (6.0, 14.0, 20.0)
"""Seconds that an answer may always take, by coverage enhancement level.

98 of 100 round trips from idle that were measured took less (docs/field.md): whoever repeats sooner pays twice for
what was only slow.
"""

CEILING: Final = 60.0
"""The most seconds (RFC 6298 section 2.4)."""

_ALPHA: Final = 1 / 8
_BETA: Final = 1 / 4
_VARIATIONS: Final = 4


class Timeout:
    """One server's."""

    def __init__(self) -> None:
        self._smoothed: float | None = None
        self._variation = 0.0
        self._learnt = 0.0

    def measured(self, seconds: float) -> None:
        """Learn from a round trip of a datagram that was sent once."""
        if self._smoothed is None:
            self._smoothed, self._variation = seconds, seconds / 2
        else:
            self._variation += _BETA * (abs(self._smoothed - seconds) - self._variation)
            self._smoothed += _ALPHA * (seconds - self._smoothed)
        self._learnt = self._smoothed + _VARIATIONS * self._variation

    def exceeded(self, seconds: float) -> None:
        """Note that an answer came so long after the first of several datagrams: until one can be measured again.

        Which of them it answers can't be known (RFC 6298 section 3), and so this is the longest that it may have taken.
        """
        self._learnt = max(self._learnt, seconds)

    def seconds(self, level: int | None) -> float:
        """Return for how many seconds to wait before a datagram is repeated, at a coverage level or an unknown one."""
        floor = FLOORS[1] if level is None else FLOORS[max(0, min(level, len(FLOORS) - 1))]
        return min(CEILING, max(floor, self._learnt))
