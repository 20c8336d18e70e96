"""Every URC that a bridge can meet (manual V1.05 section 21.5)."""

from dataclasses import dataclass
from typing import Final, Self

from sim7020_bridge.at.command import Urc, UrcTable
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.commands.clock import NetworkTimeReport, SntpReport, TimeZoneReport
from sim7020_bridge.commands.network import NameResolution, PingReply
from sim7020_bridge.commands.packet import PacketEvent, TrafficCount
from sim7020_bridge.commands.power import EdrxReport, PoweredDown, SleepReport, SupplyReport
from sim7020_bridge.commands.radio import ConnectionReport, FunctionalityReport, SignalReport
from sim7020_bridge.commands.registration import RegistrationReport
from sim7020_bridge.commands.sim import SimInsertedReport, SimReport
from sim7020_bridge.commands.sockets import ClientConnected, DataAcknowledged, DataReceived, DataWaiting, SocketFailed


@dataclass(frozen=True, slots=True)
class Greeting(Urc):
    """RDY, *MATREADY, SMS Ready: the module has started, or nearly so (section 3.2.20)."""

    names = ("RDY", "*MATREADY", "SMS Ready")

    text: str

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        return cls(cursor.line.name)


@dataclass(frozen=True, slots=True)
class ForeignReport(Urc):
    """A known URC of a service that the bridge doesn't use: SMS, other stacks, the module's own MQTT and HTTP."""

    names = (
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
    def _of(cls, cursor: Cursor) -> Self:
        return cls(cursor.line.name, cursor.line.arguments)


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
        ConnectionReport,
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
