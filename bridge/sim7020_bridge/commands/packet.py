"""The packet domain: attachment, PDN contexts, the default APN, and what changes by itself (manual V1.05)."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address, ip_interface
from typing import Final, Self

from sim7020_bridge.at.command import Order, Question, Table, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.results import Outcome
from sim7020_bridge.commands.addresses import octets_of, usual_notation
from sim7020_bridge.commands.quoting import quoted, require_quotable
from sim7020_bridge.commands.secrets import mask

ACTIVATION_TIMEOUT: Final = 150.0
"""Seconds that the manual gives ``+CGACT``; attaching takes the same road through the network."""


class Attach(Order):
    """+CGATT: attach to the packet domain."""

    syntax = "AT+CGATT=1"
    timeout = ACTIVATION_TIMEOUT


@dataclass(frozen=True, slots=True)
class ContextState:
    """Whether one PDN context is active."""

    cid: int
    active: bool


class ReadContextStates(Table[ContextState]):
    """+CGACT: read which PDN contexts are active, from the module's own table.

    The manual's example ``+CGACT: 0`` lacks the cid and is read as that of context 1; TCP/IP note section 2.1.
    """

    syntax = "AT+CGACT?"
    answer_names = ("+CGACT",)

    def _value(self, cursor: Cursor) -> ContextState:
        first, second = cursor.integer(), cursor.optional_integer()
        return ContextState(1, first == 1) if second is None else ContextState(first, second == 1)


@dataclass(frozen=True, slots=True)
class ActivateContext(Order):
    """+CGACT: activate a PDN context."""

    syntax = "AT+CGACT=1,{self.cid}"
    timeout = ACTIVATION_TIMEOUT

    cid: int = 1


@dataclass(frozen=True, slots=True)
class DeactivateContext(Order):
    """+CGACT: deactivate a PDN context.

    The manual has it answer NO CARRIER; TCP/IP note section 2.4 has OK.
    Refused with CME 151 where the network wants the last PDN kept: detach instead.
    """

    syntax = "AT+CGACT=0,{self.cid}"
    timeout = ACTIVATION_TIMEOUT
    successes = frozenset({Outcome.OK, Outcome.NO_CARRIER})
    settle = 0.3

    cid: int = 1


@dataclass(frozen=True, slots=True)
class DefaultApn:
    """What the module attaches with by itself; empty where nothing is set."""

    pdp_type: str
    apn: str
    user: str = ""
    password: str = field(default="", repr=False)


class ReadDefaultApn(Question[DefaultApn]):
    """*MCGDEFCONT: read the default APN."""

    syntax = "AT*MCGDEFCONT?"
    answer_names = ("*MCGDEFCONT",)

    def _value(self, cursor: Cursor) -> DefaultApn:
        return DefaultApn(cursor.text(), *(cursor.optional_text() or "" for _ in ("apn", "user", "password")))


@dataclass(frozen=True, slots=True)
class SetDefaultApn(Order):
    """*MCGDEFCONT: set the default APN, between ``CFUN=0`` and ``CFUN=1``; kept over a restart.

    TCP/IP note section 2.2. User and password are given only if one of them is not empty.
    """

    apn: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        require_quotable(self.apn, "the APN")
        require_quotable(self.user, "the APN's user name")
        require_quotable(self.password, "the APN's password")

    def line(self) -> str:
        """Return the command line."""
        credentials = [self.user, self.password] if self.user or self.password else []
        return "AT*MCGDEFCONT=" + ",".join(map(quoted, ("IP", self.apn, *credentials)))

    def shown(self) -> str:
        """Return the command line without user and password."""
        return mask(self.line())


def _address_and_mask(text: str | None) -> tuple[str | None, str | None]:
    """Take apart an address with its mask behind it, of 8 or 32 dotted decimals or with colons; it may be missing."""
    if not text:
        return None, None
    try:
        octets = octets_of(text)
        half = len(octets) // 2
        return str(ip_address(octets[:half])), str(ip_address(octets[half:]))
    except ValueError:
        pass
    try:
        # with colons (+CGPIAF) a prefix length follows, or a mask behind a blank
        address, _, prefix_mask = text.partition(" ")
        interface = ip_interface(address)
        return str(interface.ip), prefix_mask or (str(interface.netmask) if "/" in address else None)
    except ValueError:
        return usual_notation(text), None


@dataclass(frozen=True, slots=True)
class ContextAddress:
    """The address of one PDN context; None if it has none. One for both stacks has a ``second`` for IPv6."""

    cid: int
    address: str | None
    second: str | None = None


class ReadAddresses(Table[ContextAddress]):
    """+CGPADDR: read the addresses of all PDN contexts (TCP/IP note section 4)."""

    syntax = "AT+CGPADDR"
    answer_names = ("+CGPADDR",)

    def _value(self, cursor: Cursor) -> ContextAddress:
        cid, *texts = cursor.integer(), cursor.optional_text(), cursor.optional_text()
        return ContextAddress(cid, *(None if text is None else usual_notation(text) for text in texts))


@dataclass(frozen=True, slots=True)
class ContextParameters:
    """What the network gave one PDN context; None where firmware or network don't say.

    ``bearer`` is the id of the EPS bearer, ``address`` the module's own with its network mask, ``mtu`` in bytes.
    """

    cid: int
    bearer: int | None = None
    apn: str | None = None
    address: str | None = None
    mask: str | None = None
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    mtu: int | None = None


class ReadContextParameters(Table[ContextParameters]):
    """+CGCONTRDP: read what the network gave the active PDN contexts; with none of them the answer is empty.

    TCP/IP note sections 2.1 and 2.4.
    """

    syntax = "AT+CGCONTRDP"
    answer_names = ("+CGCONTRDP",)

    def _value(self, cursor: Cursor) -> ContextParameters:
        cid = cursor.integer()
        bearer = cursor.optional_integer()
        apn = cursor.optional_text()
        address, network_mask = _address_and_mask(cursor.optional_text())
        gateway = cursor.optional_text()
        servers = (cursor.optional_text(), cursor.optional_text())
        # which of the fields between the name servers and the MTU are left out differs
        numbers = (int(text) for text in cursor.rest() if text.isdecimal())
        return ContextParameters(
            cid=cid,
            bearer=bearer,
            apn=apn,
            address=address,
            mask=network_mask,
            gateway=None if gateway is None else usual_notation(gateway),
            dns=tuple(usual_notation(server) for server in servers if server),
            mtu=next((number for number in numbers if number > _LARGEST_OCTET), None),
        )


_LARGEST_OCTET: Final = 255


class ReadBackoffTimer(Question[int]):
    """+CTRJ: read the back-off timer T3346 in seconds, 0 if it doesn't run; while it runs, no attach is tried."""

    syntax = "AT+CTRJ?"
    answer_names = ("+CTRJ",)

    def _value(self, cursor: Cursor) -> int:
        return cursor.integer()


