"""Device triggers: what automations can wait for at a modem or at one of its sockets."""

from typing import Any, Final

import probatio
from homeassistant.components.device_automation import DEVICE_TRIGGER_BASE_SCHEMA, InvalidDeviceAutomationConfig
from homeassistant.const import CONF_DEVICE_ID, CONF_DOMAIN, CONF_PLATFORM, CONF_TYPE
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.trigger import TriggerActionType, TriggerInfo
from homeassistant.helpers.typing import ConfigType

from .announce import SIGNAL
from .const import DOMAIN
from .targets import socket_of
from .texts import written

CONF_TEXT: Final = "text"

RECEIVED: Final = "received"
"""What a socket can have; the others are the modem's."""

MODEM_TYPES: Final = ("attached", "lost", "recovered", "rebooted", "asleep", "awake", "data_budget")

TRIGGER_SCHEMA: Final = DEVICE_TRIGGER_BASE_SCHEMA.extend(
    {
        probatio.Required(CONF_TYPE): probatio.In((*MODEM_TYPES, RECEIVED)),
        probatio.Optional(CONF_TEXT): written,
    }
)


async def async_get_triggers(hass: HomeAssistant, device_id: str) -> list[dict[str, str]]:
    """Return what can be waited for at a device."""
    device = dr.async_get(hass).async_get(device_id)
    if device is None:
        return []
    common = {CONF_PLATFORM: "device", CONF_DOMAIN: DOMAIN, CONF_DEVICE_ID: device_id}
    return [{**common, CONF_TYPE: kind} for kind in _types(device.identifiers)]


def _types(identifiers: set[tuple[str, str]]) -> tuple[str, ...]:
    return MODEM_TYPES if socket_of(identifiers) is None else (RECEIVED,)


async def async_validate_trigger_config(hass: HomeAssistant, config: ConfigType) -> ConfigType:
    """Return what to wait for; refuse what can never happen at the device.

    Raises:
        InvalidDeviceAutomationConfig: A modem is to receive a message, or a socket to do what modems do.
        probatio.Invalid: The text is none.
    """
    config = TRIGGER_SCHEMA(config)
    device = dr.async_get(hass).async_get(config[CONF_DEVICE_ID])
    if device is not None and config[CONF_TYPE] not in _types(device.identifiers):
        raise InvalidDeviceAutomationConfig(
            translation_domain=DOMAIN,
            translation_key="not_at_device",
            translation_placeholders={"device": device.name_by_user or device.name or device.id},
        )
    return config


async def async_get_trigger_capabilities(
    hass: HomeAssistant,  # noqa: ARG001
    config: ConfigType,
) -> dict[str, probatio.Schema]:
    """Return what else can be asked for: a received message can be held to a text."""
    if config[CONF_TYPE] != RECEIVED:
        return {}
    return {"extra_fields": probatio.Schema({probatio.Optional(CONF_TEXT): cv.string})}


async def async_attach_trigger(
    hass: HomeAssistant, config: ConfigType, action: TriggerActionType, trigger_info: TriggerInfo
) -> CALLBACK_TYPE:
    """Wait for it. It does not matter whether the modem is set up yet."""
    job = HassJob(action)
    device, wanted, text = config[CONF_DEVICE_ID], config[CONF_TYPE], config.get(CONF_TEXT)

    @callback
    def happened(device_id: str, kind: str, facts: dict[str, Any]) -> None:
        if device_id != device or kind != wanted or (text and facts.get("text") != text):
            return
        trigger = {
            **facts,
            **trigger_info["trigger_data"],
            **config,
            CONF_TEXT: facts.get("text"),
            "description": f"SIM7020 {kind}",
        }
        hass.async_run_hass_job(job, {"trigger": trigger})

    return async_dispatcher_connect(hass, SIGNAL, happened)
