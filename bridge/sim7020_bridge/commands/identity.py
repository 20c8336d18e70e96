"""Serial line, results and identities: who the module is and how it talks."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from sim7020_bridge.at.command import Answer, Command, Order
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line

BAUD_RATES: Final = (0, 110, 300, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 3000000)
"""Rates that ``AT+IPR`` takes; 0 makes the module learn the rate from the first AT."""


@dataclass(frozen=True, slots=True)
class EchoOff(Order):
    """ATE0: stop repeating command lines.

    Manual V1.05. The line itself is still echoed; echo is on again after a restart and after PSM.
    """

    def line(self) -> str:
        """Return the command line."""
        return "ATE0"


@dataclass(frozen=True, slots=True)
class VerboseResults(Order):
    """ATV1: give final results as words instead of digits.

    Manual V1.05.
    """

    def line(self) -> str:
        """Return the command line."""
        return "ATV1"


@dataclass(frozen=True, slots=True)
class ReportErrorsByNumber(Order):
    """+CMEE: give the reason of an error as a number.

    Manual V1.05. Many socket commands print a bare ERROR all the same.
    """

    def line(self) -> str:
        """Return the command line."""
        return "AT+CMEE=1"


@dataclass(frozen=True, slots=True)
class SetBaudRate(Order):
    """+IPR: fix the baud rate, which takes effect after the result code and is kept for ever.

    Manual V1.05. With automatic baud rate the module doesn't announce its start, and garbles the first
    lines after PSM.

    Args:
        rate: Bits per second, one of BAUD_RATES.
    """

    rate: int

    def __post_init__(self) -> None:
        if self.rate not in BAUD_RATES:
            raise ValueError(f"the module has no baud rate of {self.rate}")

    def line(self) -> str:
        """Return the command line."""
        return f"AT+IPR={self.rate}"


@dataclass(frozen=True, slots=True)
class ReadBaudRate(Command[int]):
    """+IPR: read the baud rate; 0 is automatic.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+IPR",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+IPR?"

    def read(self, answer: Answer) -> int:
        """Read the rate."""
        return Cursor(answer.only()).integer()


class _Identity(Command[str]):
    """Is answered by a lone text; some firmware puts the command's name before it.

    A bare answer has no name that tells it from a URC, so its shape has to.
    """

    one_line: ClassVar[bool] = True
    shape: ClassVar[re.Pattern[str]]

    def answers(self, line: Line) -> bool:
        """Accept the named form, and the bare form if it can be this identity."""
        if line.name in self.answer_names:
            return True
        return self.shape.fullmatch(line.text) is not None and line.text not in _BARE_URCS

    def read(self, answer: Answer) -> str:
        """Read the text, without name and quotes."""
        line = answer.only()
        return line.arguments.strip('"') if line.name in self.answer_names else line.text


_BARE_URCS: Final = frozenset({"RDY", "SMS Ready", "Call Ready", "RING", "CLOSED", "POWER DOWN"})
_WORDS: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _./()-]*[A-Za-z0-9.)])?")
_WORD_WITH_DIGIT: Final = re.compile(r"(?=\D*\d)[A-Za-z0-9][A-Za-z0-9_./ -]*")


@dataclass(frozen=True, slots=True)
class ReadManufacturer(_Identity):
    """+CGMI: read the manufacturer.

    Manual V1.05 section 3.2.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGMI", "+GMI", "Manufacturer")
    shape: ClassVar[re.Pattern[str]] = re.compile(r"(?!(?:UNDER|OVER)-VOLTAGE|NORMAL POWER)" + _WORDS.pattern)

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGMI"


@dataclass(frozen=True, slots=True)
class ReadModel(_Identity):
    """+CGMM: read the model, such as SIM7020E.

    Manual V1.05 section 3.2.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGMM", "+GMM", "Model")
    shape: ClassVar[re.Pattern[str]] = _WORD_WITH_DIGIT

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGMM"


@dataclass(frozen=True, slots=True)
class ReadFirmware(_Identity):
    """+CGMR: read the firmware: build, version and model in one word, such as 1752B01V01SIM7020C.

    Manual V1.05 section 3.2.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGMR", "+GMR", "Revision")
    shape: ClassVar[re.Pattern[str]] = _WORD_WITH_DIGIT

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGMR"


@dataclass(frozen=True, slots=True)
class ReadImei(_Identity):
    """+CGSN: read the IMEI.

    Manual V1.05 section 3.2.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGSN", "+GSN")
    shape: ClassVar[re.Pattern[str]] = re.compile(r"\d{14,16}")

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGSN"


@dataclass(frozen=True, slots=True)
class ReadImsi(_Identity):
    """+CIMI: read the IMSI of the SIM.

    Manual V1.05 section 3.2, which gives it 20 s.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CIMI",)
    shape: ClassVar[re.Pattern[str]] = re.compile(r"\d{6,15}")
    timeout: ClassVar[float] = 20.0

    def line(self) -> str:
        """Return the command line."""
        return "AT+CIMI"


@dataclass(frozen=True, slots=True)
class ReadIccid(_Identity):
    """+CCID: read the serial number of the SIM card.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CCID", "+ICCID")
    shape: ClassVar[re.Pattern[str]] = re.compile(r"\d{4}[0-9A-Fa-f]{14,18}")

    def line(self) -> str:
        """Return the command line."""
        return "AT+CCID"
