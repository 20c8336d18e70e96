"""Where the bridge answers besides its own topics."""

from dataclasses import replace

import pytest

from sim7020_bridge.config.model import (
    ModemSettings,
    MqttSettings,
    PowerHookSettings,
    RecoverySettings,
    SocketSettings,
    Transport,
)
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.response_topics import ResponseTopics

NB = MqttSettings("broker", base_topic="nb/iot")
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
    assert answer(ResponseTopics(NB, [SHED, ATTIC], discovery_prefix="homeassistant"), own) is None


@pytest.mark.parametrize(
    "topic",
    [
        "me/answers",
        "nb/iots",
        "nb",
        "garden/1/wish/too",
        "homeassistant",
        "my/status",
        "my/config",
        "my/state",
        "my/app/response/42",
    ],
)
def test_others(topic: str) -> None:
    """Any other topic is."""
    assert answer(ResponseTopics(NB, [SHED, ATTIC], discovery_prefix=None), topic) == topic


@pytest.mark.parametrize(
    "topic",
    [
        "other/shed/availability",
        "other/shed/info",
        "a/b/shed/state",
        "other/shed/event",
        "other/shed/component",
        "other/shed/alert/sim_puk",
        "other/shed/request/reset",
        "other/shed/response/set_apn",
        "other/shed/socket/a/send",
        "other/shed/socket/a/received",
        "other/shed/socket/a/receipt",
        "other/shed/socket/a/state",
        "other/pool/meters/send",
        "other/pool/meters/receipt",
        "other/announce",
        "a/b/announce",
        "homeassistant/status",
        "homeassistant/device/sim7020_1/config",
        "homeassistant/sensor/x/y/config",
    ],
)
def test_another_bridge(topic: str) -> None:
    """A topic with the look of another bridge's is not answered on, unless the configuration allows it."""
    assert answer(ResponseTopics(NB, [SHED], discovery_prefix=None), topic) is None
    allowing = replace(NB, response_topics=("other/#", "a/#", "homeassistant/#"))
    assert answer(ResponseTopics(allowing, [SHED], discovery_prefix=None), topic) == topic


def test_allowed_topics() -> None:
    """Where the configuration says where answers may go they go nowhere else, and never to the bridge's own."""
    topics = ResponseTopics(replace(NB, response_topics=("answers/+", "nb/#")), [SHED], discovery_prefix=None)
    assert answer(topics, "answers/me") == "answers/me"
    assert answer(topics, "answers") is None
    assert answer(topics, "answers/me/too") is None
    assert answer(topics, "elsewhere") is None
    assert answer(topics, "nb/iot/shed/state") is None
    assert answer(topics, "nb/x") == "nb/x"
    nowhere = ResponseTopics(replace(NB, response_topics=()), [SHED], discovery_prefix=None)
    assert answer(nowhere, "answers/me") is None


def test_none() -> None:
    """Who names none is answered nowhere else."""
    assert answer(ResponseTopics(NB, [SHED], discovery_prefix=None), None) is None


def test_change() -> None:
    """What is configured later counts from then on."""
    topics = ResponseTopics(NB, [SHED], discovery_prefix=None)
    assert answer(topics, "garden/in") == "garden/in"
    topics.change([SHED, ATTIC])
    assert answer(topics, "garden/in") is None


def test_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    """What was allowed once may be no longer; that is told once, not for each receipt, and again after a change."""
    topics = ResponseTopics(NB, [SHED], discovery_prefix=None)
    assert topics.still_allow("garden/1/wish")
    assert not caplog.records
    for _ in range(2):
        topics.change([SHED, ATTIC])
        caplog.clear()
        assert not topics.still_allow("garden/1/wish")
        assert not topics.still_allow("garden/2/wish")
        assert topics.still_allow("me/answers")
        assert len(caplog.records) == 1
