"""What all entities have in common: their device, their identity and when they are available."""

from collections.abc import Iterable
from typing import override

from homeassistant.core import callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .coordinator import Coordinator, Sim7020ConfigEntry
from .documents import SocketInfo, SocketState


class Sim7020Entity(CoordinatorEntity[Coordinator]):
    """An entity of a modem's bridge."""

    _attr_has_entity_name = True

    @property
    @override
    def available(self) -> bool:
        """Home Assistant hears the bridge."""
        # what it is told is pushed: whether an update that was asked for went well says nothing
        return self.coordinator.data.available


class ModemEntity(Sim7020Entity):
    """An entity of the modem itself."""

    def __init__(self, coordinator: Coordinator, description: EntityDescription) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{coordinator.imei}_{description.key}"
        self._attr_device_info = coordinator.modem_device


class SocketEntity(Sim7020Entity):
    """An entity of one of the modem's sockets."""

    def __init__(self, coordinator: Coordinator, socket: SocketInfo, description: EntityDescription) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self.socket = socket.name
        self._attr_unique_id = f"{coordinator.imei}_socket_{socket.name}_{description.key}"
        self._attr_device_info = coordinator.socket_device(socket)

    @property
    def socket_state(self) -> SocketState:
        """What is known of the socket."""
        return self.coordinator.data.sockets.get(self.socket, SocketState())


@callback
def async_add_socket_entities(
    entry: Sim7020ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    kind: type[SocketEntity],
    descriptions: Iterable[EntityDescription],
) -> None:
    """Add one entity of each description to the sockets that there are, and to each that comes."""
    coordinator = entry.runtime_data
    known: set[str] = set()

    @callback
    def add_new() -> None:
        sockets = coordinator.sockets
        new = sockets.keys() - known
        known.intersection_update(sockets)
        known.update(new)
        if new:
            async_add_entities(
                kind(coordinator, sockets[name], description) for name in sorted(new) for description in descriptions
            )

    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))
