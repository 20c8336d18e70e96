"""How much data a modem used, by day and billing period, and what of it the operator bills."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import IntEnum
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import Billing, DataBudgetSettings

WARNED_AT: Final = 0.8
"""Part of the budget from which on there is an alert."""

KEPT: Final = timedelta(days=92)
"""How long days are remembered, each by itself; as many of those that something was counted on are, however old."""

EARLIER: Final = date.min
"""The day of the row that has all that was counted longer ago."""

TUNNEL: Final = 54
"""Bytes of headers that a packet gets for its way through the operator's network: Ethernet, IP, UDP and GTP."""

STEP: Final = 1024
"""Bytes to a multiple of which a data session is rounded up."""


class BudgetLevel(IntEnum):
    """How far a budget is used up."""

    GOOD = 0
    WARNING = 1
    USED_UP = 2


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One row to keep: all that any way to bill it needs, so that another one may be chosen at any time.

    Args:
        day: The day, in UTC.
        up: Bytes sent.
        down: Bytes received.
        packets: How many packets they were in.
        padding: Bytes that were missing for each data session's part of the day to be a multiple of STEP.
        sessions: Data sessions that began.
        correction: What the operator counted more (or less) in the billing period that starts on this day.
        packets_known: How many of the period's packets the operator's figure has in it already.
        padding_known: The same of its padding.
    """

    day: date
    up: int = 0
    down: int = 0
    correction: int = 0
    packets: int = 0
    padding: int = 0
    sessions: int = 0
    packets_known: int = 0
    padding_known: int = 0

    def billed(self, billing: Billing) -> int:
        """Return what the operator bills, by the bridge's own count."""
        return self.up + self.down + _more(billing, self.packets, self.padding)

    def counted(self, billing: Billing) -> int:
        """Return what counts against the budget."""
        return self.billed(billing) + self.correction - _more(billing, self.packets_known, self.padding_known)

    def __add__(self, more: "DayUsage") -> "DayUsage":
        return DayUsage(
            self.day,
            self.up + more.up,
            self.down + more.down,
            self.correction + more.correction,
            self.packets + more.packets,
            self.padding + more.padding,
            self.sessions + more.sessions,
            self.packets_known + more.packets_known,
            self.padding_known + more.padding_known,
        )


@dataclass(frozen=True, slots=True)
class DataSession:
    """The data session to be kept: the newest, or what will be the next.

    Args:
        day: The day that its bytes are of, in UTC.
        bytes: How many were counted for it on that day.
        begun: Whether it is known to have begun.
        address: What address the network gave it, if that was told.
    """

    day: date
    bytes: int = 0
    begun: bool = False
    address: str | None = None

    def is_that_of(self, address: str | None) -> bool:
        """Whether a context with an address, as far as that is known, may be this one's."""
        return self.begun and (self.address == address or None in {self.address, address})


def _more(billing: Billing, packets: int, padding: int) -> int:
    match billing:
        case Billing.BYTES:
            return 0
        case Billing.PACKETS:
            return TUNNEL * packets
        case Billing.SESSIONS:
            return padding


