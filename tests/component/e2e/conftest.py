"""Home Assistant's real MQTT client, a real broker, and the real bridge behind it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from homeassistant.components.mqtt import client
from homeassistant.core import HomeAssistant

from tests.broker import Mosquitto
from tests.component.e2e.home import Home, connect
from tests.component.e2e.surroundings import Surroundings
from tests.ports import free_port


@pytest.fixture(autouse=True)
def prompt() -> Iterator[None]:
    """Have Home Assistant connect again soon after the broker went away; it takes its time otherwise."""
    with patch.object(client, "RECONNECT_INTERVAL_SECONDS", 0.2):
        yield


@pytest.fixture
async def surroundings(socket_enabled: None, tmp_path: Path) -> AsyncIterator[Surroundings]:
    """Run a broker and a server; what a test starts beside them is ended with them."""
    assert socket_enabled is None
    around = Surroundings(tmp_path, Mosquitto(tmp_path, free_port(), ("persistence true",)))
    await around.start()
    try:
        yield around
    finally:
        await around.close()


@pytest.fixture
async def home(surroundings: Surroundings, mock_hass_config: None, hass: HomeAssistant) -> Home:
    """Return a Home Assistant that is connected to the broker."""
    assert mock_hass_config is None
    await connect(hass, surroundings.broker)
    return Home(hass)
