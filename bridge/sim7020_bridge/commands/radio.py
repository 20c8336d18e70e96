"""The radio: on or off, how well it hears, and which cell (manual V1.05)."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final, Self

from sim7020_bridge.at.command import Answer, Command, Order, Question, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.errors import MalformedAnswer


class Functionality(IntEnum):
    """Levels of ``+CFUN`` (section 3.2.20); UNKNOWN is any other that a module may report."""

    UNKNOWN = -1
    MINIMUM = 0
    FULL = 1
    RF_OFF = 4
    SIM_OFF = 7

    @classmethod
    def of(cls, level: int) -> "Functionality":
        """Return a level as the module gave it."""
        return cls(level) if level in set(cls) else cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class SetFunctionality(Order):
    """+CFUN: switch the radio on or off, or restart the module.

    Section 3.2.20; TCP/IP note section 2.2. MINIMUM drops every PDN and socket. The SIM's
    report comes before the result when it goes down and after it when it comes up.

    Args:
        level: What to switch to.
        reset: Restart the module first; it greets after its OK.
    """

    # it tells the network that it goes, and asks again if it hears nothing (3GPP TS 24.301 section 10.2, T3421)
    timeout = 40.0

    level: Functionality
    reset: bool = False

    def __post_init__(self) -> None:
        if self.level is Functionality.UNKNOWN:
            raise ValueError("an unknown level can't be set")

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CFUN={self.level:d},1" if self.reset else f"AT+CFUN={self.level:d}"


class ReadFunctionality(Question[Functionality]):
    """+CFUN: read whether the radio is on (section 3.2.20; TCP/IP note section 3.8)."""

    syntax = "AT+CFUN?"
    answer_names = ("+CFUN",)

    def _value(self, cursor: Cursor) -> Functionality:
        return Functionality.of(cursor.integer())


@dataclass(frozen=True, slots=True)
class FunctionalityReport(Urc):
    """+CFUN: the module says its level while it starts."""

    names = ("+CFUN",)

    level: Functionality

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(Functionality.of(cursor.integer()))


class ReportConnection(Order):
    """+CSCON: have each change of the radio connection reported (3GPP TS 27.007 section 7.30)."""

    syntax = "AT+CSCON=1"


@dataclass(frozen=True, slots=True)
class ConnectionReport(Urc):
    """+CSCON: the radio connection was made or released; access and state, if they follow, are none of the bridge's."""

    names = ("+CSCON",)

    connected: bool

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(cursor.integer() == 1)


USABLE_SIGNAL: Final = 5
"""+CSQ must be above this to count as a signal (TCP/IP note section 4: x > 5); 99 is unknown."""

_STRONGEST: Final = 31
_WORST_BER: Final = 7
_STEP: Final = 57 / 28
"""dB from one index to the next between 3 and 30."""


@dataclass(frozen=True, slots=True)
class SignalQuality:
    """How well the module hears its cell.

    Args:
        rssi_index: 0 to 31, None if not known.
        ber: Bit error class 0 to 7, None if not known.
    """

    rssi_index: int | None
    ber: int | None

    @property
    def dbm(self) -> int | None:
        """Received power by SIMCom's own table, middle of each step; None if not known.

        The conversion of 3GPP TS 27.007 gives 3 to 5 dB less.
        """
        if self.rssi_index is None or self.rssi_index in _ENDS:
            return _ENDS.get(self.rssi_index)
        return round(-105 + (self.rssi_index - 2.5) * _STEP)

    @property
    def usable(self) -> bool:
        """Whether it hears one well enough."""
        return self.rssi_index is not None and self.rssi_index > USABLE_SIGNAL


_ENDS: Final[dict[int | None, int]] = {0: -110, 1: -108, 2: -106, _STRONGEST: -48}


class ReadSignalQuality(Question[SignalQuality]):
    """+CSQ: read the received signal strength (TCP/IP note section 2.1)."""

    syntax = "AT+CSQ"
    answer_names = ("+CSQ",)

    def _value(self, cursor: Cursor) -> SignalQuality:
        return _signal(cursor)


@dataclass(frozen=True, slots=True)
class SignalReport(Urc):
    """+CSQN: the signal quality changed."""

    names = ("+CSQN",)

    signal: SignalQuality

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(_signal(cursor))


