"""What can be mended from Home Assistant: another access point, and another attempt to attach."""

from typing import Any, Final

import probatio
from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
from homeassistant.util.json import JsonObjectType

from .coordinator import Coordinator, Sim7020ConfigEntry
from .documents import has_connection
from .reading import Keys

_APN: Final = probatio.Schema(
    {
        probatio.Required("apn"): TextSelector(),
        probatio.Optional("username"): TextSelector(),
        probatio.Optional("password"): TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD)),
    }
)


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends what an issue is about."""
    entry: Sim7020ConfigEntry | None = hass.config_entries.async_get_entry(str((data or {}).get("entry_id")))
    name = "apn_rejected" if issue_id.startswith("apn_rejected") else "registration_denied"
    return SetApnFlow(entry, name) if name == "apn_rejected" else ReattachFlow(entry, name)


class _ModemFlow(RepairsFlow):
    """Asks the modem's bridge for something that ends with a data connection, or does not.

    Args:
        entry: The modem's, if it is still there.
        name: The alert that the issue is about. What it says now is shown: the cause is there.
    """

    def __init__(self, entry: Sim7020ConfigEntry | None, name: str) -> None:
        self._entry = entry
        self._name = name
        self._message = "-"
        self._refusal = "-"

    @property
    def _placeholders(self) -> dict[str, str]:
        alert = None if self._coordinator is None else self._coordinator.data.alerts.get(self._name)
        if alert is not None and alert.message:
            self._message = alert.message
        return {
            "modem": "-" if self._entry is None else self._entry.title,
            "message": self._message,
            "refusal": self._refusal,
        }

    @property
    def _coordinator(self) -> Coordinator | None:
        if self._entry is None or self._entry.state is not ConfigEntryState.LOADED:
            return None
        return self._entry.runtime_data

    async def _error(self, coordinator: Coordinator, verb: str, body: JsonObjectType) -> str | None:
        """Ask, and return what went wrong, or None if the modem has a data connection now."""
        try:
            answer = Keys(await coordinator.client.async_request(verb, body))
        except HomeAssistantError as error:
            self._refusal = str(error)
            return "refused"
        return None if has_connection(answer) else "no_connection"


class SetApnFlow(_ModemFlow):
    """Gives the modem the access point that the operator names."""

    async def async_step_init(self, _: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; Home Assistant hands the issue's id over as if the user had given it."""
        return await self.async_step_set_apn()

    async def async_step_set_apn(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Ask for the access point until the network gives an address."""
        coordinator = self._coordinator
        if coordinator is None:
            return self.async_abort(reason="not_loaded")
        errors: dict[str, str] = {}
        if user_input is not None:
            error = await self._error(coordinator, "set_apn", user_input)
            if error is None:
                return self.async_create_entry(data={})
            errors["base"] = error
        suggested = user_input or {"apn": coordinator.data.state.apn or ""}
        return self.async_show_form(
            step_id="set_apn",
            data_schema=self.add_suggested_values_to_schema(_APN, suggested),
            errors=errors,
            description_placeholders=self._placeholders,
        )


class ReattachFlow(_ModemFlow):
    """Has the modem attach again once the user has settled it with the operator."""

    async def async_step_init(self, _: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; Home Assistant hands the issue's id over as if the user had given it."""
        return await self.async_step_reattach()

    async def async_step_reattach(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Wait for the user's word, then attach."""
        coordinator = self._coordinator
        if coordinator is None:
            return self.async_abort(reason="not_loaded")
        errors: dict[str, str] = {}
        if user_input is not None:
            error = await self._error(coordinator, "reattach", {})
            if error is None:
                return self.async_create_entry(data={})
            errors["base"] = error
        return self.async_show_form(
            step_id="reattach",
            data_schema=probatio.Schema({}),
            errors=errors,
            description_placeholders=self._placeholders,
        )
