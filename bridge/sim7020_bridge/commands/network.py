"""Names and echoes: DNS and ping (manual V1.05)."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final, Self

from sim7020_bridge.at.command import Answer, Command, Order, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.addresses import usual_notation
from sim7020_bridge.commands.quoting import require_quotable, require_within
from sim7020_bridge.errors import MalformedAnswer

RESOLUTION_TIMEOUT: Final = 60.0
"""Seconds within which a name is resolved, counted from the OK."""


@dataclass(frozen=True, slots=True)
class NameResolution(Urc):
    """+CDNSGIP: what became of a name.

    Args:
        name: The name asked for; None where the module doesn't repeat it.
        addresses: Its addresses, empty if it failed.
        error: The module's number for the failure, None if there is none.
    """

    names = ("+CDNSGIP",)

    name: str | None
    addresses: tuple[str, ...]
    error: int | None = None

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        if not cursor.next_is_integer:
            return cls(None, _addresses(cursor.line, cursor))
        if cursor.integer() == 1:
            return cls(cursor.text(), _addresses(cursor.line, cursor))
        return cls(None, (), cursor.optional_integer() or 0)

    @property
    def ipv4(self) -> str | None:
        """The first address that a socket can be connected to."""
        return next((address for address in self.addresses if _is_ipv4(address)), None)

    @property
    def words(self) -> str:
        """Why there is no IPv4 address, which is all that sockets connect to; empty if there is one."""
        if self.error is None:
            return "" if self.ipv4 else "it has no IPv4 address that leads anywhere, and the module's sockets need one"
        return DNS_ERRORS.get(self.error, f"DNS error {self.error}")


def _is_ipv4(address: str) -> bool:
    try:
        # a name server that blocks a name says 0.0.0.0: what went there would count as sent
        return not IPv4Address(address).is_unspecified
    except ValueError:
        return False


DNS_ERRORS: Final = {3: "network error", 8: "DNS common error"}
"""Failures of ``+CDNSGIP`` in words (manual V1.05); others exist."""


def _addresses(line: Line, cursor: Cursor) -> tuple[str, ...]:
    addresses = tuple(usual_notation(address) for address in cursor.rest() if address)
    if not addresses:
        raise MalformedAnswer(line.text, "no address")
    return addresses


@dataclass(frozen=True, slots=True)
class ResolveName(Command[NameResolution | None]):
    """+CDNSGIP: resolve a name.

    TCP/IP note section 2.3. The earliest firmware answers before the OK; otherwise the
    result is None and a NameResolution follows within RESOLUTION_TIMEOUT, so expect it before asking.
    Numeric addresses are refused.
    """

    syntax = 'AT+CDNSGIP="{self.name}"'
    answer_names = ("+CDNSGIP",)
    one_line = True
    timeout = RESOLUTION_TIMEOUT

    name: str

    def __post_init__(self) -> None:
        require_quotable(self.name, "a host name")

    def answers(self, line: Line) -> bool:
        """Accept the bare address; what begins with a number is the URC."""
        return line.name in self.answer_names and not Cursor(line).next_is_integer

    def read(self, answer: Answer) -> NameResolution | None:
        """Read the address, if there is one already."""
        if not answer.lines:
            return None
        return NameResolution(self.name, NameResolution.read(answer.lines[-1]).addresses)


class ReadDnsServers(Command[tuple[str, ...]]):
    """+CDNSCFG: read the name servers, primary first (section 7.2.13)."""

    syntax = "AT+CDNSCFG?"
    answer_names = ("PrimaryDns", "SecondaryDns")

    def read(self, answer: Answer) -> tuple[str, ...]:
        """Read one server a line."""
        return tuple(usual_notation(Cursor(line).text()) for line in answer.lines if line.arguments)


@dataclass(frozen=True, slots=True)
class Ping(Order):
    """+CIPPING: send echo requests; a PingReply follows for each, lost ones included.

    Section 9.2.1; TCP/IP note section 2.3. Refused with BUSY while another runs.

    Args:
        address: Host name or address.
        count: Requests, 1 to 100.
        size: Bytes in each, 0 to 5120.
        timeout_tenths: Wait for each, 1 to 600 tenths of a second.
    """

    syntax = 'AT+CIPPING="{self.address}",{self.count},{self.size},{self.timeout_tenths}'

    address: str
    count: int = 4
    size: int = 32
    timeout_tenths: int = 100

    def __post_init__(self) -> None:
        require_quotable(self.address, "the address to ping")
        require_within(self.count, 1, 100, "the number of pings")
        require_within(self.size, 0, 5120, "the size of a ping")
        require_within(self.timeout_tenths, 1, 600, "the ping timeout in tenths of a second")


@dataclass(frozen=True, slots=True)
class PingReply(Urc):
    """+CIPPING: one echo came back, or didn't.

    Args:
        sequence: Counts from 1.
        address: Who answered.
        time_ms: How long it took, in steps of 100 ms; the timeout if it is lost.
        ttl: Hops that were left, 0 if it is lost.
    """

    names = ("+CIPPING",)

    sequence: int
    address: str
    time_ms: int
    ttl: int

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        sequence, address = cursor.integer(), usual_notation(cursor.text())
        return cls(sequence, address, cursor.integer() * 100, cursor.optional_integer() or 0)

    @property
    def lost(self) -> bool:
        """Whether no echo came: a real one has hops left."""
        return self.ttl == 0
