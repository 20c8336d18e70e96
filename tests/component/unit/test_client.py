"""Requests, what may come back, and what must never go out."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.components import mqtt as mqtt_integration
from homeassistant.components.mqtt.const import MQTT_CONNECTION_STATE
from homeassistant.core import CALLBACK_TYPE, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.sim7020 import client
from custom_components.sim7020.client import Client
from custom_components.sim7020.errors import (
    REFUSALS,
    BridgeOffline,
    BrokerUnreachable,
    Interrupted,
    NoReceipt,
    NoResponse,
    NotSent,
    RequestRefused,
)
from tests.component.unit.kit import Bridge, Document, document, ok, refused, set_up


async def client_of(hass: HomeAssistant, bridge: Bridge) -> Client:
    """Set a modem up and return its client."""
    bridge.serve()
    found = (await set_up(hass)).runtime_data.client
    assert isinstance(found, Client)
    return found


def receipts(bridge: Bridge, *names: str) -> None:
    """Have the bridge take messages, and follow each by these golden receipts."""

    def take(body: Document) -> Document:
        for name in names:
            receipt = document(name) | {"id": body["id"], "socket": body["socket"]}
            bridge.publish(f"socket/{body['socket']}/receipt", receipt, retain=False)
        return ok({"id": body["id"], "socket": body["socket"], "state": "queued"})

    bridge.answers["send"] = take


async def test_a_request_expires_and_goes_out_once(hass: HomeAssistant, bridge: Bridge, mqtt: MqttMockHAClient) -> None:
    """With QoS 0, not retained, and with a time after which a bridge refuses it."""
    asked = await client_of(hass, bridge)
    golden = document("response-resolve")["data"]
    bridge.answers["resolve"] = golden
    mqtt.async_publish.reset_mock()
    assert await asked.async_request("resolve", {"name": "example.net"}) == golden
    mqtt.async_publish.assert_called_once()
    assert mqtt.async_publish.call_args.args[2:4] == (0, False)
    ((topic, body),) = bridge.requests
    assert topic == "sim7020/shed/request/resolve"
    left = dt_util.parse_datetime(body["expires"], raise_on_error=True) - dt_util.utcnow()
    assert timedelta() < left <= client.EXPIRES_AFTER


async def test_an_answer_without_data_is_empty(hass: HomeAssistant, bridge: Bridge) -> None:
    """Requests without a body or a result need neither."""
    asked = await client_of(hass, bridge)
    bridge.answers["refresh"] = {}
    assert await asked.async_request("refresh") == {}


async def test_answers_find_their_request(hass: HomeAssistant, bridge: Bridge) -> None:
    """By their transaction; those to others and those that come twice are passed over."""
    asked = await client_of(hass, bridge)

    def answer(body: Document) -> Document:
        bridge.publish("response/resolve", ok({"name": "stranger"}) | {"transaction": "stranger"}, retain=False)
        bridge.publish("response/resolve", ok({"name": "first"}) | {"transaction": body["transaction"]}, retain=False)
        return ok({"name": "second"})

    bridge.answers["resolve"] = answer
    assert await asked.async_request("resolve", {"name": "x"}) == {"name": "first"}


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (refused("levitating", "come back tomorrow"), "levitating", "come back tomorrow"),
        *((refused(code, "because"), code, "too many|too late|because") for code in REFUSALS),
        ({"status": "error", "data": None, "error": None}, "unknown", "unknown"),
        ({}, "unknown", "unknown"),
    ],
)
async def test_a_refusal_is_raised(
    hass: HomeAssistant, bridge: Bridge, answer: Document, code: str, words: str
) -> None:
    """With the bridge's code for machines and its words for people."""
    asked = await client_of(hass, bridge)
    bridge.answers["refresh"] = lambda _: answer
    with pytest.raises(RequestRefused, match=words) as raised:
        await asked.async_request("refresh")
    assert raised.value.code == code
    assert str(raised.value) not in {"", raised.value.translation_key}


async def test_silence_is_raised(hass: HomeAssistant, bridge: Bridge) -> None:
    """Nobody knows then what the bridge did."""
    asked = await client_of(hass, bridge)
    with pytest.raises(NoResponse, match=r"refresh within 0\.01 s"):
        await asked.async_request("refresh", within=0.01)


async def test_without_the_bridge_nothing_goes_out(hass: HomeAssistant, bridge: Bridge) -> None:
    """Not now and not when it is back."""
    asked = await client_of(hass, bridge)
    await bridge.say("availability", "offline")
    with pytest.raises(BridgeOffline):
        await asked.async_send({"socket": "telemetry", "data": "ghost"})
    await bridge.say("availability", "online")
    assert bridge.requests == []


