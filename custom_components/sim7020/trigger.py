"""Triggers: what automations can wait for at the modems and sockets that a target names."""

from typing import Any, Final, override

import probatio
from homeassistant.const import (
    ATTR_DEVICE_ID,
    CONF_ALIAS,
    CONF_DESCRIPTION,
    CONF_ID,
    CONF_OPTIONS,
    CONF_PLATFORM,
    CONF_TARGET,
    CONF_TYPE,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig, TriggerNotTriggeredReporter
from homeassistant.helpers.typing import ConfigType

from .announce import BACK, SIGNAL
from .targets import async_devices
from .texts import written

CONF_TEXT: Final = "text"

HOME_ASSISTANTS: Final = {CONF_ALIAS, CONF_DESCRIPTION, CONF_ID, CONF_PLATFORM, "idx"}
"""What Home Assistant itself says of a trigger. It lets a fact of the same name take its place."""

_TARGET: Final = {probatio.Required(CONF_TARGET): cv.TARGET_FIELDS}


class HappenedTrigger(Trigger):
    """Waits for one kind of thing to happen. What the target names is looked up each time: it may change."""

    _kind: str
    _schema = probatio.Schema({**_TARGET, probatio.Optional(CONF_OPTIONS): {}})

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Return what was given for the trigger."""
        validated: ConfigType = cls._schema(config)
        return validated

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._target = config.target or {}
        self._text = (config.options or {}).get(CONF_TEXT)

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Run the action each time that it happens. It does not matter whether the modem is set up yet."""

        @callback
        def happened(device_id: str, kind: str, facts: dict[str, Any]) -> None:
            if kind != self._kind or (self._text and facts.get(CONF_TEXT) != self._text):
                return
            if device_id in async_devices(self._hass, self._target):
                known = {name: fact for name, fact in facts.items() if name not in HOME_ASSISTANTS}
                run_action({**known, ATTR_DEVICE_ID: device_id, CONF_TYPE: kind}, f"SIM7020 {kind}")

        return async_dispatcher_connect(self._hass, SIGNAL, happened)


class ReceivedTrigger(HappenedTrigger):
    """A socket received a message, any or one of a certain text."""

    _kind = "received"
    _schema = probatio.Schema({**_TARGET, probatio.Optional(CONF_OPTIONS): {probatio.Optional(CONF_TEXT): written}})


class MessageSentTrigger(HappenedTrigger):
    """The final receipt of a message says that the module took it, or the peer."""

    _kind = "message_sent"


class MessageFailedTrigger(HappenedTrigger):
    """The final receipt of a message says that it is lost."""

    _kind = "message_failed"


class ConnectionLostTrigger(HappenedTrigger):
    """A modem is no longer online, and does not just sleep."""

    _kind = "lost"


class ConnectionBackTrigger(HappenedTrigger):
    """A modem whose loss was told is online again."""

    _kind = BACK


class RestartedTrigger(HappenedTrigger):
    """A modem restarted by itself."""

    _kind = "rebooted"


class DataBudgetTrigger(HappenedTrigger):
    """The data budget is nearly used up, or is."""

    _kind = "data_budget"


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "received": ReceivedTrigger,
    "message_sent": MessageSentTrigger,
    "message_failed": MessageFailedTrigger,
    "connection_lost": ConnectionLostTrigger,
    "connection_back": ConnectionBackTrigger,
    "restarted": RestartedTrigger,
    "data_budget": DataBudgetTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:  # noqa: ARG001
    """Return the triggers by name."""
    return TRIGGERS
