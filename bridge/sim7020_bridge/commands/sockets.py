"""The module's own sockets: five of them, UDP or TCP in any mix; payload goes as hex, both ways."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, Final, NewType, Self

from sim7020_bridge.at.command import Answer, Command, Order, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.quoting import hidden, quoted, require_quotable, require_within
from sim7020_bridge.errors import MalformedAnswer

SocketId = NewType("SocketId", int)

SOCKETS: Final = 5
"""How many sockets there are; ids 0 to 4 (TCP/IP note section 3.1)."""

LARGEST_PAYLOAD: Final = 512
"""Bytes that one ``+CSOSEND`` takes (manual V1.05)."""


@dataclass(frozen=True, slots=True)
class CreateSocket(Command[SocketId]):
    """+CSOC: create a TCP or UDP socket.

    Manual V1.05; TCP/IP note sections 3.2 and 3.3. Refused when all five are taken.

    Args:
        stream: TCP if true, UDP otherwise.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CSOC",)
    one_line: ClassVar[bool] = True
    timeout: ClassVar[float] = 10.0

    stream: bool

    def line(self) -> str:
        """Return the command line."""
        return "AT+CSOC=1,1,1" if self.stream else "AT+CSOC=1,2,1"

    def read(self, answer: Answer) -> SocketId:
        """Read the new socket's id."""
        return SocketId(Cursor(answer.only()).integer())


@dataclass(frozen=True, slots=True)
class ReadSockets(Command[tuple[SocketId, ...]]):
    """+CSOC: read which sockets exist.

    Manual V1.05. Each line may hold more than the id.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CSOC",)

    def line(self) -> str:
        """Return the command line."""
        return "AT+CSOC?"

    def read(self, answer: Answer) -> tuple[SocketId, ...]:
        """Read one socket a line."""
        return tuple(SocketId(Cursor(line).integer()) for line in answer.lines)


@dataclass(frozen=True, slots=True)
class ConnectSocket(Order):
    """+CSOCON: connect a socket; a UDP socket gets its peer.

    Manual V1.05; TCP/IP note section 3.2. The result comes when the TCP handshake is over. If it fails,
    a SocketFailed follows the ERROR.

    Args:
        socket: Which.
        port: 1 to 65535.
        address: Numeric; names are to be resolved first.
    """

    timeout: ClassVar[float] = 120.0

    socket: SocketId
    port: int
    address: str

    def __post_init__(self) -> None:
        require_socket(self.socket)
        require_within(self.port, 1, 65535, "a port")
        require_quotable(self.address, "an address")

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSOCON={self.socket},{self.port},{quoted(self.address)}"


@dataclass(frozen=True, slots=True)
class SendData(Order):
    """+CSOSEND: send bytes, as hex digits whose number precedes them.

    Manual V1.05; TCP/IP note section 3.5. OK means that the module took them.

    Args:
        socket: Which.
        data: 1 to 512 bytes.
    """

    timeout: ClassVar[float] = 60.0

    socket: SocketId
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        require_socket(self.socket)
        require_within(len(self.data), 1, LARGEST_PAYLOAD, "the number of bytes to send")

    def line(self) -> str:
        """Return the command line."""
        return self._line(self.data.hex().upper())

    def shown(self) -> str:
        """Return the command line without the payload."""
        return self._line(hidden(self.data.hex()))

    def _line(self, digits: str) -> str:
        return f"AT+CSOSEND={self.socket},{len(digits)},{quoted(digits)}"


@dataclass(frozen=True, slots=True)
class CloseSocket(Order):
    """+CSOCL: close a socket and free its id, also one that has failed.

    Manual V1.05; TCP/IP note section 3.2.
    """

    timeout: ClassVar[float] = 10.0

    socket: SocketId

    def __post_init__(self) -> None:
        require_socket(self.socket)

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSOCL={self.socket}"


class SocketStatus(IntEnum):
    """States of a socket (manual V1.05, +CSOSTATUS)."""

    NONE = 0
    CREATED = 1
    CONNECTED = 2


@dataclass(frozen=True, slots=True)
class ReadSocketStatus(Command[int]):
    """+CSOSTATUS: read a socket's state; those known are in SocketStatus.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CSOSTATUS",)
    one_line: ClassVar[bool] = True

    socket: SocketId

    def __post_init__(self) -> None:
        require_socket(self.socket)

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSOSTATUS={self.socket}"

    def read(self, answer: Answer) -> int:
        """Read the state."""
        cursor = Cursor(answer.only())
        cursor.skip()
        return cursor.integer()


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a TCP socket sent, in bytes: all, acknowledged, and still under way."""

    socket: SocketId
    sent: int
    acknowledged: int
    unacknowledged: int


@dataclass(frozen=True, slots=True)
class ReadAcknowledged(Command[Acknowledgement]):
    """+CSOACK: read how much of what a TCP socket sent was acknowledged.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CSOACK",)
    one_line: ClassVar[bool] = True

    socket: SocketId

    def __post_init__(self) -> None:
        require_socket(self.socket)

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSOACK={self.socket}"

    def read(self, answer: Answer) -> Acknowledgement:
        """Read the three counts."""
        cursor = Cursor(answer.only())
        return Acknowledgement(SocketId(cursor.integer()), cursor.integer(), cursor.integer(), cursor.integer())


