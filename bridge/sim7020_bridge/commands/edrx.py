"""eDRX: what to ask of the network, and what it granted (manual V1.05)."""

from dataclasses import dataclass
from typing import Self

from sim7020_bridge.at.command import Order, Question, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.commands.quoting import quoted, require_bits, require_within

NB_IOT: int = 5
"""The access technology of NB-IoT in eDRX commands, where ``+CEREG`` calls it 9."""


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
    """eDRX as it is: bit strings as asked and as granted, see ``timers``; None where not in use."""

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
    return Edrx(cursor.optional_text(), cursor.optional_text(), cursor.optional_text())
