"""The MQTT contract's topics of one modem, and what an incoming topic is about."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What a topic of the bridge's is about."""

    AVAILABILITY = "availability"
    INFO = "info"
    STATE = "state"
    EVENT = "event"
    ALERT = "alert"
    RESPONSE = "response"
    SOCKET_STATE = "socket_state"
    RECEIVED = "received"
    RECEIPT = "receipt"


class Subject(NamedTuple):
    """A topic's kind, and the alert, verb or socket that it names, else an empty string."""

    kind: Kind
    name: str = ""


_PLAIN: Final = {"availability", "info", "state", "event"}
_NAMED: Final = {"alert", "response"}
_SOCKET: Final = {"state": Kind.SOCKET_STATE, "received": Kind.RECEIVED, "receipt": Kind.RECEIPT}


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one modem, ``<base>/<modem>/...``."""

    base: str
    modem: str

    @property
    def root(self) -> str:
        """What all topics of this modem start with, without the last slash."""
        return f"{self.base}/{self.modem}"

    @property
    def availability(self) -> str:
        """``online`` or ``offline``, retained; the last will's topic."""
        return f"{self.root}/availability"

    @property
    def info(self) -> str:
        """Who the bridge and the modem are, retained."""
        return f"{self.root}/info"

    @property
    def component(self) -> str:
        """Where this component marks, retained, that it looks after the modem."""
        return f"{self.root}/component"

    @property
    def announce(self) -> str:
        """Where bridges are asked to publish again what they retain."""
        return f"{self.base}/announce"

    @property
    def responses(self) -> str:
        """The filter for the answers to requests."""
        return f"{self.root}/response/+"

    @property
    def filters(self) -> tuple[str, ...]:
        """Filters for everything that the bridge publishes of this modem."""
        return (
            self.responses,
            self.availability,
            self.info,
            f"{self.root}/state",
            f"{self.root}/event",
            f"{self.root}/alert/+",
            *(f"{self.root}/socket/+/{leaf}" for leaf in _SOCKET),
        )

    def request(self, verb: str) -> str:
        """Where a request is published."""
        return f"{self.root}/request/{verb}"

    def subject(self, topic: str) -> Subject | None:
        """Return what a topic is about, or None if it is not one of the bridge's."""
        match topic.removeprefix(f"{self.root}/").split("/"):
            case [leaf] if leaf in _PLAIN:
                return Subject(Kind(leaf))
            case [branch, name] if branch in _NAMED and name:
                return Subject(Kind(branch), name)
            case ["socket", socket, leaf] if leaf in _SOCKET and socket:
                return Subject(_SOCKET[leaf], socket)
            case _:
                return None
