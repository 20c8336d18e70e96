"""Registration with the network, in the read form and the unsolicited form, and the operator (manual V1.05)."""

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

from sim7020_bridge.at.command import Order, Question, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.quoting import require_within
from sim7020_bridge.commands.timers import told_bits
from sim7020_bridge.errors import MalformedAnswer


class RegistrationStatus(IntEnum):
    """Registration states (3GPP TS 27.007 section 10.1.22; WITHHELD is SIMCom's own).

    WITHHELD: a cell was found, but attaching waits for ``AT+CGATT=1``.
    """

    NOT_REGISTERED = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5
    SMS_ONLY_HOME = 6
    SMS_ONLY_ROAMING = 7
    EMERGENCY_ONLY = 8
    WITHHELD = 100


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the module is registered, or why not; None where the module doesn't say.

    Args:
        status: A RegistrationStatus, or the bare number if it is none of them.
        tac: Tracking or location area code, hex digits.
        cell_id: Hex digits.
        access_technology: 9 is NB-IoT.
        rac: Routing area code, two hex digits; not printed by all firmware.
        cause_type: 0 if ``cause`` is an EMM cause, 1 if it is the vendor's own.
        cause: Why the network refused.
        active_time: T3324 as granted, 8 bits as text.
        periodic_tau: T3412 extended as granted, 8 bits as text.
        n: What the module reports of it, as ``AT+CEREG=<n>`` set it; known where it was asked, and no part of it.
    """

    status: RegistrationStatus | int
    tac: str | None = None
    cell_id: str | None = None
    access_technology: int | None = None
    rac: str | None = None
    cause_type: int | None = None
    cause: int | None = None
    active_time: str | None = None
    periodic_tau: str | None = None
    n: int | None = field(default=None, compare=False)

    @property
    def registered(self) -> bool:
        """Whether data can flow: at home or roaming."""
        return self.status in {RegistrationStatus.HOME, RegistrationStatus.ROAMING}

    @property
    def denied(self) -> bool:
        """Whether the network refused."""
        return self.status == RegistrationStatus.DENIED

    @property
    def words(self) -> str:
        """The registration as a phrase for people, with the cause where there is one."""
        status = _STATUS_WORDS.get(self.status, f"registration status {self.status:d}")
        return f"{status}: {self.cause_words}" if self.cause_words else status

    @property
    def cause_words(self) -> str:
        """The cause in words, empty if there is none: 0 is no cause, and who is registered was not refused."""
        if not self.cause or self.registered:
            return ""
        if self.cause_type in {None, 0}:
            return EMM_CAUSES.get(self.cause, f"EMM cause {self.cause}")
        return f"vendor cause {self.cause}"


_STATUS_WORDS: Final[dict[int, str]] = {
    RegistrationStatus.NOT_REGISTERED: "not registered and not searching",
    RegistrationStatus.HOME: "registered at home",
    RegistrationStatus.SEARCHING: "searching for a network",
    RegistrationStatus.DENIED: "the network denied registration",
    RegistrationStatus.UNKNOWN: "registration unknown, perhaps out of coverage",
    RegistrationStatus.ROAMING: "registered, roaming",
    RegistrationStatus.SMS_ONLY_HOME: "registered at home for SMS only",
    RegistrationStatus.SMS_ONLY_ROAMING: "registered for SMS only, roaming",
    RegistrationStatus.EMERGENCY_ONLY: "registered for emergency services only",
    RegistrationStatus.WITHHELD: "a cell was found, attaching is withheld",
}

EMM_CAUSES: Final = {
    2: "IMSI unknown in HSS",
    3: "illegal UE",
    5: "IMEI not accepted",
    6: "illegal ME",
    7: "EPS services not allowed",
    8: "EPS services and non-EPS services not allowed",
    9: "UE identity cannot be derived by the network",
    10: "implicitly detached",
    11: "PLMN not allowed",
    12: "tracking area not allowed",
    13: "roaming not allowed in this tracking area",
    14: "EPS services not allowed in this PLMN",
    15: "no suitable cells in tracking area",
    16: "MSC temporarily not reachable",
    17: "network failure",
    18: "CS domain not available",
    19: "ESM failure",
    20: "MAC failure",
    21: "synch failure",
    22: "congestion",
    23: "UE security capabilities mismatch",
    24: "security mode rejected",
    25: "not authorized for this CSG",
    26: "non-EPS authentication unacceptable",
    31: "redirection to 5GCN required",
    35: "requested service option not authorized in this PLMN",
    39: "CS service temporarily not available",
    40: "no EPS bearer context activated",
    42: "severe network failure",
    78: "PLMN not allowed at the present UE location",
    95: "semantically incorrect message",
    96: "invalid mandatory information",
    97: "message type non-existent or not implemented",
    98: "message type not compatible with the protocol state",
    99: "information element non-existent or not implemented",
    100: "conditional information element error",
    101: "message not compatible with the protocol state",
    111: "protocol error, unspecified",
}
"""EMM causes in words (3GPP TS 24.301 section 9.9.3.9)."""


@dataclass(frozen=True, slots=True)
class ReportRegistration(Order):
    """+CEREG: report changes of the EPS registration; lost at a restart (section 3.2.47).

    Args:
        n: 0 nothing, 1 status, 2 with cell, 3 with causes, 4 with timers, 5 with both.
    """

    syntax = "AT+CEREG={self.n}"

    n: int

    def __post_init__(self) -> None:
        require_within(self.n, 0, 5, "n of +CEREG")


@dataclass(frozen=True, slots=True)
class _ReadRegistration(Question[Registration]):
    # `+CEREG: <n>,<stat>` answers, `+CEREG: <stat>[,"tac",...]` is unsolicited: only the shape tells
    def answers(self, line: Line) -> bool:
        """Accept the read form alone."""
        return line.name in self.answer_names and _is_read_form(line)

    def _value(self, cursor: Cursor) -> Registration:
        return _registration(cursor.line)


class ReadRegistration(_ReadRegistration):
    """+CEREG: read the EPS registration (section 3.2.47, whose example answers ``AT+CEREG?`` with ``+CGREG:``)."""

    syntax = "AT+CEREG?"
    answer_names = ("+CEREG", "+CGREG")


class ReadGprsRegistration(_ReadRegistration):
    """+CGREG: read the packet domain registration (section 3.2.41; TCP/IP note section 2.1)."""

    syntax = "AT+CGREG?"
    answer_names = ("+CGREG",)


@dataclass(frozen=True, slots=True)
class RegistrationReport(Urc):
    """+CREG, +CGREG, +CEREG: the registration changed; ``domain`` is which of them, circuit, packet or EPS.

    A late answer to a read command is read as well: it says the same.
    """

    names = ("+CREG", "+CGREG", "+CEREG")

    domain: str
    registration: Registration

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(cursor.line.name, _registration(cursor.line))


def _is_read_form(line: Line) -> bool:
    """Whether a status comes second; four digits there are an area code that firmware printed without quotes."""
    cursor = Cursor(line)
    cursor.skip()
    return cursor.next_is_integer and len(cursor.rest()[0]) < _TAC_DIGITS


def _registration(line: Line) -> Registration:
    cursor = Cursor(line)
    n = cursor.integer() if _is_read_form(line) else None
    status = cursor.integer()
    tac = cursor.optional_hex_digits()
    cell_id = cursor.optional_hex_digits()
    access_technology = cursor.optional_integer()
    # the routing area code came and went with the firmware; two digits are nothing else
    fields = cursor.rest()
    rac = fields.pop(0) if fields and len(fields[0]) == _RAC_DIGITS else None
    cause_type, cause, active_time, periodic_tau = _causes_and_timers(fields)
    return Registration(
        status=RegistrationStatus(status) if status in set(RegistrationStatus) else status,
        tac=tac,
        cell_id=cell_id,
        access_technology=access_technology,
        rac=rac,
        cause_type=cause_type,
        cause=cause,
        active_time=active_time,
        periodic_tau=periodic_tau,
        n=n if line.name == "+CEREG" else None,
    )


_TAC_DIGITS: Final = 4
_RAC_DIGITS: Final = 2
_TIMER_BITS: Final = 8
_CAUSES: Final = 2
_CAUSES_AND_TIMERS: Final = 4


def _causes_and_timers(fields: list[str]) -> tuple[int | None, int | None, str | None, str | None]:
    """Read cause type, cause, active time and periodic TAU, of which any may be empty or missing."""
    if fields and len(fields[0]) == _TIMER_BITS:
        fields = ["", "", *fields]
    elif fields and not fields[0] and _is_behind_empty_rac(fields):
        fields = fields[1:]
    cause_type, cause, active_time, periodic_tau = [*fields, "", "", "", ""][:_CAUSES_AND_TIMERS]
    timers = told_bits(active_time, _TIMER_BITS), told_bits(periodic_tau, _TIMER_BITS)
    return _number(cause_type), _number(cause), *timers


def _is_behind_empty_rac(fields: list[str]) -> bool:
    only_causes = len(fields) == _CAUSES + 1 and all(text.isdecimal() for text in fields[1:])
    return only_causes or len(fields) > _CAUSES_AND_TIMERS


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Operator:
    """The network that the module is registered with; None where it doesn't say.

    Args:
        mode: 0 if the module chooses by itself.
        name: The operator's name, if names are asked for.
        plmn: Country and network code as digits, if numbers are asked for.
        access_technology: 9 is NB-IoT.
    """

    mode: int
    name: str | None = None
    plmn: str | None = None
    access_technology: int | None = None


MANUAL: Final = 1
DEREGISTERED: Final = 2
"""+COPS modes: only the operator that was chosen; none at all (3GPP TS 27.007 section 7.3)."""

_PLMN: Final = re.compile(r"[0-9]{5,6}")
"""Three digits of the country and two or three of the network (3GPP TS 23.003 section 2.2)."""


_BY_NUMBER: Final = 2


class ReadOperator(Question[Operator]):
    """+COPS: read the operator; registered with none, only the mode is given (TCP/IP note section 2.1)."""

    syntax = "AT+COPS?"
    answer_names = ("+COPS",)

    def _value(self, cursor: Cursor) -> Operator:
        mode = cursor.integer()
        by_number = cursor.optional_integer() == _BY_NUMBER
        operator = cursor.optional_text()
        if by_number and operator is not None and not _PLMN.fullmatch(operator):
            raise MalformedAnswer(cursor.line.text, f"{operator!r} is no country and network code")
        return Operator(
            mode=mode,
            name=None if by_number else operator,
            plmn=operator if by_number else None,
            access_technology=cursor.optional_integer(),
        )


class ChooseOperator(Order):
    """+COPS: let the module choose the operator by itself, and register; it stays so over a restart."""

    syntax = "AT+COPS=0"
    # it may attach before it answers, as +CGATT does
    timeout = 150.0
