"""eDRX: what to ask of the network, and what it granted."""

from dataclasses import dataclass
from typing import ClassVar, Self

from sim7020_bridge.at.command import Answer, Command, Order, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.quoting import quoted, require_bits, require_within

NB_IOT: int = 5
"""The access technology of NB-IoT in eDRX commands, where ``+CEREG`` calls it 9."""


@dataclass(frozen=True, slots=True)
class SetEdrx(Order):
    """+CEDRXS: ask the network for eDRX, or do without.

    Manual V1.05.

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


@dataclass(frozen=True, slots=True)
class SetEdrxWithWindow(Order):
    """*MEDRXCFG: ask the network for eDRX with a paging time window; firmware 1752B07 and later.

    Manual V1.05.

    Args:
        mode: As with SetEdrx.
        cycle: Four bits, see ``timers``.
        window: Four bits, see ``timers``.
    """

    mode: int
    cycle: str
    window: str

    def __post_init__(self) -> None:
        require_within(self.mode, 0, 3, "the mode of eDRX")
        require_bits(self.cycle, 4)
        require_bits(self.window, 4)

    def line(self) -> str:
        """Return the command line."""
        return f"AT*MEDRXCFG={self.mode},{NB_IOT},{quoted(self.cycle)},{quoted(self.window)}"


@dataclass(frozen=True, slots=True)
class ReadEdrx(Command[str | None]):
    """+CEDRXS: read the eDRX cycle asked for, four bits; None if none is set.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CEDRXS",)

    def line(self) -> str:
        """Return the command line."""
        return "AT+CEDRXS?"

    def read(self, answer: Answer) -> str | None:
        """Read the cycle."""
        if not answer.lines:
            return None
        cursor = Cursor(answer.lines[-1])
        cursor.skip()
        return cursor.optional_text()


@dataclass(frozen=True, slots=True)
class Edrx:
    """eDRX as it is: bit strings as asked and as granted, see ``timers``; None where not in use."""

    requested: str | None
    granted: str | None
    window: str | None


@dataclass(frozen=True, slots=True)
class ReadEdrxGranted(Command[Edrx | None]):
    """+CEDRXRDP: read the eDRX that the network granted; None if it is not in use.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CEDRXRDP",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+CEDRXRDP"

    def read(self, answer: Answer) -> Edrx | None:
        """Read cycles and window."""
        return _edrx(answer.only())


@dataclass(frozen=True, slots=True)
class EdrxReport(Urc):
    """+CEDRXP: the network granted other eDRX values; None if it switched eDRX off."""

    names: ClassVar[tuple[str, ...]] = ("+CEDRXP",)

    edrx: Edrx | None

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read cycles and window."""
        return cls(_edrx(line))


def _edrx(line: Line) -> Edrx | None:
    cursor = Cursor(line)
    if cursor.integer() == 0:
        return None
    return Edrx(cursor.optional_text(), cursor.optional_text(), cursor.optional_text())
