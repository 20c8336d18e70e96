"""What keeps a modem from being attached, in words, where nothing that the module says of itself tells."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class _Problem:
    words: str | None
    """What is in the way; None once nothing is."""


class Held(_Problem):
    """Why attaching waits longer than usual."""


class PinProblem(_Problem):
    """Why the configured PIN does not unlock the SIM."""


class RadioProblem(_Problem):
    """What the module said when its radio was to be switched on."""


class ApnProblem(_Problem):
    """What the module said to a context that could not be activated."""


class ApnUnset(_Problem):
    """Why the module has another APN than the configured one."""


class RegisterProblem(_Problem):
    """What keeps the module from registering, other than the network."""


Problem: TypeAlias = Held | PinProblem | RadioProblem | ApnProblem | ApnUnset | RegisterProblem
