"""MQTT messages to sockets, and what comes back to MQTT."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.commands.sockets import LARGEST_PAYLOAD
from sim7020_bridge.config.model import Transport
from sim7020_bridge.errors import BridgeError, CommandRefused, LineError, ModuleSilent, PayloadRefused
from sim7020_bridge.modem.socket import ModemSocket, SocketLost
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.mqtt.documents import ErrorDocument, ReceiptDocument, ReceiptState
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.payloads import decode_payload, encode_payload
from sim7020_bridge.mqtt.topics import Inbox, Topics
from sim7020_bridge.outbox.message import LONGEST_ID, Message, Priority, ReplyTo, new_id
from sim7020_bridge.outbox.outbox import Outbox

log: Final = logging.getLogger(__name__)

ATTEMPTS: Final = 3
"""How often a message is given to a module that refuses it, each time on a socket opened afresh."""


class Router:
    """Carries messages between one modem's sockets and MQTT.

    Args:
        sockets: The modem's.
        topics: The modem's.
        inbox: What the modem listens to; a response topic that is in it is not answered.
        publish: Hands a publication to the broker; must not block.
        on_change: Called when messages came to wait or went.
        clock: For the times in receipts and envelopes.
    """

    def __init__(
        self,
        sockets: Sockets,
        *,
        topics: Topics,
        inbox: Inbox,
        publish: Callable[[Publication], None],
        on_change: Callable[[], None],
        clock: Clock = wall_clock,
    ) -> None:
        self._sockets = sockets
        self._topics = topics
        self._inbox = inbox
        self._publish = publish
        self._clock = clock
        self.outbox = Outbox(on_expired=self._expired, on_change=on_change)

    async def run(self) -> None:
        """Carry what waits to its sockets until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for socket in self._sockets:
                tasks.create_task(self._serve(socket), name=f"router: {socket.settings.name}")

    def take(self, name: str, received: Received) -> None:
        """Take a message from a socket's send topic; whatever is wrong with it goes into a receipt."""
        properties = dict(received.user_properties)
        message_id = properties.get("id") or new_id()
        reply_to = self._reply_to(received)
        try:
            socket = self.socket(name)
            _refuse_retained(received)
            self.submit(
                Message(
                    id=_checked("id", message_id),
                    socket=name,
                    data=decode_payload(socket.settings.encoding, received.payload),
                    at=self._clock(),
                    priority=_priority(properties),
                    ttl=received.message_expiry,
                    key=_checked("key", properties["key"]) if "key" in properties else None,
                    reply_to=reply_to,
                )
            )
        except PayloadRefused as refused:
            log.warning("%s: message refused: %s", received.topic, refused)
            error = ErrorDocument(refused.code, refused.message)
            self._tell(message_id[:LONGEST_ID], name, ReceiptState.REJECTED, reply_to=reply_to, error=error)

    def socket(self, name: str) -> ModemSocket:
        """Return a socket by name.

        Raises:
            PayloadRefused: ``unknown_socket``.
        """
        socket = self._sockets.get(name)
        if socket is None:
            known = ", ".join(socket.settings.name for socket in self._sockets) or "none"
            raise PayloadRefused("unknown_socket", f"there is no socket {name}; configured: {known}")
        return socket

    def submit(self, message: Message) -> None:
        """Take a message in, and tell that it is queued.

        Raises:
            PayloadRefused: It is too large for one datagram, or too much waits already.
        """
        socket = self.socket(message.socket)
        if socket.settings.transport is Transport.UDP and len(message.data) > LARGEST_PAYLOAD:
            problem = f"{len(message.data)} bytes don't fit: one datagram of this module takes {LARGEST_PAYLOAD}"
            raise PayloadRefused("too_large", problem)
        superseded = self.outbox.put(message)
        if superseded is not None:
            self._receipt(superseded, ReceiptState.SUPERSEDED)
        self._receipt(message, ReceiptState.QUEUED)

    def deliver(self, socket: ModemSocket, data: bytes) -> None:
        """Publish what came from the network."""
        settings = socket.settings
        peer = f"{socket.state.address or settings.host}:{settings.port}"
        payload = encode_payload(settings.encoding, data, self._clock(), peer)
        for topic in dict.fromkeys((self._topics.received(settings.name), settings.received_topic)):
            if topic is not None:
                self._publish(Publication(topic=topic, payload=payload))

    async def _serve(self, socket: ModemSocket) -> None:
        name = socket.settings.name
        while True:
            await self.outbox.wait(name)
            await socket.wait_open()
            message = self.outbox.take(name)
            if message is not None:
                await self._send(socket, message)

    async def _send(self, socket: ModemSocket, message: Message) -> None:
        attempts = 0
        while True:
            if not await self._open_in_time(socket, message):
                self._expired(message)
                return
            self._receipt(message, ReceiptState.SENDING, attempts=attempts + 1)
            try:
                acknowledged = await socket.send(message.data)
            except (SocketLost, LineError) as error:
                log.info("message %s was interrupted: %s", message.id, error)
            except (CommandRefused, ModuleSilent) as error:
                attempts += 1
                if attempts >= ATTEMPTS:
                    self._failed(message, "module_refused", error, attempts=attempts)
                    return
            else:
                self._accepted(socket, message, acknowledged, attempts=attempts + 1)
                return

    async def _open_in_time(self, socket: ModemSocket, message: Message) -> bool:
        """Return once the socket is open, or False when the message is not worth sending any more."""
        left = None
        if message.ttl is not None:
            left = message.ttl - (self._clock() - message.at).total_seconds()
            if left <= 0:
                return False
        try:
            async with asyncio.timeout(left):
                await socket.wait_open()
        except TimeoutError:
            return False
        return True

    def _accepted(
        self, socket: ModemSocket, message: Message, acknowledged: "asyncio.Future[None]", *, attempts: int
    ) -> None:
        self._receipt(message, ReceiptState.ACCEPTED, attempts=attempts, final=not socket.acknowledges)
        if not socket.acknowledges:
            return

        def tell(done: "asyncio.Future[None]") -> None:
            error = None if done.cancelled() else done.exception()
            if isinstance(error, BridgeError):
                self._failed(message, "socket_lost", error, attempts=attempts)
            elif error is None:
                self._receipt(message, ReceiptState.ACKNOWLEDGED, attempts=attempts)

        acknowledged.add_done_callback(tell)

    def _expired(self, message: Message) -> None:
        error = ErrorDocument("expired", f"the message waited longer than its ttl of {message.ttl or 0:g} s")
        self._receipt(message, ReceiptState.EXPIRED, error=error)

    def _failed(self, message: Message, code: str, error: BridgeError, *, attempts: int) -> None:
        log.warning("message %s failed: %s", message.id, error)
        self._receipt(message, ReceiptState.FAILED, attempts=attempts, error=ErrorDocument(code, str(error)))

    def _receipt(
        self,
        message: Message,
        state: ReceiptState,
        *,
        attempts: int = 0,
        final: bool | None = None,
        error: ErrorDocument | None = None,
    ) -> None:
        self._tell(
            message.id,
            message.socket,
            state,
            size=len(message.data),
            attempts=attempts,
            final=final,
            error=error,
            reply_to=message.reply_to,
        )

    def _tell(
        self,
        message_id: str,
        socket: str,
        state: ReceiptState,
        *,
        size: int | None = None,
        attempts: int = 0,
        final: bool | None = None,
        error: ErrorDocument | None = None,
        reply_to: ReplyTo | None = None,
    ) -> None:
        receipt = ReceiptDocument(
            id=message_id,
            socket=socket,
            state=state,
            final=state not in _PASSING if final is None else final,
            at=self._clock(),
            bytes=size,
            attempts=attempts,
            error=error,
        )
        payload = dump(receipt)
        self._publish(Publication(topic=self._topics.receipt(socket), payload=payload))
        if reply_to is not None:
            self._publish(
                Publication(topic=reply_to.topic, payload=payload, correlation_data=reply_to.correlation_data)
            )

    def _reply_to(self, received: Received) -> ReplyTo | None:
        topic = received.response_topic
        if topic is None or self._inbox.destination(topic) is not None:
            return None
        return ReplyTo(topic, received.correlation_data)


_PASSING: Final = frozenset({ReceiptState.QUEUED, ReceiptState.SENDING, ReceiptState.ACCEPTED})


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
