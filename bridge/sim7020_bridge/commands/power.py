"""Supply, starting and stopping the module, light sleep and PSM."""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from sim7020_bridge.at.command import Answer, Command, Order, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import Outcome
from sim7020_bridge.commands.quoting import quoted, require_bits, require_within
from sim7020_bridge.errors import MalformedAnswer


@dataclass(frozen=True, slots=True)
class PowerDown(Order):
    """+CPOWD: log off the network and switch the module off.

    Manual V1.05. It ends with NORMAL POWER DOWN and then silence.
    """

    timeout: ClassVar[float] = 15.0
    successes: ClassVar[frozenset[Outcome]] = frozenset({Outcome.NORMAL_POWER_DOWN, Outcome.OK})

    def line(self) -> str:
        """Return the command line."""
        return "AT+CPOWD=1"


@dataclass(frozen=True, slots=True)
class PoweredDown(Urc):
    """NORMAL POWER DOWN: the module switched itself off."""

    names: ClassVar[tuple[str, ...]] = ("NORMAL POWER DOWN",)

    @classmethod
    def read(cls, line: Line) -> Self:  # noqa: ARG003 - the words are all there is
        """Take note."""
        return cls()


@dataclass(frozen=True, slots=True)
class Restart(Order):
    """+CRESET: restart the module at once.

    Manual V1.05, which shows no OK; some firmware gives one.
    """

    timeout: ClassVar[float] = 2.0
    final_promised: ClassVar[bool] = False

    def line(self) -> str:
        """Return the command line."""
        return "AT+CRESET"


@dataclass(frozen=True, slots=True)
class Supply:
    """The supply: charge in percent, voltage in millivolts."""

    percent: int
    millivolts: int


@dataclass(frozen=True, slots=True)
class ReadSupply(Command[Supply]):
    """+CBC: read the supply voltage.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CBC",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+CBC"

    def read(self, answer: Answer) -> Supply:
        """Read charge and voltage."""
        cursor = Cursor(answer.only())
        return Supply(cursor.integer(), cursor.integer())


@dataclass(frozen=True, slots=True)
class SupplyReport(Urc):
    """UNDER-VOLTAGE and OVER-VOLTAGE: the supply left its range; the misspelling is the module's.

    Args:
        over: Too high rather than too low.
        power_down: The module switches itself off; otherwise it only warns.
    """

    names: ClassVar[tuple[str, ...]] = (
        "UNDER-VOLTAGE WARNNING",
        "UNDER-VOLTAGE WARNING",
        "UNDER-VOLTAGE POWER DOWN",
        "OVER-VOLTAGE WARNNING",
        "OVER-VOLTAGE WARNING",
        "OVER-VOLTAGE POWER DOWN",
    )

    over: bool
    power_down: bool

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read the words."""
        return cls(over=line.name.startswith("OVER"), power_down=line.name.endswith("POWER DOWN"))

    @property
    def words(self) -> str:
        """The report in words."""
        side = "over-voltage" if self.over else "under-voltage"
        return f"{side}, and switches off" if self.power_down else side


class LightSleep(IntEnum):
    """When the UART may sleep (manual V1.05, +CSCLK).

    WHEN_IDLE: the first characters wake it and are lost; leave 100 ms before the command.
    """

    NEVER = 0
    BY_DTR = 1
    WHEN_IDLE = 2


@dataclass(frozen=True, slots=True)
class SetLightSleep(Order):
    """+CSCLK: choose when the UART may sleep; kept over a restart.

    Manual V1.05.

    Args:
        mode: One of LightSleep.
    """

    mode: int

    def __post_init__(self) -> None:
        require_within(self.mode, LightSleep.NEVER, LightSleep.WHEN_IDLE, "the mode of light sleep")

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSCLK={self.mode:d}"


@dataclass(frozen=True, slots=True)
class ReadLightSleep(Command[int]):
    """+CSCLK: read when the UART may sleep; the modes known are in LightSleep.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CSCLK",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+CSCLK?"

    def read(self, answer: Answer) -> int:
        """Read the mode."""
        return Cursor(answer.only()).integer()


@dataclass(frozen=True, slots=True)
class PowerSaving:
    """PSM as asked for: ``mode`` 0 is off, 1 is on; timers are bit strings, see ``timers``."""

    mode: int
    periodic_tau: str | None = None
    active_time: str | None = None


@dataclass(frozen=True, slots=True)
class SetPowerSaving(Order):
    """+CPSMS: ask the network for PSM, or do without; kept over a restart.

    Manual V1.05. Only a change from 0 to 1 makes the module ask.

    Args:
        enabled: Whether to use PSM.
        periodic_tau: T3412 extended, 8 bits; None leaves it.
        active_time: T3324, 8 bits; None leaves it.
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


@dataclass(frozen=True, slots=True)
class ReadPowerSaving(Command[PowerSaving]):
    """+CPSMS: read what PSM is asked for. What the network granted stands in ``+CEREG`` with n=4.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CPSMS",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+CPSMS?"

    def read(self, answer: Answer) -> PowerSaving:
        """Read mode and timers."""
        cursor = Cursor(answer.only())
        mode = cursor.integer()
        cursor.skip(2)
        return PowerSaving(mode, cursor.optional_text(), cursor.optional_text())


@dataclass(frozen=True, slots=True)
class ReportSleep(Order):
    """+CPSMSTATUS: report when the module enters and leaves PSM.

    Manual V1.05.
    """

    enabled: bool = True

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CPSMSTATUS={self.enabled:d}"


@dataclass(frozen=True, slots=True)
class SleepReport(Urc):
    """+CPSMSTATUS: the module enters PSM and falls silent, or has left it."""

    names: ClassVar[tuple[str, ...]] = ("+CPSMSTATUS",)

    entered: bool

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read the words."""
        words = Cursor(line).text()
        if words not in {"ENTER PSM", "EXIT PSM"}:
            raise MalformedAnswer(line.text, "neither ENTER PSM nor EXIT PSM")
        return cls(words == "ENTER PSM")


@dataclass(frozen=True, slots=True)
class SetReleaseAssistance(Order):
    """+CNBIOTRAI: say what follows the next datagram, so that the network can let go at once.

    Manual V1.05. It holds for that datagram only.

    Args:
        indication: 0 nothing, 1 nothing more to come, 2 one answer to come.
    """

    indication: int

    def __post_init__(self) -> None:
        require_within(self.indication, 0, 2, "the release assistance indication")

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CNBIOTRAI={self.indication}"


@dataclass(frozen=True, slots=True)
class ReadReleaseAssistance(Command[int]):
    """+CNBIOTRAI: read the indication for the next datagram.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CNBIOTRAI",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+CNBIOTRAI?"

    def read(self, answer: Answer) -> int:
        """Read the indication."""
        return Cursor(answer.only()).integer()


@dataclass(frozen=True, slots=True)
class RetainSockets(Order):
    """+RETENTION: keep UDP sockets over PSM; TCP sockets never are. Lost at a restart.

    Manual V1.05.
    """

    enabled: bool = True

    def line(self) -> str:
        """Return the command line."""
        return f"AT+RETENTION={self.enabled:d}"


@dataclass(frozen=True, slots=True)
class ReadRetention(Command[bool]):
    """+RETENTION: read whether UDP sockets are kept over PSM.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+RETENTION",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+RETENTION?"

    def read(self, answer: Answer) -> bool:
        """Read the switch."""
        return Cursor(answer.only()).integer() == 1
