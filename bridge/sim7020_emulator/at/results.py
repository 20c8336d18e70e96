"""Final results: what a command line may end with, and the +CME ERROR table.

Source: manual V1.05 section 21.1 for numbers and texts.
"""

from enum import IntEnum
from typing import Self


class Refused(Exception):
    """A command that fails without a code of its own: ``ERROR``, or CME 50 where the command reports CME errors."""


class PlainError(Refused):
    """A failure that is ``ERROR`` whatever +CMEE says."""


class MobileEquipmentError(Refused):
    """A failure with a +CME ERROR code."""

    def __init__(self, code: "Cme") -> None:
        self.code = code
        super().__init__(code.text)


class Cme(IntEnum):
    """The +CME ERROR codes that the emulated module gives, with what +CMEE=2 prints."""

    text: str

    def __new__(cls, code: int, text: str = "") -> Self:
        """Make a code of its number and text."""
        made = int.__new__(cls, code)
        made._value_, made.text = code, text
        return made

    NOT_ALLOWED = 3, "operation not allowed"
    NOT_SUPPORTED = 4, "operation not supported"
    SIM_NOT_INSERTED = 10, "SIM not inserted"
    SIM_PIN_REQUIRED = 11, "SIM PIN required"
    SIM_PUK_REQUIRED = 12, "SIM PUK required"
    SIM_FAILURE = 13, "SIM failure"
    SIM_BUSY = 14, "SIM busy"
    INCORRECT_PASSWORD = 16, "incorrect password"
    INVALID_INDEX = 21, "invalid index"
    NOT_FOUND = 22, "not found"
    NO_NETWORK_SERVICE = 30, "no network service"
    NETWORK_TIMEOUT = 31, "network timeout"
    INCORRECT_PARAMETERS = 50, "Incorrect Parameters"
    UNKNOWN = 100, "Unknown"
    ROAMING_NOT_ALLOWED = 113, "Roaming not allowed in this location area"
    UNSPECIFIED_GPRS_ERROR = 148, "unspecified GPRS error"
    AUTHENTICATION_FAILURE = 149, "PDP authentication failure"
    LAST_PDN = 151, "Last PDN Disconnection not allowed"
    UNKNOWN_APN = 607, "missing or unknown APN"
    NO_PDP_CONTEXT = 619, "no PDP context activated"
    PROFILE_NOT_DEFINED = 630, "profile (cid) not defined"
    PDN_MISSING = 679, "PDN connection does not exist"
    INVALID_INPUT = 765, "invalid input value"
    UNSUPPORTED_VALUE = 766, "unsupported value or mode"
    OPERATION_FAILED = 767, "operation failed"
    MULTIPLEXER_ACTIVE = 768, "multiplexer already active"
    SIM_POWERED_DOWN = 772, "SIM powered down"
    NO_SERVICE_STATE = 840, "No Service state"
    CELL_SEARCH = 841, "In cell search state"
    ERRC_DEACTIVATED = 842, "ERRC is deactivated"


NUMERIC_RESULTS = {
    "OK": "0",
    "CONNECT": "1",
    "RING": "2",
    "NO CARRIER": "3",
    "ERROR": "4",
    "NO DIALTONE": "6",
    "BUSY": "7",
    "NO ANSWER": "8",
    "PROCEEDING": "9",
}
"""What ATV0 prints instead of the words."""
