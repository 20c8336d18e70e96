"""What the bridge can be told to do now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.button import ButtonDeviceClass, ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_PING_HOST, DEFAULT_PING_HOST, DOMAIN
from .coordinator import Coordinator, Sim7020ConfigEntry
from .documents import has_connection
from .entity import ModemEntity
from .errors import NoConnection
from .reading import Keys

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class ModemButtonDescription(ButtonEntityDescription):
    """A button, which asks for the request that its key names."""

    press_fn: Callable[[Coordinator], Awaitable[object]]


async def _ping(coordinator: Coordinator) -> None:
    host = coordinator.config_entry.options.get(CONF_PING_HOST, DEFAULT_PING_HOST)
    answer = Keys(await coordinator.client.async_request("ping", {"host": host}))
    times = [time for reply in answer.objects("replies") or () if (time := reply.number("time")) is not None]
    coordinator.async_set_ping(min(times, default=None))
    if not times:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="no_ping_reply", translation_placeholders={"host": host}
        )


async def _reattach(coordinator: Coordinator) -> None:
    if not has_connection(Keys(await coordinator.client.async_request("reattach"))):
        raise NoConnection


BUTTONS: Final = (
    ModemButtonDescription(
        key="reattach",
        translation_key="reattach",
        entity_category=EntityCategory.CONFIG,
        press_fn=_reattach,
    ),
    ModemButtonDescription(
        key="reset",
        translation_key="reset",
        device_class=ButtonDeviceClass.RESTART,
        entity_category=EntityCategory.CONFIG,
        press_fn=lambda coordinator: coordinator.client.async_request("reset"),
    ),
    ModemButtonDescription(
        key="refresh",
        translation_key="refresh",
        entity_category=EntityCategory.DIAGNOSTIC,
        press_fn=lambda coordinator: coordinator.client.async_request("refresh"),
    ),
    ModemButtonDescription(
        key="ping",
        translation_key="ping",
        entity_category=EntityCategory.DIAGNOSTIC,
        press_fn=_ping,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001
    entry: Sim7020ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons of a modem."""
    async_add_entities(ModemButton(entry.runtime_data, description) for description in BUTTONS)


class ModemButton(ModemEntity, ButtonEntity):
    """Something that the bridge does when it is pressed."""

    entity_description: ModemButtonDescription

    @property
    @override
    def available(self) -> bool:
        """The bridge is there and takes the request."""
        return super().available and self.entity_description.key in self.coordinator.data.info.requests

    @override
    async def async_press(self) -> None:
        """Ask for it, and return once the bridge has answered.

        Raises:
            BridgeError: The bridge can't be asked or refuses, or the modem attached again in vain.
            HomeAssistantError: Nothing answered the ping.
        """
        await self.entity_description.press_fn(self.coordinator)
