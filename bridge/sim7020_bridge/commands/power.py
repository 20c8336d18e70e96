"""Supply, switching off, light sleep, PSM and eDRX: what is asked, and what is granted (manual V1.05)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from sim7020_bridge.at.command import Order, Question, Table, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.commands.quoting import quoted, require_bits, require_within
from sim7020_bridge.commands.timers import told_bits
from sim7020_bridge.errors import MalformedAnswer

NB_IOT: Final = 5
"""The access technology of NB-IoT in eDRX commands, where ``+CEREG`` calls it 9."""


@dataclass(frozen=True, slots=True)
class PoweredDown(Urc):
    """NORMAL POWER DOWN: the module switched itself off."""

    names = ("NORMAL POWER DOWN",)


SUPPLY_RANGE: Final = (2100, 3600)
"""Millivolts that the module works with (hardware design V1.02)."""


@dataclass(frozen=True, slots=True)
class Supply:
    """The supply: charge in percent, voltage in millivolts; None for what there is not."""

    percent: int | None
    millivolts: int | None


_EDRX_BITS: Final = 4
_MEASURABLE: Final = (1, 20_000)
"""Millivolts; outside of them nothing was measured."""


class ReadSupply(Question[Supply]):
    """+CBC: read the supply voltage."""

    syntax = "AT+CBC"
    answer_names = ("+CBC",)

    def _value(self, cursor: Cursor) -> Supply:
        return Supply(cursor.integer_within(0, 100), cursor.integer_within(*_MEASURABLE))


@dataclass(frozen=True, slots=True)
class SupplyReport(Urc):
    """UNDER-VOLTAGE and OVER-VOLTAGE: the supply left its range; the misspelling is the module's.

    Args:
        over: Too high rather than too low.
        power_down: The module switches itself off; otherwise it only warns.
    """

    names = (
        "UNDER-VOLTAGE WARNNING",
        "UNDER-VOLTAGE WARNING",
        "UNDER-VOLTAGE POWER DOWN",
        "UNDER-VOLTAGE WARNNING POWER DOWN",
        "UNDER-VOLTAGE WARNING POWER DOWN",
        "OVER-VOLTAGE WARNNING",
        "OVER-VOLTAGE WARNING",
        "OVER-VOLTAGE POWER DOWN",
        "OVER-VOLTAGE WARNNING POWER DOWN",
        "OVER-VOLTAGE WARNING POWER DOWN",
    )

    over: bool
    power_down: bool

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(over=cursor.line.name.startswith("OVER"), power_down=cursor.line.name.endswith("POWER DOWN"))

    @property
    def words(self) -> str:
        """The report in words."""
        side = "over-voltage" if self.over else "under-voltage"
        return f"{side}, and switches off" if self.power_down else side


class LightSleep(IntEnum):
    """When the UART may sleep (+CSCLK).

    WHEN_IDLE: the first characters wake it and are lost; leave 100 ms before the command.
    """

    NEVER = 0
    BY_DTR = 1
    WHEN_IDLE = 2


@dataclass(frozen=True, slots=True)
class SetLightSleep(Order):
    """+CSCLK: choose when the UART may sleep; kept over a restart."""

    syntax = "AT+CSCLK={self.mode:d}"

    mode: LightSleep


@dataclass(frozen=True, slots=True)
class PowerSaving:
    """PSM as asked for: ``mode`` 0 is off, 1 is on; timers are bit strings, see ``timers``."""

    mode: int
    periodic_tau: str | None = None
    active_time: str | None = None


@dataclass(frozen=True, slots=True)
class SetPowerSaving(Order):
    """+CPSMS: ask the network for PSM, or do without; kept over a restart.

    Only a change from 0 to 1 makes the module ask. Timers are strings of 8 bits, see ``timers``; None leaves one.
    """

    enabled: bool
    periodic_tau: str | None = None
    active_time: str | None = None

    def __post_init__(self) -> None:
        for bits in (self.periodic_tau, self.active_time):
            if bits is not None:
                require_bits(bits, 8)

    def line(self) -> str:
        """Return the command line."""
        if not self.enabled or (self.periodic_tau is None and self.active_time is None):
            return f"AT+CPSMS={self.enabled:d}"
        timers = ["" if bits is None else quoted(bits) for bits in (self.periodic_tau, self.active_time)]
        return f"AT+CPSMS=1,,,{','.join(timers)}".rstrip(",")


class ReadPowerSaving(Question[PowerSaving]):
    """+CPSMS: read what PSM is asked for. What the network granted stands in ``+CEREG`` with n=4."""

    syntax = "AT+CPSMS?"
    answer_names = ("+CPSMS",)

    def _value(self, cursor: Cursor) -> PowerSaving:
        mode = cursor.integer()
        cursor.skip(2)
        return PowerSaving(mode, cursor.optional_text(), cursor.optional_text())


class ReportSleep(Order):
    """+CPSMSTATUS: report when the module enters and leaves PSM."""

    syntax = "AT+CPSMSTATUS=1"


@dataclass(frozen=True, slots=True)
class SleepReport(Urc):
    """+CPSMSTATUS: the module enters PSM and falls silent, or has left it."""

    names = ("+CPSMSTATUS",)

    entered: bool

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        words = cursor.text()
        if words not in {"ENTER PSM", "EXIT PSM"}:
            raise MalformedAnswer(cursor.line.text, "neither ENTER PSM nor EXIT PSM")
        return cls(words == "ENTER PSM")


@dataclass(frozen=True, slots=True)
class SetReleaseAssistance(Order):
    """+CNBIOTRAI: say what follows the next datagram, and that one only, so that the network can let go at once.

    Args:
        indication: 0 nothing, 1 nothing more to come, 2 one answer to come.
    """

    syntax = "AT+CNBIOTRAI={self.indication}"

    indication: int

    def __post_init__(self) -> None:
        require_within(self.indication, 0, 2, "the release assistance indication")


@dataclass(frozen=True, slots=True)
class RetainSockets(Order):
    """+RETENTION: keep UDP sockets over PSM; TCP sockets never are. Lost at a restart."""

    syntax = "AT+RETENTION={self.enabled:d}"

    enabled: bool = True


@dataclass(frozen=True, slots=True)
class SetEdrx(Order):
    """+CEDRXS: ask the network for eDRX, or do without.

    Args:
        mode: 0 off, 1 on, 2 on with reports, 3 off and forgotten.
        cycle: Four bits, see ``timers``; needed where it is on.
    """

    mode: int
    cycle: str | None = None

    def __post_init__(self) -> None:
        require_within(self.mode, 0, 3, "the mode of eDRX")
        if self.cycle is not None:
            require_bits(self.cycle, 4)

    def line(self) -> str:
        """Return the command line."""
        if self.cycle is None:
            return f"AT+CEDRXS={self.mode}"
        return f"AT+CEDRXS={self.mode},{NB_IOT},{quoted(self.cycle)}"


class ReadEdrx(Table[str]):
    """+CEDRXS: read the cycle asked for, four bits; no line, or some firmware's 0000, where eDRX was never asked for.

    It may be printed while eDRX is off, too; ReadEdrxGranted tells.
    """

    syntax = "AT+CEDRXS?"
    answer_names = ("+CEDRXS",)

    def _value(self, cursor: Cursor) -> str:
        cursor.skip()
        return cursor.text()


@dataclass(frozen=True, slots=True)
class SetEdrxWithWindow(Order):
    """*MEDRXCFG: ask the network for eDRX with a paging time window; firmware 1752B07 and later.

    Args:
        mode: As with SetEdrx.
        cycle: Four bits, see ``timers``.
        window: Four bits, see ``timers``.
    """

    syntax = f'AT*MEDRXCFG={{self.mode}},{NB_IOT},"{{self.cycle}}","{{self.window}}"'

    mode: int
    cycle: str
    window: str

    def __post_init__(self) -> None:
        require_within(self.mode, 0, 3, "the mode of eDRX")
        require_bits(self.cycle, 4)
        require_bits(self.window, 4)


@dataclass(frozen=True, slots=True)
class Edrx:
    """eDRX as it is: bit strings as asked and as granted, see ``timers``; None where not in use, or garbled."""

    requested: str | None
    granted: str | None
    window: str | None


class ReadEdrxGranted(Question[Edrx | None]):
    """+CEDRXRDP: read the eDRX that the network granted; None if it is not in use."""

    syntax = "AT+CEDRXRDP"
    answer_names = ("+CEDRXRDP",)

    def _value(self, cursor: Cursor) -> Edrx | None:
        return _edrx(cursor)


@dataclass(frozen=True, slots=True)
class EdrxReport(Urc):
    """+CEDRXP: the network granted other eDRX values; None if it switched eDRX off."""

    names = ("+CEDRXP",)

    edrx: Edrx | None

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(_edrx(cursor))


def _edrx(cursor: Cursor) -> Edrx | None:
    if cursor.integer() == 0:
        return None
    requested, granted, window = (told_bits(cursor.optional_text(), _EDRX_BITS) for _ in range(3))
    return Edrx(requested, granted, window)
