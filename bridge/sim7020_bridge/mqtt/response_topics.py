"""Where the bridge answers besides its own topics: whoever names a Response Topic has it written with its rights."""

import logging
from collections.abc import Sequence
from typing import Final

from sim7020_bridge.config.model import ModemSettings, MqttSettings
from sim7020_bridge.config.topic_names import matches
from sim7020_bridge.config.values import DISCOVERY_PREFIX
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.filters import Filters
from sim7020_bridge.mqtt.messages import Received

log: Final = logging.getLogger(__name__)

LONGEST: Final = 1024
"""Bytes of a Response Topic or of Correlation Data: both are kept with a message until its end."""


class ResponseTopics:
    """Which Response Topics are answered (MQTT 5.0 section 4.10): none that a bridge itself has a use for.

    It is asked again whenever something is published there: the configuration may have changed meanwhile.

    Of this bridge these are known. Another one's, under another base topic, can only be told by their look, unless the
    configuration says where answers may go.

    Args:
        mqtt: What the contract's topics start with, those of all modems and pools, and where answers may go.
        modems: Those of the configuration; the topics that it names are no one else's to answer on.
        discovery_prefix: What discovery topics start with; None if there are none.
    """

    def __init__(self, mqtt: MqttSettings, modems: Sequence[ModemSettings], *, discovery_prefix: str | None) -> None:
        self._own = tuple(prefix for prefix in (mqtt.base_topic, discovery_prefix) if prefix is not None)
        self._allowed = mqtt.response_topics
        self.change(modems)

    def change(self, modems: Sequence[ModemSettings]) -> None:
        """Go by other modems from now on."""
        self._told = False
        named = [topic for modem in modems for topic in _named(modem)]
        self._filters = Filters((topic_filter, True) for topic_filter in (*named, *(f"{own}/#" for own in self._own)))

    def check(self, received: Received) -> None:
        """Refuse a message whose answers would take more room than they are worth.

        Raises:
            PayloadRefused: ``invalid_property``.
        """
        for name, value in (
            ("Response Topic", (received.response_topic or "").encode()),
            ("Correlation Data", received.correlation_data or b""),
        ):
            if len(value) > LONGEST:
                raise PayloadRefused(
                    "invalid_property", f"the {name} has {len(value)} bytes, and at most {LONGEST} are kept"
                )

    def of(self, received: Received) -> str | None:
        """Return where the sender of a message is answered as well, or None."""
        topic = received.response_topic
        try:
            self.check(received)
        except PayloadRefused:
            return None
        if topic is None:
            return None
        problem = self._problem(topic)
        if problem is None:
            return topic
        log.warning("%s: not answered on %s, %s", received.topic, topic, problem)
        return None

    def still_allow(self, topic: str) -> bool:
        """Return whether a topic that was allowed once still is; the first that is not is logged."""
        problem = self._problem(topic)
        if problem is not None and not self._told:
            self._told = True
            log.warning("receipts go no longer to %s, %s; nor to others that are not allowed any more", topic, problem)
        return problem is None

    def _problem(self, topic: str) -> str | None:
        if self._filters.find(topic):
            return "which is the bridge's own"
        if self._allowed is None:
            own = _like_a_bridge(topic)
            return "which looks like another bridge's own; mqtt.response_topics may allow it" if own else None
        allowed = any(matches(each, topic) for each in self._allowed)
        return None if allowed else "which mqtt.response_topics does not allow"


def _like_a_bridge(topic: str) -> bool:
    """Whether a topic has the shape of the contract's, under whatever base topic, or of discovery's usual ones."""
    match topic.split("/"):
        case (
            [_, *_, "announce"]
            | [_, *_, _, "availability" | "info" | "state" | "event" | "component"]
            | [_, *_, _, "alert" | "request", _]
            | [_, *_, _, "socket", _, "state" | "send" | "received" | "receipt"]
            | [_, *_, "pool", _, "send" | "receipt"]
        ):
            return True
        case [_, *_, _, "response", verb]:
            return verb.replace("_", "").isalpha()
        case [first, *_, "status" | "config"]:
            return first == DISCOVERY_PREFIX
    return False


def _named(modem: ModemSettings) -> list[str]:
    """Return the topics and filters that a modem's configuration names."""
    power = modem.recovery.power
    topics = [power.topic if power is not None else None]
    for socket in modem.sockets:
        topics += [*socket.send_topics, socket.received_topic, socket.dead_letter_topic]
    return [topic for topic in topics if topic is not None]
