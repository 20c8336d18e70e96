"""The SIM: is it there, does it want a PIN, how many tries are left (manual V1.05)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from sim7020_bridge.at.command import Order, Question, Table, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.quoting import require_within
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.errors import CommandRefused


class SimState(StrEnum):
    """What ``+CPIN:`` can say (sections 3.2.11 and 21.5)."""

    READY = "READY"
    SIM_PIN = "SIM PIN"
    SIM_PUK = "SIM PUK"
    PHONE_TO_SIM_PIN = "PH_SIM PIN"
    PHONE_TO_SIM_PUK = "PH_SIM PUK"
    SIM_PIN2 = "SIM PIN2"
    SIM_PUK2 = "SIM PUK2"
    PHONE_TO_FIRST_SIM_PIN = "PH-SIM PIN"
    NETWORK_PIN = "PH-NET PIN"
    NETWORK_SUBSET_PIN = "PH-NETSUB PIN"
    PROVIDER_PIN = "PH-SP PIN"
    CORPORATE_PIN = "PH-CORP PIN"
    NOT_READY = "NOT READY"
    NOT_INSERTED = "NOT INSERTED"


URC_ONLY: Final = frozenset({SimState.NOT_READY, SimState.NOT_INSERTED})
"""States that are only ever reported, never the answer to ``AT+CPIN?``."""


@dataclass(frozen=True, slots=True)
class SimReading:
    """What the SIM waits for. A code that nobody knows is kept in ``code`` and has no ``state``."""

    code: str

    @property
    def state(self) -> SimState | None:
        """The code as one of those known, or None."""
        return SimState(self.code) if self.code in set(SimState) else None

    @property
    def ready(self) -> bool:
        """Whether the SIM can be used."""
        return self.state is SimState.READY

    @property
    def pin_required(self) -> bool:
        """Whether the SIM waits for its PIN."""
        return self.state is SimState.SIM_PIN

    @property
    def puk_required(self) -> bool:
        """Whether the PIN was wrong too often: only the PUK helps, and a person."""
        return self.state is SimState.SIM_PUK

    @classmethod
    def of_refusal(cls, refused: CommandRefused) -> "SimReading | None":
        """Return what a refused ``AT+CPIN?`` says, by its number or in the module's words; None for a bare ERROR."""
        known = _REFUSALS.get(refused.code or 0)
        if known is None and refused.code is None and not refused.meaning:
            return None
        return cls(known or refused.meaning or refused.result)

    @property
    def words(self) -> str:
        """The reading as a sentence for people, without a full stop."""
        return _WORDS.get(self.code, f"the SIM says {self.code}")

    @property
    def busy(self) -> bool:
        """Whether the SIM may be ready soon."""
        return self.state is SimState.NOT_READY

    @property
    def unclear(self) -> bool:
        """Whether it says what nobody knows: a failure, a word of some firmware, or one that the line has spoilt."""
        return self.state is None

    @property
    def missing(self) -> bool:
        """Whether there is no SIM."""
        return self.state is SimState.NOT_INSERTED


BUSY: Final = 14
"""The +CME ERROR code of a SIM that is busy (manual V1.05 section 21.1)."""

_REFUSALS: Final = {
    5: SimState.PHONE_TO_FIRST_SIM_PIN,
    10: SimState.NOT_INSERTED,
    11: SimState.SIM_PIN,
    12: SimState.SIM_PUK,
    BUSY: SimState.NOT_READY,
    17: SimState.SIM_PIN2,
    18: SimState.SIM_PUK2,
    772: SimState.NOT_READY,
}
_WORDS: Final[dict[str, str]] = {
    SimState.READY: "the SIM is ready",
    SimState.SIM_PIN: "the SIM wants its PIN",
    SimState.SIM_PUK: "the SIM is locked and wants its PUK",
    SimState.NOT_READY: "the SIM is not ready",
    SimState.NOT_INSERTED: "no SIM is inserted",
}


class ReadSimState(Question[SimReading]):
    """+CPIN: read what the SIM waits for, within 5 s (section 3.2.11). With no usable SIM it is refused."""

    syntax = "AT+CPIN?"
    answer_names = ("+CPIN",)

    def answers(self, line: Line) -> bool:
        """Leave NOT READY and NOT INSERTED to the URC: a SIM that goes away says so in between."""
        return line.name == "+CPIN" and line.arguments not in URC_ONLY

    def _value(self, cursor: Cursor) -> SimReading:
        return SimReading(cursor.text())


@dataclass(frozen=True, slots=True)
class EnterPin(Order):
    """+CPIN: give the SIM its PIN of 4 to 8 digits, within 5 s (section 3.2.11).

    A wrong one is refused with CME 16, the last wrong one with CME 12, none wanted with CME 3.
    """

    syntax = "AT+CPIN={self.pin}"

    pin: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.pin.isascii() and self.pin.isdecimal()):
            raise ValueError("a PIN consists of digits")
        require_within(len(self.pin), 4, 8, "the length of a PIN")

    def shown(self) -> str:
        """Return the command line without the PIN."""
        return mask(self.line())


@dataclass(frozen=True, slots=True)
class PinAttempts:
    """Tries left for one code: ``code`` such as SIM PIN, and how many of how many remain."""

    code: str
    left: int
    of: int | None


class ReadPinAttempts(Table[PinAttempts]):
    """+CPINR: read how many tries each code has left (section 3.2.34)."""

    syntax = "AT+CPINR"
    answer_names = ("+CPINR",)

    def _value(self, cursor: Cursor) -> PinAttempts:
        return PinAttempts(cursor.text(), cursor.integer(), cursor.optional_integer())


@dataclass(frozen=True, slots=True)
class SimReport(Urc):
    """+CPIN: the SIM's state changed, or the module started."""

    names = ("+CPIN",)

    reading: SimReading

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(SimReading(cursor.text()))


@dataclass(frozen=True, slots=True)
class SimInsertedReport(Urc):
    """+CSMINS: a SIM was put in or taken out."""

    names = ("+CSMINS",)

    inserted: bool

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        cursor.skip()
        return cls(cursor.integer() == 1)
