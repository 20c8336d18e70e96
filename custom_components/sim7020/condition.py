"""Conditions: what automations can ask of the modems that a target names."""

from collections.abc import Iterator
from typing import Any, Final, override

import probatio
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_OPTIONS, CONF_TARGET
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import (
    ATTR_BEHAVIOR,
    BEHAVIOR_ALL,
    BEHAVIOR_ANY,
    Condition,
    ConditionConfig,
)
from homeassistant.helpers.typing import ConfigType

from .coordinator import Modem
from .targets import async_modems

_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_TARGET): cv.TARGET_FIELDS,
        probatio.Required(CONF_OPTIONS, default={}): {
            probatio.Required(ATTR_BEHAVIOR, default=BEHAVIOR_ANY): probatio.In([BEHAVIOR_ANY, BEHAVIOR_ALL])
        },
    }
)


class ModemCondition(Condition):
    """Something holds for any of a target's modems, or for all of them; for a target without modems nothing does."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Return what was given for the condition."""
        validated: ConfigType = _SCHEMA(config)
        return validated

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._target = config.target or {}
        self._all = (config.options or {}).get(ATTR_BEHAVIOR) == BEHAVIOR_ALL

    @override
    def _async_check(self, **kwargs: Any) -> bool:
        held = [self._holds(modem) for modem in self._modems()]
        return all(held) and bool(held) if self._all else any(held)

    def _modems(self) -> Iterator[Modem]:
        """Give what is known of each modem: nothing of one that is not set up."""
        for entry in async_modems(self._hass, self._target):
            yield entry.runtime_data.data if entry.state is ConfigEntryState.LOADED else Modem()

    @staticmethod
    def _holds(modem: Modem) -> bool:
        raise NotImplementedError


def _connected(modem: Modem) -> bool:
    return modem.available and modem.state.connected is True


class ConnectedCondition(ModemCondition):
    """The modem is online or asleep, as the bridge says."""

    @staticmethod
    @override
    def _holds(modem: Modem) -> bool:
        return _connected(modem)


class NotConnectedCondition(ModemCondition):
    """The modem is not known to be connected: it lacks something, or the bridge or the broker is away."""

    @staticmethod
    @override
    def _holds(modem: Modem) -> bool:
        return not _connected(modem)


class BudgetUsedUpCondition(ModemCondition):
    """All of the data budget is used, by what the bridge told last."""

    @staticmethod
    @override
    def _holds(modem: Modem) -> bool:
        used, budget = modem.state.used, modem.state.budget
        return used is not None and budget is not None and used >= budget


CONDITIONS: Final[dict[str, type[Condition]]] = {
    "is_connected": ConnectedCondition,
    "is_not_connected": NotConnectedCondition,
    "is_data_budget_used_up": BudgetUsedUpCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:  # noqa: ARG001
    """Return the conditions by name."""
    return CONDITIONS
