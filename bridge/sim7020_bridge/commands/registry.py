"""Every URC that a bridge can meet, and what a trace must not show of a line."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from sim7020_bridge.at.command import Urc, UrcTable
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.clock import NetworkTimeReport, SntpReport, TimeZoneReport
from sim7020_bridge.commands.edrx import EdrxReport
from sim7020_bridge.commands.network import NameResolution, PingReply
from sim7020_bridge.commands.packet import PacketEvent
from sim7020_bridge.commands.power import PoweredDown, SleepReport, SupplyReport
from sim7020_bridge.commands.quoting import hidden
from sim7020_bridge.commands.radio import FunctionalityReport, SignalReport
from sim7020_bridge.commands.registration import RegistrationReport
from sim7020_bridge.commands.sim import SimInsertedReport, SimReport
from sim7020_bridge.commands.socket_fetch import DataWaiting
from sim7020_bridge.commands.sockets import ClientConnected, DataAcknowledged, DataReceived, SocketFailed
from sim7020_bridge.commands.traffic import TrafficCount


@dataclass(frozen=True, slots=True)
class Greeting(Urc):
    """RDY, *MATREADY, SMS Ready: the module has started, or nearly so (manual V1.05 sections 3.2.20 and 21.5)."""

    names: ClassVar[tuple[str, ...]] = ("RDY", "*MATREADY", "SMS Ready")

    text: str

    @classmethod
    def read(cls, line: Line) -> Self:
        """Keep the name."""
        return cls(line.name)


@dataclass(frozen=True, slots=True)
class ForeignReport(Urc):
    """A known URC of a service that the bridge doesn't use: SMS, other stacks, the module's own MQTT and HTTP."""

    names: ClassVar[tuple[str, ...]] = (
        "+CCIOTOPTI",
        "+CMTI",
        "+CMT",
        "+CDS",
        "+NIDD",
        "*MSTC",
        "+CMQPUB",
        "+CMQDISCON",
        "+CHTTPNMIH",
        "+CHTTPNMIC",
        "+CHTTPERR",
        "+CCOAPNMI",
        "+CIPRXGET",
        "+PDP",
        "CLOSED",
        "REMOTE IP",
        "DATA ACCEPT",
    )

    name: str
    arguments: str

    @classmethod
    def read(cls, line: Line) -> Self:
        """Keep name and arguments."""
        return cls(line.name, line.arguments)


URCS: Final = UrcTable(
    (
        Greeting,
        FunctionalityReport,
        SimReport,
        SimInsertedReport,
        SignalReport,
        RegistrationReport,
        PacketEvent,
        TrafficCount,
        SleepReport,
        EdrxReport,
        SupplyReport,
        PoweredDown,
        TimeZoneReport,
        NetworkTimeReport,
        SntpReport,
        NameResolution,
        PingReply,
        DataReceived,
        DataWaiting,
        DataAcknowledged,
        SocketFailed,
        ClientConnected,
        ForeignReport,
    )
)
"""All URCs by name (manual V1.05 section 21.5)."""


# each pattern's group `secret` is what gets hidden, character by character
_SECRETS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\+CSONMI: ?\d+,\d+,(?P<secret>.*)",
        r'AT\+CSOSEND=\d+,\d+,"?(?P<secret>[^"]*)"?',
        r"AT\+CPIN=(?P<secret>.*)",
        r'(?:AT)?\*MCGDEFCONT[=:] ?"[^"]*","[^"]*",(?P<secret>.*)',
        r"AT\+CGAUTH=\d+,\d+,(?P<secret>.*)",
        r"\+(?:CGSN|GSN|CIMI|CCID|ICCID): ?(?P<secret>.*)",
        r'\+CNUM: ?(?P<secret>"[^"]*","[^"]*").*',
        r"(?P<secret>[0-9A-F]{14,22})",
        r"(?P<secret>(?:[0-9A-F]{2})+)",
    )
)
_PUNCTUATION: Final = frozenset('",')


def mask(line: str) -> str:
    """Return a line as a trace may show it.

    Payload, IMEI, IMSI, ICCID, phone number, PIN and APN credentials become asterisks, one for each
    character; the rest, lengths included, stays.
    """
    for secret in _SECRETS:
        found = secret.fullmatch(line)
        if found is not None:
            start, end = found.span("secret")
            text = "".join(
                character if character in _PUNCTUATION else hidden(character) for character in line[start:end]
            )
            return line[:start] + text + line[end:]
    return line
