"""What a user does with the component, and sees of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browser.house import House
from tests.browser.screen import Screen, keys, window
from tests.component.e2e.surroundings import SOCKET, Modem, Surroundings

TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / "sim7020" / "translations"
LANGUAGES = ("en", "zh-Hans", "de")
# What has no value before something happens that may never happen; when a button was last pressed is not even shown.
LATER = {"event", "received", "last_recovery", "ping_time", "send"}
PRESSED = {"reattach", "reset", "refresh", "ping"}


def names(language: str) -> dict[tuple[str, str], str]:
    """Return the names of all entities in a language."""
    entities: dict[str, Any] = json.loads((TRANSLATIONS / f"{language}.json").read_text())["entity"]
    return {(domain, key): texts["name"] for domain, some in entities.items() for key, texts in some.items()}


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


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_device_page_shows_live_values(browser: Browser, house: House, shed: Modem, language: str) -> None:
    """Every value is there, and every text is in the user's language."""
    await house.speak(language)
    async with window(browser, house, language) as screen:
        for device in (shed.name, SOCKET):
            await screen.open(f"/config/devices/device/{await house.device(device)}")
            await check(screen, await house.device(device))
            await screen.shot(f"device-{device}")


async def check(screen: Screen, device: str) -> None:
    """Hold a device's page to the language and to what the API tells."""
    states = await screen.house.states(device)
    await screen.sees(names(screen.language)["sensor", "link" if "link" in states else "socket_state"])
    texts = await screen.texts()
    assert not keys(texts)
    without = {key for key, state in states.items() if state in {"unknown", "unavailable"}}
    assert without <= LATER | PRESSED
    unknown = {"en": "Unknown", "zh-Hans": "未知", "de": "Unbekannt"}[screen.language]
    unavailable = {"en": "Unavailable", "zh-Hans": "不可用", "de": "Nicht verfügbar"}[screen.language]
    assert texts.count(unknown) == len(without - PRESSED)
    assert unavailable not in texts
    foreign = {name for key, name in names("en").items() if name != names(screen.language)[key]}
    assert not foreign & set(texts) - set(names(screen.language).values())


async def test_a_message_is_sent_from_the_developer_tools(
    browser: Browser, house: House, shed: Modem, surroundings: Surroundings
) -> None:
    """The action reaches the server, and the open page of the socket counts it without being loaded again."""
    socket = f"{shed.name} {SOCKET}"
    await house.speak("en")
    async with window(browser, house, "en") as tools, window(browser, house, "en") as page:
        await page.open(f"/config/devices/device/{await house.device(socket)}")
        await page.sees("0 messages")
        action = {
            "action": "notify.send_message",
            "data": {"message": "21.5"},
            "target": {"entity_id": "notify.sim7020_shed_telemetry_send"},
        }
        await tools.prefill("panel-dev-action-state-service-data", action)
        await tools.open("/config/developer-tools/action")
        await tools.sees("Sends a notification message.")
        await tools.shot("send")
        await tools.click("Perform action")
        await surroundings.server.has(b"21.5")
        await page.sees("1 messages")
        await page.shot("sent")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_repair_issue_comes_and_goes(browser: Browser, house: House, shed: Modem, language: str) -> None:
    """A bridge of another contract is a repair issue, which goes when the bridge is the right one again."""
    title = json.loads((TRANSLATIONS / f"{language}.json").read_text())["issues"]["contract_newer"]["title"]
    async with window(browser, house, language) as screen:
        await screen.open("/config/repairs")
        topic = f"sim7020/{shed.name}/info"
        right = await house.retained(topic)
        await house.publish(topic, json.dumps(json.loads(right) | {"contract": 2}))
        await screen.sees(title)
        await screen.shot("repairs")
        assert not keys(await screen.texts())
        await house.publish(topic, right)
        await screen.misses(title)
