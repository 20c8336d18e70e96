"""Final results: what a command line may end with, and the +CME ERROR table.

Source: manual V1.05 section 21.1 for numbers and texts.
"""

from enum import IntEnum


class Refused(Exception):
    """A command that fails without a code of its own: ``ERROR``, or CME 50 where the command reports CME errors."""


class PlainError(Refused):
    """A failure that is ``ERROR`` whatever +CMEE says."""


class MobileEquipmentError(Refused):
    """A failure with a +CME ERROR code."""

    def __init__(self, code: "Cme") -> None:
        self.code = code
        super().__init__(CME_TEXTS[code])


class Cme(IntEnum):
    """The +CME ERROR codes that the emulated module gives."""

    NOT_ALLOWED = 3
    NOT_SUPPORTED = 4
    SIM_NOT_INSERTED = 10
    SIM_PIN_REQUIRED = 11
    SIM_PUK_REQUIRED = 12
    SIM_FAILURE = 13
    SIM_BUSY = 14
    INCORRECT_PASSWORD = 16
    INVALID_INDEX = 21
    NOT_FOUND = 22
    NO_NETWORK_SERVICE = 30
    NETWORK_TIMEOUT = 31
    INCORRECT_PARAMETERS = 50
    UNKNOWN = 100
    ROAMING_NOT_ALLOWED = 113
    UNSPECIFIED_GPRS_ERROR = 148
    AUTHENTICATION_FAILURE = 149
    LAST_PDN = 151
    UNKNOWN_APN = 607
    NO_PDP_CONTEXT = 619
    PROFILE_NOT_DEFINED = 630
    PDN_MISSING = 679
    INVALID_INPUT = 765
    UNSUPPORTED_VALUE = 766
    OPERATION_FAILED = 767
    MULTIPLEXER_ACTIVE = 768
    SIM_POWERED_DOWN = 772
    NO_SERVICE_STATE = 840
    CELL_SEARCH = 841
    ERRC_DEACTIVATED = 842


CME_TEXTS: dict[Cme, str] = {
    Cme.NOT_ALLOWED: "operation not allowed",
    Cme.NOT_SUPPORTED: "operation not supported",
    Cme.SIM_NOT_INSERTED: "SIM not inserted",
    Cme.SIM_PIN_REQUIRED: "SIM PIN required",
    Cme.SIM_PUK_REQUIRED: "SIM PUK required",
    Cme.SIM_FAILURE: "SIM failure",
    Cme.SIM_BUSY: "SIM busy",
    Cme.INCORRECT_PASSWORD: "incorrect password",
    Cme.INVALID_INDEX: "invalid index",
    Cme.NOT_FOUND: "not found",
    Cme.NO_NETWORK_SERVICE: "no network service",
    Cme.NETWORK_TIMEOUT: "network timeout",
    Cme.INCORRECT_PARAMETERS: "Incorrect Parameters",
    Cme.UNKNOWN: "Unknown",
    Cme.ROAMING_NOT_ALLOWED: "Roaming not allowed in this location area",
    Cme.UNSPECIFIED_GPRS_ERROR: "unspecified GPRS error",
    Cme.AUTHENTICATION_FAILURE: "PDP authentication failure",
    Cme.LAST_PDN: "Last PDN Disconnection not allowed",
    Cme.UNKNOWN_APN: "missing or unknown APN",
    Cme.NO_PDP_CONTEXT: "no PDP context activated",
    Cme.PROFILE_NOT_DEFINED: "profile (cid) not defined",
    Cme.PDN_MISSING: "PDN connection does not exist",
    Cme.INVALID_INPUT: "invalid input value",
    Cme.UNSUPPORTED_VALUE: "unsupported value or mode",
    Cme.OPERATION_FAILED: "operation failed",
    Cme.MULTIPLEXER_ACTIVE: "multiplexer already active",
    Cme.SIM_POWERED_DOWN: "SIM powered down",
    Cme.NO_SERVICE_STATE: "No Service state",
    Cme.CELL_SEARCH: "In cell search state",
    Cme.ERRC_DEACTIVATED: "ERRC is deactivated",
}

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
