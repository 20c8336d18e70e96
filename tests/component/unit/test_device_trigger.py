"""Automations wait at devices for what happens to a modem, and for what a socket receives."""

import json
from typing import Any

import pytest
from homeassistant.components.device_automation import DeviceAutomationType, InvalidDeviceAutomationConfig
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.trigger import async_validate_trigger_config
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_get_device_automation_capabilities,
    async_get_device_automations,
)

from tests.component.rules.tree import REPOSITORY
from tests.component.unit.kit import IMEI, Bridge, document

TEXTS = json.loads((REPOSITORY / "custom_components" / "sim7020" / "translations" / "en.json").read_text())
MODEM = {"attached", "lost", "recovered", "rebooted", "asleep", "awake", "data_budget"}


def device_of(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> str:
    """Return the device with this identifier."""
    device = dr.async_get(hass).async_get_device_by_identifier(("sim7020", name), entry.entry_id)
    assert device is not None
    return device.id


async def automate(hass: HomeAssistant, device: str, kind: str, **more: str) -> None:
    """Have an automation call the action test.automation with what its trigger was given."""
    trigger = {"platform": "device", "domain": "sim7020", "device_id": device, "type": kind, **more}
    shown = {name: "{{ trigger." + name + " }}" for name in ("type", "layer", "text", "hex", "length")}
    action = {"action": "test.automation", "data": shown}
    config = {"automation": [{"triggers": [trigger], "actions": [action]}]}
    assert await async_setup_component(hass, "automation", config)
    await hass.async_block_till_done()


async def triggers(hass: HomeAssistant, device: str) -> list[dict[str, Any]]:
    """Return what the component offers to wait for at a device."""
    found = await async_get_device_automations(hass, DeviceAutomationType.TRIGGER, device)
    return [trigger for trigger in found if trigger["domain"] == "sim7020"]


async def test_a_device_offers_what_can_happen_to_it(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A modem and a socket have their own, all of them named."""
    texts = TEXTS["device_automation"]
    assert set(texts["trigger_type"]) == {*MODEM, "received"}
    assert {each["type"] for each in await triggers(hass, device_of(hass, entry, IMEI))} == MODEM
    (received,) = await triggers(hass, device_of(hass, entry, f"{IMEI}_socket_telemetry"))
    assert received["type"] == "received"
    extra = await async_get_device_automation_capabilities(hass, DeviceAutomationType.TRIGGER, received)
    assert [field["name"] for field in extra["extra_fields"]] == list(texts["extra_fields"])
    lost = {**received, "type": "lost"}
    assert await async_get_device_automation_capabilities(hass, DeviceAutomationType.TRIGGER, lost) == {
        "extra_fields": []
    }


@pytest.mark.parametrize(("name", "kind"), [(IMEI, "received"), (f"{IMEI}_socket_telemetry", "lost")])
async def test_what_never_happens_at_a_device_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, name: str, kind: str
) -> None:
    """The automation is not taken, instead of never running."""
    trigger = {"platform": "device", "domain": "sim7020", "device_id": device_of(hass, entry, name), "type": kind}
    with pytest.raises(InvalidDeviceAutomationConfig, match="SIM7020 shed"):
        await async_validate_trigger_config(hass, [trigger])


async def test_an_automation_runs_when_the_modem_is_lost(
    hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry, service_calls: list[ServiceCall]
) -> None:
    """Not for another event, and after a reload as well."""
    await automate(hass, device_of(hass, entry, IMEI), "lost")
    await bridge.say("event", document("event-attached"), retain=False)
    assert not service_calls
    await bridge.say("event", document("event-lost"), retain=False)
    await hass.config_entries.async_reload(entry.entry_id)
    await bridge.settled()
    await bridge.say("event", document("event-lost"), retain=False)
    assert [(call.data["type"], call.data["layer"]) for call in service_calls] == [("lost", "registration")] * 2


@pytest.mark.parametrize(
    ("wanted", "received", "runs"),
    [
        pytest.param({}, "open", True, id="any"),
        pytest.param({"text": "open"}, "open", True, id="the-text"),
        pytest.param({"text": "open"}, "close", False, id="another-text"),
    ],
)
async def test_an_automation_runs_on_a_received_message(
    hass: HomeAssistant,
    bridge: Bridge,
    entry: MockConfigEntry,
    service_calls: list[ServiceCall],
    *,
    wanted: dict[str, str],
    received: str,
    runs: bool,
) -> None:
    """With the message itself, whatever its length; a text can be asked for."""
    await automate(hass, device_of(hass, entry, f"{IMEI}_socket_telemetry"), "received", **wanted)
    await bridge.say("socket/control/received", document("received-json"), retain=False)
    assert not service_calls
    await bridge.say("socket/telemetry/received", received, retain=False)
    assert [call.data["text"] for call in service_calls] == [received] * runs
    assert [call.data["hex"] for call in service_calls] == [received.encode().hex()] * runs
