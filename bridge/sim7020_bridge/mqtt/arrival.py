"""What comes over a connection, whatever the protocol version: the library's words become the bridge's."""

from dataclasses import dataclass
from typing import Any, Protocol

from sim7020_bridge.config.topic_names import topic_problem
from sim7020_bridge.errors import BrokerRefused
from sim7020_bridge.mqtt.messages import Acknowledgement, Received

LONGEST = 1024 * 1024
"""Longest message in bytes that is looked at; an MQTT 5 broker is told not to send longer ones."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker accepted the connection.

    Args:
        session_present: Whether the broker remembers the session.
        window: Publications that it takes before it acknowledges the first.
        max_packet: Bytes of the longest packet that it takes; None if it does not say.
    """

    session_present: bool
    window: int
    max_packet: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended: ``reason`` in words, ``refused`` if the broker refused this client."""

    reason: str
    refused: BrokerRefused | None = None


class Message(Protocol):
    """What is used of the library's message; its MQTT 5 properties are attributes that may be missing."""

    payload: bytes | bytearray
    qos: int
    retain: bool
    dup: bool
    mid: int
    properties: Any

    @property
    def topic(self) -> str:
        """The topic; raises UnicodeDecodeError if it isn't UTF-8."""


def received(message: Message, connection: int) -> Received:
    """Return a message that came over a connection; the topic is empty if it can't be read."""
    properties = message.properties
    response_topic = getattr(properties, "ResponseTopic", None)
    try:
        topic = message.topic
    except UnicodeDecodeError:
        topic = ""
    return Received(
        topic=topic,
        payload=bytes(message.payload),
        qos=message.qos,
        retain=message.retain,
        duplicate=message.dup,
        response_topic=None if response_topic is None or topic_problem(response_topic) else response_topic,
        correlation_data=getattr(properties, "CorrelationData", None),
        message_expiry=getattr(properties, "MessageExpiryInterval", None),
        user_properties=tuple(getattr(properties, "UserProperty", ())),
        acknowledgement=Acknowledgement(connection, message.mid) if message.qos else None,
    )


def problem(message: Received) -> str | None:
    """Say why a message can't be taken at all; None if it can."""
    if not message.topic:
        return "its topic is not UTF-8"
    if len(message.payload) > LONGEST:
        return f"it has {len(message.payload)} bytes, and at most {LONGEST} are taken"
    return None