def _signal(cursor: Cursor) -> SignalQuality:
    if not cursor.next_is_integer:
        raise MalformedAnswer(cursor.line.text, "no signal quality")
    return SignalQuality(cursor.integer_within(0, _STRONGEST), cursor.integer_within(0, _WORST_BER))


@dataclass(frozen=True, slots=True)
class ServingCell:
    """The cell that the module camps on; None where a field is empty, or has a value that there is not.

    Args:
        earfcn: Channel number of the carrier.
        earfcn_offset: 0 to 4 for -2, -1, -0.5, 0 and +1.
        pci: Physical cell id, 0 to 503.
        cell_id: 28 bits as hex digits.
        rsrp: dBm; like rsrq, rssi, snr and re_rsrp known while no connection is up.
        rsrq: dB.
        rssi: dBm.
        snr: dB.
        band: LTE band.
        tac: Tracking area code, hex digits.
        ecl: Coverage enhancement level, 0 to 2.
        tx_power_dbm: Transmit power, dBm.
        re_rsrp: dBm.
    """

    earfcn: int | None = None
    earfcn_offset: int | None = None
    pci: int | None = None
    cell_id: str | None = None
    rsrp: int | None = None
    rsrq: int | None = None
    rssi: int | None = None
    snr: int | None = None
    band: int | None = None
    tac: str | None = None
    ecl: int | None = None
    tx_power_dbm: float | None = None
    re_rsrp: int | None = None


@dataclass(frozen=True, slots=True)
class NeighbourCell:
    """Another cell in reach; units as in ServingCell."""

    earfcn: int | None
    earfcn_offset: int | None
    pci: int | None
    rsrp: int | None


@dataclass(frozen=True, slots=True)
class CellReading:
    """What the module knows of the cells around it; ``serving`` is None if it camps on none."""

    serving: ServingCell | None
    neighbours: tuple[NeighbourCell, ...] = ()


class ReadCell(Command[CellReading]):
    """+CENG: read the serving cell and up to four neighbours.

    Refused with CME 840 to 847 in states where there is no cell.
    """

    syntax = "AT+CENG?"
    answer_names = ("+CENG",)

    def read(self, answer: Answer) -> CellReading:
        """Read the serving cell from the long line, neighbours from short ones."""
        serving = None
        neighbours = []
        for line in answer.lines:
            count = len(Cursor(line).rest())
            if count > _NEIGHBOUR_FIELDS and serving is None:
                serving = _serving(line)
            elif count == _NEIGHBOUR_FIELDS:
                neighbours.append(NeighbourCell(*_channel(cursor := Cursor(line)), _dbm(cursor)))
            else:
                raise MalformedAnswer(line.text, f"a cell has 4 or 13 fields, not {count}")
        return CellReading(serving, tuple(neighbours))


_NEIGHBOUR_FIELDS: Final = len(fields(NeighbourCell))


def _serving(line: Line) -> ServingCell:
    cursor = Cursor(line)
    earfcn, earfcn_offset, pci = _channel(cursor)
    return ServingCell(
        earfcn=earfcn,
        earfcn_offset=earfcn_offset,
        pci=pci,
        cell_id=cursor.optional_text(),
        rsrp=_dbm(cursor),
        rsrq=_db(cursor),
        rssi=_dbm(cursor),
        snr=_db(cursor),
        band=cursor.integer_within(1, 256),
        tac=cursor.optional_text(),
        ecl=cursor.integer_within(0, 2),
        tx_power_dbm=_tenths(cursor.integer_within(-1000, 1000)),
        re_rsrp=_dbm(cursor),
    )


def _channel(cursor: Cursor) -> tuple[int | None, int | None, int | None]:
    """Take the carrier, its offset and the cell on it (3GPP TS 36.101, 36.211)."""
    return cursor.integer_within(0, 262143), cursor.integer_within(0, 4), cursor.integer_within(0, 503)


def _dbm(cursor: Cursor) -> int | None:
    """Take a received power; no receiver tells of less than -160 dBm (3GPP TS 36.133 ends at -156) or of a watt."""
    return cursor.integer_within(-160, 30)


def _db(cursor: Cursor) -> int | None:
    return cursor.integer_within(-60, 60)


def _tenths(number: int | None) -> float | None:
    return None if number is None else number / 10
