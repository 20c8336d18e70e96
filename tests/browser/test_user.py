"""What a user does with the component, and sees of it."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser

from tests.browser.house import House
from tests.browser.screen import Screen, keys, window
from tests.browser.words import LANGUAGES, names, texts
from tests.component.e2e.surroundings import SOCKET, Modem, Surroundings
from tests.e2e.programs import Emulator

# What has no value before something happens that may never happen; when a button was last pressed is not even shown.
LATER = {"event", "received", "receipt", "last_recovery", "ping_time", "send"}
PRESSED = {"reattach", "reset", "refresh", "ping"}


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
    assert not keys(await screen.texts())
    shown = await screen.texts(without="HA-LOGBOOK")  # which tells of what was
    without = {key for key, state in states.items() if state in {"unknown", "unavailable"}}
    assert without <= LATER | PRESSED
    unknown = {"en": "Unknown", "zh-Hans": "未知", "de": "Unbekannt"}[screen.language]
    unavailable = {"en": "Unavailable", "zh-Hans": "不可用", "de": "Nicht verfügbar"}[screen.language]
    assert shown.count(unknown) == len(without - PRESSED)
    assert unavailable not in shown
    foreign = {name for key, name in names("en").items() if name != names(screen.language)[key]}
    assert not foreign & set(shown) - set(names(screen.language).values())


async def fill_in(screen: Screen) -> None:
    """Open the developer tools as if the user had filled in the action that sends."""
    given = {"text": "21.5", "wait_for_receipt": True}
    target = {"device_id": await screen.house.device(SOCKET)}
    filled = {"action": "sim7020.send", "target": target, "data": given}
    await screen.prefill("panel-dev-action-state-service-data", filled)
    await screen.open("/config/developer-tools/action")
    await screen.sees(texts(screen.language, "services", "send", "fields", "wait_for_receipt", "name"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("shed")
async def test_an_action_explains_itself(browser: Browser, house: House, language: str) -> None:
    """Its name, its fields and what they mean are in the user's language."""
    async with window(browser, house, language) as screen:
        await fill_in(screen)
        await screen.shot("send")
        shown = await screen.texts()
        assert {key for key in keys(shown) if key != "sim7020.send"} == set()
        assert texts(language, "services", "send", "description") in shown
        for field in ("text", "timeout"):
            assert texts(language, "services", "send", "fields", field, "name") in shown


async def test_a_message_is_sent_from_the_developer_tools(
    browser: Browser, house: House, shed: Modem, surroundings: Surroundings
) -> None:
    """The action reaches the server and shows the receipt; the socket's open page counts it, and the answer."""
    await house.speak("en")
    async with window(browser, house, "en") as tools, window(browser, house, "en") as page:
        await page.open(f"/config/devices/device/{await house.device(f'{shed.name} {SOCKET}')}")
        await page.shows("Messages sent", "0")
        await fill_in(tools)
        await tools.click("Perform action")
        await surroundings.server.has(b"21.5")
        await tools.page.get_by_text("accepted").first.wait_for()
        await tools.shot("response")
        await page.shows("Messages sent", "1")
        surroundings.server.send(b"open")
        await page.shows("Messages received", "1")
        await page.shot("sent")


async def test_a_repair_issue_comes_and_goes(browser: Browser, house: House, shed: Modem) -> None:
    """A SIM that is taken out is a repair issue in everybody's language, which goes when it is put in again."""
    emulator, arguments = shed.emulator, shed.emulator.arguments
    async with AsyncExitStack() as windows:
        screens = [await windows.enter_async_context(window(browser, house, language)) for language in LANGUAGES]
        titles = [
            texts(screen.language, "issues", "sim_missing", "title").format(modem=f"SIM7020 {shed.name}")
            for screen in screens
        ]
        for screen in screens:
            await screen.open("/config/repairs")
        await restart(emulator, [*arguments, "--set", "sim=absent"])
        for screen, title in zip(screens, titles, strict=True):
            await screen.sees(title)
            await screen.shot("repairs")
            await screen.page.get_by_text(title).first.click()
            await screen.sees(texts(screen.language, "issues", "sim_missing", "description").split("\n")[0])
            await screen.shot("repair")
            assert not keys(await screen.texts())
            await screen.open("/config/repairs")
            await screen.sees(title)
        await restart(emulator, arguments)
        for screen, title in zip(screens, titles, strict=True):
            await screen.misses(title)
        english = screens[LANGUAGES.index("en")]
        await english.open(f"/config/devices/device/{await house.device(shed.name)}")
        await english.sees("Online")
        await english.shot("recovered")


async def restart(emulator: Emulator, arguments: Sequence[str]) -> None:
    """Start an emulated modem again with other facts."""
    await emulator.stop()
    emulator.arguments = arguments
    await emulator.start()
