"""A modem is found, lives in Home Assistant, and survives what happens to broker and bridge."""

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from tests.component.e2e.home import Home
from tests.component.e2e.surroundings import SOCKET, Surroundings

NOTHING = {STATE_UNAVAILABLE, STATE_UNKNOWN}
# What has no value before something happens that may never happen.
LATER = ("_last_recovery", "_ping_time")


def lives(state: str) -> bool:
    """Tell whether an entity has a value."""
    return state not in NOTHING


async def test_a_discovered_modem_comes_to_life(hass: HomeAssistant, home: Home, surroundings: Surroundings) -> None:
    """Once the user has confirmed, every sensor that is enabled shows a value."""
    await surroundings.modem("shed")
    entry = await home.add("shed")
    assert await home.state(home.entity(entry, "sensor", "link"), lambda state: state == "online", "online")
    for each in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if each.domain in {"sensor", "binary_sensor"} and not each.disabled and not each.unique_id.endswith(LATER):
            await home.state(each.entity_id, lives, "a value")


async def test_a_notification_reaches_the_server_and_its_answer_comes_back(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """A text goes from Home Assistant to a UDP server, and what that sends is an event."""
    await surroundings.modem("shed")
    entry = await home.add("shed")
    await home.state(home.entity(entry, "sensor", f"socket_{SOCKET}_state"), lambda state: state == "open", "open")
    notify = home.entity(entry, "notify", f"socket_{SOCKET}_send")
    await hass.services.async_call("notify", "send_message", {"entity_id": notify, "message": "21.5"}, blocking=True)
    await surroundings.server.has(b"21.5")
    surroundings.server.send(b"hello")
    received = home.entity(entry, "event", f"socket_{SOCKET}_received")
    await home.state(received, lives, "an event")
    state = hass.states.get(received)
    assert state is not None
    assert "hello" in state.attributes.values()


async def test_a_restarted_bridge_is_missed_and_taken_back(home: Home, surroundings: Surroundings) -> None:
    """While the bridge is away nothing is shown as true, and it comes back without the user's doing."""
    modem = await surroundings.modem("shed")
    entry = await home.add("shed")
    link = home.entity(entry, "sensor", "link")
    await home.state(link, lambda state: state == "online", "online")
    await modem.bridge.kill()
    await home.state(link, lambda state: state == STATE_UNAVAILABLE, "unavailable")
    await modem.bridge.start()
    await home.state(link, lambda state: state == "online", "online again")


async def test_a_restarted_broker_is_missed_and_taken_back(home: Home, surroundings: Surroundings) -> None:
    """While the broker is away nothing is shown as true, and it comes back without the user's doing."""
    await surroundings.modem("shed")
    entry = await home.add("shed")
    link = home.entity(entry, "sensor", "link")
    await home.state(link, lambda state: state == "online", "online")
    await surroundings.broker.stop()
    await home.state(link, lambda state: state == STATE_UNAVAILABLE, "unavailable")
    await surroundings.broker.start()
    await home.state(link, lambda state: state == "online", "online again")


async def test_two_modems_are_two_devices(home: Home, surroundings: Surroundings) -> None:
    """The offer of one modem stands while another is added, and each entry has its own."""
    await surroundings.modem("shed", imei="866207050000019")
    await surroundings.modem("barn", imei="866207050000027")
    assert await home.offered("shed") != await home.offered("barn")
    first, second = await home.add("barn"), await home.add("shed")
    assert {first.unique_id, second.unique_id} == {"866207050000019", "866207050000027"}


async def test_a_modem_is_shown_once(hass: HomeAssistant, home: Home, surroundings: Surroundings) -> None:
    """What the bridge shows by MQTT discovery goes when the component takes over, and comes back after it."""
    await surroundings.modem("shed", discovery=True)

    def shown() -> bool:
        return any(each.platform == "mqtt" for each in er.async_get(hass).entities.values())

    await home.until(lambda: shown() or None, "the modem by MQTT discovery")
    entry = await home.add("shed")
    await home.until(lambda: not shown() or None, "the end of MQTT discovery")
    await hass.config_entries.async_remove(entry.entry_id)
    await home.until(lambda: shown() or None, "the modem by MQTT discovery again")
