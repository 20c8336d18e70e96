"""One house for all tests: starting Home Assistant and a browser takes longer than using them."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.broker import Mosquitto
from tests.browser.house import House
from tests.browser.screen import chromium, keys, window
from tests.component.e2e.surroundings import Modem, Surroundings
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


@pytest.fixture(scope="session")
async def shed(browser: Browser, house: House, surroundings: Surroundings) -> Modem:
    """Run a modem that the user has added when it was discovered."""
    modem = await surroundings.modem("shed")
    async with window(browser, house, "en") as screen:
        await screen.open("/config/integrations/dashboard")
        card = screen.page.locator("ha-config-flow-card").filter(has_text="SIM7020 shed")
        await card.wait_for()
        await screen.shot("discovered")
        await card.get_by_role("button", name="Add", exact=True).click()
        await screen.sees("Add the modem shed?")
        await screen.shot("add")
        assert not keys(await screen.texts())
        await screen.click("Submit")
        await screen.click("Skip and finish")
        await screen.sees("Custom integration")
        await screen.shot("added")
        assert not keys(await screen.texts())
    return modem
