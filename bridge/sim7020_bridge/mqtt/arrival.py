"""What a message that came says, whatever the protocol version: a library's message becomes the bridge's."""

from typing import Protocol

from sim7020_bridge.config.topic_names import topic_problem
from sim7020_bridge.mqtt.messages import Acknowledgement, Received

LONGEST = 1024 * 1024
"""Longest message in bytes that is looked at; an MQTT 5 broker is told not to send longer ones."""


class Message(Protocol):
    """What is used of the library's message; its MQTT 5 properties are attributes that may be missing."""

    qos: int
    retain: bool
    dup: bool
    mid: int

    @property
    def payload(self) -> bytes | bytearray:
        """The bytes."""

    @property
    def properties(self) -> object:
        """The properties; None without any."""

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
