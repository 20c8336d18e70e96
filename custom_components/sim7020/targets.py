"""What a target of Home Assistant's means here: devices, and the sockets among them."""

from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.components.button import DOMAIN as BUTTON
from homeassistant.components.notify import DOMAIN as NOTIFY
from homeassistant.config_entries import ConfigEntry
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


@callback
def async_modems(hass: HomeAssistant, target: Mapping[str, Any]) -> list[ConfigEntry]:
    """Return the config entries of the modems that a target names, themselves or by their sockets."""
    registry = dr.async_get(hass)
    devices = (registry.async_get(device_id) for device_id in async_devices(hass, target))
    named = {device.config_entry_id for device in devices if device is not None}
    return [entry for entry in hass.config_entries.async_entries(DOMAIN) if entry.entry_id in named]


@callback
def async_acting_entities(hass: HomeAssistant, entry: ConfigEntry, socket: str | None) -> list[str]:
    """Return what acts at a socket of a modem, or at the modem itself: the notify entity, or the buttons."""
    imei = entry.unique_id or ""
    domain, identifier = (
        (BUTTON, modem_identifier(imei)) if socket is None else (NOTIFY, socket_identifier(imei, socket))
    )
    device = dr.async_get(hass).async_get_device_by_identifier(identifier, entry.entry_id)
    if device is None:
        return []
    entities = er.async_entries_for_device(er.async_get(hass), device.id, include_disabled_entities=True)
    return [each.entity_id for each in entities if each.domain == domain and each.platform == DOMAIN]
