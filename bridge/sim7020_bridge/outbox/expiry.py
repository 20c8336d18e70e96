"""When waiting messages are not worth sending any more: one timer for all of them."""

import asyncio
import heapq
from collections.abc import Callable, Sequence

from sim7020_bridge.outbox.message import Entry, Place
from sim7020_bridge.outbox.passing_time import PassingTime

LONGEST_SLEEP = 600.0
"""Seconds after which the time is looked at again: timers stand still while the machine sleeps."""


FEW = 1000
"""Messages that are not worth the work of looking which of them have left."""

SLICE = 200
"""Messages that leave the outbox at once before others get their turn."""


class Expiry:
    """Tells of each message that waited longer than it was to live.

    Args:
        time: By which messages grow old.
        due: Called with waiting messages whose time is over, up to ``SLICE`` at once.
    """

    def __init__(self, time: PassingTime, due: Callable[[Sequence[Entry]], None]) -> None:
        self._time = time
        self._due = due
        self._planned: list[tuple[float, int, Entry]] = []
        self._forget_at = FEW
        self._timer: asyncio.TimerHandle | None = None

    def plan(self, *entries: Entry) -> None:
        """Watch messages that wait."""
        self._forget_gone()
        first = self._planned[0] if self._planned else None
        for entry in entries:
            if entry.expires is not None:
                heapq.heappush(self._planned, (entry.expires, entry.number, entry))
        if self._planned and (self._planned[0] is not first or self._timer is None):
            self.end_due()

    def end_due(self) -> None:
        """Tell of what is due, and plan the next look: at once if there is more."""
        self.stop()
        now = self._time.now()
        due: dict[int, Entry] = {}
        while self._planned and (self._planned[0][0] <= now or self._planned[0][2].place is not Place.WAITING):
            if len(due) == SLICE:
                break
            _, _, entry = heapq.heappop(self._planned)
            if entry.place is Place.WAITING:
                due[entry.number] = entry  # one that waits again is planned twice
        if self._planned:
            pause = min(max(0.0, self._planned[0][0] - now), LONGEST_SLEEP)
            self._timer = asyncio.get_running_loop().call_later(pause, self.end_due)
        if due:
            self._due(list(due.values()))

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
