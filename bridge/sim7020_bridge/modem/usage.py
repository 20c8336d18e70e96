"""How much data a modem used, by day and billing period, and what each act of its costs: payload and its headers.

UDP, DNS, ping and SNTP are exact as far as one datagram is one packet. TCP is an estimate: one segment for each piece
that is given to the module or reported by it, each acknowledged on its own, and nothing sent again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import IntEnum
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import DataBudgetSettings

WARNED_AT: Final = 0.8
"""Part of the budget from which on there is an alert."""

KEPT: Final = timedelta(days=92)
"""How long days are remembered, each by itself; as many of those that something was counted on are, however old."""

EARLIER: Final = date.min
"""The day of the row that has all that was counted longer ago."""

IP_HEADER: Final = 20
UDP_HEADERS: Final = IP_HEADER + 8
TCP_HEADERS: Final = IP_HEADER + 20
ICMP_HEADERS: Final = IP_HEADER + 8

_DNS_FIXED: Final = 12 + 1 + 5  # header; the name's end; type and class, and one byte more for the first label
_DNS_ANSWER: Final = 16
_SNTP: Final = 48
_SYN_OPTIONS: Final = 4


class BudgetLevel(IntEnum):
    """How far a budget is used up."""

    GOOD = 0
    WARNING = 1
    USED_UP = 2


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes each way."""

    up: int = 0
    down: int = 0

    @property
    def total(self) -> int:
        """Both ways."""
        return self.up + self.down

    def __neg__(self) -> "Bytes":
        return Bytes(-self.up, -self.down)


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One row to keep.

    Args:
        day: The day, in UTC.
        up: Bytes sent.
        down: Bytes received.
        correction: What the operator counted more (or less) in the billing period that starts on this day.
    """

    day: date
    up: int = 0
    down: int = 0
    correction: int = 0

    @property
    def counted(self) -> int:
        """What counts against the budget."""
        return self.up + self.down + self.correction


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
        self._total = Bytes()
        self._newest = EARLIER
        self._earlier: tuple[date, int] | None = None
        self._told = (self._today(), BudgetLevel.GOOD)

    @property
    def budget(self) -> int | None:
        """Bytes that a billing period may have; None if there is no budget."""
        return self._settings.bytes

    @property
    def today(self) -> Bytes:
        """What was used today."""
        day = self._day(self._today())
        return Bytes(day.up, day.down)

    @property
    def period(self) -> Bytes:
        """What was counted in this billing period, and in that of the newest day if the clock is far behind it."""
        days = self._in_period()
        return Bytes(sum(day.up for day in days), sum(day.down for day in days))

    @property
    def total(self) -> Bytes:
        """What was counted ever since there is a record of it."""
        return self._total

    @property
    def used(self) -> int:
        """What counts against the budget: what was counted, set right by the operator's own figure."""
        today = self._today()
        if self._earlier is None or self._earlier[0] != today:
            self._earlier = today, sum(day.counted for day in self._in_period() if day.day != today)
        return max(0, self._earlier[1] + self._day(today).counted)

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

    def count(self, *, up: int = 0, down: int = 0) -> None:
        """Count bytes."""
        self._add(DayUsage(self._today(), up, down))
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
            ahead, now = self._days.pop(far), self._day(today)
            self._days[today] = replace(now, up=now.up + ahead.up, down=now.down + ahead.down)
        self._newest = max(self._days, default=EARLIER)
        for day in self._in_period():
            self._days[day.day] = replace(day, correction=0)
        self._add(DayUsage(self.period_start, correction=used - self.period.total))
        self._earlier = None
        self._report()

    def restore(self, rows: Iterable[DayUsage]) -> None:
        """Count on from what was kept; what was counted already is added. A level reached by that is no news."""
        for row in rows:
            self._add(row)
        self._earlier = None
        self._told = self._today(), self.level
        self._report()

    def rows(self) -> tuple[DayUsage, ...]:
        """Return what has to be kept: days, and one row of what was before them.

        A clock that is far ahead for a while makes no day old: it may belong to the period to which the clock returns.
        """
        oldest = min([self._today() - KEPT, *sorted(self._days)[-KEPT.days :]])
        earlier = [each for day, each in self._days.items() if day < oldest]
        days = tuple(each for day, each in self._days.items() if day >= oldest)
        if not earlier:
            return days
        return (DayUsage(EARLIER, sum(each.up for each in earlier), sum(each.down for each in earlier)), *days)

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
        day = self._day(more.day)
        self._days[more.day] = DayUsage(
            more.day, day.up + more.up, day.down + more.down, day.correction + more.correction
        )
        self._newest = max(self._newest, more.day)
        self._total = Bytes(self._total.up + more.up, self._total.down + more.down)

    def _today(self) -> date:
        today = self._clock().date()
        return self._newest if timedelta() < self._newest - today <= KEPT else today


def sent(size: int, *, stream: bool) -> Bytes:
    """Return the cost of a datagram with so much payload, or of a TCP segment and its acknowledgement."""
    return Bytes(up=TCP_HEADERS + size, down=TCP_HEADERS) if stream else Bytes(up=UDP_HEADERS + size)


def received(size: int, *, stream: bool) -> Bytes:
    """Return the same for one that came."""
    return Bytes(up=TCP_HEADERS, down=TCP_HEADERS + size) if stream else Bytes(down=UDP_HEADERS + size)


def connected() -> Bytes:
    """Return the cost of TCP's handshake, begun by the module, and of closing in order one day."""
    return Bytes(up=4 * TCP_HEADERS + _SYN_OPTIONS, down=3 * TCP_HEADERS + _SYN_OPTIONS)


def kept_alive(probes: int) -> Bytes:
    """Return the cost of so many probes of a quiet TCP connection, and of their answers."""
    return Bytes(up=probes * TCP_HEADERS, down=probes * TCP_HEADERS)


def resolved(name: str, addresses: int) -> Bytes:
    """Return the cost of a DNS query and its answer."""
    query = UDP_HEADERS + _DNS_FIXED + len(name)
    return Bytes(up=query, down=query + _DNS_ANSWER * addresses)


def pinged(size: int, *, asked: int, answered: int) -> Bytes:
    """Return the cost of pings and of the replies that came."""
    return Bytes(up=asked * (ICMP_HEADERS + size), down=answered * (ICMP_HEADERS + size))


def time_asked() -> Bytes:
    """Return the cost of one SNTP question and its answer."""
    return Bytes(up=UDP_HEADERS + _SNTP, down=UDP_HEADERS + _SNTP)
