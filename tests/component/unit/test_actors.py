"""Buttons and notify entities ask the bridge, and say what went wrong."""

import logging
from functools import partial

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from tests.component.unit.kit import Bridge, document, info, ok, refused, set_up


async def press(hass: HomeAssistant, name: str) -> None:
    """Press a button."""
    target = {"entity_id": f"button.sim7020_shed_{name}"}
    await hass.services.async_call("button", "press", target, blocking=True)


async def notify(hass: HomeAssistant, message: str) -> None:
    """Send a message to a notify entity."""
    target = {"entity_id": "notify.sim7020_shed_telemetry_send", "message": message}
    await hass.services.async_call("notify", "send_message", target, blocking=True)


@pytest.mark.parametrize(
    ("name", "verb"), [("reattach", "reattach"), ("restart_modem", "reset"), ("refresh", "refresh"), ("ping", "ping")]
)
async def test_a_button_asks_for_its_request(hass: HomeAssistant, bridge: Bridge, name: str, verb: str) -> None:
    """And returns once the bridge has carried it out."""
    bridge.serve()
    await set_up(hass)
    bridge.answers[verb] = document(f"response-{verb}")["data"]
    await press(hass, name)
    assert [topic for topic, _ in bridge.requests] == [f"sim7020/shed/request/{verb}"]


async def test_a_button_says_what_the_bridge_refused(hass: HomeAssistant, bridge: Bridge) -> None:
    """In words that are translated."""
    bridge.serve()
    await set_up(hass)
    bridge.answers["refresh"] = lambda _: refused("module_silent", "the module does not answer")
    with pytest.raises(HomeAssistantError, match="the module does not answer") as raised:
        await press(hass, "refresh")
    assert (raised.value.translation_domain, raised.value.translation_key) == ("sim7020", "refused_module_silent")


@pytest.mark.usefixtures("all_enabled")
async def test_a_ping_is_timed(hass: HomeAssistant, bridge: Bridge) -> None:
    """The shortest of the replies counts; without any the press fails, and the time is unknown again."""
    bridge.serve()
    entry = await set_up(hass)
    hass.config_entries.async_update_entry(entry, options={"ping_host": "example.net"})
    golden = document("response-ping")["data"]
    times = [reply["time"] for reply in golden["replies"] if reply["time"] is not None]
    bridge.answers["ping"] = golden
    await press(hass, "ping")
    assert bridge.requests[0][1]["host"] == "example.net"
    shown = hass.states.get("sensor.sim7020_shed_ping_time")
    assert shown is not None
    assert float(shown.state) == min(times)
    silent = [reply | {"time": None} for reply in golden["replies"]]
    bridge.answers["ping"] = lambda _: ok(golden | {"replies": silent})
    with pytest.raises(HomeAssistantError, match=r"example\.net did not reply"):
        await press(hass, "ping")
    assert hass.states.is_state("sensor.sim7020_shed_ping_time", "unknown")


async def test_a_button_is_there_for_what_the_bridge_takes(hass: HomeAssistant, bridge: Bridge) -> None:
    """A bridge whose modem can not be reset has no such request."""
    bridge.serve(about=info(requests=["send", "refresh"]))
    await set_up(hass)
    assert hass.states.is_state("button.sim7020_shed_restart_modem", "unavailable")
    assert hass.states.is_state("button.sim7020_shed_refresh", "unknown")
    await bridge.say("info", document("info"))
    assert hass.states.is_state("button.sim7020_shed_restart_modem", "unknown")


async def test_a_text_is_sent(hass: HomeAssistant, bridge: Bridge) -> None:
    """Through the socket that the entity belongs to."""
    bridge.serve()
    await set_up(hass)
    bridge.answers["send"] = {"id": "1", "socket": "telemetry", "state": "queued"}
    await notify(hass, "Grüße, 你好")
    ((_, body),) = bridge.requests
    assert (body["socket"], body["data"]) == ("telemetry", "Grüße, 你好")
    assert not hass.states.is_state("notify.sim7020_shed_telemetry_send", "unknown")


@pytest.mark.parametrize(("topic", "key"), [("availability", "bridge_offline"), (None, "broker_unreachable")])
async def test_a_text_that_can_not_be_sent_is_an_error(
    hass: HomeAssistant, bridge: Bridge, topic: str | None, key: str
) -> None:
    """Home Assistant would pass over an entity that is unavailable without a word."""
    bridge.serve()
    await set_up(hass)
    if topic is None:
        await bridge.link(up=False)
    else:
        await bridge.say(topic, "offline")
    with pytest.raises(HomeAssistantError) as raised:
        await notify(hass, "the house burns")
    assert raised.value.translation_key == key
    assert not bridge.requests
    if topic is None:
        await bridge.link(up=True)


async def test_half_a_character_is_not_sent(hass: HomeAssistant, bridge: Bridge) -> None:
    """A template can make one, and no MQTT message can have it; the words are translated."""
    bridge.serve()
    await set_up(hass)
    with pytest.raises(HomeAssistantError, match="surrogate") as raised:
        await notify(hass, "half \ud83d")
    assert raised.value.translation_key == "not_unicode"
    assert not bridge.requests


@pytest.mark.parametrize(
    "entity", ["binary_sensor.sim7020_shed_data_connection", "sensor.sim7020_shed_telemetry_state"]
)
async def test_an_entity_is_updated_by_a_refresh(
    hass: HomeAssistant, bridge: Bridge, caplog: pytest.LogCaptureFixture, entity: str
) -> None:
    """Home Assistant's own action asks for it; one that comes to nothing is no news, and nothing goes away."""
    bridge.serve()
    entry = await set_up(hass)
    assert await async_setup_component(hass, "homeassistant", {})
    update = partial(hass.services.async_call, "homeassistant", "update_entity", {"entity_id": entity}, blocking=True)
    bridge.answers["refresh"] = lambda _: refused("module_silent", "no answer")
    await update()
    assert [topic for topic, _ in bridge.requests] == ["sim7020/shed/request/refresh"]
    await bridge.say("availability", "offline")
    await entry.runtime_data.async_refresh()
    await bridge.say("availability", "online")
    assert len(bridge.requests) == 1
    assert not hass.states.is_state(entity, "unavailable")
    told = [record for record in caplog.records if record.levelno > logging.INFO and record.name != "asyncio"]
    assert told == []  # asyncio tells what took long


async def test_a_modem_that_attaches_in_vain_is_an_error(hass: HomeAssistant, bridge: Bridge) -> None:
    """Whoever has it attach again waits for a connection."""
    bridge.serve()
    await set_up(hass)
    bridge.answers["reattach"] = {
        "pdn": {"state": "inactive", "cid": None, "requested_apn": None, "apn": None, "address": None}
    }
    with pytest.raises(HomeAssistantError) as raised:
        await press(hass, "reattach")
    assert raised.value.translation_key == "no_connection"


async def test_a_text_that_is_refused_is_not_said_to_be_sent(hass: HomeAssistant, bridge: Bridge) -> None:
    """The state stays, and the caller is told."""
    bridge.serve()
    await set_up(hass)
    bridge.answers["send"] = lambda _: refused("invalid_request", "data is too large")
    with pytest.raises(HomeAssistantError, match="data is too large"):
        await notify(hass, "hello")
    assert hass.states.is_state("notify.sim7020_shed_telemetry_send", "unknown")
