"""The module's clock: local time with a zone in quarter hours."""

import datetime as dt
from dataclasses import dataclass

from sim7020_emulator.at.results import Refused
from sim7020_emulator.schedule import Schedule

_QUARTER = dt.timedelta(minutes=15)
_WIDEST_ZONE = 96
_FORM = "%y/%m/%d,%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Moment:
    """A local time and its zone in quarter hours east of Greenwich."""

    local: dt.datetime
    zone: int

    @property
    def utc(self) -> dt.datetime:
        """The same moment in UTC, naive."""
        return self.local - self.zone * _QUARTER

    def in_zone(self, zone: int) -> "Moment":
        """Return the same moment in another zone."""
        return Moment(self.utc + zone * _QUARTER, zone)

    def __str__(self) -> str:
        return f"{self.local:{_FORM}}{self.zone:+03d}"


def read_moment(text: str) -> Moment:
    """Read ``yy/MM/dd,hh:mm:ss+zz``; raises ``Refused``."""
    try:
        local = dt.datetime.strptime(text[:17], _FORM)  # noqa: DTZ007 (the zone follows, in quarters)
        zone = int(text[17:])
    except ValueError:
        raise Refused from None
    if not -_WIDEST_ZONE <= zone <= _WIDEST_ZONE or len(text) != len("yy/MM/dd,hh:mm:ss+zz"):
        raise Refused
    return Moment(local.replace(year=2000 + local.year % 100), zone)


def host_moment(zone: int) -> Moment:
    """Return the host's time in a zone."""
    utc = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return Moment(utc + zone * _QUARTER, zone)


class Clock:
    """A clock that runs with the schedule's time."""

    def __init__(self, schedule: Schedule, start: Moment) -> None:
        self._schedule = schedule
        self._base = start
        self._set_at: float | None = None

    def begin(self) -> None:
        """Start to run, unless it runs already."""
        if self._set_at is None:
            self._set_at = self._schedule.now()

    def set(self, moment: Moment) -> None:
        """Set the clock."""
        self._base = moment
        self._set_at = self._schedule.now()

    def read(self) -> Moment:
        """Return what the clock shows."""
        elapsed = 0.0 if self._set_at is None else self._schedule.now() - self._set_at
        return Moment(self._base.local + dt.timedelta(seconds=elapsed), self._base.zone)
