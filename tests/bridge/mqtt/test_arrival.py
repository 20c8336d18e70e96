"""What the library's message becomes."""

import pytest
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sim7020_bridge.mqtt.arrival import received


def with_response_topic(topic: str) -> MQTTMessage:
    """Return a message that asks for an answer there."""
    message = MQTTMessage(1, b"to/me")
    message.properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    message.properties.ResponseTopic = topic
    return message


def test_a_response_topic() -> None:
    """It arrives as it was given."""
    assert received(with_response_topic("answer/here"), 1).response_topic == "answer/here"


@pytest.mark.parametrize("topic", ["", "answer/#", "+/answer", "$SYS/answer", "answer\x00", "\ud800"], ids=ascii)
def test_a_response_topic_that_is_none(topic: str) -> None:
    """What can't be published to is no response topic; some brokers let it through, others hang up on the sender."""
    assert received(with_response_topic(topic), 1).response_topic is None
