"""When waiting messages are not worth sending any more: one timer for all of them."""

import asyncio
import heapq
from collections.abc import Callable

from sim7020_bridge.outbox.message import Entry, Place
from sim7020_bridge.outbox.passing_time import PassingTime

LONGEST_SLEEP = 600.0
"""Seconds after which the time is looked at again: timers stand still while the machine sleeps."""


FEW = 1000
"""Messages that are not worth the work of looking which of them have left."""


class Expiry:
    """Tells of each message that waited longer than it was to live.

    Args:
        time: By which messages grow old.
        due: Called with a waiting message whose time is over.
    """

    def __init__(self, time: PassingTime, due: Callable[[Entry], None]) -> None:
        self._time = time
        self._due = due
        self._planned: list[tuple[float, int, Entry]] = []
        self._forget_at = FEW
        self._timer: asyncio.TimerHandle | None = None

    def plan(self, entry: Entry) -> None:
        """Watch a message that waits."""
        if entry.expires is not None:
            self._forget_gone()
            heapq.heappush(self._planned, (entry.expires, entry.number, entry))
            if self._planned[0][2] is entry or self._timer is None:
                self.end_due()

    def end_due(self) -> None:
        """Tell of all that is due, and plan the next look."""
        self.stop()
        now = self._time.now()
        while self._planned and (self._planned[0][0] <= now or self._planned[0][2].place is not Place.WAITING):
            _, _, entry = heapq.heappop(self._planned)
            if entry.place is Place.WAITING:
                self._due(entry)
        if self._planned:
            pause = min(self._planned[0][0] - now, LONGEST_SLEEP)
            self._timer = asyncio.get_running_loop().call_later(pause, self.end_due)

    def _forget_gone(self) -> None:
        """Let go of messages that have left, once they may be most of what is remembered."""
        if len(self._planned) >= self._forget_at:
            waiting = {item[1]: item for item in self._planned if item[2].place is Place.WAITING}
            self._planned = sorted(waiting.values(), key=lambda item: item[:2])
            self._forget_at = 2 * len(self._planned) + FEW

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
