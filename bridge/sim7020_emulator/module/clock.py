"""The module's clock: local time with a zone in quarter hours."""

import datetime as dt
from dataclasses import dataclass

from sim7020_emulator.at.results import Refused
from sim7020_emulator.schedule import Schedule

_QUARTER = dt.timedelta(minutes=15)
_WIDEST_ZONE = 96
_FORM = "%y/%m/%d,%H:%M:%S"


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A local time and its zone in quarter hours east of Greenwich."""

    local: dt.datetime
    zone: int

    @property
    def utc(self) -> dt.datetime:
        """The same time in UTC, naive."""
        return self.local - self.zone * _QUARTER

    def in_zone(self, zone: int) -> "LocalTime":
        """Return the same time in another zone."""
        return LocalTime(self.utc + zone * _QUARTER, zone)

    def __str__(self) -> str:
        return f"{self.local:{_FORM}}{self.zone:+03d}"


def read_local_time(text: str) -> LocalTime:
    """Read ``yy/MM/dd,hh:mm:ss+zz``; raises ``Refused``."""
    try:
        local = dt.datetime.strptime(text[:17], _FORM)  # noqa: DTZ007 (the zone follows, in quarters)
        zone = int(text[17:])
    except ValueError:
        raise Refused from None
    if not -_WIDEST_ZONE <= zone <= _WIDEST_ZONE or len(text) != len("yy/MM/dd,hh:mm:ss+zz"):
        raise Refused
    return LocalTime(local.replace(year=2000 + local.year % 100), zone)


def host_time(zone: int) -> LocalTime:
    """Return the host's time in a zone."""
    utc = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return LocalTime(utc + zone * _QUARTER, zone)


class Clock:
    """A clock that runs with the schedule's time."""

    def __init__(self, schedule: Schedule, start: LocalTime) -> None:
        self._schedule = schedule
        self._base = start
        self._set_at: float | None = None

    def begin(self) -> None:
        """Start to run, unless it runs already."""
        if self._set_at is None:
            self._set_at = self._schedule.now()

    def set(self, time: LocalTime) -> None:
        """Set the clock."""
        self._base = time
        self._set_at = self._schedule.now()

    def read(self) -> LocalTime:
        """Return what the clock shows."""
        elapsed = 0.0 if self._set_at is None else self._schedule.now() - self._set_at
        return LocalTime(self._base.local + dt.timedelta(seconds=elapsed), self._base.zone)
