"""What becomes of a message, as the contract tells it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import SocketSettings
from sim7020_bridge.delivery.observer import Observer
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.documents import ErrorDocument
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.packing import packed
from sim7020_bridge.mqtt.payloads import encode_payload
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.message import Entry, Loss, Message, PendingKind, PendingPublication, ReplyTo


class ReceiptState(StrEnum):
    """What became of a message so far."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


_LOSSES: Final = {
    Loss.SUPERSEDED: (ReceiptState.SUPERSEDED, None),
    Loss.UNCHANGED: (
        ReceiptState.SUPERSEDED,
        ErrorDocument("unchanged", "it says nothing new: what was last sent differs by no more than the dead bands"),
    ),
    Loss.DROPPED: (ReceiptState.FAILED, ErrorDocument("outbox_full", "it made room for a newer message")),
    Loss.EXPIRED: (ReceiptState.EXPIRED, ErrorDocument("expired", "it waited longer than it was to live")),
    Loss.CANCELLED: (ReceiptState.FAILED, ErrorDocument("cancelled", "it was cancelled while it waited")),
    Loss.UNSURE: (
        ReceiptState.FAILED,
        ErrorDocument("unsure", "nobody knows whether it was sent, and the socket is not to send anything twice"),
    ),
    Loss.TOO_LARGE: (
        ReceiptState.FAILED,
        ErrorDocument("too_large", "its socket was changed, and it is too large for a datagram of it"),
    ),
    Loss.LINE_FEED: (
        ReceiptState.FAILED,
        ErrorDocument(
            "line_feed", "its socket was changed: it ends each message with a line feed now, and this has one"
        ),
    ),
    Loss.INVALID_JSON: (
        ReceiptState.FAILED,
        ErrorDocument("invalid_json", "its socket was changed: it takes JSON now, and this is none"),
    ),
    Loss.NOTHING_PICKED: (
        ReceiptState.FAILED,
        ErrorDocument("nothing_picked", "its socket was changed, and it has none of the fields that are picked now"),
    ),
    Loss.INVALID_VALUE: (
        ReceiptState.FAILED,
        ErrorDocument("invalid_value", "its socket was changed, and a value does not fit the type of its field now"),
    ),
    Loss.NO_SOCKET: (
        ReceiptState.FAILED,
        ErrorDocument("unknown_socket", "its socket is no longer in the configuration"),
    ),
}

_WANTED: Final = frozenset({Loss.SUPERSEDED, Loss.UNCHANGED, Loss.CANCELLED})
"""What somebody wanted to be lost makes no dead letter."""


class Receipts:
    """Writes the receipts of one modem's messages."""

    def __init__(
        self,
        topics: Topics,
        sockets: Sequence[SocketSettings],
        *,
        observer: Observer | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._topics = topics
        self._sockets = {socket.name: socket for socket in sockets}
        self._observer = observer
        self._clock = clock

    def change(self, sockets: Sequence[SocketSettings]) -> None:
        """Go by other sockets from now on."""
        self._sockets = {socket.name: socket for socket in sockets}

    def of(
        self,
        message: Message,
        state: ReceiptState,
        *,
        attempts: int = 0,
        final: bool = True,
        error: ErrorDocument | None = None,
    ) -> tuple[PendingPublication, ...]:
        """Return a message's receipt for each topic that it goes to."""
        receipt = {
            "id": message.id,
            "socket": message.socket,
            "state": state,
            "final": final,
            "at": self._clock(),
            "bytes": self._size(message),
            "attempts": attempts,
            "error": error,
        }
        if self._observer is not None:
            self._observer.receipt(receipt, message)
        return self._publications(message.socket, receipt, message.reply_to, message.pool)

    def lost(self, entry: Entry, loss: Loss) -> tuple[PendingPublication, ...]:
        """Return the final receipt of a message that left the outbox unsent."""
        state, error = _LOSSES[loss]
        receipt = self.of(entry.message, state, attempts=entry.attempts, error=error)
        return receipt if loss in _WANTED else (*receipt, *self._dead_letter(entry.message))

    def failed(self, entry: Entry, error: ErrorDocument) -> tuple[PendingPublication, ...]:
        """Return the final receipt of a message that could not be sent."""
        receipt = self.of(entry.message, ReceiptState.FAILED, attempts=entry.attempts, error=error)
        return (*receipt, *self._dead_letter(entry.message))

    def rejected(
        self, message_id: str, socket: str, error: ErrorDocument, reply_to: ReplyTo | None, pool: str | None = None
    ) -> tuple[PendingPublication, ...]:
        """Return the final receipt of a message that was not taken."""
        receipt = {
            "id": message_id,
            "socket": socket,
            "state": ReceiptState.REJECTED,
            "final": True,
            "at": self._clock(),
            "bytes": None,
            "attempts": 0,
            "error": error,
        }
        if self._observer is not None:
            self._observer.receipt(receipt, None)
        return self._publications(socket, receipt, reply_to, pool)

    def _size(self, message: Message) -> int:
        """Return the bytes of payload that a message is on the air."""
        socket = self._sockets.get(message.socket)
        if socket is not None and socket.payload is not None:
            with suppress(PayloadRefused):
                return len(packed(socket, message.data))
        return len(message.data)

    def _dead_letter(self, message: Message) -> tuple[PendingPublication, ...]:
        socket = self._sockets.get(message.socket)
        if socket is None or socket.dead_letter_topic is None:
            return ()
        payload = encode_payload(socket.encoding, message.data, message.at, f"{socket.host}:{socket.port}")
        return (PendingPublication(PendingKind.DEAD_LETTER, socket.dead_letter_topic, payload),)

    def _publications(
        self, socket: str, receipt: Mapping[str, object], reply_to: ReplyTo | None, pool: str | None
    ) -> tuple[PendingPublication, ...]:
        payload = dump(receipt)
        publications = [PendingPublication(PendingKind.RECEIPT, self._topics.receipt(socket), payload)]
        if pool is not None:
            # its publisher can't know whose it will be
            payload = dump({**receipt, "modem": self._topics.modem})
            publications.append(PendingPublication(PendingKind.RECEIPT, self._topics.pool_receipt(pool), payload))
        if reply_to is not None:
            publications.append(
                PendingPublication(PendingKind.REPLY, reply_to.topic, payload, reply_to.correlation_data)
            )
        return tuple(publications)
