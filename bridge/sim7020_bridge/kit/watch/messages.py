"""Messages to and from a modem's sockets, put together from what is published about them."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim7020_bridge.config.topic_names import filter_problem, matches
from sim7020_bridge.logs import printable
from sim7020_bridge.mqtt.json_text import object_or_nothing
from sim7020_bridge.mqtt.messages import Received

KEPT: Final = 200
"""Messages that are kept to be shown, more than a terminal has lines."""

OVERTAKEN: Final = 2.0
"""Longest time in seconds by which a broker may deliver a receipt before the message that it is about."""


@dataclass(slots=True)
class Outgoing:
    """A message to a socket; times are in seconds since listening began.

    Args:
        socket: The socket's name.
        topic: Where it was published; empty while only its receipts are known.
        data: What was published.
        at: When it was heard of first.
        receipt_id: The id that its sender gave it, or the bridge, once there is a receipt.
        states: The states that its receipts told, and when.
        final: Whether the last of them was final.
        error: Why it was not sent, if so.
    """

    socket: str
    topic: str
    data: bytes
    at: float
    receipt_id: str | None = None
    states: dict[str, float] = field(default_factory=dict)
    final: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from a socket; ``at`` is in seconds since listening began."""

    socket: str
    topic: str
    data: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Mapped:
    """A socket and the topics that map to it, as ``info`` tells them."""

    name: str
    send_topics: tuple[str, ...]
    received_topic: str


class Messages:
    """The last messages of one modem, the oldest first.

    Args:
        elapsed: Tells the seconds since listening began.
        tell: Called with each thing worth a line: what it is about, and the words.
    """

    def __init__(self, elapsed: Callable[[], float], tell: Callable[[str, str], None]) -> None:
        self.sockets: tuple[Mapped, ...] = ()
        self._elapsed = elapsed
        self._tell = tell
        self._messages: deque[Outgoing | Incoming] = deque(maxlen=KEPT)

    def __iter__(self) -> Iterator[Outgoing | Incoming]:
        return iter(self._messages)

    def outgoing(self, socket: str) -> list[Outgoing]:
        """Return the messages to a socket."""
        return [each for each in self._messages if isinstance(each, Outgoing) and each.socket == socket]

    @property
    def topics(self) -> frozenset[str]:
        """Where messages to and from the sockets are published."""
        return frozenset(topic for socket in self.sockets for topic in (*socket.send_topics, socket.received_topic))

    def learn_sockets(self, info: Mapping[str, Any]) -> None:
        """Take from the contract's ``info`` which topics map to which socket; what can't be read is left out."""
        sockets = info.get("sockets")
        self.sockets = (
            tuple(_mapped(socket) for socket in sockets if isinstance(socket, dict))
            if isinstance(sockets, list)
            else ()
        )

    def hear(self, received: Received) -> None:
        """Take what was published on any topic; what maps to no socket is passed over."""
        for socket in self.sockets:
            if any(matches(pattern, received.topic) for pattern in socket.send_topics):
                given = dict(received.user_properties).get("id")
                self._sent(socket.name, received.topic, received.payload, given)
            if received.topic == socket.received_topic:
                self._tell("back", f"{socket.name}: {received.topic}: {readable(received.payload)}")
                self._messages.append(Incoming(socket.name, received.topic, received.payload, self._elapsed()))

    def hear_request(self, received: Received) -> None:
        """Take a request to send."""
        request = object_or_nothing(received.payload)
        data = request.get("data", request.get("data_hex", request.get("data_base64")))
        if isinstance(data, str) and request.get("socket") in [socket.name for socket in self.sockets]:
            given = request.get("id")
            payload = data.encode(errors="replace")
            self._sent(str(request["socket"]), received.topic, payload, given if isinstance(given, str) else None)

    def hear_receipt(self, socket: str, receipt: Mapping[str, Any]) -> None:
        """Take a receipt."""
        receipt_id, state = receipt.get("id"), receipt.get("state")
        if not isinstance(receipt_id, str) or not isinstance(state, str):
            return
        message = self._with_receipt(socket, receipt_id)
        message.receipt_id = receipt_id
        message.states.setdefault(state, self._elapsed())
        message.final = receipt.get("final") is True
        error = receipt.get("error")
        message.error = str(error.get("message")) if isinstance(error, dict) else None
        if message.final:
            self._tell("receipt", f"{socket}: {state}" + (f": {message.error}" if message.error else ""))

    def _sent(self, socket: str, topic: str, data: bytes, given: str | None) -> None:
        """Take in a message to a socket, whose first receipt may have been quicker; what has an id may come again."""
        self._tell("out", f"{socket}: {topic}: {readable(data)}")
        sent = self.outgoing(socket)
        for message in sent:
            overtaken = not message.topic and self._elapsed() - message.at < OVERTAKEN
            if overtaken and given in {None, message.receipt_id}:
                message.topic, message.data = topic, data
                return
        if given is None or all(message.receipt_id != given for message in sent):
            self._messages.append(Outgoing(socket, topic, data, self._elapsed(), given))

    def _with_receipt(self, socket: str, receipt_id: str) -> Outgoing:
        """Find the message that a receipt is about.

        The bridge makes the ids of messages that have none. The first receipts of a socket come in the order of its
        messages, so a new id belongs to the oldest message that has none.
        """
        sent = self.outgoing(socket)
        known = [message for message in sent if message.receipt_id == receipt_id]
        known += [message for message in sent if message.receipt_id is None]
        if not known:
            known = [Outgoing(socket, "", b"", self._elapsed())]
            self._messages.append(known[0])
        return known[0]


def readable(data: bytes) -> str:
    """Write bytes as one line that can do a terminal no harm."""
    return printable(data.decode(errors="backslashreplace"))


def _mapped(socket: Mapping[str, Any]) -> Mapped:
    topics = socket.get("send_topics")
    filters = tuple(topic for topic in topics if isinstance(topic, str)) if isinstance(topics, list) else ()
    return Mapped(
        str(socket.get("name")),
        tuple(pattern for pattern in filters if not filter_problem(pattern)),
        str(socket.get("received_topic")),
    )
