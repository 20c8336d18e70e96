"""One house for all tests: starting Home Assistant and a browser takes longer than using them."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.broker import Mosquitto
from tests.browser.house import House
from tests.browser.screen import chromium
from tests.component.e2e.surroundings import Surroundings
from tests.ports import free_port


@pytest.fixture(scope="session")
async def surroundings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Surroundings]:
    """Run a broker, and a server that the sockets talk to."""
    directory = tmp_path_factory.mktemp("surroundings")
    around = Surroundings(directory, Mosquitto(directory, free_port()))
    await around.start()
    try:
        yield around
    finally:
        await around.close()


@pytest.fixture(scope="session")
async def house(surroundings: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Run Home Assistant."""
    house = House(tmp_path_factory.mktemp("house"), surroundings.broker)
    try:
        await house.start()
        yield house
    finally:
        await house.stop()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run a browser."""
    async with chromium() as browser:
        yield browser