async def test_without_the_broker_nothing_goes_out(hass: HomeAssistant, bridge: Bridge, mqtt: MqttMockHAClient) -> None:
    """Home Assistant's client would keep it for the next connection."""
    asked = await client_of(hass, bridge)
    async_dispatcher_send(hass, MQTT_CONNECTION_STATE, False)
    mqtt.async_publish.reset_mock()
    with pytest.raises(BrokerUnreachable):
        await asked.async_send({"socket": "telemetry", "data": "ghost"})
    mqtt.async_publish.assert_not_called()


async def test_a_broker_that_goes_while_publishing_is_unreachable(
    hass: HomeAssistant, bridge: Bridge, mqtt: MqttMockHAClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant may not have noticed yet."""
    asked = await client_of(hass, bridge)

    async def fail(*_: object, **__: object) -> None:
        raise HomeAssistantError

    monkeypatch.setattr(mqtt, "async_publish", fail)
    with pytest.raises(BrokerUnreachable):
        await asked.async_request("refresh")


async def test_a_message_is_queued(hass: HomeAssistant, bridge: Bridge) -> None:
    """With an id of its own, so that it is sent once."""
    asked = await client_of(hass, bridge)
    receipts(bridge)
    queued = await asked.async_send({"socket": "telemetry", "data": "hello"})
    ((_, body),) = bridge.requests
    assert (queued.id, queued.state, queued.final) == (body["id"], "queued", False)
    assert (await asked.async_send({"socket": "telemetry", "data": "hello", "id": "mine"})).id == "mine"


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (("receipt-queued", "receipt-sending", "receipt-udp-accepted"), "accepted"),
        (("receipt-tcp-accepted", "receipt-tcp-acknowledged"), "acknowledged"),
    ],
)
async def test_the_final_receipt_is_returned(
    hass: HomeAssistant, bridge: Bridge, names: tuple[str, ...], state: str
) -> None:
    """Even if it comes before the response."""
    asked = await client_of(hass, bridge)
    receipts(bridge, *names)
    receipt = await asked.async_send({"socket": "telemetry", "data": "hello"}, receipt_within=5)
    assert (receipt.state, receipt.final) == (state, True)


@pytest.mark.parametrize("state", ["failed", "expired", "superseded", "rejected"])
async def test_a_message_that_was_not_sent_is_raised(hass: HomeAssistant, bridge: Bridge, state: str) -> None:
    """With its receipt."""
    asked = await client_of(hass, bridge)
    receipts(bridge, f"receipt-{state}")
    with pytest.raises(NotSent, match=state) as raised:
        await asked.async_send({"socket": "telemetry", "data": "hello"}, receipt_within=5)
    assert raised.value.receipt.final


async def test_a_receipt_that_does_not_come_is_raised(hass: HomeAssistant, bridge: Bridge) -> None:
    """The message may still be sent: that of another message says nothing."""
    asked = await client_of(hass, bridge)
    receipts(bridge, "receipt-queued")
    await bridge.say("socket/telemetry/receipt", document("receipt-udp-accepted"), retain=False)
    with pytest.raises(NoReceipt, match="mine") as raised:
        await asked.async_send({"socket": "telemetry", "data": "hello", "id": "mine"}, receipt_within=0.01)
    assert raised.value.message_id == "mine"


async def test_what_comes_after_the_end_is_not_heard(
    hass: HomeAssistant, bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A reload of the MQTT integration keeps subscriptions that their owner can't end any more."""
    subscribe = mqtt_integration.async_subscribe

    async def subscribe_for_ever(*args: Any, **kwargs: Any) -> CALLBACK_TYPE:
        await subscribe(*args, **kwargs)
        return lambda: None

    bridge.serve()
    with patch.object(mqtt_integration, "async_subscribe", subscribe_for_ever):
        entry = await set_up(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    await bridge.say("info", document("info") | {"contract": 99})
    await bridge.say("state", "garbage")
    assert not [issue for issue in ir.async_get(hass).issues.values() if issue.domain == "sim7020"]
    assert "no JSON object" not in caplog.text


async def test_who_waits_is_told_when_the_modem_is_unloaded(hass: HomeAssistant, bridge: Bridge) -> None:
    """Rather than left to wait for what can not come, or told that nothing was sent."""
    asked = await client_of(hass, bridge)
    waiting = hass.async_create_task(asked.async_send({"socket": "telemetry", "data": "hello"}, receipt_within=60))
    asked.close()
    with pytest.raises(Interrupted):
        await waiting


async def test_topics_that_are_not_the_bridges_are_passed_over(hass: HomeAssistant, bridge: Bridge) -> None:
    """A newer bridge may have more of them."""
    asked = await client_of(hass, bridge)
    topics = asked.topics
    assert topics.subject("sim7020/shed/weather") is None
    assert topics.subject("sim7020/shed/socket/telemetry/weather") is None
    assert topics.subject("sim7020/shed/socket/telemetry/send") is None
    assert topics.subject("sim7020/shed/alert/") is None
    assert topics.subject("sim7020/shed/socket//received") is None
    assert topics.subject("sim7020/barn/state") is None
