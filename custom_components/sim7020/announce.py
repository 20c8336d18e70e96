"""What happens to modems and sockets, passed on to whoever waits for it at a device."""

from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_send

from custom_components.sim7020.coordinator import Sim7020ConfigEntry, modem_identifier, socket_identifier
from custom_components.sim7020.documents import Event, Receipt
from custom_components.sim7020.received import Received

EVENT_NOT_SENT: Final = "sim7020_message_not_sent"
"""On the event bus: the socket's ``device_id``, and the message's ``socket``, ``id``, ``state`` and ``reason``."""

NOT_SENT: Final = {"expired", "failed", "rejected"}
"""Final states of a message that is lost; one that was superseded had its successor."""


def signal(device_id: str) -> str:
    """Return the dispatcher's name for what happens at a device: ``type`` and, in a dictionary, what is known of it."""
    return f"sim7020_happened_{device_id}"


@callback
def async_announce(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
    """Pass on the modem's events and its sockets' received messages until the entry is unloaded."""
    coordinator = entry.runtime_data

    @callback
    def announce(identifier: tuple[str, str], kind: str, facts: dict[str, Any]) -> None:
        device = dr.async_get(hass).async_get_device_by_identifier(identifier, entry.entry_id)
        if device is not None:
            async_dispatcher_send(hass, signal(device.id), kind, facts)

    @callback
    def happened(event: Event) -> None:
        announce(modem_identifier(coordinator.imei), event.type or "", dict(event.details))

    @callback
    def received(message: Received) -> None:
        facts = {"text": message.text, "hex": message.data.hex(), "length": len(message.data), "peer": message.peer}
        announce(socket_identifier(coordinator.imei, message.socket), "received", facts)

    @callback
    def receipted(receipt: Receipt) -> None:
        if not receipt.final or receipt.state not in NOT_SENT:
            return
        identifier = socket_identifier(coordinator.imei, receipt.socket or "")
        device = dr.async_get(hass).async_get_device_by_identifier(identifier, entry.entry_id)
        facts = {
            ATTR_DEVICE_ID: None if device is None else device.id,
            "socket": receipt.socket,
            "id": receipt.id,
            "state": receipt.state,
            "reason": receipt.error_message or receipt.error_code,
        }
        hass.bus.async_fire(EVENT_NOT_SENT, facts)

    entry.async_on_unload(coordinator.client.async_on_receipt(receipted))
    entry.async_on_unload(coordinator.async_on_event(happened))
    entry.async_on_unload(coordinator.async_on_received(received))
