"""Final result codes: which lines end an exchange, and what their numbers mean."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sim7020_bridge.at.framer import Line


class Outcome(StrEnum):
    """What kind of final result ended an exchange (V.250 section 5.7, TS 27.007 section 9, manual V1.05)."""

    OK = "OK"
    ERROR = "ERROR"
    CME_ERROR = "+CME ERROR"
    CMS_ERROR = "+CMS ERROR"
    CIS_ERROR = "+CIS ERROR"
    TLS_ERROR = "+TLS ERROR"
    BUSY = "BUSY"
    NO_CARRIER = "NO CARRIER"
    NO_DIALTONE = "NO DIALTONE"
    NO_ANSWER = "NO ANSWER"
    DATA_ACCEPT = "DATA ACCEPT"
    NORMAL_POWER_DOWN = "NORMAL POWER DOWN"
    PROMPT = ">"


@dataclass(frozen=True, slots=True)
class FinalResult:
    """The line that ended an exchange.

    ``code`` is the number of a ``+CME ERROR`` and its kin, or the count of a ``DATA ACCEPT``;
    ``meaning`` says it in words, the module's own where it gave a text, and may be empty.
    """

    outcome: Outcome
    text: str
    code: int | None = None
    meaning: str = ""


PROMPT_RESULT: Final = FinalResult(Outcome.PROMPT, "> ", meaning="it waits for data")

NO_RESULT: Final = FinalResult(Outcome.OK, "")
"""Stands for the final result of a command that need not have one."""

_WITH_ARGUMENT: Final = frozenset(
    {Outcome.CME_ERROR, Outcome.CMS_ERROR, Outcome.CIS_ERROR, Outcome.TLS_ERROR, Outcome.DATA_ACCEPT}
)
_ALONE: Final = frozenset(Outcome) - _WITH_ARGUMENT - {Outcome.PROMPT}
ONLY_WHERE_DECLARED: Final = frozenset({Outcome.DATA_ACCEPT, Outcome.NORMAL_POWER_DOWN, Outcome.PROMPT})
"""Outcomes that end only an exchange whose command declares them; elsewhere they are unsolicited."""


def final_result(line: Line) -> FinalResult | None:
    """Read a line as a final result code, or return None if it is none."""
    if line.text in _ALONE:
        return FinalResult(Outcome(line.text), line.text)
    if line.name not in _WITH_ARGUMENT:
        return None
    outcome = Outcome(line.name)
    try:
        code = int(line.arguments)
    except ValueError:
        return FinalResult(outcome, line.text, code_of(outcome, line.arguments), line.arguments)
    return FinalResult(outcome, line.text, code, _MEANINGS.get(outcome, {}).get(code, ""))


def code_of(outcome: Outcome, text: str) -> int | None:
    """Return the number that belongs to an error given as text (``AT+CMEE=2``), or None if it has none."""
    return _CODES.get(outcome, {}).get(text.casefold())


CME_MEANINGS: Final = {
    3: "operation not allowed",
    4: "operation not supported",
    5: "PH-SIM PIN required",
    10: "SIM not inserted",
    11: "SIM PIN required",
    12: "SIM PUK required",
    13: "SIM failure",
    14: "SIM busy",
    15: "SIM wrong",
    16: "incorrect password",
    17: "SIM PIN2 required",
    18: "SIM PUK2 required",
    20: "memory full",
    21: "invalid index",
    22: "not found",
    23: "memory failure",
    24: "text string too long",
    25: "invalid characters in text string",
    26: "dial string too long",
    30: "no network service",
    31: "network timeout",
    32: "network not allowed - emergency call only",
    50: "Incorrect Parameters",
    100: "Unknown",
    103: "Illegal MS",
    106: "Illegal ME",
    107: "GPRS services not allowed",
    111: "PLMN not allowed",
    112: "Location area not allowed",
    113: "Roaming not allowed in this location area",
    132: "service option not supported",
    133: "requested service option not subscribed",
    134: "service option temporarily out of order",
    148: "unspecified GPRS error",
    149: "PDP authentication failure",
    151: "Last PDN Disconnection not allowed",
    607: "missing or unknown APN",
    619: "no PDP context activated",
    620: "normal termination",
    630: "profile (cid) not defined",
    679: "PDN connection does not exist",
    692: "EPS service not allowed",
    695: "EPS tracking area not allowed",
    698: "no suitable cells in TA",
    703: "congestion",
    715: "incorrect username or password",
    765: "invalid input value",
    766: "unsupported value or mode",
    767: "operation failed",
    768: "multiplexer already active",
    770: "SIM invalid - network reject",
    772: "SIM powered down",
    773: "SIM File not present",
    840: "No Service state",
    841: "In cell search state",
    842: "ERRC is deactivated",
    843: "In cell reselection state",
    844: "In L1 test mode",
    845: "In reestablishment state",
    846: "In PSM state",
    847: "No data transfer in idle state",
}
"""``+CME ERROR`` numbers in words (manual V1.05 section 21.1); numbers not listed are valid too."""

CMS_MEANINGS: Final = {
    300: "ME failure",
    310: "SIM not inserted",
    330: "SMSC unknown",
    331: "no network",
    332: "timeout",
    500: "Unknown",
    512: "SIM not ready",
    515: "PS busy",
}
"""``+CMS ERROR`` numbers in words (manual V1.05 section 21.2)."""

_MEANINGS: Final = {Outcome.CME_ERROR: CME_MEANINGS, Outcome.CMS_ERROR: CMS_MEANINGS}
_CODES: Final = {
    outcome: {meaning.casefold(): code for code, meaning in meanings.items()} for outcome, meanings in _MEANINGS.items()
}
