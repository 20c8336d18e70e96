"""A modem that is lost is told by another channel, whatever it lacks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from homeassistant import loader
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import CoreState, HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_mock_service,
    async_test_home_assistant,
    mock_restore_cache,
)

from custom_components.sim7020 import client
from tests.component.blueprints import AUTOMATION, automate, end, save, use
from tests.component.e2e.home import DOMAIN, Home, connect
from tests.component.e2e.shed import gone, open_again, ready
from tests.component.e2e.surroundings import SOCKET, Modem, Surroundings
from tests.component.unit.kit import device_id


async def connected(home: Home, surroundings: Surroundings) -> tuple[Modem, ConfigEntry, str]:
    """Return a modem that is online, its config entry, and the entity of its data connection."""
    modem = await surroundings.modem("shed")
    entry = await home.add("shed")
    connection = home.entity(entry, "binary_sensor", "pdn")
    await home.state(connection, lambda state: state == "on", "on")
    return modem, entry, connection


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        pytest.param(["port close"], "off", id="unplugged"),
        pytest.param(["deaf"], "off", id="silent"),
        pytest.param(["sim absent"], "off", id="sim-missing"),
        pytest.param(["sim pin"], "off", id="sim-pin"),
        pytest.param(["refuse AT+CFUN=1* ERROR", "setting CFUN=0"], "off", id="radio"),
        pytest.param(["registration none"], "off", id="no-network"),
        pytest.param(["registration denied"], "off", id="denied"),
        pytest.param(["refuse AT+CGACT=1* 149", "set refused_apn=shnbiot", "pdn lost"], "off", id="no-context"),
        pytest.param("bridge", STATE_UNAVAILABLE, id="no-bridge"),
        pytest.param("broker", STATE_UNAVAILABLE, id="no-broker"),
    ],
)
async def test_an_alarm_is_raised(
    hass: HomeAssistant,
    home: Home,
    surroundings: Surroundings,
    tmp_path: Path,
    *,
    trouble: list[str] | str,
    expected: str,
) -> None:
    """By the blueprint, and the data connection is never unknown meanwhile.

    What the module does not report is found when the modem is read, which a user may ask for.
    """
    modem, entry, connection = await connected(home, surroundings)
    alarms = async_mock_service(hass, "test", "alarm")
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    given = {"connection": connection, "patience": {"seconds": 1}, "alarm": [{"action": "test.alarm"}]}
    await use(hass, tmp_path, "alarm_when_lost", **given)
    match trouble:
        case "bridge":
            await modem.bridge.kill()
        case "broker":
            await surroundings.broker.stop()
        case events:
            for event in events:
                await modem.happen(*event.split())
            refresh = home.entity(entry, "button", "refresh")
            with suppress(HomeAssistantError):
                await hass.services.async_call("button", "press", {"entity_id": refresh}, blocking=True)
    await home.until(lambda: alarms, "the alarm")
    news = [change.data["new_state"] for change in changes if change.data["entity_id"] == connection]
    assert [state and state.state for state in news] == [expected]
    await end(hass)


async def test_an_automation_asks_whether_the_modem_is_connected(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """By a condition on its device; a bridge that is away leaves no modem connected."""
    modem, entry = await ready(home, surroundings)
    connection = home.entity(entry, "binary_sensor", "pdn")
    await home.state(connection, lambda state: state == "on", "on")
    took = async_mock_service(hass, "test", "take")
    asks = {
        "choose": [
            {
                "conditions": [{"condition": f"sim7020.{name}", "target": {"device_id": device_id(hass)}}],
                "sequence": [{"action": "test.take", "data": {"held": name}}],
            }
            for name in ("is_connected", "is_not_connected")
        ]
    }
    await automate(hass, triggers=[{"trigger": "event", "event_type": "now"}], actions=[asks])

    async def held() -> str:
        before = len(took)
        hass.bus.async_fire("now")
        await home.until(lambda: len(took) > before, "the answer")
        return str(took[-1].data["held"])

    assert await held() == "is_connected"
    await modem.happen("registration", "none")
    await home.state(connection, lambda state: state == "off", "off")
    assert await held() == "is_not_connected"
    await modem.happen("registration", "home")
    await home.state(connection, lambda state: state == "on", "on")
    assert await held() == "is_connected"
    await modem.bridge.kill()
    await gone(home, entry)
    assert await held() == "is_not_connected"
    await end(hass)


MEMORY = "input_boolean.alarmed"
REMEMBERED: dict[str, Any] = {
    "patience": {"milliseconds": 100},
    "alarm": [{"action": "test.alarm"}],
    "all_clear": [{"action": "test.all_clear"}],
    "memory": MEMORY,
}


@asynccontextmanager
async def next_life(surroundings: Surroundings, entry: ConfigEntry, remembered: str) -> AsyncIterator[Home]:
    """Run Home Assistant anew, up to where it starts, with the modem and with what a helper's state was."""
    async with async_test_home_assistant(initial_state=CoreState.not_running) as hass:
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        mock_restore_cache(hass, [State(MEMORY, remembered)])
        broker = await connect(hass, surroundings.broker)
        modem = MockConfigEntry(domain=DOMAIN, title=entry.title, unique_id=entry.unique_id, data=dict(entry.data))
        modem.add_to_hass(hass)
        assert await hass.config_entries.async_setup(modem.entry_id)
        try:
            yield Home(hass)
        finally:
            await end(hass)
            for each in (modem, broker):
                await hass.config_entries.async_unload(each.entry_id)
            await hass.async_stop(force=True)


