"""The packet domain: attachment, PDN contexts, the default APN, and what changes by itself."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final, Self

from sim7020_bridge.at.command import Answer, Command, Order, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import Outcome
from sim7020_bridge.commands.addresses import address_and_mask, dotted_address
from sim7020_bridge.commands.quoting import hidden, quoted, require_quotable

ACTIVATION_TIMEOUT: Final = 150.0
"""Seconds that the manual gives ``+CGACT``; attaching takes the same road through the network."""

LAST_PDN: Final = 151
"""CME error: the last PDN can't be deactivated, the network wants it kept (detach instead)."""


@dataclass(frozen=True, slots=True)
class ReadAttachment(Command[bool]):
    """+CGATT: read whether the module is attached.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGATT",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGATT?"

    def read(self, answer: Answer) -> bool:
        """Read the state."""
        return Cursor(answer.only()).integer() == 1


@dataclass(frozen=True, slots=True)
class Attach(Order):
    """+CGATT: attach to the packet domain.

    Manual V1.05.
    """

    timeout: ClassVar[float] = ACTIVATION_TIMEOUT

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGATT=1"


@dataclass(frozen=True, slots=True)
class Detach(Order):
    """+CGATT: detach from the packet domain.

    Manual V1.05.
    """

    timeout: ClassVar[float] = ACTIVATION_TIMEOUT

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGATT=0"


@dataclass(frozen=True, slots=True)
class ContextState:
    """Whether one PDN context is active."""

    cid: int
    active: bool


@dataclass(frozen=True, slots=True)
class ReadContextStates(Command[tuple[ContextState, ...]]):
    """+CGACT: read which PDN contexts are active.

    Manual V1.05, whose example ``+CGACT: 0`` lacks the cid and is read as that of context 1;
    TCP/IP note section 2.1.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGACT",)
    timeout: ClassVar[float] = ACTIVATION_TIMEOUT

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGACT?"

    def read(self, answer: Answer) -> tuple[ContextState, ...]:
        """Read one context a line."""
        return tuple(_context_state(Cursor(line)) for line in answer.lines)


def _context_state(cursor: Cursor) -> ContextState:
    first = cursor.integer()
    second = cursor.optional_integer()
    return ContextState(1, first == 1) if second is None else ContextState(first, second == 1)


@dataclass(frozen=True, slots=True)
class ActivateContext(Order):
    """+CGACT: activate a PDN context.

    Manual V1.05, which gives it 150 s.
    """

    timeout: ClassVar[float] = ACTIVATION_TIMEOUT

    cid: int = 1

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CGACT=1,{self.cid}"


@dataclass(frozen=True, slots=True)
class DeactivateContext(Order):
    """+CGACT: deactivate a PDN context.

    Manual V1.05, which gives it 150 s and has it answer NO CARRIER; TCP/IP note section 2.4, which has OK.
    Refused with CME 151 (LAST_PDN) where the network wants the last PDN kept.
    """

    timeout: ClassVar[float] = ACTIVATION_TIMEOUT
    successes: ClassVar[frozenset[Outcome]] = frozenset({Outcome.OK, Outcome.NO_CARRIER})
    settle: ClassVar[float] = 0.3

    cid: int = 1

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CGACT=0,{self.cid}"


@dataclass(frozen=True, slots=True)
class DefaultApn:
    """What the module attaches with by itself; empty where nothing is set."""

    pdp_type: str
    apn: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ReadDefaultApn(Command[DefaultApn]):
    """*MCGDEFCONT: read the default APN.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("*MCGDEFCONT",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT*MCGDEFCONT?"

    def read(self, answer: Answer) -> DefaultApn:
        """Read what is set."""
        cursor = Cursor(answer.only())
        return DefaultApn(
            pdp_type=cursor.text(),
            apn=cursor.optional_text() or "",
            user=cursor.optional_text() or "",
            password=cursor.optional_text() or "",
        )


@dataclass(frozen=True, slots=True)
class SetDefaultApn(Order):
    """*MCGDEFCONT: set the default APN, between ``CFUN=0`` and ``CFUN=1``.

    Manual V1.05; TCP/IP note section 2.2. It is kept over a restart.

    Args:
        apn: Access point name.
        user: User name, if the APN wants one.
        password: Its password.
        pdp_type: IP, IPV6, IPV4V6 or Non-IP.
    """

    apn: str
    user: str = ""
    password: str = field(default="", repr=False)
    pdp_type: str = "IP"

    def __post_init__(self) -> None:
        for text, what in (
            (self.apn, "the APN"),
            (self.user, "the APN's user name"),
            (self.password, "the APN's password"),
            (self.pdp_type, "the PDP type"),
        ):
            require_quotable(text, what)

    def line(self) -> str:
        """Return the command line."""
        return self._line(self.user, self.password)

    def shown(self) -> str:
        """Return the command line without user and password."""
        return self._line(hidden(self.user), hidden(self.password))

    def _line(self, user: str, password: str) -> str:
        texts = [self.pdp_type, self.apn]
        if user or password:
            texts += [user, password]
        return "AT*MCGDEFCONT=" + ",".join(quoted(text) for text in texts)


@dataclass(frozen=True, slots=True)
class ContextAddress:
    """The address of one PDN context; None if it has none."""

    cid: int
    address: str | None


@dataclass(frozen=True, slots=True)
class ReadAddresses(Command[tuple[ContextAddress, ...]]):
    """+CGPADDR: read the addresses of all PDN contexts.

    Manual V1.05; TCP/IP note section 4.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGPADDR",)

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGPADDR"

    def read(self, answer: Answer) -> tuple[ContextAddress, ...]:
        """Read one context a line."""
        return tuple(_context_address(Cursor(line)) for line in answer.lines)


