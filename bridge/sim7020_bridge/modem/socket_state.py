"""A socket as others see it: where it is, what went over it, what broke it last."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sim7020_bridge.errors import BridgeError, CommandRefused, ModuleSilent, RequestRefused


class Phase(StrEnum):
    """Where a socket is; ``backoff`` is the wait before it is opened again."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    BACKOFF = "backoff"


class Asked(StrEnum):
    """What a socket asks of the module, in words."""

    CREATE = "make a socket (AT+CSOC)"
    CONNECT = "connect a socket (AT+CSOCON)"
    SEND = "send (AT+CSOSEND)"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on a socket: the +CSOERR code if the module gave one, its name for machines, words, and when.

    ``refused`` is what the module would not do, where there is no peer to blame.
    """

    code: int | None
    name: str
    words: str
    at: datetime
    refused: Asked | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages and payload bytes one way since the bridge started."""

    messages: int = 0
    bytes: int = 0

    def plus(self, size: int) -> "Traffic":
        """Count one more message."""
        return Traffic(self.messages + 1, self.bytes + size)


@dataclass(frozen=True, slots=True)
class SocketState:
    """One socket as it is now; ``address`` is the peer's, once it is known."""

    phase: Phase = Phase.CLOSED
    address: str | None = None
    failure: Failure | None = None
    sent: Traffic = Traffic()
    received: Traffic = Traffic()


class SocketLost(BridgeError):
    """The socket is not open, or broke before the peer acknowledged what had been sent."""


class SentInPart(BridgeError):
    """The module took a part of a payload, so many bytes, and then not the rest; the cause says why."""

    def __init__(self, taken: int, cause: BridgeError) -> None:
        self.taken = taken
        super().__init__(f"the module had taken {taken} bytes of it: {cause}")


def failure_of(error: BridgeError, at: datetime, refused: Asked | None = None) -> Failure:
    """Say what an error means for a socket for which the module gave no code."""
    match error:
        case RequestRefused(code=name):
            pass
        case CommandRefused():
            name = "module_refused"
        case ModuleSilent():
            name = "module_silent"
        case _:
            name = "module_unclear"
    return Failure(None, name, str(error), at, refused)
