"""What went wrong on a socket, in one form whoever found it."""

from dataclasses import dataclass
from datetime import datetime

from sim7020_bridge.errors import BridgeError, CommandRefused, ModuleSilent, RequestRefused


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on a socket: the +CSOERR code if the module gave one, its name for machines, words, and when."""

    code: int | None
    name: str
    words: str
    at: datetime


def failure_of(error: BridgeError, at: datetime) -> Failure:
    """Say what an error means for a socket for which the module gave no code."""
    match error:
        case RequestRefused(code=name):
            return Failure(None, name, error.message, at)
        case CommandRefused():
            return Failure(None, "module_refused", str(error), at)
        case ModuleSilent():
            return Failure(None, "module_silent", str(error), at)
        case _:
            return Failure(None, "module_unclear", str(error), at)
