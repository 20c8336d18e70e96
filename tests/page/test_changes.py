"""What the page says when something around it changes: the broker, the configuration, the last message's choices."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.async_api import Browser, expect

from tests.broker import mosquitto
from tests.page.installation import Installation
from tests.page.screen import PATIENCE, PHONE, window
from tests.page.words import words

LANG = Path(__file__).parents[2] / "bridge" / "sim7020_bridge" / "page" / "www" / "lang"

# The pairs of neighbours among the steps' names that come closer than a space is wide.
_TOUCHING = """() => {
  const names = [...document.querySelectorAll(".step-name")].map((name) => {
    const range = document.createRange();
    range.selectNodeContents(name);
    return { name: name.textContent, box: range.getBoundingClientRect() };
  });
  return names.flatMap(({ name, box }, n) => {
    const next = names[n + 1];
    return next && next.box.top === box.top && next.box.left - box.right < 3 ? [`${name} ${next.name}`] : [];
  });
}"""


# Puts the browser's clock ahead by a day.
_TOMORROW = """{
  const Real = Date, ahead = 864e5;
  Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + ahead); }
    static now() { return Real.now() + ahead; }
  };
}"""


def modem_words(language: str) -> dict[str, Any]:
    """Return the page's words about modems."""
    return cast(dict[str, Any], json.loads((LANG / language / "modems.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
async def test_a_broker_that_refuses_the_bridge(
    browser: Browser, installation: Installation, tmp_path: Path, language: str
) -> None:
    """Card and modem say so first: what it is, what to do, and the words of the log; and no more once it is mended."""
    (tmp_path / "second").mkdir()
    async with mosquitto(tmp_path / "second", "allow_anonymous false") as broker:
        installation.broker = broker
        module = await installation.module("shed")
        await installation.run({"shed": installation.settings(module)})
        said = modem_words(language)["broker"]
        async with window(browser, installation.url, language=language) as screen:
            await screen.open()
            for path in ("", "#/modem/shed"):
                await screen.open(path)
                note = screen.page.locator(".note").first
                await expect(note).to_contain_text(said["log_in"]["title"])
                await expect(note).to_contain_text(said["log_in"]["advice"])
                await expect(note).to_contain_text("refused the connection: Not authorized. Check mqtt.username")


async def test_a_broker_that_comes_and_goes(browser: Browser, installation: Installation, tmp_path: Path) -> None:
    """What is said of the broker stands there as long as it is so, without a reload."""
    said = modem_words("en")
    (tmp_path / "second").mkdir()
    async with mosquitto(tmp_path / "second") as broker:
        await broker.stop()
        installation.broker = broker
        module = await installation.module("shed")
        await installation.run({"shed": installation.settings(module)})
        async with window(browser, installation.url) as screen:
            await screen.open()
            note = screen.page.locator(".note")
            await expect(note).to_contain_text(said["broker"]["not_there"]["title"])
            await expect(screen.page.get_by_text(said["condition"]["broker"], exact=True)).to_be_visible()
            await broker.start()
            await expect(note).to_have_count(0, timeout=PATIENCE)
            await expect(screen.page.get_by_text(said["condition"]["online"], exact=True).first).to_be_visible()
            await broker.stop()
            await expect(note).to_contain_text("the MQTT broker at")


async def test_modems_of_another_configuration(browser: Browser, installation: Installation) -> None:
    """After a restart of the bridge one that was taken out is gone, and one that was added is there, by itself."""
    shed, attic = await installation.module("shed"), await installation.module("attic")
    await installation.run({"shed": installation.settings(shed)})
    async with window(browser, installation.url) as screen, window(browser, installation.url) as other:
        for each in (screen, other):
            each.right("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET")
        names = screen.page.get_by_role("main").get_by_role("heading", level=2)
        await screen.open()
        await expect(names).to_have_text(["shed"])
        await other.open("#/modem/shed")
        await expect(other.page.get_by_role("heading", level=1)).to_have_text("shed")
        await installation.bridge.stop()
        installation.write({"attic": installation.settings(attic)})
        await installation.start()
        await expect(names).to_have_text(["attic"])
        await expect(screen.page.get_by_role("main")).to_contain_text("Online", timeout=PATIENCE)
        await expect(other.page.get_by_role("heading", level=1)).to_have_text("There is nothing here")


async def test_a_message_begins_with_normal_priority(browser: Browser, house: Installation) -> None:
    """The socket of the last one is chosen again, and what lies out of sight is not."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/messages")
        priority = screen.page.get_by_role("dialog").locator("details select")
        for _ in range(2):
            await screen.page.get_by_role("button", name="Send a message").click()
            await expect(priority).to_have_value("normal")
            await screen.page.locator("dialog summary").click()
            await priority.select_option("critical")
            await screen.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
async def test_steps_of_a_phone_stand_apart(browser: Browser, house: Installation, language: str) -> None:
    """On a phone too one reads each step's name by itself, and nothing is cut."""
    async with window(browser, house.url, language=language, size=PHONE) as screen:
        await screen.open()
        await expect(screen.page.locator(".step.stuck")).to_have_count(1)
        await expect(screen.page.locator(".step.done")).to_have_count(4 + 7)
        assert await screen.page.evaluate(_TOUCHING) == []
        wider = "[...document.querySelectorAll('.stair')].map((stair) => stair.scrollWidth - stair.clientWidth)"
        assert await screen.page.evaluate(wider) == [0, 0]
        assert await screen.too_wide() == []


async def test_a_browser_whose_clock_is_wrong(browser: Browser, house: Installation) -> None:
    """What is told relative to now goes by the bridge's clock, and a line says that the two are apart."""
    async with window(browser, house.url) as screen:
        await screen.page.add_init_script(_TOMORROW)
        await screen.open()
        await expect(screen.page.get_by_text("bridge are 1\xa0d apart")).to_be_visible()
        since = screen.page.locator(".modem-since time")
        await expect(since).to_have_count(2)
        for told in await since.all_inner_texts():
            assert "day" not in told
        await expect(screen.page.locator(".step.stuck .step-time")).to_have_text(re.compile(r"\b(s|min)\b"))


async def test_since_when_there_is_no_broker(browser: Browser, installation: Installation) -> None:
    """It is the broker's time that stands beside the broker's condition, and not the link's."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    async with window(browser, installation.url) as screen:
        await screen.open()
        since = screen.page.locator(".modem-since time")
        await expect(screen.page.locator(".badge", has_text="Online")).to_be_visible(timeout=PATIENCE)
        link = await since.get_attribute("datetime")
        await installation.broker.stop()
        await expect(screen.page.locator(".badge", has_text="No MQTT broker")).to_be_visible()
        await expect(since).not_to_have_attribute("datetime", link or "")


async def test_what_was_asked_for_while_the_bridge_was_away(browser: Browser, installation: Installation) -> None:
    """Pictures over time that could not be had come once the bridge is back, without waiting for minutes."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    async with window(browser, installation.url) as screen:
        screen.right("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET")
        await screen.open("#/modem/shed")
        plots = screen.page.locator("modem-plots")
        none = plots.get_by_text(words("modem.plots.none"))
        await expect(none).to_be_visible()
        await installation.bridge.stop()
        await plots.get_by_text(words("modem.plots.spans.week")).click()
        failed = plots.get_by_text(words("shell.failed.unreachable"))
        await expect(failed).to_be_visible()
        await installation.start()
        await expect(failed).to_have_count(0)
        await expect(none).to_be_visible()


AWAY = "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|Failed to load"


async def test_a_view_that_cannot_be_had(browser: Browser, installation: Installation) -> None:
    """It says so in words, with the way to others; what somebody wrote and did not apply is there afterwards."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    async with window(browser, installation.url, language="de") as screen:
        screen.right(AWAY)
        await screen.open("#/configuration")
        text = screen.page.get_by_label(words("configuration.text", "de"), exact=True)
        before = await text.input_value()
        await text.fill(f"{before} ")
        await installation.bridge.stop()
        navigation = screen.page.get_by_role("navigation", name=words("shell.nav.label", "de"))
        await navigation.get_by_role("link", name=words("shell.nav.diagnostics", "de")).click()
        main = screen.page.get_by_role("main")
        await expect(main.get_by_role("heading", name=words("shell.unreachable.title", "de"))).to_be_visible()
        await expect(main).not_to_contain_text("fetch")
        await expect(navigation).to_be_visible()
        async with screen.page.expect_response("**/api/session"):
            await installation.start()
        await navigation.get_by_role("link", name=words("shell.nav.configuration", "de")).click()
        await expect(text).to_have_value(f"{before} ")


async def test_one_broker_for_all(browser: Browser, installation: Installation) -> None:
    """What is said of it stands once above all modems, and each still tells what it has itself."""
    shed, attic = await installation.module("shed"), await installation.module("attic", sim="absent")
    await installation.run({"attic": installation.settings(attic), "shed": installation.settings(shed)})
    async with window(browser, installation.url) as screen:
        await screen.open()
        await expect(screen.page.locator(".badge.good", has_text=words("modems.condition.online"))).to_be_visible()
        # on its way there, the other may have waited for its SIM, too
        await expect(screen.page.get_by_text(words("modems.condition.sim"), exact=True)).to_be_visible()
        await installation.broker.stop()
        title = screen.page.locator(".note-title", has_text="MQTT")
        await expect(title).to_have_count(1)
        await expect(screen.page.locator("modem-card .note-title", has_text="MQTT")).to_have_count(0)
        await expect(screen.page.get_by_text(words("modems.condition.sim"), exact=True)).to_be_visible()
        await expect(screen.page.get_by_text(words("modems.condition.broker"), exact=True)).to_have_count(1)
