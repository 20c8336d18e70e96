"""A modem is set up, taken down, and told apart from another."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from tests.component.unit.kit import Bridge, entry_of, info, set_up


async def test_a_modem_is_set_up_and_unloaded(hass: HomeAssistant, bridge: Bridge) -> None:
    """What the bridge has published is there at once, and gone with the entry."""
    bridge.serve()
    entry = await set_up(hass)
    assert entry.runtime_data.imei == entry.unique_id
    assert set(entry.runtime_data.sockets) == {"telemetry", "control"}
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert not entry.runtime_data.client.linked


async def test_another_modem_under_the_name_is_not_taken_for_it(hass: HomeAssistant, bridge: Bridge) -> None:
    """The entry waits for its own IMEI."""
    bridge.serve(about=info(imei="866425030000999"))
    entry = entry_of(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason is not None
    assert "another" in entry.reason
