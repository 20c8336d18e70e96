"""What the model has counted: time in each state, energy, datagrams, bytes with their headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class RadioState(StrEnum):
    """What the radio does."""

    OFF = "off"
    SEARCHING = "searching"
    """Looking for a network, and attaching."""
    PSM = "psm"
    """Deep sleep: PSM, or between the windows of a long eDRX cycle."""
    IDLE = "idle"
    ACCESS = "access"
    """Random access, and what else comes before the first datagram is through."""
    CONNECTED = "connected"
    WAITING = "waiting"
    """Connected, with nothing more to transfer, until the network releases the connection."""


CONNECTED_STATES = frozenset((RadioState.CONNECTED, RadioState.WAITING))
"""Those in which +CSCON is 1."""


@dataclass(frozen=True, slots=True)
class Watts:
    """Power by state, in watts; three numbers are by coverage level.

    ``psm``, ``idle`` and ``asleep`` (light sleep in idle) are HD's 3.4 uA, 5.6 mA and 236 uA at 3.3 V. ``busy``
    (access, transfer, search) is OSL's median with release assistance, ``waiting`` what remains of that without.
    """

    psm: float = 11.2e-6
    idle: float = 18.5e-3
    asleep: float = 0.78e-3
    busy: tuple[float, float, float] = (0.064, 0.088, 0.19)
    waiting: tuple[float, float, float] = (0.098, 0.117, 0.116)

    def of(self, state: RadioState, level: int, *, asleep: bool) -> float:
        """Return the power of a state."""
        match state:
            case RadioState.OFF:
                return 0.0
            case RadioState.PSM:
                return self.psm
            case RadioState.IDLE:
                return self.asleep if asleep else self.idle
            case RadioState.WAITING:
                return self.waiting[level]
            case _:
                return self.busy[level]


def read_watts(text: str) -> Watts:
    """Read NAME=NUMBER by comma; what is not named is as ever."""
    known = Watts()
    for item in filter(None, text.split(",")):
        name, _, number = item.partition("=")
        watts = float(number)
        match name:
            case "busy":
                known = replace(known, busy=(watts, watts, watts))
            case "waiting":
                known = replace(known, waiting=(watts, watts, watts))
            case "psm":
                known = replace(known, psm=watts)
            case "idle":
                known = replace(known, idle=watts)
            case _:
                known = replace(known, asleep=watts)
    return known


@dataclass(slots=True)
class Direction:
    """Datagrams or segments one way, those lost among them, and their bytes with IP and UDP or TCP headers."""

    sent: int = 0
    lost: int = 0
    bytes: int = 0

    def add(self, size: int, *, lost: bool) -> None:
        """Count one."""
        self.sent += 1
        self.lost += lost
        self.bytes += size


@dataclass(slots=True)
class Account:
    """The sums since a profile was first played."""

    seconds: dict[RadioState, float] = field(default_factory=lambda: dict.fromkeys(RadioState, 0.0))
    joules: dict[RadioState, float] = field(default_factory=lambda: dict.fromkeys(RadioState, 0.0))
    up: Direction = field(default_factory=Direction)
    down: Direction = field(default_factory=Direction)
    connections: int = 0
    attaches: int = 0
    updates: int = 0
    """Tracking-area updates."""
    assisted: int = 0
    """Sends with release assistance."""
    ignored: int = 0
    """Those of them in which the network took no notice."""

    def spend(self, state: RadioState, seconds: float, watts: float) -> None:
        """Note that a state has lasted."""
        self.seconds[state] += seconds
        self.joules[state] += seconds * watts

    def figures(self) -> Mapping[str, str]:
        """Return every sum by name."""
        counts = {
            "connections": self.connections, "attaches": self.attaches, "updates": self.updates,
            "rai": self.assisted, "rai_ignored": self.ignored,
            "up": self.up.sent, "up_lost": self.up.lost, "up_bytes": self.up.bytes,
            "down": self.down.sent, "down_lost": self.down.lost, "down_bytes": self.down.bytes,
        }  # fmt: skip
        return {
            **{f"{state}_s": f"{seconds:.3f}" for state, seconds in self.seconds.items()},
            **{f"{state}_j": f"{joules:.6f}" for state, joules in self.joules.items()},
            "joules": f"{sum(self.joules.values()):.6f}",
            **{name: str(count) for name, count in counts.items()},
        }
