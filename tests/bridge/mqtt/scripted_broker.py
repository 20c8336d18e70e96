"""A small MQTT 5 and 3.1.1 broker for one client, which does what a test tells it where real brokers do as they like.

It shares no code with the bridge or its library. Whatever the client publishes is noted; a rule decides how it is
answered. What is delivered to the client stays in the session until it is acknowledged.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 10, 11, 12, 13, 14
V5: Final = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """How a publication is answered: with PUBACK and a code, with DISCONNECT and a code, or by closing."""

    puback: int | None = 0
    disconnect: int | None = None
    close: bool = False


TAKE: Final = Answer()
CLOSE: Final = Answer(puback=None, close=True)
SILENCE: Final = Answer(puback=None)


@dataclass(frozen=True, slots=True)
class Published:
    """What the client published, and on which connection, counted from 1."""

    topic: str
    payload: bytes
    retain: bool
    duplicate: bool
    connection: int
    qos: int
    properties: bytes


@dataclass
class ScriptedBroker:
    """The broker; ``rule`` decides how each publication is answered, ``grants`` each subscription.

    It closes the connection over a subscription that is granted None, and ``thinks`` for so many seconds about others,
    which may be without end.
    ``admits`` gives the reason code of CONNACK for each client identifier, ``connack`` are its properties. ``gives``
    says whether what is retained comes to a subscription with a filter.
    """

    rule: Callable[[Published], Answer] = lambda _published: TAKE
    grants: Callable[[str], int | None] = lambda _topic_filter: 1
    gives: Callable[[str], bool] = lambda _topic_filter: False
    thinks: float = 0.0
    admits: Callable[[str], int] = lambda _client_id: 0
    connack: bytes = b""
    client_ids: list[str] = field(default_factory=list)
    pings: int = 0
    retained: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    taken: list[Published] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _subscribed: bool = False
    _session: dict[int, bytes] = field(default_factory=dict)
    _has_session: bool = False
    last: bytes = b""
    _version: int = V5
    _writer: asyncio.StreamWriter | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def forget_session(self) -> None:
        """Know nothing more of the client, as a broker does that was restarted without persistence."""
        self._session.clear()
        self._has_session = False

    def deliver(
        self, topic: str, payload: bytes, *, packet: int, user: tuple[str, str] | None = None, properties: bytes = b""
    ) -> None:
        """Publish to the client with QoS 1; it comes again, with DUP, until it is acknowledged."""
        if user is not None:
            properties += bytes([0x26]) + _text(user[0]) + _text(user[1])
        described = bytes([len(properties)]) + properties if self._version == V5 else b""
        body = _text(topic) + packet.to_bytes(2, "big") + described + payload
        self._session[packet] = body
        self._send(PUBLISH, 0b0010, body)

    def babble(self, packet: bytes) -> None:
        """Send what need not be MQTT."""
        if self._writer is not None:
            self._writer.write(packet)

    def answer_again(self) -> None:
        """Acknowledge what was published last."""
        self._send(PUBACK, 0, self.last)

    def disconnect(self, code: int) -> None:
        """Say why, and close the connection."""
        self._send(DISCONNECT, 0, bytes([code]))
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()

    async def until(self, condition: Callable[[], bool], *, within: float = 60.0) -> None:
        """Return once a condition holds for what was published or acknowledged."""
        async with asyncio.timeout(within):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._packet(reader, writer):
                self.news.set()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _packet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, body = await _read(reader)
        if writer.is_closing():
            return False
        match first >> 4:
            case 1:
                self._connect(body, writer)
            case 3:
                return self._publish(first, body)
            case 4:
                packet = int.from_bytes(body[:2], "big")
                self.acknowledged.append(packet)
                self._session.pop(packet, None)
            case 8:
                return self._subscribe(body)
            case 10:
                self.dropped.append(self._filter(body))
                self._send(UNSUBACK, 0, body[:2] + (b"\0\0" if self._version == V5 else b""))
            case 12:
                self.pings += 1
                self._send(PINGRESP, 0, b"")
            case 14:
                return False
        return True

    def _connect(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connections += 1
        self._version = body[6]
        start = 10 + (1 + body[10] if self._version == V5 else 0)
        self.client_ids.append(body[start + 2 : start + 2 + body[start + 1]].decode())
        code = self.admits(self.client_ids[-1])
        answer = bytes([self._has_session and not code, code])
        if self._version == V5:
            answer += bytes([len(self.connack)]) + self.connack
        self._send(CONNACK, 0, answer)
        if code:
            return
        self._has_session = True
        for again in self._session.values():
            self._send(PUBLISH, 0b1010, again)

    def _filter(self, body: bytes) -> str:
        start = 3 if self._version == V5 else 2
        return body[start + 2 : start + 2 + int.from_bytes(body[start : start + 2], "big")].decode()

    def _subscribe(self, body: bytes) -> bool:
        topic_filter = self._filter(body)
        self.asked.append(topic_filter)
        code = self.grants(topic_filter)
        if code is None:
            return False
        suback = body[:2] + (b"\0" if self._version == V5 else b"") + bytes([code])
        if self.thinks == math.inf:
            return True
        if self.thinks:
            asyncio.get_running_loop().call_later(self.thinks, self._send, SUBACK, 0, suback)
        else:
            self._send(SUBACK, 0, suback)
        if not self.gives(topic_filter):
            return True
        wanted = topic_filter.split("/")
        for topic, payload in self.retained.items():
            levels = topic.split("/")
            if len(levels) == len(wanted) and all(want in ("+", is_) for want, is_ in zip(wanted, levels, strict=True)):
                self._send(PUBLISH, 0b0001, _text(topic) + (b"\0" if self._version == V5 else b"") + payload)
        return True

    def _publish(self, first: int, body: bytes) -> bool:
        end = 2 + int.from_bytes(body[:2], "big")
        topic, packet, start = body[2:end].decode(), body[end : end + 2], end + 2
        properties = b""
        if self._version == V5:
            properties = body[start + 1 : start + 1 + body[start]]
            start += 1 + body[start]
        retain, duplicate, qos = bool(first & 1), bool(first & 8), first >> 1 & 3
        published = Published(topic, body[start:], retain, duplicate, self.connections, qos, properties)
        self.published.append(published)
        answer = self.rule(published)
        self.last = packet
        if answer.puback is not None:
            if answer.puback < 0x80:
                self.taken.append(published)
                if published.retain:
                    self.retained[topic] = published.payload
            self._send(PUBACK, 0, packet + (bytes([answer.puback]) if answer.puback else b""))
        if answer.disconnect is not None:
            self._send(DISCONNECT, 0, bytes([answer.disconnect]))
        return not (answer.close or answer.disconnect is not None)

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        length = b""
        rest = len(body)
        while True:
            rest, byte = divmod(rest, 128)[0], rest % 128
            length += bytes([byte | (0x80 if rest else 0)])
            if not rest:
                break
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(bytes([kind << 4 | flags]) + length + body)


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first, await reader.readexactly(length)


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()