class Usage:
    """Counts one modem's bytes; no budget that is used up opens because the wall clock goes back.

    While the clock is behind the newest day that was counted, bytes count for that day. If it is more than `KEPT`
    behind, it may as well have been far ahead once: bytes count for the clock's day, and its period and the newest
    day's both count against the budget, until time gets there or the operator gives a figure (`calibrate`).

    Args:
        settings: The budget.
        changed: Called after every change with the level before and after.
        clock: Tells which day it is.
    """

    def __init__(
        self,
        settings: DataBudgetSettings,
        *,
        changed: Callable[[BudgetLevel, BudgetLevel], None],
        clock: Clock = wall_clock,
    ) -> None:
        self._settings = settings
        self._changed = changed
        self._clock = clock
        self._days: dict[date, DayUsage] = {}
        self._total = DayUsage(EARLIER)
        self._session = DataSession(EARLIER)
        self._ended = False
        self._newest = EARLIER
        self._earlier: tuple[date, int] | None = None
        self._told = (self._today(), BudgetLevel.GOOD)

    @property
    def budget(self) -> int | None:
        """Bytes that a billing period may have; None if there is no budget."""
        return self._settings.bytes

    @property
    def billing(self) -> Billing:
        """How the operator counts."""
        return self._settings.billing

    @property
    def today(self) -> DayUsage:
        """What was used today."""
        return self._day(self._today())

    @property
    def period(self) -> DayUsage:
        """What was counted in this billing period, and in that of the newest day if the clock is far behind it."""
        return sum(self._in_period(), DayUsage(self.period_start))

    @property
    def total(self) -> DayUsage:
        """What was counted ever since there is a record of it."""
        return self._total

    @property
    def session(self) -> DataSession:
        """What has to be kept with the rows."""
        return self._session

    @property
    def used(self) -> int:
        """What counts against the budget: what was counted, set right by the operator's own figure."""
        today = self._today()
        if self._earlier is None or self._earlier[0] != today:
            self._earlier = today, sum(day.counted(self.billing) for day in self._in_period() if day.day != today)
        return max(0, self._earlier[1] + self._day(today).counted(self.billing))

    @property
    def left(self) -> int | None:
        """Bytes that are left of the budget, 0 at least; None if there is none."""
        return None if self.budget is None else max(0, self.budget - self.used)

    @property
    def level(self) -> BudgetLevel:
        """How far the budget is used up."""
        if self.budget is None or (used := self.used) < WARNED_AT * self.budget:
            return BudgetLevel.GOOD
        return BudgetLevel.USED_UP if used >= self.budget else BudgetLevel.WARNING

    @property
    def period_start(self) -> date:
        """The first day of this billing period."""
        return self._start(self._today())

    def count(self, *, up: int = 0, down: int = 0, packets: int = 0) -> None:
        """Count bytes, and the packets that they are in."""
        today = self._today()
        self._add(DayUsage(today, up, down, packets=packets, padding=self._pad(today, up + down)))
        self._report()

    def begin_session(self, address: str | None) -> None:
        """Note that the network has given a context; a session that may be this context's goes on."""
        known = self._session
        if not known.is_that_of(address):
            if known.begun:
                known = DataSession(EARLIER)
            self._session = replace(known, begun=True, address=address)
            self._add(DayUsage(self._today(), sessions=1))
        elif address is not None and known.address is None:
            self._session = replace(known, address=address)
        else:
            return
        self._report()

    def end_session(self) -> None:
        """Note that the network has taken the context back, or must have: what follows is another session's."""
        self._ended = True
        if self._session.begun:
            self._session = DataSession(EARLIER)
            self._report()

    def check_day(self) -> None:
        """Tell of a change if another day has begun; to be called now and then, for nothing else may happen on it."""
        if self._today() != self._told[0]:
            self._report()

    def calibrate(self, used: int) -> None:
        """Take the operator's figure for what this billing period has used so far, both ways.

        Days that are far ahead of the clock become part of today: whoever gives a figure has looked.
        """
        today = self._today()
        for far in [day for day in self._days if day > today]:
            self._days[today] = self._day(today) + replace(self._days.pop(far), correction=0)
        self._newest = max(self._days, default=EARLIER)
        for day in self._in_period():
            self._days[day.day] = replace(day, correction=0, packets_known=0, padding_known=0)
        period = self.period
        correction = DayUsage(
            self.period_start,
            correction=used - period.up - period.down,
            packets_known=period.packets,
            padding_known=period.padding,
        )
        self._add(correction)
        self._earlier = None
        self._report()

    def restore(self, rows: Iterable[DayUsage], session: DataSession | None = None) -> None:
        """Count on from what was kept; what was counted already is added. A level reached by that is no news."""
        for row in rows:
            self._add(row)
        if session is not None and not self._ended:
            self._go_on_with(session)
        self._earlier = None
        self._told = self._today(), self.level
        self._report()

    def rows(self) -> tuple[DayUsage, ...]:
        """Return what has to be kept: days, and one row of what was before them.

        A clock that is far ahead for a while makes no day old: it may belong to the period to which the clock returns.
        """
        oldest = min([self._today() - KEPT, *sorted(self._days)[-KEPT.days :]])
        days = tuple(each for day, each in self._days.items() if day >= oldest)
        earlier = [each for day, each in self._days.items() if day < oldest]
        if not earlier:
            return days
        gone = replace(sum(earlier, DayUsage(EARLIER)), correction=0, packets_known=0, padding_known=0)
        return (gone, *days)

    def _report(self) -> None:
        before, level = self._told[1], self.level
        self._told = self._today(), level
        self._changed(before, level)

    def _start(self, day: date) -> date:
        first = self._settings.first_day
        month = day if day.day >= first else day.replace(day=1) - timedelta(days=1)
        return month.replace(day=first)

    def _in_period(self) -> list[DayUsage]:
        today = self._today()
        starts = {self._start(day) for day in (today, max(today, self._newest))}
        return [each for day, each in self._days.items() if day > EARLIER and self._start(day) in starts]

    def _day(self, day: date) -> DayUsage:
        return self._days.get(day, DayUsage(day))

    def _add(self, more: DayUsage) -> None:
        self._days[more.day] = self._day(more.day) + more
        self._newest = max(self._newest, more.day)
        self._total += more

    def _pad(self, today: date, size: int) -> int:
        """Count bytes for the session; return by how much more (or less) it is rounded up."""
        session = self._session
        before = session.bytes if session.day == today else 0
        self._session = replace(session, day=today, bytes=before + size)
        return _padding(before + size) - _padding(before)

    def _go_on_with(self, kept: DataSession) -> None:
        """Count what was counted since the start for the session of before, unless it is known to be of another."""
        since = self._session
        if since.begun and not kept.is_that_of(since.address):
            return
        both = kept.begun and since.begun
        self._session = replace(kept, begun=kept.begun or since.begun, address=since.address or kept.address)
        if since.bytes or both:
            day = since.day if since.bytes else self._today()
            padding = self._pad(day, since.bytes) - _padding(since.bytes)
            self._add(DayUsage(day, padding=padding, sessions=-int(both)))

    def _today(self) -> date:
        today = self._clock().date()
        return self._newest if timedelta() < self._newest - today <= KEPT else today


def _padding(size: int) -> int:
    return -size % STEP