def _context_address(cursor: Cursor) -> ContextAddress:
    cid = cursor.integer()
    text = cursor.optional_text()
    return ContextAddress(cid, None if text is None else dotted_address(text))


@dataclass(frozen=True, slots=True)
class ContextParameters:
    """What the network gave one PDN context; None where firmware or network don't say.

    Args:
        cid: Context id.
        bearer: EPS bearer id.
        apn: Access point name in use.
        address: The module's own address.
        mask: Its network mask.
        gateway: Gateway.
        dns: Name servers.
        mtu: Largest packet, bytes.
    """

    cid: int
    bearer: int | None = None
    apn: str | None = None
    address: str | None = None
    mask: str | None = None
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    mtu: int | None = None


@dataclass(frozen=True, slots=True)
class ReadContextParameters(Command[tuple[ContextParameters, ...]]):
    """+CGCONTRDP: read what the network gave the active PDN contexts.

    Manual V1.05; TCP/IP note sections 2.1 and 2.4. With no active context the answer is empty.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CGCONTRDP",)

    def line(self) -> str:
        """Return the command line."""
        return "AT+CGCONTRDP"

    def read(self, answer: Answer) -> tuple[ContextParameters, ...]:
        """Read one context a line."""
        return tuple(_parameters(line) for line in answer.lines)


_LARGEST_OCTET: Final = 255


def _parameters(line: Line) -> ContextParameters:
    cursor = Cursor(line)
    cid = cursor.integer()
    bearer = cursor.optional_integer()
    apn = cursor.optional_text()
    address, mask = address_and_mask(cursor.optional_text())
    gateway = cursor.optional_text()
    servers = (cursor.optional_text(), cursor.optional_text())
    # which of the fields between the name servers and the MTU are left out differs
    numbers = (int(text) for text in cursor.rest() if text.isdecimal())
    return ContextParameters(
        cid=cid,
        bearer=bearer,
        apn=apn,
        address=address,
        mask=mask,
        gateway=None if gateway is None else dotted_address(gateway),
        dns=tuple(dotted_address(server) for server in servers if server),
        mtu=next((number for number in numbers if number > _LARGEST_OCTET), None),
    )


@dataclass(frozen=True, slots=True)
class ReadBackoffTimer(Command[int]):
    """+CTRJ: read the back-off timer T3346; while it runs the module doesn't try to attach.

    Manual V1.05. Seconds, 0 if it doesn't run.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CTRJ",)
    one_line: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+CTRJ?"

    def read(self, answer: Answer) -> int:
        """Read the timer."""
        return Cursor(answer.only()).integer()


class PacketEventKind(StrEnum):
    """What ``+CGEV:`` says (manual V1.05, +CGEREP)."""

    NETWORK_DETACHED = "NW DETACH"
    MODULE_DETACHED = "ME DETACH"
    MODULE_ACTIVATED = "ME PDN ACT"
    NETWORK_DEACTIVATED = "NW PDN DEACT"
    MODULE_DEACTIVATED = "ME PDN DEACT"


@dataclass(frozen=True, slots=True)
class ReportPacketEvents(Order):
    """+CGEREP: report detachment and each PDN that comes or goes; lost at a restart.

    Manual V1.05.
    """

    enabled: bool = True

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CGEREP={self.enabled:d}"


@dataclass(frozen=True, slots=True)
class PacketEvent(Urc):
    """+CGEV: the attachment or a PDN context changed.

    Args:
        kind: What happened; None if it is none of those known.
        cid: The context, where one is named.
        reason: Why an activation differs from what was asked, where given.
        text: What the module said.
    """

    names: ClassVar[tuple[str, ...]] = ("+CGEV",)

    kind: PacketEventKind | None
    cid: int | None
    reason: int | None
    text: str

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read words and numbers."""
        cursor = Cursor(line)
        words = cursor.text()
        kind = next((kind for kind in PacketEventKind if words == kind or words.startswith(f"{kind} ")), None)
        number = words.removeprefix(kind).strip() if kind is not None else ""
        return cls(kind, int(number) if number.isdecimal() else None, cursor.optional_integer(), line.arguments)

    @property
    def lost(self) -> bool:
        """Whether a PDN or the attachment is gone."""
        return self.kind in _LOSSES


_LOSSES: Final = frozenset(PacketEventKind) - {PacketEventKind.MODULE_ACTIVATED}
