"""One broker connection of one modem, driven by asyncio: the only file that knows paho."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.mqtt.topics import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A message to publish.

    Args:
        topic: The topic name.
        payload: The bytes.
        retain: Whether the broker keeps it.
        qos: 0 or 1.
        correlation_data: For MQTT 5's response topics; left out on 3.1.1.
        expiry: Seconds after which the broker drops it, or None for never; left out on 3.1.1.
    """

    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 1
    correlation_data: bytes | None = None
    expiry: int | None = None


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


@dataclass(frozen=True, slots=True)
class ClientTiming:
    """Every duration of a broker connection, in seconds.

    Args:
        connect: Longest wait for the connection and, again, for the broker's answer to it.
        first_retry: Wait before the first new attempt; doubled for each further one, then shortened by up to half.
        last_retry: Longest such wait.
        refused_retry: Shortest wait after the broker said no.
        stable: A connection that lasted this long starts the next wait at the beginning.
        farewell: Longest wait for the last publications and the disconnection.
        tick: How often keep-alive is looked at.
    """

    connect: float = 10.0
    first_retry: float = 1.0
    last_retry: float = 60.0
    refused_retry: float = 30.0
    stable: float = 30.0
    farewell: float = 3.0
    tick: float = 1.0


class MqttClient:
    """Keeps one connection to the broker, with a persistent session.

    Every method belongs to the event loop's thread.

    Args:
        settings: The broker.
        client_id: The MQTT client identifier, which names the session.
        will: What the broker publishes when this client vanishes.
        farewell: What is published before a clean disconnection.
        subscriptions: What to listen to; asked for again at every connection.
        on_connect: Called at every connection, once messages can be published.
        on_message: Called for each message. Whoever takes it acknowledges it, at once or later.
        timing: The durations.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        will: Publication,
        farewell: Sequence[Publication] = (),
        subscriptions: Sequence[Subscription],
        on_connect: Callable[[], None],
        on_message: Callable[[Received], None],
        timing: ClientTiming | None = None,
    ) -> None: ...

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted this client."""
        return False

    async def wait_connected(self) -> None:
        """Return when the broker has accepted this client."""

    async def run(self) -> None:
        """Stay connected until cancelled; then say farewell and disconnect."""

    def publish(self, publication: Publication) -> None:
        """Publish without waiting.

        While the broker is away, QoS 1 is queued up to a bound, beyond which the oldest is dropped, and QoS 0 is
        dropped. A later retained message replaces an earlier one of the same topic in the queue.
        """

    async def publish_acknowledged(self, publication: Publication) -> None:
        """Publish with QoS 1 and return when the broker has acknowledged; waits as long as the broker is away.

        Cancelling withdraws the message if it has not been sent yet.

        Raises:
            PayloadRefused: The broker will not have this message.
        """

    def acknowledge(self, received: Received) -> None:
        """Tell the broker that a QoS 1 message is done with, so that it does not come again.

        A message from an earlier connection is left alone: the broker delivers it again.
        """
