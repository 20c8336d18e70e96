"""Text to send through a socket."""

from typing import Final, override

from homeassistant.components.notify import NotifyEntity, NotifyEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import Sim7020ConfigEntry
from .entity import SocketEntity, async_add_socket_entities

PARALLEL_UPDATES = 1

SEND: Final = NotifyEntityDescription(key="send", translation_key="send")


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001
    entry: Sim7020ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up an entity to send with for each socket."""
    async_add_socket_entities(entry, async_add_entities, SocketNotify, [SEND])


class SocketNotify(SocketEntity, NotifyEntity):
    """Sends text through a socket."""

    # Home Assistant passes over what is unavailable without a word, and an alarm must not be lost like that
    @property
    @override
    def available(self) -> bool:
        """Always: what can't be sent is an error."""
        return True

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Hand the text to the bridge, which keeps it until it is sent.

        Raises:
            BridgeError: The bridge can't be asked, or refuses the message.
        """
        await self.coordinator.client.async_send({"socket": self.socket, "data": message})
