"""One of the module's sockets, as the host at the AT port sees it."""

from dataclasses import dataclass
from enum import IntEnum

from sim7020_emulator.at.results import PlainError
from sim7020_emulator.sockets.host import HostSocket


class Transport(IntEnum):
    """The type argument of +CSOC."""

    TCP = 1
    UDP = 2


class State(IntEnum):
    """What +CSOSTATUS prints."""

    NONE = 0
    CREATED = 1
    CONNECTED = 2


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The arguments of +CSOALIVE, in seconds."""

    mode: int = 0
    idle: int = 7200
    interval: int = 75
    count: int = 9


@dataclass(slots=True)
class Traffic:
    """Bytes and packets that went up and down; header compression is not used, so its counts stay zero."""

    up_bytes: int = 0
    up_packets: int = 0
    down_bytes: int = 0
    down_packets: int = 0

    def clear(self) -> None:
        """Start again from zero."""
        self.up_bytes = self.up_packets = self.down_bytes = self.down_packets = 0

    def __str__(self) -> str:
        """Return the six figures of *MGCOUNT: compressed and uncompressed bytes and packets, up and then down."""
        return f"0,{self.up_bytes},{self.up_packets},0,{self.down_bytes},{self.down_packets}"


class ModuleSocket:
    """One socket; ``dead`` after a +CSOERR, which leaves it nothing but its id."""

    def __init__(self, number: int, domain: int, transport: Transport, protocol: int) -> None:
        self.number = number
        self.domain = domain
        self.transport = transport
        self.protocol = protocol
        self.state = State.CREATED
        self.dead = False
        self.listening = False
        self.local_port: int | None = None
        self.peer: tuple[str, int] | None = None
        self.keep_alive = KeepAlive()
        self.received = bytearray()
        self.real: HostSocket | None = None

    def require(self, state: State) -> None:
        """Raise ``PlainError`` unless the socket is alive and in a state."""
        if self.dead or self.state is not state:
            raise PlainError
