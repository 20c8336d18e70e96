"""One of the module's sockets, as the host at the AT port sees it."""

from dataclasses import dataclass
from enum import IntEnum

from sim7020_emulator.at.results import PlainError
from sim7020_emulator.sockets.host import HostSocket

_RECEIVE_BUFFER = 65536
"""Bytes that a socket keeps for its host to fetch; no source has the module's own number."""


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


class Received:
    """What arrived and waits until the host fetches it; ``full`` stops a stream, and lets datagrams be lost."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def __len__(self) -> int:
        return len(self._waiting)

    def full(self) -> bool:
        """Say whether so much waits that no more is received."""
        return len(self._waiting) >= _RECEIVE_BUFFER

    def put(self, data: bytes) -> bool:
        """Add what arrived; say whether nothing waited before, which is when the host is told."""
        first = not self._waiting
        self._waiting += data
        return first

    def take(self, count: int) -> bytes:
        """Take bytes out."""
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        return taken

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()


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
        self.received = Received()
        self.real: HostSocket | None = None

    def require(self, state: State) -> None:
        """Raise ``PlainError`` unless the socket is alive and in a state."""
        if self.dead or self.state is not state:
            raise PlainError
