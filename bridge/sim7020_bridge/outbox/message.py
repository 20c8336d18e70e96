"""One message on its way from MQTT to a socket."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

LONGEST_ID: Final = 128
"""Characters of a message's id or key."""


class Priority(IntEnum):
    """What goes first; within one priority the oldest goes first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where the sender wants its receipts as well (MQTT 5.0 section 4.10)."""

    topic: str
    correlation_data: bytes | None = None


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
    """

    id: str
    socket: str
    data: bytes = field(repr=False)
    at: datetime
    priority: Priority = Priority.NORMAL
    ttl: float | None = None
    key: str | None = None
    reply_to: ReplyTo | None = None


def new_id() -> str:
    """Make an id for a message that came without one."""
    return uuid.uuid4().hex