async def remember(hass: HomeAssistant) -> None:
    """Make the helper that remembers an alarm, as the user interface does: its state is restored."""
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"alarmed": {}}})


@pytest.mark.parametrize("back", [True, False], ids=["back-meanwhile", "back-later"])
async def test_an_alarm_is_remembered_over_a_restart(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, tmp_path: Path, *, back: bool
) -> None:
    """It is not raised again for a modem that is still lost, and cleared for one that is back."""
    modem, entry, connection = await connected(home, surroundings)
    given = {"connection": connection, **REMEMBERED}
    alarms = async_mock_service(hass, "test", "alarm")
    await remember(hass)
    await use(hass, tmp_path, "alarm_when_lost", **given)
    await modem.happen("port", "close")
    await home.until(lambda: alarms, "the alarm")
    await home.state(MEMORY, lambda state: state == "on", "on")
    await hass.services.async_call("automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True)
    if back:
        await modem.happen("port", "open")
        await home.state(connection, lambda state: state == "on", "on")
    await hass.config_entries.async_unload(entry.entry_id)
    async with next_life(surroundings, entry, "on") as after:
        alarms = async_mock_service(after.hass, "test", "alarm")
        clear = async_mock_service(after.hass, "test", "all_clear")
        await remember(after.hass)
        await use(after.hass, tmp_path, "alarm_when_lost", **given)
        await after.hass.async_start()
        if not back:
            assert not clear
            await modem.happen("port", "open")
        await after.until(lambda: clear, "the all-clear")
        await after.state(MEMORY, lambda state: state == "off", "off")
        assert (len(alarms), len(clear)) == (0, 1)


@pytest.mark.parametrize("restarted", ["bridge", "broker", "entry", "automations"])
async def test_an_alarm_is_told_once_whatever_is_restarted_meanwhile(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, tmp_path: Path, *, restarted: str
) -> None:
    """And the all-clear as well."""
    modem, entry, connection = await connected(home, surroundings)
    given = {"connection": connection, **REMEMBERED}
    alarms, clear = (async_mock_service(hass, "test", name) for name in ("alarm", "all_clear"))
    await remember(hass)
    await use(hass, tmp_path, "alarm_when_lost", **given)
    await modem.happen("port", "close")
    await home.state(MEMORY, lambda state: state == "on", "on")
    match restarted:
        case "bridge":
            await modem.bridge.kill()
            await gone(home, entry)
            await modem.bridge.start()
        case "broker":
            await surroundings.broker.stop()
            await gone(home, entry)
            await surroundings.broker.start()
        case "entry":
            assert await hass.config_entries.async_reload(entry.entry_id)
        case _:
            await save(hass, "alarm_when_lost", **given)
    await home.state(connection, lambda state: state == "off", "off")
    await modem.happen("port", "open")
    await home.until(lambda: clear, "the all-clear")
    await home.state(MEMORY, lambda state: state == "off", "off")
    assert (len(alarms), len(clear)) == (1, 1)
    await end(hass)


async def test_a_text_is_not_lost_in_silence_when_home_assistant_starts_before_the_broker(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notify entity is there and says what is wrong, and sends when broker and bridge are back."""
    _, entry = await ready(home, surroundings)
    (broker,) = hass.config_entries.async_entries("mqtt")
    for each in (entry, broker):
        assert await hass.config_entries.async_unload(each.entry_id)
    await surroundings.broker.stop()
    monkeypatch.setattr(client, "SUBSCRIBED_WITHIN", 0.1)
    for each in (broker, entry):
        assert await hass.config_entries.async_setup(each.entry_id)
    await gone(home, entry)
    notify = home.entity(entry, "notify", f"socket_{SOCKET}_send")

    async def send(text: str) -> None:
        await hass.services.async_call("notify", "send_message", {"entity_id": notify, "message": text}, blocking=True)

    with pytest.raises(HomeAssistantError) as raised:
        await send("lost")
    assert raised.value.translation_key == "broker_unreachable"
    await surroundings.broker.start()
    await open_again(home, entry)
    await send("the house burns")
    await surroundings.server.has(b"the house burns")
