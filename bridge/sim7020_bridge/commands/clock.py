"""The module's clock, set by the network or by a time server (manual V1.05)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Self

from sim7020_bridge.at.command import Order, Question, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.quoting import quoted, require_quotable, require_within
from sim7020_bridge.errors import MalformedAnswer

CLOCK_SET: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2056, 1, 1, tzinfo=UTC))
"""Between these a clock can be right. Before the first there was no bridge: such a time, or one beyond the last (80 is
1980, where GPS begins to count), is what a clock starts with that nobody set."""

_QUARTER: Final = timedelta(minutes=15)
_UNSET_YEAR: Final = 0
_CENTURY: Final = 2000
_WIDEST_ZONE: Final = 95
"""Quarter hours; wider ones are no time zone."""

# the milliseconds stand behind a colon, and whether a comma separates the zone differs
_TIME: Final = re.compile(
    r"(?P<year>\d\d)/(?P<month>\d\d)/(?P<day>\d\d),(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?::(?P<millisecond>\d{1,3}))?(?:,?(?P<zone>[+-]\d{1,3}))?"
)
_ZONE: Final = re.compile(r"[+-]?\d{1,3}")


@dataclass(frozen=True, slots=True)
class NetworkTime:
    """A time that the module gave.

    Args:
        moment: Aware of its zone, UTC where none was given; None if the clock was never set.
        zone_quarters: Local time minus UTC in quarter hours, None if not given.
    """

    moment: datetime | None
    zone_quarters: int | None

    @classmethod
    def of(cls, line: Line) -> "NetworkTime":
        """Read the time at the start of a line's arguments, quoted or not. Raises MalformedAnswer if there is none."""
        found = _TIME.match(line.arguments.lstrip('"'))
        if found is None:
            raise MalformedAnswer(line.text, "no time of the form yy/MM/dd,hh:mm:ss")
        zone = None if found["zone"] is None else int(found["zone"])
        numbers = [int(found[name]) for name in ("year", "month", "day", "hour", "minute", "second")]
        if numbers[0] == _UNSET_YEAR:
            return cls(None, zone)
        numbers[0] += _CENTURY
        millisecond = int(found["millisecond"] or 0)
        try:
            moment = datetime(*numbers, millisecond * 1000, tzinfo=timezone((zone or 0) * _QUARTER))  # type: ignore[arg-type, misc]
        except ValueError as error:
            raise MalformedAnswer(line.text, str(error)) from error
        return cls(moment, zone)


class ReadClock(Question[NetworkTime]):
    """+CCLK: read the clock, which starts in the year 00."""

    syntax = "AT+CCLK?"
    answer_names = ("+CCLK",)

    def _value(self, cursor: Cursor) -> NetworkTime:
        return NetworkTime.of(cursor.line)


class UpdateClockFromNetwork(Order):
    """+CTZU: let the network set the clock; kept, and in force from the next restart on."""

    syntax = "AT+CTZU=1"


class ReportNetworkTime(Order):
    """+CLTS: report the time that the network sends; kept, and in force from the next restart on."""

    syntax = "AT+CLTS=1"


@dataclass(frozen=True, slots=True)
class TimeZoneReport(Urc):
    """+CTZV: the time zone changed; local time minus UTC in quarter hours."""

    names = ("+CTZV",)

    zone_quarters: int

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        found = _ZONE.fullmatch(cursor.text())
        if found is None:
            raise MalformedAnswer(cursor.line.text, "no time zone")
        return cls(int(found[0]))


@dataclass(frozen=True, slots=True)
class NetworkTimeReport(Urc):
    """+CLTS: the network sent its time; ``daylight_saving`` in the module's words, where it speaks of it."""

    names = ("+CLTS",)

    time: NetworkTime
    daylight_saving: str | None

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        time = NetworkTime.of(cursor.line)
        said = [text for text in cursor.rest() if text.startswith("DST")]
        return cls(time, said[0] if said else None)


@dataclass(frozen=True, slots=True)
class StartSntp(Order):
    """+CSNTPSTART: ask a time server; SntpReport follows and the clock is set. Always end with StopSntp.

    The server is a host name or address; ``zone_quarters`` is local time minus UTC in quarter hours, None for UTC.
    """

    server: str
    zone_quarters: int | None = None

    def __post_init__(self) -> None:
        require_quotable(self.server, "the time server")
        if self.zone_quarters is not None:
            require_within(self.zone_quarters, -_WIDEST_ZONE, _WIDEST_ZONE, "the time zone in quarter hours")

    def line(self) -> str:
        """Return the command line."""
        zone = "" if self.zone_quarters is None else f",{quoted(f'{self.zone_quarters:+03d}')}"
        return f"AT+CSNTPSTART={quoted(self.server)}{zone}"


class StopSntp(Order):
    """+CSNTPSTOP: end what StartSntp began."""

    syntax = "AT+CSNTPSTOP"


@dataclass(frozen=True, slots=True)
class SntpReport(Urc):
    """+CSNTP: the time server answered."""

    names = ("+CSNTP",)

    time: NetworkTime

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(NetworkTime.of(cursor.line))
