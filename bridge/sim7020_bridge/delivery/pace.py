"""When a socket may send next: not too soon after the last message, not too many in an hour."""

from collections import deque
from collections.abc import Sequence
from typing import Final

HOUR: Final = 3600.0


class Pace:
    """The pace of one socket, in the event loop's time.

    Args:
        min_interval: Seconds between two sends.
        per_hour: Sends within any 60 minutes; None for no limit.
        sent: When earlier sends were, the oldest first; before the loop began these are negative.
    """

    def __init__(self, min_interval: float, per_hour: int | None, sent: Sequence[float] = ()) -> None:
        self._min_interval = min_interval
        self._per_hour = per_hour
        self._sent: deque[float] = deque(sent, maxlen=per_hour or 1)

    def wait(self, now: float) -> float:
        """Return the seconds until the next send is allowed; 0 if it is now."""
        if not self._sent:
            return 0.0
        ready = self._sent[-1] + self._min_interval
        if self._per_hour is not None and len(self._sent) >= self._per_hour:
            ready = max(ready, self._sent[-self._per_hour] + HOUR)
        return max(0.0, ready - now)

    def sent(self, now: float) -> None:
        """Note a send."""
        self._sent.append(now)

    @property
    def sends(self) -> Sequence[float]:
        """When the last sends were, the oldest first; as many as this pace had to remember."""
        return tuple(self._sent)

    @property
    def remembered(self) -> float:
        """Seconds for which a send matters; 0 if there is no limit."""
        return max(self._min_interval, HOUR if self._per_hour else 0.0)
