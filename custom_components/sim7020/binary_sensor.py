"""What of the modem is so or is not so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import Sim7020ConfigEntry
from .documents import RegistrationStatus, State
from .entity import ModemEntity

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class ModemBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of the modem."""

    is_on_fn: Callable[[State], bool | None]


def _registered(state: State) -> bool | None:
    if state.registration in (RegistrationStatus.HOME, RegistrationStatus.ROAMING):
        return True
    if state.registration in (None, RegistrationStatus.UNKNOWN) and state.connected is not False:
        return None
    return False


def _roaming(state: State) -> bool | None:
    return state.registration is RegistrationStatus.ROAMING if _registered(state) else None


BINARY_SENSORS: Final = (
    ModemBinarySensorDescription(
        key="pdn",
        translation_key="pdn",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        is_on_fn=lambda state: state.connected,
    ),
    ModemBinarySensorDescription(
        key="registered",
        translation_key="registered",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        is_on_fn=_registered,
    ),
    ModemBinarySensorDescription(
        key="roaming",
        translation_key="roaming",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        is_on_fn=_roaming,
    ),
    ModemBinarySensorDescription(
        key="sleeping",
        translation_key="sleeping",
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda state: state.sleeping,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001
    entry: Sim7020ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of a modem."""
    async_add_entities(ModemBinarySensor(entry.runtime_data, description) for description in BINARY_SENSORS)


class ModemBinarySensor(ModemEntity, BinarySensorEntity):
    """Something that is so or is not so."""

    entity_description: ModemBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """What the modem told last."""
        return self.entity_description.is_on_fn(self.coordinator.data.state)
