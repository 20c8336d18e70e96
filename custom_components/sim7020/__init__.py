"""SIM7020 NB-IoT modems in Home Assistant, through the MQTT topics of sim7020-bridge."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.typing import ConfigType

from .actions import async_register_actions
from .alerts import async_report_alerts
from .announce import async_announce
from .compatibility import delete_contract_issue
from .const import DOMAIN, PLATFORMS
from .coordinator import Coordinator, Sim7020ConfigEntry
from .mark import async_mark, async_unmark_removed, async_unmark_unloaded
from .targets import modem_identifier, socket_identifier

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:  # noqa: ARG001
    """Set up what does not belong to one modem."""
    async_register_actions(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> bool:
    """Set up a modem from a config entry."""
    coordinator = Coordinator(hass, entry)
    await coordinator.async_open()
    entry.async_on_unload(coordinator.close)
    entry.runtime_data = coordinator
    coordinator.async_register_devices()
    async_report_alerts(hass, entry)
    async_announce(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.async_listened()
    await async_mark(hass, entry)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> bool:
    """Unload a modem."""
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded:
        await async_unmark_unloaded(hass, entry)
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
    """Leave neither a repair issue nor the mark of a removed modem behind."""
    delete_contract_issue(hass, entry)
    await async_unmark_removed(hass, entry)


async def async_remove_config_entry_device(
    hass: HomeAssistant,  # noqa: ARG001
    entry: Sim7020ConfigEntry,
    device: DeviceEntry,
) -> bool:
    """Let the user remove the device of a socket that the bridge has no more, which only a loaded entry can tell."""
    if entry.state is not ConfigEntryState.LOADED:
        return False
    coordinator = entry.runtime_data
    present = {modem_identifier(coordinator.imei)}
    present |= {socket_identifier(coordinator.imei, socket) for socket in coordinator.sockets}
    return not device.identifiers & present
