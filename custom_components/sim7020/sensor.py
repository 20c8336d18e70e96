"""What the modem and its sockets measure and tell."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, override

from homeassistant.components.sensor import DOMAIN as SENSOR
from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    MAX_LENGTH_STATE_STATE,
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    UnitOfElectricPotential,
    UnitOfInformation,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import Coordinator, Modem, Sim7020ConfigEntry
from .documents import (
    Event,
    Layer,
    RecoveryStep,
    RegistrationStatus,
    SimStatus,
    SocketPhase,
    SocketState,
)
from .entity import ModemEntity, SocketEntity, async_add_socket_entities
from .received import Received
from .socket_errors import SOCKET_ERRORS

PARALLEL_UPDATES = 0

type Value = str | int | float | datetime | None


@dataclass(frozen=True, kw_only=True)
class ModemSensorDescription(SensorEntityDescription):
    """A sensor of the modem. ``exists_fn`` tells whether the modem has what it shows; None leaves it as it is."""

    value_fn: Callable[[Modem], Value]
    attributes_fn: Callable[[Modem], dict[str, str | None]] = lambda _: {}
    exists_fn: Callable[[Modem], bool | None] = lambda _: True


@dataclass(frozen=True, kw_only=True)
class SocketSensorDescription(SensorEntityDescription):
    """A sensor of a socket."""

    value_fn: Callable[[SocketState], Value]


def _options(kind: type[StrEnum]) -> list[str]:
    return [member.value for member in kind]


def _enum(
    key: str, kind: type[StrEnum], value_fn: Callable[[Modem], Value], category: EntityCategory | None = None
) -> ModemSensorDescription:
    return ModemSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENUM,
        options=_options(kind),
        entity_category=category,
        value_fn=value_fn,
    )


def _text(key: str, value_fn: Callable[[Modem], str | None], *, enabled: bool = True) -> ModemSensorDescription:
    return ModemSensorDescription(
        key=key,
        translation_key=key,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=enabled,
        value_fn=value_fn,
    )


def _signal(
    key: str, unit: str, value_fn: Callable[[Modem], float | None], *, enabled: bool = True
) -> ModemSensorDescription:
    return ModemSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=unit,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=enabled,
        value_fn=value_fn,
    )


def _data(
    key: str,
    value_fn: Callable[[Modem], int | None],
    state_class: SensorStateClass = SensorStateClass.TOTAL_INCREASING,
    exists_fn: Callable[[Modem], bool | None] = lambda _: True,
) -> ModemSensorDescription:
    return ModemSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=state_class,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        suggested_unit_of_measurement=UnitOfInformation.KILOBYTES,
        suggested_display_precision=2,
        value_fn=value_fn,
        exists_fn=exists_fn,
    )


def _duration(key: str, value_fn: Callable[[Modem], float | None]) -> ModemSensorDescription:
    return ModemSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=value_fn,
    )


def _both(up: int | None, down: int | None) -> int | None:
    return None if up is None or down is None else up + down


def _share(part: int | None, whole: int | None) -> float | None:
    """Return a part in percent."""
    return None if part is None or not whole else 100 * part / whole


def _has_budget(modem: Modem) -> bool | None:
    """Tell whether the bridge has a data budget; None: it has not told."""
    if modem.state.budget is not None:
        return True
    return None if modem.state.used is None or not modem.available else False


MODEM_SENSORS: Final = (
    ModemSensorDescription(
        key="link",
        translation_key="link",
        device_class=SensorDeviceClass.ENUM,
        options=_options(Layer),
        value_fn=lambda modem: modem.state.layer,
        attributes_fn=lambda modem: {"reason": modem.state.reason},
    ),
    _enum("registration", RegistrationStatus, lambda modem: modem.state.registration),
    _enum("sim", SimStatus, lambda modem: modem.state.sim, EntityCategory.DIAGNOSTIC),
    _signal("rssi", SIGNAL_STRENGTH_DECIBELS_MILLIWATT, lambda modem: modem.state.rssi),
    _signal("rsrp", SIGNAL_STRENGTH_DECIBELS_MILLIWATT, lambda modem: modem.state.rsrp),
    _signal("rsrq", SIGNAL_STRENGTH_DECIBELS, lambda modem: modem.state.rsrq, enabled=False),
    _signal("sinr", SIGNAL_STRENGTH_DECIBELS, lambda modem: modem.state.sinr, enabled=False),
    ModemSensorDescription(
        key="ecl",
        translation_key="ecl",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda modem: modem.state.ecl,
    ),
    _text("operator", lambda modem: modem.state.operator or modem.state.plmn),
    _text("band", lambda modem: None if modem.state.band is None else str(modem.state.band), enabled=False),
    _text("cell", lambda modem: modem.state.cell_id, enabled=False),
    _text("address", lambda modem: modem.state.address),
    _text("apn", lambda modem: modem.state.apn),
    _data("data_up_today", lambda modem: modem.state.today_up),
    _data("data_down_today", lambda modem: modem.state.today_down),
    _data("data_up_period", lambda modem: modem.state.period_up),
    _data("data_down_period", lambda modem: modem.state.period_down),
    # no total: the operator's figure may lower it at any time
    _data("data_used", lambda modem: modem.state.used, SensorStateClass.MEASUREMENT),
    _data("data_total", lambda modem: _both(modem.state.total_up, modem.state.total_down)),
    ModemSensorDescription(
        key="budget_used",
        translation_key="budget_used",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        value_fn=lambda modem: _share(modem.state.used, modem.state.budget),
        exists_fn=_has_budget,
    ),
    _data("data_left", lambda modem: modem.state.budget_left, SensorStateClass.MEASUREMENT, _has_budget),
    ModemSensorDescription(
        key="outbox_messages",
        translation_key="outbox_messages",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda modem: modem.state.outbox_messages,
    ),
    ModemSensorDescription(
        key="outbox_oldest",
        translation_key="outbox_oldest",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda modem: modem.state.outbox_oldest,
    ),
    _duration("psm_active_time", lambda modem: modem.state.psm_active_time),
    _duration("psm_periodic_update", lambda modem: modem.state.psm_periodic_update),
    _duration("edrx_cycle", lambda modem: modem.state.edrx_cycle),
    _duration("edrx_paging_window", lambda modem: modem.state.edrx_paging_window),
    ModemSensorDescription(
        key="recoveries",
        translation_key="recoveries",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda modem: modem.state.recoveries,
    ),
    ModemSensorDescription(
        key="reboots",
        translation_key="reboots",
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda modem: modem.state.reboots,
    ),
    ModemSensorDescription(
        key="voltage",
        device_class=SensorDeviceClass.VOLTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        suggested_display_precision=2,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda modem: modem.state.voltage,
    ),
    ModemSensorDescription(
        key="ping_time",
        translation_key="ping_time",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda modem: modem.ping,
    ),
    _text("firmware", lambda modem: modem.info.firmware, enabled=False),
)

NOT_YET: Final = "none"
"""The last recovery of a modem that never needed one."""

LAST_RECOVERY: Final = SensorEntityDescription(
    key="last_recovery",
    translation_key="last_recovery",
    device_class=SensorDeviceClass.ENUM,
    options=[NOT_YET, *_options(RecoveryStep)],
    entity_category=EntityCategory.DIAGNOSTIC,
)


LAST_RECEIVED: Final = SensorEntityDescription(
    key="last_received", translation_key="last_received", entity_registry_enabled_default=False
)


def _count(key: str, value_fn: Callable[[SocketState], int | None]) -> SocketSensorDescription:
    return SocketSensorDescription(
        key=key,
        translation_key=key,
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=value_fn,
    )


def _bytes(key: str, value_fn: Callable[[SocketState], int | None]) -> SocketSensorDescription:
    return SocketSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.DATA_SIZE,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfInformation.BYTES,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=value_fn,
    )


def _last_error(state: SocketState) -> str | None:
    if state.phase is None:
        return None
    name = state.error_name or "none"
    return name if name in SOCKET_ERRORS else "other"


SOCKET_SENSORS: Final = (
    SocketSensorDescription(
        key="state",
        translation_key="socket_state",
        device_class=SensorDeviceClass.ENUM,
        options=_options(SocketPhase),
        value_fn=lambda state: state.phase,
    ),
    _count("sent_messages", lambda state: state.sent_messages),
    _count("received_messages", lambda state: state.received_messages),
    _bytes("sent_bytes", lambda state: state.sent_bytes),
    _bytes("received_bytes", lambda state: state.received_bytes),
    SocketSensorDescription(
        key="last_error",
        translation_key="last_error",
        device_class=SensorDeviceClass.ENUM,
        options=list(SOCKET_ERRORS),
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_last_error,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: Sim7020ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a modem and its sockets."""
    coordinator = entry.runtime_data
    added: set[str] = set()

    @callback
    def follow() -> None:
        new = []
        for description in MODEM_SENSORS:
            exists, key = description.exists_fn(coordinator.data), description.key
            if exists and key not in added:
                added.add(key)
                new.append(ModemSensor(coordinator, description))
            elif exists is False:
                added.discard(key)
                _forget(hass, f"{coordinator.imei}_{key}")
        if new:
            async_add_entities(new)

    follow()
    entry.async_on_unload(coordinator.async_add_listener(follow))
    async_add_entities([LastRecovery(coordinator, LAST_RECOVERY)])
    async_add_socket_entities(entry, async_add_entities, SocketSensor, SOCKET_SENSORS)
    async_add_socket_entities(entry, async_add_entities, LastReceived, [LAST_RECEIVED])