class PacketEventKind(StrEnum):
    """What ``+CGEV:`` says (+CGEREP)."""

    NETWORK_DETACHED = "NW DETACH"
    MODULE_DETACHED = "ME DETACH"
    MODULE_ACTIVATED = "ME PDN ACT"
    NETWORK_DEACTIVATED = "NW PDN DEACT"
    MODULE_DEACTIVATED = "ME PDN DEACT"


class ReportPacketEvents(Order):
    """+CGEREP: report detachment and each PDN that comes or goes; lost at a restart."""

    syntax = "AT+CGEREP=1"


@dataclass(frozen=True, slots=True)
class PacketEvent(Urc):
    """+CGEV: the attachment or a PDN context changed.

    Args:
        kind: What happened; None if it is none of those known.
        cid: The context, where one is named.
        reason: Why an activation differs from what was asked, where given.
        text: What the module said.
    """

    names = ("+CGEV",)

    kind: PacketEventKind | None
    cid: int | None
    reason: int | None
    text: str

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        words = cursor.text()
        kind = next((kind for kind in PacketEventKind if words == kind or words.startswith(f"{kind} ")), None)
        number = words.removeprefix(kind).strip() if kind is not None else ""
        return cls(kind, int(number) if number.isdecimal() else None, cursor.optional_integer(), cursor.line.arguments)

    @property
    def lost(self) -> bool:
        """Whether a PDN or the attachment is gone."""
        return self.kind in _LOSSES


_LOSSES: Final = frozenset(PacketEventKind) - {PacketEventKind.MODULE_ACTIVATED}


@dataclass(frozen=True, slots=True)
class TrafficCount(Urc):
    """*MGCOUNT: bytes and packets of a PDN context, compressed and not, up and down."""

    names = ("*MGCOUNT",)

    cid: int
    up_compressed: int
    up: int
    up_packets: int
    down_compressed: int
    down: int
    down_packets: int
