"""MQTT messages as the bridge sees them, whatever the library and the protocol version."""

from dataclasses import dataclass

_OVERHEAD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A message to publish; always with QoS 1.

    Args:
        topic: The topic name.
        payload: The bytes.
        retain: Whether the broker keeps it.
        correlation_data: For MQTT 5's response topics; left out on 3.1.1.
        expiry: Seconds after which the broker drops it, or None for never; left out on 3.1.1.
        answer: Whether it goes to a Response Topic, of which anybody can think of any number.
    """

    topic: str
    payload: bytes
    retain: bool = False
    correlation_data: bytes | None = None
    expiry: int | None = None
    answer: bool = False

    @property
    def size(self) -> int:
        """Bytes of its packet, at most."""
        return len(self.topic.encode()) + len(self.payload) + len(self.correlation_data or b"") + _OVERHEAD


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What it takes to acknowledge a received message, and only on the connection that it came over."""

    connection: int
    packet: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message that came.

    Args:
        topic: Where it was published.
        payload: The bytes.
        qos: 0 or 1; what was published with QoS 2 comes with 1.
        retain: Whether it was retained; for a topic without ``retain_as_published`` only if it is an old one.
        duplicate: Whether it may have come before. False proves nothing.
        response_topic: MQTT 5: where the sender wants to hear of it; always a valid topic name.
        correlation_data: MQTT 5: what goes with the answer.
        message_expiry: MQTT 5: seconds that were left to live when it came.
        user_properties: MQTT 5: in the order given; keys may repeat.
        acknowledgement: For MqttClient.acknowledge; None for QoS 0.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    duplicate: bool = False
    response_topic: str | None = None
    correlation_data: bytes | None = None
    message_expiry: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    acknowledgement: Acknowledgement | None = None
