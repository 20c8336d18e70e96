"""One message on its way from MQTT to a socket, and what is published until the broker has acknowledged it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum, StrEnum, auto
from typing import Final

LONGEST_ID: Final = 128
"""Characters of a message's id or key."""


class Priority(IntEnum):
    """What goes first; within one priority the oldest goes first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


class Stage(IntEnum):
    """How far a message has come; written to disk."""

    WAITING = 0
    SENDING = 1


class Loss(StrEnum):
    """Why a message leaves the outbox without having been given to the module."""

    SUPERSEDED = "superseded"
    DROPPED = "dropped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNSURE = "unsure"
    NO_SOCKET = "no_socket"
    TOO_LARGE = "too_large"
    LINE_FEED = "line_feed"
    UNCHANGED = "unchanged"
    INVALID_JSON = "invalid_json"
    NOTHING_PICKED = "nothing_picked"
    INVALID_VALUE = "invalid_value"


class PendingKind(IntEnum):
    """What a publication that the broker must acknowledge is; written to disk."""

    RECEIPT = 0
    RECEIVED = 1
    DEAD_LETTER = 2
    REPLY = 3
    """A receipt on the Response Topic that a message's sender named."""


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where the sender wants its receipts as well (MQTT 5.0 section 4.10)."""

    topic: str
    correlation_data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The QoS 1 packet that brought a message: what shows that the same one came twice.

    Args:
        packet: Its packet identifier.
        digest: Of all that was published.
        duplicate: Whether the broker says that it may have come before.
    """

    packet: int
    digest: bytes
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Bytes for one socket.

    Args:
        id: The sender's, or one made for it.
        socket: The socket's name.
        data: The payload, at least one byte.
        at: When it was taken.
        priority: What it may overtake.
        ttl: Seconds from ``at`` after which it is not worth sending any more; None for never.
        key: A later message with the same key takes its place while it waits.
        reply_to: Where receipts go besides the receipt topic.
        pool: The pool that it was published to, if it was.
    """

    id: str
    socket: str
    data: bytes = field(repr=False)
    at: datetime
    priority: Priority = Priority.NORMAL
    ttl: float | None = None
    key: str | None = None
    reply_to: ReplyTo | None = None
    pool: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all that its sender had a say in: the payload and what is kept beside it."""
        size = len(self.data)
        for text in (self.id, self.socket, self.key, self.pool):
            size += len((text or "").encode(errors="surrogatepass"))
        if self.reply_to is not None:
            size += len(self.reply_to.topic.encode()) + len(self.reply_to.correlation_data or b"")
        return size


class Place(Enum):
    """Where the running bridge has a message."""

    COMING = auto()
    WAITING = auto()
    SENDING = auto()
    GONE = auto()


@dataclass(slots=True, eq=False)
class Entry:
    """A message in the outbox.

    Args:
        number: Its place in the order in which messages were taken.
        message: What is to be sent.
        taken: When it was taken, in seconds of the outbox's own time.
        attempts: How often it was given to the module.
        refusals: How often the module would not have it, since the bridge started.
        losses: How often its connection broke before the peer acknowledged it, since the bridge started.
        stage: How far it has come, as far as the disk knows.
        place: Where it is in memory.
        committed: Whether it is on the disk.
        given: Whether the module may have been given it, by an earlier run, too.
        mark: What tells it from others that are sealed with the same key, once it may have been sent.
    """

    number: int
    message: Message
    taken: float
    attempts: int = 0
    stage: Stage = Stage.WAITING
    place: Place = Place.COMING
    committed: bool = False
    refusals: int = 0
    losses: int = 0
    given: bool = False
    mark: str | None = None

    @property
    def expires(self) -> float | None:
        """When it is not worth sending any more, in the outbox's own time; None for never."""
        return None if self.message.ttl is None else self.taken + self.message.ttl


@dataclass(frozen=True, slots=True)
class PendingPublication:
    """A publication that is kept until the broker has acknowledged it."""

    kind: PendingKind
    topic: str
    payload: bytes = field(repr=False)
    correlation_data: bytes | None = None


Publications = Sequence[PendingPublication]

Numbered = tuple[tuple[int, PendingPublication], ...]
"""Publications with their numbers on disk."""


def new_id() -> str:
    """Make an id for a message that came without one."""
    return uuid.uuid4().hex
