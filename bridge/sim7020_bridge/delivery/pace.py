"""When a socket may send next: not too soon after the last message, not too many in an hour."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from sim7020_bridge.config.model import SocketSettings

HOUR: Final = 3600.0


class Pace:
    """When one socket sent, the oldest first, in the event loop's time; before the loop began that is negative."""

    def __init__(self, sent: Sequence[float]) -> None:
        self._sent = deque(sent)

    def wait(self, settings: SocketSettings, now: float) -> float:
        """Return the seconds until the next send is allowed; 0 if it is now."""
        if not self._sent:
            return 0.0
        ready = self._sent[-1] + settings.min_interval
        per_hour = settings.messages_per_hour
        if per_hour is not None and len(self._sent) >= per_hour:
            ready = max(ready, self._sent[-per_hour] + HOUR)
        return max(0.0, ready - now)

    def sent(self, settings: SocketSettings, now: float) -> None:
        """Note a send."""
        self._sent.append(now)
        while len(self._sent) > (settings.messages_per_hour or 1):
            self._sent.popleft()


def remembered(settings: SocketSettings) -> float:
    """Return the seconds for which a send matters; 0 if there is no limit."""
    return max(settings.min_interval, HOUR if settings.messages_per_hour else 0.0)
