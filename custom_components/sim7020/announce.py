"""What happens to modems and sockets, passed on to whoever waits for it at a device."""

from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util.hass_dict import HassKey

from .client import SENT
from .const import DOMAIN
from .coordinator import Sim7020ConfigEntry
from .documents import Event, Receipt
from .received import Received
from .targets import modem_identifier, socket_identifier

EVENT_NOT_SENT: Final = "sim7020_message_not_sent"
"""On the event bus: the socket's ``device_id``, and the message's ``socket``, ``id``, ``state`` and ``reason``."""

EVENT_SENT: Final = "sim7020_message_sent"
"""The same for a message that was sent, with ``bytes`` and ``attempts`` instead of a reason."""

SIGNAL: Final = "sim7020_happened"
"""The dispatcher's: what happens at a device, as its id, the kind, and a dictionary of what is known of it."""

BACK: Final = "back"
"""The kind that goes with ``attached`` where the loss was told before; a bridge that starts attaches without one."""

LOST: Final[HassKey[set[str]]] = HassKey(f"{DOMAIN}_lost")
"""The ids of the config entries whose modem's loss was told, also over a reload."""

NOT_SENT: Final = {"expired", "failed", "rejected"}
"""Final states of a message that is lost; one that was superseded had its successor."""


@callback
def async_announce(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
    """Pass on the modem's events, and its sockets' messages and final receipts, until the entry is unloaded."""
    coordinator = entry.runtime_data
    lost = hass.data.setdefault(LOST, set())

    @callback
    def announce(identifier: tuple[str, str], kind: str, facts: dict[str, Any]) -> str | None:
        device = dr.async_get(hass).async_get_device_by_identifier(identifier, entry.entry_id)
        if device is None:
            return None
        async_dispatcher_send(hass, SIGNAL, device.id, kind, facts)
        return device.id

    @callback
    def happened(event: Event) -> None:
        modem = modem_identifier(coordinator.imei)
        announce(modem, event.type or "", dict(event.details))
        if event.type == "lost":
            lost.add(entry.entry_id)
        elif event.type == "attached" and entry.entry_id in lost:
            lost.remove(entry.entry_id)
            announce(modem, BACK, dict(event.details))

    @callback
    def received(message: Received) -> None:
        facts = {"text": message.text, "hex": message.data.hex(), "length": len(message.data), "peer": message.peer}
        announce(socket_identifier(coordinator.imei, message.socket), "received", facts)

    @callback
    def receipted(receipt: Receipt) -> None:
        if not receipt.final or receipt.state not in NOT_SENT | SENT:
            return
        facts: dict[str, Any] = {"socket": receipt.socket, "state": receipt.state}
        if receipt.state in SENT:
            kind, event, facts = (
                "message_sent",
                EVENT_SENT,
                facts | {"bytes": receipt.bytes, "attempts": receipt.attempts},
            )
        else:
            reason = receipt.error_message or receipt.error_code
            kind, event, facts = "message_failed", EVENT_NOT_SENT, facts | {"reason": reason}
        socket = socket_identifier(coordinator.imei, receipt.socket or "")
        device_id = announce(socket, kind, {"message_id": receipt.id, **facts})  # trigger.id is the automation's own
        hass.bus.async_fire(event, {ATTR_DEVICE_ID: device_id, "id": receipt.id, **facts})

    entry.async_on_unload(coordinator.client.async_on_receipt(receipted))
    entry.async_on_unload(coordinator.async_on_event(happened))
    entry.async_on_unload(coordinator.async_on_received(received))
