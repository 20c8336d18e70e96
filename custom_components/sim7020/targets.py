"""What a target of Home Assistant's means here: devices, and the sockets among them."""

from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from .const import DOMAIN

_SOCKET = "_socket_"


def modem_identifier(imei: str) -> tuple[str, str]:
    """Return the identifier of a modem's device."""
    return (DOMAIN, imei)


def socket_identifier(imei: str, socket: str) -> tuple[str, str]:
    """Return the identifier of a socket's device."""
    return (DOMAIN, f"{imei}{_SOCKET}{socket}")


def socket_of(identifiers: set[tuple[str, str]]) -> str | None:
    """Return the name of the socket whose device has these identifiers, or None if it is no socket's."""
    for domain, name in identifiers:
        imei, _, socket = name.partition(_SOCKET)
        if domain == DOMAIN and imei and socket:
            return socket
    return None


@callback
def async_devices(hass: HomeAssistant, target: Mapping[str, Any]) -> set[str]:
    """Return the ids of the devices that a target names, itself or by their entities, areas, floors or labels."""
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(dict(target)))
    entities = er.async_get(hass)
    named = (entities.async_get(each) for each in selected.referenced | selected.indirectly_referenced)
    return selected.referenced_devices | {each.device_id for each in named if each is not None and each.device_id}


@callback
def async_sockets(hass: HomeAssistant, target: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the config entry and the name of each socket that a target names."""
    registry = dr.async_get(hass)
    for device_id in async_devices(hass, target):
        device = registry.async_get(device_id)
        if device is not None and (socket := socket_of(device.identifiers)):
            yield device.config_entry_id, socket
