"""From what came over MQTT to a message for the outbox, and to the acknowledgement that the broker waits for."""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import SocketSettings
from sim7020_bridge.delivery.batch import payload_on_air
from sim7020_bridge.delivery.observer import Observer
from sim7020_bridge.delivery.receipts import Receipts, ReceiptState
from sim7020_bridge.errors import PayloadRefused, StorageFailed
from sim7020_bridge.mqtt.documents import ErrorDocument
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.payloads import decode_payload
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.outbox.message import LONGEST_ID, Message, Origin, PendingPublication, Priority, ReplyTo, new_id
from sim7020_bridge.outbox.outbox import Outbox

log: Final = logging.getLogger(__name__)

MOST_REFUSALS: Final = 1000
"""Receipts that may wait for the broker before messages are no longer refused with one: a flood has no end."""

REFUSED_LATER: Final = 1.0
"""Seconds until a QoS 1 message is refused that could not be; the broker sends few before one is acknowledged."""

Done = Callable[[PayloadRefused | None, bool], None]
"""Told when a message is taken, or with why it is not; and whether it was taken before, and so is not sent again."""


class Intake:
    """Takes messages for one modem's sockets; a QoS 1 message is acknowledged once it is on disk, or its refusal.

    Args:
        publish_interim: Publishes a receipt that is not final, when there is time to write it.
        acknowledge: Tells the broker that a message is done with.
    """

    def __init__(
        self,
        sockets: Sequence[SocketSettings],
        *,
        outbox: Outbox,
        receipts: Receipts,
        response_topics: ResponseTopics,
        publish_interim: Callable[[Callable[[], tuple[PendingPublication, ...]]], None],
        acknowledge: Callable[[Received], None],
        observer: Observer | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._sockets = {socket.name: socket for socket in sockets}
        self._outbox = outbox
        self._receipts = receipts
        self._response_topics = response_topics
        self._publish_interim = publish_interim
        self._acknowledge = acknowledge
        self._observer = observer
        self._clock = clock
        self._held: list[tuple[Callable[[], None], Done]] = []
        self._refused_later: deque[Callable[[], None]] = deque()
        self._next_refusals: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Take what came before the outbox was open, as soon as it is."""
        await self._outbox.loaded.wait()
        held, self._held = self._held, []
        for put, done in held:
            try:
                put()
            except PayloadRefused as refused:
                done(refused, False)

    def connected(self) -> None:
        """Refuse now what came before this connection and could not be: the broker may bring it again, to be known.

        What came before the outbox was open, and was not taken, it does bring again.
        """
        self._held.clear()
        while self._refused_later:
            self._refused_later.popleft()()

    def stop(self) -> None:
        """Refuse nothing more later: what was not refused stays with the broker."""
        self._refused_later.clear()
        if self._next_refusals is not None:
            self._next_refusals.cancel()

    def change(self, sockets: Sequence[SocketSettings]) -> None:
        """Take messages for other sockets from now on."""
        self._sockets = {socket.name: socket for socket in sockets}

    def receive(self, name: str, received: Received, pool: str | None = None) -> None:
        """Take a message from a socket's or a pool's send topic; whatever is wrong with it goes into a receipt."""
        properties = dict(received.user_properties)
        message_id = properties.get("id", new_id())
        topic = self._response_topics.of(received)
        reply_to = None if topic is None else ReplyTo(topic, received.correlation_data)

        def done(refused: PayloadRefused | None, _repeated: bool) -> None:  # noqa: FBT001 - a Done
            if refused is None:
                self._acknowledge(received)
                return

            def write() -> None:
                log.warning("%s: message refused: %s", received.topic, refused)
                error = ErrorDocument(refused.code, refused.message)
                given = message_id[:LONGEST_ID] or new_id()
                if self._observer is not None:
                    self._observer.refused(given, name, received)
                receipt = self._receipts.rejected(given, name, error, reply_to, pool)
                kept = self._outbox.refuse(name, origin(received), refused, receipt)
                kept.add_done_callback(lambda _kept: self._acknowledge(received))

            # whoever waits comes first: else a flood with QoS 0 takes all the room, and the broker sends nothing more
            if self._refused_later or not self._room_for_refusals:
                self._refuse_later(received, write)
            else:
                write()

        try:
            self._check_pool(name, pool)
            socket = self._socket(name)
            _refuse_retained(received)
            self._response_topics.check(received)
            message = Message(
                id=_checked("id", message_id),
                socket=name,
                data=decode_payload(socket.encoding, received.payload),
                at=self._clock(),
                priority=_priority(properties),
                ttl=received.message_expiry,
                key=_checked("key", properties["key"]) if "key" in properties else _own_key(socket, received.topic),
                reply_to=reply_to,
                pool=pool,
            )
            self._take(message, received, done)
        except PayloadRefused as refused:
            done(refused, False)

    def submit(self, message: Message, received: Received, done: Done) -> None:
        """Take a message that a request brought: as ``receive`` does, but whoever asks wants to know at once.

        Raises:
            PayloadRefused: It can't be taken; ``storage_failed`` as long as the outbox was never open.
        """

        def noted(refused: PayloadRefused | None, repeated: bool) -> None:  # noqa: FBT001 - a Done
            if refused is not None:
                self._outbox.note_refused(origin(received), refused)
            done(refused, repeated)

        try:
            self._take(message, received, noted, hold=False)
        except PayloadRefused as refused:
            self._outbox.note_refused(origin(received), refused)
            raise

    def _take(self, message: Message, received: Received, done: Done, *, hold: bool = True) -> None:
        """Put a message into the outbox, and tell that it is queued; one that was taken before is not sent again.

        As long as the outbox was never open, a QoS 1 message is left unacknowledged, for the broker to keep.

        Args:
            message: The message.
            received: What brought it.
            done: Called once it is on disk, or with why it could not be written.
            hold: Whether it may wait for the outbox to be opened.

        Raises:
            PayloadRefused: It is too large for one datagram, too much waits already, or it can't wait and the outbox
                was never open.
        """
        settings = self._socket(message.socket)
        payload_on_air(settings, message.data)
        if message.ttl is None and settings.ttl is not None:
            message = replace(message, ttl=float(settings.ttl))
        highest = Priority[settings.highest_priority.name]
        if message.priority > highest:
            message = replace(message, priority=highest)

        def written(is_new: bool) -> None:  # noqa: FBT001 - what a future holds
            if is_new:
                if self._observer is not None:
                    self._observer.taken(message, received.topic)
                self._publish_interim(partial(self._receipts.of, message, ReceiptState.QUEUED, final=False))
            else:
                log.info("message %s was taken before and is not sent again", message.id)
            done(None, not is_new)

        def failed(error: StorageFailed) -> None:
            done(PayloadRefused("storage_failed", str(error)), False)

        def put() -> None:
            self._outbox.put(message, origin(received), written=written, failed=failed)

        if hold and received.acknowledgement is not None and (self._held or not self._outbox.loaded.is_set()):
            self._held.append((put, done))
        else:
            put()

    def _socket(self, name: str) -> SocketSettings:
        if name not in self._sockets:
            known = ", ".join(self._sockets) or "none"
            raise PayloadRefused("unknown_socket", f"there is no socket {name}; configured: {known}")
        return self._sockets[name]

    @property
    def _room_for_refusals(self) -> bool:
        return self._outbox.pending.unreceived < MOST_REFUSALS

    def _refuse_later(self, received: Received, write: Callable[[], None]) -> None:
        """Do without the receipt of a message that nobody keeps; the broker keeps the others until they are refused."""
        if received.acknowledgement is None:
            log.warning("%s: a message was refused without a receipt: %d wait", received.topic, MOST_REFUSALS)
            return
        self._refused_later.append(write)
        if self._next_refusals is None:
            self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        self._next_refusals = None
        while self._refused_later and self._room_for_refusals:
            self._refused_later.popleft()()
        if self._refused_later:
            self._next_refusals = asyncio.get_running_loop().call_later(REFUSED_LATER, self._refuse_waiting)

    def _check_pool(self, name: str, pool: str | None) -> None:
        socket = self._sockets.get(name)
        if pool is not None and (socket is None or socket.pool != pool):
            raise PayloadRefused("unknown_pool", f"this modem is no longer in the pool {pool}: publish it again")


def origin(received: Received) -> Origin | None:
    """Return what shows that the same packet came twice; None for QoS 0, where none does."""
    if received.acknowledgement is None:
        return None
    said = (received.topic, received.payload, received.correlation_data, received.user_properties)
    digest = hashlib.blake2b(repr(said).encode(), digest_size=16).digest()
    return Origin(received.acknowledgement.packet, digest, received.duplicate)


def _own_key(socket: SocketSettings, topic: str) -> str | None:
    """Return the key of a message that was given none: its topic, where only the newest of each is sent."""
    if socket.every is None and not socket.change:
        return None
    return topic if len(topic) <= LONGEST_ID else hashlib.sha256(topic.encode()).hexdigest()


def _refuse_retained(received: Received) -> None:
    if received.retain:
        raise PayloadRefused("retained", "retained messages are not sent: publish it without the retain flag")


def _checked(key: str, text: str) -> str:
    if not 0 < len(text) <= LONGEST_ID:
        raise PayloadRefused("invalid_property", f"{key} must have 1 to {LONGEST_ID} characters")
    return text


def _priority(properties: Mapping[str, str]) -> Priority:
    name = properties.get("priority", "normal")
    try:
        return Priority[name.upper()]
    except KeyError:
        allowed = ", ".join(priority.name.lower() for priority in Priority)
        raise PayloadRefused("invalid_property", f"priority must be one of {allowed}") from None
