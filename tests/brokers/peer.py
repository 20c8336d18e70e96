"""One connection of an MQTT client to a broker under test, which ends as the test wants it to."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.brokers.programs import HOST, V5

ANSWERS_WITHIN: Final = 20.0
"""Seconds until a broker has answered a packet that it must answer."""
HEARS_WITHIN: Final = 5.0
"""The same of a broker that may ignore a client; one that is only slow gets another connection for nothing."""
NOTHING: Final = "nobody/subscribes/to/this"
SHARE: Final = "$share/group/"
SESSION: Final = 3600
"""Seconds for which an MQTT 5 broker is asked to keep a session."""


class Unanswered(Exception):
    """The broker did not do what MQTT has it do: it ended the connection, refused it, or kept silent."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker is to publish, retained, when the connection breaks."""

    topic: str
    payload: bytes


class Peer:
    """A client that is connected for as long as the block lasts.

    Args:
        port: Where the broker listens.
        version: The version of MQTT.
        name: The client identifier.
        lasting: Whether the broker is to keep a session beyond the connection, and give the one that it has.
        will: The last will.
        acknowledges: Whether messages are acknowledged.
        user: Who it logs in as, by a password that is the same word.
        deaf: Whether the broker may accept a client and then ignore it: another connection is made until it does not.
        answers_within: Seconds until the broker has answered a packet that it must answer.
    """

    def __init__(
        self,
        port: int,
        version: MQTTProtocolVersion,
        name: str,
        *,
        lasting: bool = False,
        will: Will | None = None,
        acknowledges: bool = True,
        user: str | None = None,
        deaf: bool = False,
        answers_within: float = ANSWERS_WITHIN,
    ) -> None:
        self._port = port
        self._deaf = deaf
        self._answers_within = answers_within
        self._v5 = version is V5
        self._lasting = lasting
        self._loop = asyncio.get_running_loop()
        self._heard: list[MQTTMessage] = []
        self._came = asyncio.Event()
        self._filters: list[str] = []
        self._taken = 0
        self._answers: dict[tuple[str, int], asyncio.Future[int]] = {}
        self._ended = asyncio.Event()
        self.session_present = False
        self._paho = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if self._v5 else not lasting,
            protocol=version,
            reconnect_on_failure=False,
            manual_ack=not acknowledges,
        )
        self._paho.username_pw_set(user, user)
        if will is not None:
            self._paho.will_set(will.topic, will.payload, qos=1, retain=True)
        self._paho.on_connect = self._on_connect
        self._paho.on_disconnect = lambda *_: self._call(self._lost)
        self._paho.on_message = lambda _client, _data, message: self._call(self._hear, message)
        self._paho.on_publish = lambda _client, _data, packet, reason, _properties: self._call(
            self._answered, "publish", packet, reason.value
        )
        self._paho.on_subscribe = lambda _client, _data, packet, reasons, _properties: self._call(
            self._answered, "subscribe", packet, reasons[0].value
        )
        self._paho.on_unsubscribe = lambda _client, _data, packet, _reasons, _properties: self._call(
            self._answered, "unsubscribe", packet, 0
        )

    @property
    def waiting(self) -> Sequence[MQTTMessage]:
        """The messages that have come of what was subscribed to and were not returned yet."""
        return [each for each in self._heard if self._asked_for(each)][self._taken :]

    @property
    def strays(self) -> Sequence[MQTTMessage]:
        """The messages that were not asked for, and came all the same."""
        return [each for each in self._heard if not self._asked_for(each)]

    async def __aenter__(self) -> Self:
        """Connect. Raises Unanswered if the broker does not accept."""
        await self._begin()
        while self._deaf and not await self._is_heard():
            self._paho.disconnect()
            await self._end()
            self._answers.clear()
            self._ended.clear()
            await self._begin()
        return self

    async def _begin(self) -> None:
        accepted = self._expect("connect", 0)
        await asyncio.to_thread(self._connect)
        self._paho.loop_start()
        try:
            reason = await self._answer(accepted, "CONNECT")
        except Unanswered:
            await self.cut()
            raise
        if reason:
            await self.cut()
            raise Unanswered(f"CONNECT is refused with {reason}")

    async def _is_heard(self) -> bool:
        """Tell whether the broker answers what it must answer and what changes nothing."""
        _, packet = self._paho.unsubscribe(NOTHING)
        try:
            await self._answer(self._expect("unsubscribe", packet or 0), f"UNSUBSCRIBE from {NOTHING}", HEARS_WITHIN)
        except Unanswered:
            return False
        return True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect, unless the connection is cut."""
        if not self._ended.is_set():
            self._paho.disconnect()
        await self._end()

    async def cut(self) -> None:
        """Break the connection, as when the power fails."""
        connection = self._paho.socket()
        if isinstance(connection, socket.socket):
            with suppress(OSError):  # the broker was faster
                connection.shutdown(socket.SHUT_RDWR)
            await self._ended.wait()
        await self._end()

    async def subscribe(self, topic_filter: str) -> int:
        """Subscribe with QoS 1 and return the reason code of the answer."""
        self.resume(topic_filter.removeprefix(SHARE))
        if self._v5:
            options = SubscribeOptions(qos=1, retainAsPublished=True)
            _, packet = self._paho.subscribe(topic_filter, options=options)
        else:
            _, packet = self._paho.subscribe(topic_filter, qos=1)
        return await self._answer(self._expect("subscribe", packet or 0), f"SUBSCRIBE to {topic_filter}")

    async def publish(
        self, topic: str, *payloads: bytes, retain: bool = False, properties: Properties | None = None
    ) -> None:
        """Publish with QoS 1 and return when the broker has acknowledged all."""
        expected = []
        for payload in payloads:
            sent = self._paho.publish(topic, payload, qos=1, retain=retain, properties=properties)
            expected.append(self._expect("publish", sent.mid))
        for each in expected:
            await self._answer(each, f"PUBLISH to {topic}")

    async def messages(self, count: int, patience: float) -> Sequence[MQTTMessage]:
        """Return so many messages that were not returned before, or what came until all was quiet."""
        with suppress(TimeoutError):
            while len(self.waiting) < count:
                self._came.clear()
                async with asyncio.timeout(patience):
                    await self._came.wait()
        came = self.waiting[:count]
        self._taken += len(came)
        return came

    def resume(self, topic_filter: str) -> None:
        """Expect what the session has subscribed to before."""
        self._filters.append(topic_filter)

    def _asked_for(self, message: MQTTMessage) -> bool:
        return any(topic_matches_sub(each, message.topic) for each in self._filters)

    def _hear(self, message: MQTTMessage) -> None:
        self._heard.append(message)
        self._came.set()

    def _connect(self) -> None:
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION if self._lasting else 0
            self._paho.connect(HOST, self._port, clean_start=not self._lasting, properties=properties)
        else:
            self._paho.connect(HOST, self._port)

    async def _end(self) -> None:
        await asyncio.to_thread(self._paho.loop_stop)
        # paho keeps the sockets that wake its thread until it is collected
        self._paho._reset_sockets()

    def _expect(self, kind: str, packet: int) -> asyncio.Future[int]:
        return self._answers.setdefault((kind, packet), self._loop.create_future())

    async def _answer(self, expected: asyncio.Future[int], asked: str, within: float | None = None) -> int:
        ended = asyncio.create_task(self._ended.wait())
        either: set[asyncio.Future[Any]] = {expected, ended}
        await asyncio.wait(either, timeout=within or self._answers_within, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not expected.done():
            how = "the connection was ended" if self._ended.is_set() else "nothing came"
            raise Unanswered(f"{asked}: {how}")
        return expected.result()

    def _answered(self, kind: str, packet: int, reason: int) -> None:
        answer = self._expect(kind, packet)
        if not answer.done():
            answer.set_result(reason)

    def _lost(self) -> None:
        self._ended.set()

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        self.session_present = flags.session_present
        self._call(self._answered, "connect", 0, reason.value)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)
