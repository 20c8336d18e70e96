"""Signal quality by SIMCom's table, and cells."""

import pytest

from sim7020_bridge.at.command import UnknownLine
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.radio import (
    CellReading,
    Functionality,
    FunctionalityReport,
    NeighbourCell,
    ReadCell,
    ReadFunctionality,
    ReadSignalQuality,
    ServingCell,
    SignalQuality,
    SignalReport,
)
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.errors import MalformedAnswer
from tests.bridge.commands.conftest import Ask


@pytest.mark.parametrize(
    ("line", "quality"),
    [
        ("+CSQ: 20,0", SignalQuality(20, 0)),
        ("+CSQ:27,99", SignalQuality(27, None)),
        ("+CSQ: 99,99", SignalQuality(None, None)),
        ("+CSQ: 5", SignalQuality(5, None)),
        ("+CSQ: 31,7", SignalQuality(31, 7)),
        ("+CSQ: 32,8", SignalQuality(None, None)),
        ("+CSQ: 199,99", SignalQuality(None, None)),
        ("+CSQ: -5,-1", SignalQuality(None, None)),
    ],
)
def test_signal_quality(ask: Ask, line: str, quality: SignalQuality) -> None:
    """99 means not known, and so does all else that there is not: 100 to 199 are another network's (TS 27.007)."""
    assert ask(ReadSignalQuality(), line) == quality
    assert URCS.read(Line.of(line.replace("CSQ", "CSQN"))) == SignalReport(quality)


@pytest.mark.parametrize(("index", "dbm"), [(0, -110), (1, -108), (2, -106), (3, -104), (30, -49), (31, -48)])
def test_dbm(index: int, dbm: int) -> None:
    """Both ends and the middle of each step are those of SIMCom's table."""
    assert SignalQuality(index, 0).dbm == dbm


def test_dbm_rises_with_the_index() -> None:
    """A better index is never fewer dBm, and every step stays within its bounds."""
    powers = [SignalQuality(index, 0).dbm or 0 for index in range(32)]
    assert powers == sorted(powers)
    assert all(-105 <= power <= -48 for power in powers[3:])


def test_dbm_of_nothing() -> None:
    """What is not known has no dBm, and what is no quality is malformed."""
    assert SignalQuality(None, 0).dbm is None
    assert URCS.read(Line.of("+CSQN: x,0")) == UnknownLine("+CSQN: x,0")


SERVING = ServingCell(3555, 2, 76, "01A50B1A", -85, -11, -76, 12, 8, "5B57", 0, 7.0, -85)


@pytest.mark.parametrize(
    ("lines", "reading"),
    [
        pytest.param((), CellReading(None), id="connected or none"),
        pytest.param(
            (
                '+CENG: 3555,2,76,"01A50B1A",-85,-11,-76,12,8,"5B57",0,70,-85',
                "+CENG: 3555,2,77,-97",
                "+CENG: 3601,3,403,",
            ),
            CellReading(SERVING, (NeighbourCell(3555, 2, 77, -97), NeighbourCell(3601, 3, 403, None))),
            id="with neighbours",
        ),
        pytest.param(
            ('+CENG: 3555,2,76,"01A50B1A",,,,,8,"5B57",1,230,',),
            CellReading(
                ServingCell(3555, 2, 76, "01A50B1A", band=8, tac="5B57", ecl=1, tx_power_dbm=23.0),
            ),
            id="empty fields",
        ),
        pytest.param(
            ('+CENG: 3555,2,76,"01A50B1A",-85,-11',),
            CellReading(ServingCell(3555, 2, 76, "01A50B1A", -85, -11)),
            id="cut short",
        ),
        pytest.param(
            (
                '+CENG: 262144,5,65535,"01A50B1A",-32768,-128,999999999999999999,127,0,"5B57",255,-32768,32767',
                "+CENG: -1,-1,504,-161",
            ),
            CellReading(ServingCell(cell_id="01A50B1A", tac="5B57"), (NeighbourCell(None, None, None, None),)),
            id="what firmware says for unknown",
        ),
        pytest.param(
            (
                '+CENG: 262143,4,503,"01A50B1A",-156,-60,-110,-60,256,"5B57",2,230,-44',
                "+CENG: 0,0,0,-160",
            ),
            CellReading(
                ServingCell(262143, 4, 503, "01A50B1A", -156, -60, -110, -60, 256, "5B57", 2, 23.0, -44),
                (NeighbourCell(0, 0, 0, -160),),
            ),
            id="at the ends",
        ),
    ],
)
def test_cells(ask: Ask, lines: tuple[str, ...], reading: CellReading) -> None:
    """Serving cell and neighbours are told apart by length; empty fields are not known, nor are impossible ones."""
    assert ask(ReadCell(), *lines) == reading


def test_broken_cell(ask: Ask) -> None:
    """A line that is no cell is malformed."""
    with pytest.raises(MalformedAnswer):
        ask(ReadCell(), "+CENG: 1,2")


@pytest.mark.parametrize(
    ("number", "level"),
    [(0, Functionality.MINIMUM), (1, Functionality.FULL), (4, Functionality.RF_OFF), (9, Functionality.UNKNOWN)],
)
def test_functionality(ask: Ask, number: int, level: Functionality) -> None:
    """Levels are read as answer and as report, unknown ones too."""
    assert ask(ReadFunctionality(), f"+CFUN: {number}") is level
    assert URCS.read(Line.of(f"+CFUN: {number}")) == FunctionalityReport(level)
