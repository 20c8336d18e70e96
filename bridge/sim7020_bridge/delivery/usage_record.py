"""What the modem cost so far, kept in the outbox's file over restarts, and what may go for it."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from sim7020_bridge.modem.usage import BudgetLevel, DayUsage, Usage
from sim7020_bridge.outbox.message import Priority
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.records import UsageRow

KEPT_WITHIN: Final = 1.0
"""Seconds within which counted bytes are written down."""

DAY_LOOK: Final = 10.0
"""Seconds between two looks whether another day has begun: a timer until midnight would miss that the clock was set."""


class UsageRecord:
    """Writes usage down soon after it changes, and says what the budget lets go."""

    def __init__(self, usage: Usage, *, outbox: Outbox) -> None:
        self._usage = usage
        self._outbox = outbox
        self._soon: asyncio.TimerHandle | None = None

    def restore(self, rows: Sequence[UsageRow]) -> None:
        """Go on from what was kept."""
        self._usage.restore(_days(rows))

    def changed(self) -> None:
        """Write it down, soon."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(KEPT_WITHIN, self.keep)

    def lowest(self) -> Priority:
        """Return which priority a message must have to go now."""
        return Priority.HIGH if self._usage.level is BudgetLevel.USED_UP else Priority.LOW

    def keep(self) -> None:
        """Write down what was not yet."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
            rows = tuple((day.day.isoformat(), day.up, day.down, day.correction) for day in self._usage.rows())
            self._outbox.keep_usage(rows)

    async def run(self) -> None:
        """Have the usage notice when a day or a billing period begins, until cancelled."""
        while True:
            await asyncio.sleep(DAY_LOOK)
            self._usage.check_day()


def _days(rows: Sequence[UsageRow]) -> Iterator[DayUsage]:
    """Read what was kept of the usage; a day that is none is left out."""
    for day, up, down, correction in rows:
        with contextlib.suppress(ValueError):
            yield DayUsage(date.fromisoformat(day), up, down, correction)
