"""A browser for all tests, and installations: one that they share, and one for each that changes or breaks it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.left_running import pytest_configure, pytest_sessionfinish
from tests.page.installation import SOCKET, Installation, installation_in
from tests.page.screen import PATIENCE, chromium
from tests.shared_out import pytest_runtestloop

__all__ = ["browser", "house", "installation", "pytest_configure", "pytest_runtestloop", "pytest_sessionfinish"]

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run a browser."""
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    """Run a broker, a client that hears everything, and a server; modules and the bridge are the test's to start."""
    async with installation_in(tmp_path) as installation:
        yield installation


@pytest.fixture(scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Run a bridge that tests share: `shed` is online and has sent and received, the SIM of `attic` is barred."""
    async with installation_in(tmp_path_factory.mktemp("house")) as house:
        shed = await house.module("shed", operator="Telekom.de", plmn="26201")
        attic = await house.module("attic", registration="denied:3")
        budget = {"bytes": 1_000_000}
        await house.run(
            {
                "shed": house.settings(shed, data_budget=budget, allow_at=["AT+CSQ", "AT+CEREG?"]),
                "attic": house.settings(attic),
            }
        )
        modem = house.modem("shed")
        await modem.open(SOCKET)
        await house.modem("attic").state(lambda state: state["link"]["layer"] == "registration")
        for number in range(3):
            payload = f'{{"temperature": {20 + number}.5}}'.encode()
            await modem.send(SOCKET, payload, f"greenhouse-{number}")
            await modem.received(SOCKET, payload)
        yield house
