"""Where the bridge answers besides its own topics."""

import pytest

from sim7020_bridge.config.model import (
    ModemSettings,
    PowerHookSettings,
    RecoverySettings,
    SocketSettings,
    Transport,
)
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.response_topics import ResponseTopics

SHED = ModemSettings("shed", "/dev/ttyUSB0", recovery=RecoverySettings(power=PowerHookSettings(topic="plug/set")))
SOCKET = SocketSettings(
    "a", Transport.UDP, "h", 1, send_topics=("garden/+/wish",), received_topic="garden/in", dead_letter_topic="dead"
)
ATTIC = ModemSettings("attic", "/dev/ttyUSB1", sockets=(SOCKET,))


def answer(topics: ResponseTopics, topic: str | None) -> str | None:
    """Return where a message is answered that names a topic."""
    return topics.of(Received(topic="t", payload=b"", response_topic=topic))


@pytest.mark.parametrize(
    "own",
    [
        "nb/iot",
        "nb/iot/shed/state",
        "nb/iot/attic/availability",
        "nb/iot/elsewhere/socket/a/send",
        "nb/iot/pool/meters/receipt",
        "garden/1/wish",
        "garden/in",
        "dead",
        "plug/set",
        "homeassistant/device/sim7020_1/config",
    ],
)
def test_own_topics(own: str) -> None:
    """No modem's topic is answered on, nor one that any modem's configuration names."""
    assert answer(ResponseTopics("nb/iot", [SHED, ATTIC], discovery_prefix="homeassistant"), own) is None


@pytest.mark.parametrize("topic", ["me/answers", "nb/iots", "nb", "garden/1/wish/too", "homeassistant/status"])
def test_others(topic: str) -> None:
    """Any other topic is."""
    assert answer(ResponseTopics("nb/iot", [SHED, ATTIC], discovery_prefix=None), topic) == topic


def test_none() -> None:
    """Who names none is answered nowhere else."""
    assert answer(ResponseTopics("nb/iot", [SHED], discovery_prefix=None), None) is None


def test_change() -> None:
    """What is configured later counts from then on."""
    topics = ResponseTopics("nb/iot", [SHED], discovery_prefix=None)
    assert answer(topics, "garden/in") == "garden/in"
    topics.change([SHED, ATTIC])
    assert answer(topics, "garden/in") is None
