"""What the modem cost so far, kept in the outbox's file over restarts, and what may go for it."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from sim7020_bridge.modem.usage import BudgetLevel, DataSession, DayUsage, Usage
from sim7020_bridge.outbox.message import Priority
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.records import SessionRow, UsageRow

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
        self._unkept = False

    def restore(self, rows: Sequence[UsageRow], session: SessionRow | None) -> None:
        """Go on from what was kept."""
        self._usage.restore(_days(rows), _session(session))

    def changed(self) -> None:
        """Write it down, soon."""
        self._unkept = True
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
            self._unkept = False
            self._outbox.keep_usage(tuple(map(_row, self._usage.rows())), self._session_row())

    def keep_today(self) -> None:
        """Write down what was counted today at once, and the rest when its time comes."""
        if self._unkept:
            self._unkept = False
            self._outbox.keep_usage((_row(self._usage.today),), self._session_row(), others=True)

    def _session_row(self) -> SessionRow:
        session = self._usage.session
        return session.day.isoformat(), session.bytes, int(session.begun), session.address

    async def run(self) -> None:
        """Have the usage notice when a day or a billing period begins, until cancelled."""
        while True:
            await asyncio.sleep(DAY_LOOK)
            self._usage.check_day()


def _row(day: DayUsage) -> UsageRow:
    written = day.day.isoformat(), day.up, day.down, day.correction, day.packets, day.padding, day.sessions
    return *written, day.packets_known, day.padding_known


def _days(rows: Sequence[UsageRow]) -> Iterator[DayUsage]:
    """Read what was kept of the usage; a day that is none is left out."""
    for day, *counted in rows:
        with contextlib.suppress(ValueError):
            yield DayUsage(date.fromisoformat(day), *counted)


def _session(row: SessionRow | None) -> DataSession | None:
    """Read what was kept of the data session."""
    if row is not None:
        day, size, begun, address = row
        with contextlib.suppress(ValueError):
            return DataSession(date.fromisoformat(day), size, bool(begun), address)
    return None
