"""Serial line, results and identities: who the module is and how it talks (manual V1.05; identities section 3.2)."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from sim7020_bridge.at.command import Answer, Command, Order
from sim7020_bridge.at.framer import Line
from sim7020_bridge.config.values import BAUDRATES


class EchoOff(Order):
    """ATE0: stop repeating command lines.

    The line itself is still echoed; echo is on again after a restart and after PSM.
    """

    syntax = "ATE0"


class VerboseResults(Order):
    """ATV1: give final results as words instead of digits."""

    syntax = "ATV1"


class ReportErrorsByNumber(Order):
    """+CMEE: give the reason of an error as a number; many socket commands print a bare ERROR all the same."""

    syntax = "AT+CMEE=1"


@dataclass(frozen=True, slots=True)
class SetBaudRate(Order):
    """+IPR: fix the baud rate in bit/s, which takes effect after the result code and is kept for ever.

    With automatic baud rate the module doesn't announce its start, and garbles the first lines after PSM.
    """

    syntax = "AT+IPR={self.rate}"

    rate: int

    def __post_init__(self) -> None:
        # 0 makes the module learn the rate from the first AT
        if self.rate not in (0, *BAUDRATES):
            raise ValueError(f"the module has no baud rate of {self.rate}")


@dataclass(frozen=True, slots=True)
class _Identity(Command[str]):
    """Is answered by a lone text; some firmware puts the command's name before it.

    A bare answer has no name that tells it from a URC, so its shape has to.
    """

    one_line = True
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


class ReadManufacturer(_Identity):
    """+CGMI: read the manufacturer."""

    syntax = "AT+CGMI"
    answer_names = ("+CGMI", "+GMI", "Manufacturer")
    shape = re.compile(r"(?!(?:UNDER|OVER)-VOLTAGE|NORMAL POWER)" + _WORDS.pattern)


class ReadModel(_Identity):
    """+CGMM: read the model, such as SIM7020E."""

    syntax = "AT+CGMM"
    answer_names = ("+CGMM", "+GMM", "Model")
    shape = _WORD_WITH_DIGIT


def is_sim7020(model: str) -> bool:
    """Whether a model is one of the SIM7020 series."""
    return "SIM7020" in model.upper()


class ReadFirmware(_Identity):
    """+CGMR: read the firmware: build, version and model in one word, such as 1752B01V01SIM7020C."""

    syntax = "AT+CGMR"
    answer_names = ("+CGMR", "+GMR", "Revision")
    shape = _WORD_WITH_DIGIT


class ReadImei(_Identity):
    """+CGSN: read the IMEI."""

    syntax = "AT+CGSN"
    answer_names = ("+CGSN", "+GSN")
    shape = re.compile(r"\d{14,16}")


class ReadImsi(_Identity):
    """+CIMI: read the IMSI of the SIM, within 20 s."""

    syntax = "AT+CIMI"
    answer_names = ("+CIMI",)
    shape = re.compile(r"\d{6,15}")
    timeout = 20.0


class ReadIccid(_Identity):
    """+CCID: read the serial number of the SIM card."""

    syntax = "AT+CCID"
    answer_names = ("+CCID", "+ICCID")
    shape = re.compile(r"\d{4}[0-9A-Fa-f]{14,18}")
