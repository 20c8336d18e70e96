"""The retained mark by which the bridge knows that this component looks after its modem.

It stays while Home Assistant is away, is restarted or reloads the entry: a bridge that is to publish MQTT discovery
must not show everything a second time meanwhile. It goes when the entry is removed or disabled, when the modem is
looked for under another topic, and when another modem is found in its place.
"""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.json import json_dumps
from homeassistant.loader import async_get_integration

from .client import async_retain
from .const import CONF_BASE, CONF_MODEM, DOMAIN
from .coordinator import Sim7020ConfigEntry
from .topics import Topics


async def async_mark(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
    """Mark the modem of an entry that is being set up, and again after each reconnection: a broker may forget."""
    coordinator = entry.runtime_data
    integration = await async_get_integration(hass, DOMAIN)
    payload = json_dumps({"version": str(integration.version)})
    linked = coordinator.data.linked

    @callback
    def updated() -> None:
        nonlocal linked
        before, linked = linked, coordinator.data.linked
        if linked and not before:
            entry.async_create_task(hass, async_retain(hass, coordinator.topics.component, payload))

    entry.async_on_unload(coordinator.async_add_listener(updated))
    await async_retain(hass, coordinator.topics.component, payload)


async def async_unmark_unloaded(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
    """Empty the mark of an entry that is being unloaded, unless it is to be set up again as it was."""
    coordinator = entry.runtime_data
    found = coordinator.data.info.imei
    returns = entry.disabled_by is None and coordinator.topics == _topics(entry) and found in {None, coordinator.imei}
    if not returns:
        await _async_empty(hass, entry, coordinator.topics)


async def async_unmark_removed(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
    """Empty the mark of an entry that was removed."""
    await _async_empty(hass, entry, _topics(entry))


def _topics(entry: Sim7020ConfigEntry) -> Topics:
    return Topics(entry.data[CONF_BASE], entry.data[CONF_MODEM])


async def _async_empty(hass: HomeAssistant, entry: Sim7020ConfigEntry, topics: Topics) -> None:
    """Empty the mark, unless it is also another entry's, whose modem took the place of this one."""
    for other in hass.config_entries.async_loaded_entries(DOMAIN):
        if other.entry_id != entry.entry_id and other.runtime_data.topics == topics:
            return
    await async_retain(hass, topics.component, "")