@callback
def _forget(hass: HomeAssistant, unique_id: str) -> None:
    """Remove a sensor from the registry, and with that from Home Assistant, if it is there."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(SENSOR, DOMAIN, unique_id)
    if entity_id is not None:
        registry.async_remove(entity_id)


class ModemSensor(ModemEntity, SensorEntity):
    """Something that the modem tells."""

    entity_description: ModemSensorDescription

    @property
    @override
    def native_value(self) -> Value:
        """What the modem told last; a text is cut where Home Assistant's states end."""
        value = self.entity_description.value_fn(self.coordinator.data)
        return value[:MAX_LENGTH_STATE_STATE] if isinstance(value, str) else value

    @property
    @override
    def extra_state_attributes(self) -> dict[str, str | None]:
        """What explains the value."""
        return self.entity_description.attributes_fn(self.coordinator.data)


class SocketSensor(SocketEntity, SensorEntity):
    """Something that a socket tells."""

    entity_description: SocketSensorDescription

    @property
    @override
    def native_value(self) -> Value:
        """What the socket told last."""
        return self.entity_description.value_fn(self.socket_state)


class LastRecovery(ModemEntity, RestoreSensor):
    """The step that brought the modem back last. The bridge tells it once, so it is kept over restarts."""

    def __init__(self, coordinator: Coordinator, description: SensorEntityDescription) -> None:
        super().__init__(coordinator, description)
        self._attr_native_value = NOT_YET

    @override
    async def async_added_to_hass(self) -> None:
        """Take up the value of before, and listen."""
        await super().async_added_to_hass()
        restored = await self.async_get_last_sensor_data()
        if restored is not None and restored.native_value in _options(RecoveryStep):
            self._attr_native_value = restored.native_value
        self.async_on_remove(self.coordinator.async_on_event(self._happened))

    @callback
    def _happened(self, event: Event) -> None:
        step = event.details.get("rung")
        if event.type == "recovered" and isinstance(step, str) and step in _options(RecoveryStep):
            self._attr_native_value = step
            self.async_write_ha_state()


class LastReceived(SocketEntity, RestoreSensor):
    """What a socket received last: text where it is text, else hexadecimal digits, cut where states end."""

    @override
    async def async_added_to_hass(self) -> None:
        """Take up the value of before, and listen."""
        await super().async_added_to_hass()
        restored = await self.async_get_last_sensor_data()
        if restored is not None:
            self._attr_native_value = restored.native_value
        self.async_on_remove(self.coordinator.async_on_received(self._received))

    @callback
    def _received(self, received: Received) -> None:
        if received.socket == self.socket:
            text = received.text
            shown = received.data.hex() if text is None else text
            self._attr_native_value = shown[:MAX_LENGTH_STATE_STATE]
            self.async_write_ha_state()
