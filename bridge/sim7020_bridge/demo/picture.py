"""What the demo knows, all of it from MQTT: how far the modem is, who it is, and every message out and back."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sim7020_bridge.config.model import SocketSettings
from sim7020_bridge.config.topic_names import matches
from sim7020_bridge.logs import printable
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.json_text import object_or_nothing
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.topics import Subscription, Topics

LAYERS: Final = (Layer.PORT, Layer.AT, Layer.SIM, Layer.RADIO, Layer.REGISTRATION, Layer.PDN, Layer.ONLINE)
"""The steps of attaching, in order."""

_ROWS: Final = 100
_REMEMBERED: Final = 65536
_OVERTAKEN: Final = 2.0
"""Longest time in seconds by which a broker may deliver a receipt before the message that it is about."""


@dataclass(slots=True)
class Outgoing:
    """A message to a socket; times are in seconds since the demo began.

    Args:
        socket: The socket's name.
        topic: Where it was published; empty while only its receipts are known.
        data: What was published.
        at: When it was heard of first.
        receipt_id: The id that the bridge gave it, once there is a receipt.
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
    """A message from a socket; ``at`` is in seconds since the demo began."""

    socket: str
    topic: str
    data: bytes
    at: float


class Picture:
    """Listens to one modem's topics and to those that its sockets map to.

    Args:
        topics: The modem's topics.
        sockets: Its sockets.
        seconds: Tells the time in seconds, from wherever.
        tell: Called with each thing worth a line: what it is about, and the words.
    """

    def __init__(
        self,
        topics: Topics,
        sockets: Sequence[SocketSettings],
        *,
        seconds: Callable[[], float],
        tell: Callable[[str, str], None],
    ) -> None:
        self.sockets: Final = tuple(sockets)
        self.available = False
        self.info: Mapping[str, Any] = {}
        self.state: Mapping[str, Any] = {}
        self.socket_states: dict[str, Mapping[str, Any]] = {}
        self.reached: dict[Layer, float] = {}
        self.entered = 0.0
        self.layer: Layer | None = None
        self.reason: str | None = None
        self.messages: deque[Outgoing | Incoming] = deque(maxlen=_ROWS)
        self._topics = topics
        self._seconds = seconds
        self._started = seconds()
        self._tell = tell
        self._came_back: dict[str, bytes] = {}
        self._changed = asyncio.Event()

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return self._seconds() - self._started

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All that there is to listen to."""
        mapped = [topic for socket in self.sockets for topic in (*socket.send_topics, socket.received_topic) if topic]
        return tuple(Subscription(topic) for topic in (f"{self._topics.root}/#", *mapped))

    @property
    def is_open(self) -> bool:
        """Whether the modem is online and every socket open."""
        phases = [self.socket_states.get(socket.name, {}).get("phase") for socket in self.sockets]
        return self.available and self.layer is Layer.ONLINE and all(phase == "open" for phase in phases)

    def came_back(self, socket: str, data: bytes) -> bool:
        """Say whether these bytes are among the last that a socket received."""
        return data in self._came_back.get(socket, b"")

    def touch(self) -> None:
        """Have everybody who waits for a fact look again."""
        self._changed.set()

    async def until(self, fact: Callable[[], bool]) -> None:
        """Return once ``fact`` holds. One at a time may wait."""
        while not fact():
            self._changed.clear()
            await self._changed.wait()

    def hear(self, received: Received) -> None:
        """Take in a message; what can't be read is passed over."""
        topic = received.topic
        if topic.startswith(f"{self._topics.root}/"):
            self._hear_modem(topic.removeprefix(f"{self._topics.root}/").split("/"), received)
        for socket in self.sockets:
            if topic == socket.received_topic:
                self._hear_incoming(socket, received)
            elif topic == self._topics.send(socket.name) or any(matches(sent, topic) for sent in socket.send_topics):
                self._sends(socket.name, topic, received.payload)
        self.touch()

    def _hear_modem(self, levels: list[str], received: Received) -> None:
        match levels:
            case ["availability"]:
                self._hear_availability(received.payload == b"online")
            case ["info"]:
                self.info = object_or_nothing(received.payload)
            case ["state"]:
                self._hear_state(object_or_nothing(received.payload))
            case ["socket", name, "state"]:
                self._hear_socket(name, object_or_nothing(received.payload))
            case ["socket", name, "receipt"]:
                self._hear_receipt(name, object_or_nothing(received.payload))
            case ["request", "send"]:
                self._hear_request(received)
            case ["alert", name] if received.payload:
                alert = object_or_nothing(received.payload)
                self._tell("alert", f"{name}: {alert.get('message')}. {alert.get('advice')}")

    def _hear_availability(self, available: bool) -> None:  # noqa: FBT001 - the only thing there is to hear
        if available != self.available:
            self.available = available
            self._tell("bridge", "is connected to the broker" if available else "is away")

    def _hear_state(self, state: Mapping[str, Any]) -> None:
        link = state.get("link", {})
        if not isinstance(link, dict) or link.get("layer") not in set(Layer):
            return
        self.state = state
        layer, reason = Layer(link["layer"]), link.get("reason")
        if (layer, reason) == (self.layer, self.reason):
            return
        now = self.elapsed
        if layer is not self.layer:
            self.entered = now
        self.layer, self.reason = layer, reason
        place = len(LAYERS) if layer is Layer.SLEEPING else LAYERS.index(layer)
        for holds in LAYERS[:place]:
            self.reached.setdefault(holds, now)
        for broken in LAYERS[place:]:
            self.reached.pop(broken, None)
        if layer is Layer.ONLINE:
            self.reached[layer] = now
        self._tell("modem", f"{layer}: {reason}" if reason else str(layer))

    def _hear_socket(self, name: str, state: Mapping[str, Any]) -> None:
        before = self.socket_states.get(name, {}).get("phase")
        self.socket_states[name] = state
        if state.get("phase") != before:
            error = state.get("last_error")
            why = f" ({error.get('name')})" if state.get("phase") == "backoff" and isinstance(error, dict) else ""
            self._tell("socket", f"{name} is {state.get('phase')}{why}")

    def _hear_request(self, received: Received) -> None:
        request = object_or_nothing(received.payload)
        data = request.get("data", request.get("data_hex", request.get("data_base64")))
        if isinstance(data, str) and request.get("socket") in {socket.name for socket in self.sockets}:
            self._sends(str(request["socket"]), received.topic, data.encode(errors="replace"))

    def _sends(self, name: str, topic: str, data: bytes) -> None:
        """Take in a message to a socket, whose first receipt may have been quicker."""
        self._tell("out", f"{name}: {topic}: {readable(data)}")
        for message in self._outgoing(name):
            if not message.topic and self.elapsed - message.at < _OVERTAKEN:
                message.topic, message.data = topic, data
                return
        self.messages.append(Outgoing(name, topic, data, self.elapsed))

    def _hear_incoming(self, socket: SocketSettings, received: Received) -> None:
        self._tell("back", f"{socket.name}: {received.topic}: {readable(received.payload)}")
        before = self._came_back.get(socket.name, b"")
        self._came_back[socket.name] = (before + received.payload)[-_REMEMBERED:]
        self.messages.append(Incoming(socket.name, received.topic, received.payload, self.elapsed))

    def _hear_receipt(self, name: str, receipt: Mapping[str, Any]) -> None:
        receipt_id, state = receipt.get("id"), receipt.get("state")
        if not isinstance(receipt_id, str) or not isinstance(state, str):
            return
        message = self._sent_as(name, receipt_id)
        message.receipt_id = receipt_id
        message.states.setdefault(state, self.elapsed)
        message.final = receipt.get("final") is True
        error = receipt.get("error")
        message.error = str(error.get("message")) if isinstance(error, dict) else None
        if message.final:
            self._tell("receipt", f"{name}: {state}" + (f": {message.error}" if message.error else ""))

    def _sent_as(self, name: str, receipt_id: str) -> Outgoing:
        """Find the message that a receipt is about.

        The bridge makes the ids of messages that have none. The first receipts of a socket come in the order of its
        messages, so a new id belongs to the oldest message that has none.
        """
        sent = self._outgoing(name)
        for message in sent:
            if message.receipt_id == receipt_id:
                return message
        for message in sent:
            if message.receipt_id is None:
                return message
        unknown = Outgoing(name, "", b"", self.elapsed)
        self.messages.append(unknown)
        return unknown

    def _outgoing(self, name: str) -> list[Outgoing]:
        return [message for message in self.messages if isinstance(message, Outgoing) and message.socket == name]


def readable(data: bytes) -> str:
    """Write bytes as one line that can do a terminal no harm."""
    return printable(data.decode(errors="backslashreplace"))
