"""What happens to the modem, what its sockets receive, and what became of what went through them."""

from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import Sim7020ConfigEntry
from .documents import Event, Receipt
from .entity import ModemEntity, Sim7020Entity, SocketEntity, async_add_socket_entities
from .received import Received

PARALLEL_UPDATES = 0

RECEIVED_LENGTH: Final = 512
"""How many bytes of a received message are shown; its attributes are recorded."""

MODEM: Final = EventEntityDescription(
    key="event",
    translation_key="event",
    event_types=[
        "attached",
        "lost",
        "recovering",
        "recovered",
        "rebooted",
        "supply",
        "asleep",
        "awake",
        "data_budget",
        "put_aside",
        "received_dropped",
    ],
)

RECEIVED: Final = EventEntityDescription(key="received", translation_key="received", event_types=["received"])

RECEIPT: Final = EventEntityDescription(
    key="receipt",
    translation_key="receipt",
    event_types=["accepted", "acknowledged", "expired", "failed", "rejected", "superseded"],
)


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001
    entry: Sim7020ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of a modem and its sockets."""
    async_add_entities([ModemEvent(entry.runtime_data, MODEM)])
    async_add_socket_entities(entry, async_add_entities, ReceivedEvent, [RECEIVED])
    async_add_socket_entities(entry, async_add_entities, ReceiptEvent, [RECEIPT])


class LastingEvent(Sim7020Entity, EventEntity):
    """An event entity: what happened stays true while the bridge is away, and so the entity stays available."""

    # a state trigger takes an entity that comes back for one to which something has happened
    @property
    @override
    def available(self) -> bool:
        """Always."""
        return True


class ModemEvent(LastingEvent, ModemEntity):
    """What happened to the modem last. A type that a newer bridge has is passed over."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_event(self._happened))

    @callback
    def _happened(self, event: Event) -> None:
        if event.type in self.event_types:
            self._trigger_event(event.type, dict(event.details))
            self.async_write_ha_state()


class ReceivedEvent(LastingEvent, SocketEntity):
    """What a socket received last: ``text`` where it is text, else ``hex``, and what is known of where it came from."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_on_received(self._received))

    @callback
    def _received(self, received: Received) -> None:
        if received.socket == self.socket:
            self._trigger_event("received", attributes(received))
            self.async_write_ha_state()


class ReceiptEvent(LastingEvent, SocketEntity):
    """What became of a socket's message last, whoever sent it. A state that a newer bridge has is passed over."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.client.async_on_receipt(self._receipted))

    @callback
    def _receipted(self, receipt: Receipt) -> None:
        if receipt.socket == self.socket and receipt.final and receipt.state in self.event_types:
            facts = {"id": receipt.id, "bytes": receipt.bytes, "attempts": receipt.attempts}
            reason = receipt.error_message or receipt.error_code
            self._trigger_event(receipt.state, facts | ({"reason": reason} if reason else {}))
            self.async_write_ha_state()


def attributes(received: Received) -> dict[str, str | int | bool]:
    """Return what is shown of a message: ``length`` is its own in bytes, ``truncated`` tells whether it was cut."""
    shown: dict[str, str | int | bool]
    if (text := received.text) is not None:
        shown = {"text": text.encode()[:RECEIVED_LENGTH].decode(errors="ignore")}
    else:
        shown = {"hex": received.data[:RECEIVED_LENGTH].hex()}
    shown |= {"length": len(received.data), "truncated": len(received.data) > RECEIVED_LENGTH}
    if received.peer is not None:
        shown["peer"] = received.peer
    return shown