@dataclass(frozen=True, slots=True)
class ReportAcknowledgements(Order):
    """+CSOSENDFLAG: report what TCP peers acknowledge; to be set before connecting, and kept.

    Manual V1.05; TCP/IP note section 3.6.
    """

    enabled: bool = True

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSOSENDFLAG={self.enabled:d}"


@dataclass(frozen=True, slots=True)
class ReceiveAsHex(Order):
    """+CSORCVFLAG: have incoming data printed as hex digits.

    Manual V1.05. Some firmware forgets it in PSM.
    """

    def line(self) -> str:
        """Return the command line."""
        return "AT+CSORCVFLAG=0"


@dataclass(frozen=True, slots=True)
class SetKeepAlive(Order):
    """+CSOALIVE: probe an idle TCP connection, or stop doing so.

    Manual V1.05.

    Args:
        socket: Which.
        enabled: Whether to probe.
        idle: Seconds of silence before the first probe, 30 to 7200.
        interval: Seconds between probes, 30 to 600.
        count: Unanswered probes that end the connection, 1 to 9.
    """

    socket: SocketId
    enabled: bool = True
    idle: int = 7200
    interval: int = 75
    count: int = 9

    def __post_init__(self) -> None:
        require_socket(self.socket)
        require_within(self.idle, 30, 7200, "the idle time before keep-alive probes")
        require_within(self.interval, 30, 600, "the interval of keep-alive probes")
        require_within(self.count, 1, 9, "the number of keep-alive probes")

    def line(self) -> str:
        """Return the command line."""
        if not self.enabled:
            return f"AT+CSOALIVE={self.socket},0"
        return f"AT+CSOALIVE={self.socket},1,{self.idle},{self.interval},{self.count}"


@dataclass(frozen=True, slots=True)
class SetPullReceive(Order):
    """+CSORXGET: keep incoming data in the module until it is fetched, or print it as it comes.

    Manual V1.05. To be set before any traffic; lost at a restart.
    """

    enabled: bool

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSORXGET={self.enabled:d}"


@dataclass(frozen=True, slots=True)
class DataReceived(Urc):
    """+CSONMI: data came; the length on the line counts hex digits (TCP/IP note section 3.7)."""

    names: ClassVar[tuple[str, ...]] = ("+CSONMI",)

    socket: SocketId
    data: bytes = field(repr=False)

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read the payload."""
        cursor = Cursor(line)
        socket = SocketId(cursor.integer())
        digits = cursor.integer()
        data = cursor.hexadecimal() if digits else b""
        if 2 * len(data) != digits:
            raise MalformedAnswer(line.name, f"{2 * len(data)} hex digits where {digits} were announced")
        return cls(socket, data)


@dataclass(frozen=True, slots=True)
class DataAcknowledged(Urc):
    """SEND: a TCP peer acknowledged so many bytes (TCP/IP note section 3.6)."""

    names: ClassVar[tuple[str, ...]] = ("SEND",)

    socket: SocketId
    length: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read socket and length."""
        cursor = Cursor(line)
        return cls(SocketId(cursor.integer()), cursor.integer())


@dataclass(frozen=True, slots=True)
class SocketFailed(Urc):
    """+CSOERR: a socket is dead; it keeps its id until it is closed (TCP/IP note section 3.9)."""

    names: ClassVar[tuple[str, ...]] = ("+CSOERR",)

    socket: SocketId
    code: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read socket and code."""
        cursor = Cursor(line)
        return cls(SocketId(cursor.integer()), cursor.integer())

    @property
    def name(self) -> str:
        """The code as an identifier for machines, such as ``connection_reset``."""
        return SOCKET_ERRORS.get(self.code, (f"error_{self.code}", ""))[0]

    @property
    def words(self) -> str:
        """The code in words."""
        return SOCKET_ERRORS.get(self.code, ("", f"socket error {self.code}"))[1]


SOCKET_ERRORS: Final = {
    -1: ("common", "the socket failed"),
    1: ("route", "the host is unreachable"),
    2: ("connection_aborted", "the connection was aborted"),
    3: ("connection_reset", "the connection was reset"),
    4: ("not_connected", "the socket is not connected"),
    5: ("value", "an illegal value"),
    6: ("buffer", "no buffer is left"),
    7: ("block", "the operation would block"),
    8: ("address_in_use", "the address is in use"),
    9: ("already_connecting", "the socket is connecting already"),
    10: ("already_connected", "the socket is connected already"),
    11: ("bearer", "the bearer is gone"),
    12: ("parameter", "a bad parameter"),
}
"""Codes of ``+CSOERR`` (TCP/IP note section 3.9, manual V1.05).

Code 4 is printed as "connected" and means the opposite, as in lwIP, whose list this is.
"""


@dataclass(frozen=True, slots=True)
class ClientConnected(Urc):
    """+NEW CLIENT CONNEC: somebody connected to a listening socket, and got this id; the spelling is the module's."""

    names: ClassVar[tuple[str, ...]] = ("+NEW CLIENT CONNEC", "+NEW CLIENT CONNECT")

    socket: SocketId

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read the new socket's id."""
        return cls(SocketId(Cursor(line).integer()))


def require_socket(socket: SocketId) -> None:
    """Refuse a socket id that doesn't exist.

    Raises:
        ValueError: It is none of 0 to 4.
    """
    require_within(socket, 0, SOCKETS - 1, "a socket id")
