"""What comes over a connection, whatever the protocol version: the library's words become the bridge's."""

import logging
from dataclasses import dataclass
from typing import Any, Protocol

from sim7020_bridge.config.topic_names import topic_problem
from sim7020_bridge.mqtt.messages import Acknowledgement, Received
from sim7020_bridge.mqtt.refusals import Problem

SESSION_EXPIRY = 7 * 24 * 3600
"""How long an MQTT 5 broker keeps messages for a bridge that is away, in seconds."""

RECEIVE_MAXIMUM = 64
"""Messages that an MQTT 5 broker sends before the first of them is acknowledged."""

LONGEST = 1024 * 1024
"""Longest message in bytes that is looked at; an MQTT 5 broker is told not to send longer ones."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What a broker says that it has (MQTT 5.0 section 3.2.2.3); one that says nothing has everything.

    Args:
        window: Publications that it takes before it acknowledges the first; None if it does not say.
        max_packet: Bytes of the longest packet that it takes; None if it does not say.
        session_expiry: Seconds for which it keeps the session; None if it does as it was asked.
        qos_1: Whether it takes QoS 1.
        retain: Whether it keeps retained messages.
        shared: Whether it deals messages out to shared subscriptions.
        wildcards: Whether it has subscriptions with wildcards.
        assigned: The client identifier that it has given to the client; None if it has not.
    """

    window: int | None = None
    max_packet: int | None = None
    session_expiry: int | None = None
    qos_1: bool = True
    retain: bool = True
    shared: bool = True
    wildcards: bool = True
    assigned: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker accepted the connection; ``session_present`` is whether it remembers the session."""

    session_present: bool
    offers: Offers

    def session(self, *, had_one: bool) -> tuple[int, str]:
        """Say what became of the session, with the level of the log line; ``had_one`` is whether there was one."""
        kept = self.offers.session_expiry
        words = "the session was resumed" if self.session_present else "a new session"
        if kept:
            words += f", kept for {kept} s at most"
        if self.offers.assigned is not None:
            words += f", under the client identifier {self.offers.assigned}"
        if self.session_present or not had_one:
            return logging.INFO, words
        return logging.WARNING, f"{words}: what was published while the bridge was away is lost"


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended.

    Args:
        problem: Why.
        refused: Whether the broker did not let this client in, or not any more.
        taken_over: Whether another client has the session now.
        unreadable: What came that is not MQTT, in words; empty if that was not why.
    """

    problem: Problem
    refused: bool = False
    taken_over: bool = False
    unreadable: str = ""


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


def offers(properties: object) -> Offers:
    """Return what the properties of a CONNACK say, of which each may be missing."""
    return Offers(
        window=getattr(properties, "ReceiveMaximum", None),
        max_packet=getattr(properties, "MaximumPacketSize", None),
        session_expiry=getattr(properties, "SessionExpiryInterval", None),
        qos_1=bool(getattr(properties, "MaximumQoS", 1)),
        retain=bool(getattr(properties, "RetainAvailable", 1)),
        shared=bool(getattr(properties, "SharedSubscriptionAvailable", 1)),
        wildcards=bool(getattr(properties, "WildcardSubscriptionAvailable", 1)),
        assigned=getattr(properties, "AssignedClientIdentifier", None),
    )


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
