"""The module's own sockets: five of them, UDP or TCP in any mix; payload goes as hex, both ways (manual V1.05)."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NewType, Self

from sim7020_bridge.at.command import Order, Question, Table, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.commands.quoting import require_quotable, require_within
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.errors import MalformedAnswer

SocketId = NewType("SocketId", int)

SOCKETS: Final = 5
"""How many sockets there are; ids 0 to 4 (TCP/IP note section 3.1)."""

LARGEST_PAYLOAD: Final = 512
"""Bytes that one ``+CSOSEND`` takes."""


@dataclass(frozen=True, slots=True)
class CreateSocket(Question[SocketId]):
    """+CSOC: create a TCP socket if it is to be a ``stream``, else a UDP one; the answer is its id.

    TCP/IP note sections 3.2 and 3.3. Refused when all five are taken.
    """

    answer_names = ("+CSOC",)
    timeout = 10.0

    stream: bool

    def line(self) -> str:
        """Return the command line."""
        return "AT+CSOC=1,1,1" if self.stream else "AT+CSOC=1,2,1"

    def _value(self, cursor: Cursor) -> SocketId:
        return SocketId(cursor.integer())


class ReadSockets(Table[SocketId]):
    """+CSOC: read which sockets exist; each line may hold more than the id."""

    syntax = "AT+CSOC?"
    answer_names = ("+CSOC",)

    def _value(self, cursor: Cursor) -> SocketId:
        return SocketId(cursor.integer())


@dataclass(frozen=True, slots=True)
class ConnectSocket(Order):
    """+CSOCON: connect a socket to a numeric address; a UDP socket gets its peer.

    TCP/IP note section 3.2. The result comes when the TCP handshake is over. If it fails,
    a SocketFailed follows the ERROR.
    """

    syntax = 'AT+CSOCON={self.socket},{self.port},"{self.address}"'
    timeout = 120.0

    socket: SocketId
    port: int
    address: str

    def __post_init__(self) -> None:
        require_socket(self.socket)
        require_within(self.port, 1, 65535, "a port")
        require_quotable(self.address, "an address")


@dataclass(frozen=True, slots=True)
class SendData(Order):
    """+CSOSEND: send 1 to 512 bytes, as hex digits whose number precedes them. OK means that the module took them.

    TCP/IP note section 3.5.
    """

    timeout = 60.0

    socket: SocketId
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        require_socket(self.socket)
        require_within(len(self.data), 1, LARGEST_PAYLOAD, "the number of bytes to send")

    def line(self) -> str:
        """Return the command line."""
        return f'AT+CSOSEND={self.socket},{2 * len(self.data)},"{self.data.hex().upper()}"'

    def shown(self) -> str:
        """Return the command line without the payload."""
        return mask(self.line())


@dataclass(frozen=True, slots=True)
class CloseSocket(Order):
    """+CSOCL: close a socket and free its id, also one that has failed (TCP/IP note section 3.2)."""

    syntax = "AT+CSOCL={self.socket}"
    timeout = 10.0

    socket: SocketId

    def __post_init__(self) -> None:
        require_socket(self.socket)


class SocketStatus(IntEnum):
    """States of a socket (+CSOSTATUS)."""

    NONE = 0
    CREATED = 1
    CONNECTED = 2


@dataclass(frozen=True, slots=True)
class ReadSocketStatus(Question[int]):
    """+CSOSTATUS: read a socket's state; those known are in SocketStatus."""

    syntax = "AT+CSOSTATUS={self.socket}"
    answer_names = ("+CSOSTATUS",)

    socket: SocketId

    def __post_init__(self) -> None:
        require_socket(self.socket)

    def _value(self, cursor: Cursor) -> int:
        cursor.skip()
        return cursor.integer()


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Bytes of a TCP connection that the module was given since it was opened, and how many of them the peer has."""

    given: int
    acknowledged: int


@dataclass(frozen=True, slots=True)
class ReadAcknowledged(Question[Acknowledged]):
    """+CSOACK: read how much of what a TCP socket was given its peer has acknowledged (manual V1.05)."""

    syntax = "AT+CSOACK={self.socket}"
    answer_names = ("+CSOACK",)

    socket: SocketId

    def __post_init__(self) -> None:
        require_socket(self.socket)

    def _value(self, cursor: Cursor) -> Acknowledged:
        if cursor.integer() != self.socket:
            raise MalformedAnswer(cursor.line.text, "another socket was asked about")
        return Acknowledged(cursor.integer(), cursor.integer())


class ReportAcknowledgements(Order):
    """+CSOSENDFLAG: report what TCP peers acknowledge; to be set before connecting, and kept.

    TCP/IP note section 3.6.
    """

    syntax = "AT+CSOSENDFLAG=1"


@dataclass(frozen=True, slots=True)
class SetKeepAlive(Order):
    """+CSOALIVE: have a TCP connection probed when it is quiet (manual V1.05).

    Args:
        socket: The socket; before or after it is connected.
        idle: Seconds of silence before the first probe, 30 to 7200.
        interval: Seconds between two probes that are not answered, 30 to 600.
        count: Unanswered probes after which the connection has failed, 1 to 9.
    """

    syntax = "AT+CSOALIVE={self.socket},1,{self.idle},{self.interval},{self.count}"

    socket: SocketId
    idle: int
    interval: int
    count: int

    def __post_init__(self) -> None:
        require_socket(self.socket)
        require_within(self.idle, 30, 7200, "the silence before a probe")
        require_within(self.interval, 30, 600, "the pause between two probes")
        require_within(self.count, 1, 9, "the number of probes")


class ReceiveAsHex(Order):
    """+CSORCVFLAG: have incoming data printed as hex digits. Some firmware forgets it in PSM."""

    syntax = "AT+CSORCVFLAG=0"


@dataclass(frozen=True, slots=True)
class SetPullReceive(Order):
    """+CSORXGET: keep incoming data in the module until it is fetched, or print it as it comes.

    To be set before any traffic; lost at a restart.
    """

    syntax = "AT+CSORXGET={self.enabled:d}"

    enabled: bool


@dataclass(frozen=True, slots=True)
class DataReceived(Urc):
    """+CSONMI: data came; the length on the line counts hex digits (TCP/IP note section 3.7)."""

    names = ("+CSONMI",)

    socket: SocketId
    data: bytes = field(repr=False)

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        socket = SocketId(cursor.integer())
        digits = cursor.integer()
        data = cursor.hexadecimal() if digits else b""
        if 2 * len(data) != digits:
            raise MalformedAnswer(cursor.line.name, f"{2 * len(data)} hex digits where {digits} were announced")
        return cls(socket, data)


@dataclass(frozen=True, slots=True)
class DataWaiting(Urc):
    """+CSORXGET: data came and waits to be fetched."""

    names = ("+CSORXGET",)

    socket: SocketId

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        if cursor.integer() != 1:
            raise MalformedAnswer(cursor.line.text, "the late answer to a fetch")
        return cls(SocketId(cursor.integer()))


@dataclass(frozen=True, slots=True)
class DataAcknowledged(Urc):
    """SEND: a TCP peer acknowledged so many bytes (TCP/IP note section 3.6)."""

    names = ("SEND",)

    socket: SocketId
    length: int


@dataclass(frozen=True, slots=True)
class SocketFailed(Urc):
    """+CSOERR: a socket is dead; it keeps its id until it is closed (TCP/IP note section 3.9)."""

    names = ("+CSOERR",)

    socket: SocketId
    code: int

    @property
    def name(self) -> str:
        """The code as an identifier for machines, such as ``connection_reset``."""
        return SOCKET_ERRORS.get(self.code, (f"error_{self.code}", ""))[0]

    @property
    def words(self) -> str:
        """The code in words."""
        return SOCKET_ERRORS.get(self.code, ("", f"socket error {self.code}"))[1]


CLOSED: Final = 4
"""The code of ``+CSOERR`` that is no failure: the peer closed the connection in order."""

SOCKET_ERRORS: Final = {
    -1: ("common", "the socket failed"),
    1: ("route", "the host is unreachable"),
    2: ("connection_aborted", "the connection was aborted"),
    3: ("connection_reset", "the connection was reset"),
    CLOSED: ("not_connected", "the connection was closed by the peer"),
    5: ("value", "an illegal value"),
    6: ("buffer", "no buffer is left"),
    7: ("block", "the operation would block"),
    8: ("address_in_use", "the address is in use"),
    9: ("already_connecting", "the socket is connecting already"),
    10: ("already_connected", "the socket is connected already"),
    11: ("bearer", "the bearer is gone"),
    12: ("parameter", "a bad parameter"),
}
"""Codes of ``+CSOERR`` (TCP/IP note section 3.9).

Code 4 is printed as "connected"; in lwIP, whose list this is, it is a connection that was closed, and drivers made
for real modules get it when the peer closes in order.
"""


@dataclass(frozen=True, slots=True)
class ClientConnected(Urc):
    """+NEW CLIENT CONNEC: somebody connected to a listening socket, and got this id; the spelling is the module's."""

    names = ("+NEW CLIENT CONNEC", "+NEW CLIENT CONNECT")

    socket: SocketId


def require_socket(socket: SocketId) -> None:
    """Refuse a socket id that is none of 0 to 4 with a ValueError."""
    require_within(socket, 0, SOCKETS - 1, "a socket id")
