"""Messages that were not sent, in the logbook. What happens to a modem stands there by its event entities."""

from collections.abc import Callable

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .announce import EVENT_NOT_SENT
from .const import DOMAIN


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None]
) -> None:
    """Tell the logbook what its lines are."""

    @callback
    def describe(event: Event) -> dict[str, str]:
        facts = event.data
        device = dr.async_get(hass).async_get(facts.get(ATTR_DEVICE_ID) or "")
        name = facts.get("socket") if device is None else device.name_by_user or device.name
        message = f"did not send the message {facts.get('id')}: {facts.get('state')}"
        if reason := facts.get("reason"):
            message += f", {reason}"
        return {LOGBOOK_ENTRY_NAME: name or DOMAIN, LOGBOOK_ENTRY_MESSAGE: message}

    async_describe_event(DOMAIN, EVENT_NOT_SENT, describe)
