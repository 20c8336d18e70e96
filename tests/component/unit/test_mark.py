"""The bridge is told, for as long as it is true, that the component looks after its modem."""

import json

import pytest
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.component.unit.kit import ROOT, Bridge, entry_of, example, info

MARK = example("component")["topic"]


def marked(bridge: Bridge, topic: str = MARK) -> bool:
    """Tell whether the broker holds the mark."""
    return bool(bridge.retained.get(topic))


async def test_a_modem_is_marked_while_it_is_set_up(bridge: Bridge, entry: MockConfigEntry) -> None:
    """The mark is the contract's: retained, with the version."""
    assert entry.state is ConfigEntryState.LOADED
    assert json.loads(bridge.retained[MARK]) == example("component")["payload"]


async def test_a_modem_that_is_not_set_up_yet_is_not_marked(hass: HomeAssistant, bridge: Bridge) -> None:
    """Another modem under the name is nothing that the component looks after."""
    bridge.serve(about=info(imei="866425030000999"))
    assert not await hass.config_entries.async_setup(entry_of(hass).entry_id)
    assert not marked(bridge)


async def test_a_reload_keeps_the_mark(hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry) -> None:
    """The bridge does not publish its own documents in between."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert marked(bridge)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert marked(bridge)


async def test_the_end_of_home_assistant_keeps_the_mark(
    hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry
) -> None:
    """Home Assistant comes back."""
    assert entry.state is ConfigEntryState.LOADED
    await hass.async_stop(force=True)
    assert marked(bridge)


@pytest.mark.parametrize("unloaded", [False, True])
async def test_a_removed_modem_loses_its_mark(
    hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry, *, unloaded: bool
) -> None:
    """Whether its entry was set up or not."""
    if unloaded:
        await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_remove(entry.entry_id)
    assert bridge.retained[MARK] == b""


async def test_a_disabled_modem_loses_its_mark(hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry) -> None:
    """It gets it back when it is enabled again."""
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    assert bridge.retained[MARK] == b""
    await hass.config_entries.async_set_disabled_by(entry.entry_id, None)
    assert marked(bridge)


async def test_a_modem_that_is_found_elsewhere_is_marked_there(
    hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry
) -> None:
    """Nothing is left under the topic of before."""
    bridge.serve(root="lake/boat", about=info(modem="boat"))
    flow = await entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], {"base_topic": "lake", "modem": "boat"})
    assert result["type"] is FlowResultType.ABORT
    await bridge.settled()
    assert (marked(bridge), marked(bridge, "lake/boat/component")) == (False, True)


async def test_a_modem_in_the_place_of_another_has_its_own_mark(
    hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry
) -> None:
    """The entry of the modem that went does not take it away when it is removed."""
    await bridge.say("info", info(imei="866425030000999"))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert not marked(bridge)
    successor = entry_of(hass, imei="866425030000999")
    assert await hass.config_entries.async_setup(successor.entry_id)
    assert marked(bridge)
    await hass.config_entries.async_remove(entry.entry_id)
    assert marked(bridge)
    await hass.config_entries.async_remove(successor.entry_id)
    assert not marked(bridge)


async def test_a_broker_that_forgot_the_mark_is_told_again(bridge: Bridge, entry: MockConfigEntry) -> None:
    """A broker that keeps nothing has nothing after its restart."""
    assert entry.state is ConfigEntryState.LOADED
    await bridge.link(up=False)
    del bridge.retained[f"{ROOT}/component"]
    await bridge.link(up=True)
    assert marked(bridge)


async def test_a_modem_is_removed_without_the_broker(
    hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant's client keeps the message until it is connected again; nothing fails."""
    bridge.client.publish.side_effect = refuse_to_send
    await hass.config_entries.async_remove(entry.entry_id)
    assert hass.config_entries.async_get_entry(entry.entry_id) is None
    assert "ERROR" not in caplog.text


async def test_a_modem_is_removed_without_mqtt(hass: HomeAssistant, caplog: pytest.LogCaptureFixture) -> None:
    """Without Home Assistant's MQTT integration there is nobody to tell."""
    entry = entry_of(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    assert hass.config_entries.async_get_entry(entry.entry_id) is None
    assert "ERROR" not in caplog.text


def refuse_to_send(*_: object) -> object:
    """Answer as paho does while it has no connection."""
    return MQTTMessageInfoWithoutConnection()


class MQTTMessageInfoWithoutConnection:
    """What paho tells of a message that it keeps for later."""

    mid = 1
    rc = 4
