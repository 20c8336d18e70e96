"""The module's clock in all the ways it is printed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sim7020_bridge.at.command import UnknownLine, Urc
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.clock import (
    NetworkTime,
    NetworkTimeReport,
    ReadClock,
    SntpReport,
    TimeZoneReport,
)
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.errors import MalformedAnswer
from tests.bridge.commands.conftest import Ask

CHINA = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("20/03/20,15:34:33+32", NetworkTime(datetime(2020, 3, 20, 15, 34, 33, tzinfo=CHINA), 32)),
        ('"20/03/20,15:34:33+32"', NetworkTime(datetime(2020, 3, 20, 15, 34, 33, tzinfo=CHINA), 32)),
        (
            "24/04/30,07:49:36-10",
            NetworkTime(datetime(2024, 4, 30, 7, 49, 36, tzinfo=timezone(-timedelta(minutes=150))), -10),
        ),
        ("24/04/30,07:49:36", NetworkTime(datetime(2024, 4, 30, 7, 49, 36, tzinfo=UTC), None)),
        ("00/01/01,00:18:15+32", NetworkTime(None, 32)),
    ],
)
def test_clock(ask: Ask, text: str, time: NetworkTime) -> None:
    """The zone counts quarter hours; the year 00 means that nobody set the clock."""
    assert ask(ReadClock(), f"+CCLK: {text}") == time


@pytest.mark.parametrize("text", ["", "soon", "20/13/20,15:34:33", "20/03/20,25:00:00+00", "20/03/20,15:34:33+99"])
def test_what_is_no_time(ask: Ask, text: str) -> None:
    """An impossible time is malformed."""
    with pytest.raises(MalformedAnswer):
        ask(ReadClock(), f"+CCLK: {text}")


AT_SNTP = datetime(2018, 5, 16, 8, 54, 20, 135000, tzinfo=CHINA)
AT_CLTS = datetime(2018, 6, 22, 9, 27, 49, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("line", "urc"),
    [
        ("+CSNTP: 18/05/16,08:54:20:135+32", SntpReport(NetworkTime(AT_SNTP, 32))),
        ("+CSNTP: 18/05/16,08:54:20:135,+32", SntpReport(NetworkTime(AT_SNTP, 32))),
        ("+CSNTP: 18/05/16,08:54:20:135", SntpReport(NetworkTime(AT_SNTP.replace(tzinfo=UTC), None))),
        ("+CLTS: 18/06/22,09:27:49+32", NetworkTimeReport(NetworkTime(AT_CLTS, 32), None)),
        ('+CLTS: 18/06/22,09:27:49+32,"DST +1 in use"', NetworkTimeReport(NetworkTime(AT_CLTS, 32), "DST +1 in use")),
        ("+CLTS: 1", UnknownLine("+CLTS: 1")),
        ("+CTZV: +32", TimeZoneReport(32)),
        ("+CTZV: 32", TimeZoneReport(32)),
        ('+CTZV: "-20"', TimeZoneReport(-20)),
        ("+CTZV: +-5", UnknownLine("+CTZV: +-5")),
    ],
)
def test_reports(line: str, urc: Urc) -> None:
    """Times come with milliseconds, zones and daylight saving in different spellings."""
    assert URCS.read(Line.of(line)) == urc
