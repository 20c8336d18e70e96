"""How the modems are, on Home Assistant's page of system information."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import CONTRACT, DOMAIN
from .coordinator import Sim7020ConfigEntry
from .documents import Layer


@callback
def async_register(
    hass: HomeAssistant,  # noqa: ARG001
    register: SystemHealthRegistration,
) -> None:
    """Register what tells it."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Count the modems, those whose bridge is there and those that are online, and name the bridges' versions."""
    entries: list[Sim7020ConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    modems = [entry.runtime_data.data for entry in entries]
    versions = {modem.info.bridge_version or "?" for modem in modems}
    return {
        "broker_connected": any(modem.linked for modem in modems),
        "modems": len(modems),
        "bridges_online": sum(modem.available for modem in modems),
        "modems_online": sum(
            modem.available and modem.state.layer in {Layer.ONLINE, Layer.SLEEPING} for modem in modems
        ),
        "alerts": sum(len(modem.alerts) for modem in modems),
        "bridge_versions": ", ".join(sorted(versions)) or "-",
        "contract": CONTRACT,
    }
