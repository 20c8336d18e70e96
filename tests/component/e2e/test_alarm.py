"""A modem that is lost is told by another channel, whatever it lacks."""

from pathlib import Path

import pytest
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import async_capture_events, async_mock_service

from tests.component.blueprints import end, use
from tests.component.e2e.home import Home
from tests.component.e2e.surroundings import Surroundings


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        pytest.param("port close", "off", id="unplugged"),
        pytest.param("sim absent", "off", id="sim-missing"),
        pytest.param("sim pin", "off", id="sim-pin"),
        pytest.param("registration none", "off", id="no-network"),
        pytest.param("registration denied", "off", id="denied"),
        pytest.param(None, STATE_UNAVAILABLE, id="no-bridge"),
    ],
)
async def test_an_alarm_is_raised(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, tmp_path: Path, *, trouble: str | None, expected: str
) -> None:
    """By the blueprint, and the data connection is never unknown meanwhile."""
    modem = await surroundings.modem("shed")
    entry = await home.add("shed")
    connection = home.entity(entry, "binary_sensor", "pdn")
    await home.state(connection, lambda state: state == "on", "on")
    alarms = async_mock_service(hass, "test", "alarm")
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    given = {"connection": connection, "patience": {"seconds": 1}, "alarm": [{"action": "test.alarm"}]}
    await use(hass, tmp_path, "alarm_when_lost", **given)
    if trouble is None:
        await modem.bridge.kill()
    else:
        await modem.happen(*trouble.split())
    await home.until(lambda: alarms, "the alarm")
    news = [change.data["new_state"] for change in changes if change.data["entity_id"] == connection]
    assert [state and state.state for state in news] == [expected]
    await end(hass)
