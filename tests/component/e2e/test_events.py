"""What happened once is acted on once, whatever is restarted afterwards."""

from homeassistant.components import mqtt
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import async_capture_events, async_mock_service

from tests.component.blueprints import automate, end, shown
from tests.component.e2e.home import Home
from tests.component.e2e.shed import gone, open_again, ready, send
from tests.component.e2e.surroundings import SOCKET, Surroundings


async def test_the_valve_is_opened_once_for_each_command(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """By the automation that the documentation shows, over restarts of bridge and broker and a reload of the entry.

    To a trigger on the state nothing happens either while bridge and broker are restarted.
    """
    modem, entry = await ready(home, surroundings)
    opened = async_mock_service(hass, "valve", "open_valve")
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    received = home.entity(entry, "event", f"socket_{SOCKET}_received")
    await automate(hass, **shown("valve.open_valve", control=SOCKET))

    def seen() -> int:
        return sum(change.data["entity_id"] == received for change in changes)

    await send(hass, entry, "here I am")
    surroundings.server.send(b"open")
    await home.until(lambda: opened, "the command")
    assert seen() == 1

    # in good order: the very same bytes may come twice from one that is killed
    await modem.bridge.stop()
    await gone(home, entry)
    await modem.bridge.start()
    await open_again(home, entry)

    await surroundings.broker.stop()
    await gone(home, entry)
    await home.until(lambda: not mqtt.is_connected(hass), "without a broker")
    await surroundings.broker.start()
    await open_again(home, entry)
    assert seen() == 1

    assert await hass.config_entries.async_reload(entry.entry_id)
    await open_again(home, entry)
    await send(hass, entry, "here I am again")
    assert len(opened) == 1
    surroundings.server.send(b"close")
    surroundings.server.send(b"open")
    await home.until(lambda: len(opened) > 1, "the second command")
    assert len(opened) == 2
    await end(hass)
