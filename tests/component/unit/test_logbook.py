"""A message that was not sent is an event, and a line in the logbook."""

from collections.abc import Callable
from typing import Any

import pytest
from homeassistant.core import Event, HomeAssistant
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.sim7020.announce import EVENT_NOT_SENT
from custom_components.sim7020.logbook import async_describe_events
from tests.component.unit.kit import Bridge, document, set_up


def told(hass: HomeAssistant, event: Event[Any]) -> dict[str, str]:
    """Return the line of the logbook for an event."""
    lines: dict[str, Callable[[Event[Any]], dict[str, str]]] = {}

    def describe_event(domain: str, kind: str, describe: Callable[[Event[Any]], dict[str, str]]) -> None:
        assert domain == "sim7020"
        lines[kind] = describe

    async_describe_events(hass, describe_event)
    return lines[str(event.event_type)](event)


@pytest.mark.parametrize("state", ["expired", "failed", "rejected"])
async def test_a_message_that_was_not_sent_is_in_the_logbook(hass: HomeAssistant, bridge: Bridge, state: str) -> None:
    """Under the name of its socket, with the reason, whoever sent it."""
    bridge.serve()
    await set_up(hass)
    events = async_capture_events(hass, EVENT_NOT_SENT)
    receipt = document(f"receipt-{state}") | {"id": "order-7", "socket": "telemetry"}
    await bridge.say("socket/telemetry/receipt", receipt, retain=False)
    (event,) = events
    assert {key: event.data[key] for key in ("socket", "id", "state")} == {
        "socket": "telemetry",
        "id": "order-7",
        "state": state,
    }
    assert told(hass, event) == {
        "name": "SIM7020 shed telemetry",
        "message": f"did not send the message order-7: {state}, {receipt['error']['message']}",
    }


async def test_a_socket_that_is_gone_has_its_line_too(hass: HomeAssistant, bridge: Bridge) -> None:
    """Under the name that the receipt has."""
    bridge.serve()
    await set_up(hass)
    events = async_capture_events(hass, EVENT_NOT_SENT)
    receipt = document("receipt-failed") | {"id": "order-7", "socket": "attic", "error": None}
    await bridge.say("socket/attic/receipt", receipt, retain=False)
    assert told(hass, events[0]) == {"name": "attic", "message": "did not send the message order-7: failed"}


@pytest.mark.parametrize("name", ["queued", "sending", "udp-accepted", "tcp-acknowledged", "superseded"])
async def test_what_was_sent_is_no_news(hass: HomeAssistant, bridge: Bridge, name: str) -> None:
    """Nor is what is on its way, or has made way for a newer message."""
    bridge.serve()
    await set_up(hass)
    events = async_capture_events(hass, EVENT_NOT_SENT)
    await bridge.say("socket/telemetry/receipt", document(f"receipt-{name}") | {"socket": "telemetry"}, retain=False)
    assert not events
