"""The first start: from nothing to the first message, as somebody with a phone goes through it."""

import asyncio
import os
import re

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.e2e.servers import until
from tests.page.installation import Installation
from tests.page.screen import DESK, PHONE, Screen, window
from tests.page.test_glance import stands_at
from tests.page.test_messages import rows, write
from tests.page.words import words

# Count how often the page says some words from now on.
_LISTEN = """(words) => {
  window.said = 0;
  const look = () => { if (document.body.textContent.includes(words)) window.said += 1; };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


async def step(screen: Screen, name: str) -> None:
    """Return once a step is there, and hold it to be fit for everybody."""
    await expect(screen.page.get_by_role("heading", name=words(f"setup.{name}.title"), exact=True)).to_be_visible()
    assert await screen.too_wide() == []
    assert await screen.violations() == [], name
    await screen.shot(f"setup-{name}")


async def on(screen: Screen, key: str = "setup.next") -> None:
    """Go on."""
    await screen.page.get_by_role("main").get_by_role("button", name=words(key), exact=True).click()


def labelled(screen: Screen, key: str) -> Locator:
    """Return a field."""
    return screen.page.get_by_label(words(key), exact=True)


async def port(screen: Screen, name: str) -> None:
    """Open the page and type a port."""
    await screen.open()
    await step(screen, "port")
    await screen.page.get_by_label(words("setup.port.elsewhere"), exact=False).fill(name)


async def at_the_broker(screen: Screen, host: str, broker_port: int) -> None:
    """Go on from the port to the broker, and say where it is."""
    await on(screen)
    await on(screen, "setup.skip")
    await on(screen)
    await labelled(screen, "setup.broker.host").fill(host)
    await labelled(screen, "setup.broker.port").fill(str(broker_port))


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_from_nothing_to_the_first_message(
    browser: Browser, installation: Installation, size: tuple[int, int]
) -> None:
    """Port, probe, APN, broker, socket; the file is written, the bridge runs, and a message goes out and comes back."""
    module = await installation.module("shed")
    await installation.set_up()
    async with window(browser, installation.url, size=size) as screen:
        screen.right("ERR_|Failed to load resource")  # while the bridge changes from one to the other
        await screen.open()
        await step(screen, "port")
        await screen.page.get_by_label(words("setup.port.elsewhere"), exact=False).fill(module.port)
        await on(screen)
        await step(screen, "probe")
        await screen.page.get_by_text(words("setup.probe.more")).click()
        await screen.page.get_by_label(words("setup.probe.internet")).uncheck()
        await on(screen, "setup.probe.go")
        await expect(screen.page.get_by_text(words("setup.probe.again"), exact=True)).to_be_visible()
        for layer in ("port", "module", "sim", "signal", "registration", "address"):
            climbed = screen.page.get_by_role("listitem").filter(has_text=words(f"setup.layers.{layer}"))
            await expect(climbed.filter(has_text=words("setup.statuses.fine")).first).to_be_visible()
        await screen.shot("setup-probed")
        await on(screen)
        await step(screen, "modem")
        await screen.page.get_by_label(words("setup.modem.name")).fill("shed")
        await on(screen)
        await step(screen, "broker")
        await screen.page.get_by_label(words("setup.broker.host"), exact=True).fill(installation.broker.host)
        await screen.page.get_by_label(words("setup.broker.port"), exact=True).fill(str(installation.broker.port))
        await on(screen, "setup.broker.try")
        await expect(screen.page.get_by_text(words("setup.broker.good"))).to_be_visible()
        await on(screen)
        await step(screen, "socket")
        await screen.page.get_by_label(words("setup.socket.now")).check()
        await screen.page.get_by_label(words("setup.socket.host"), exact=True).fill("127.0.0.1")
        await screen.page.get_by_label(words("setup.socket.port"), exact=True).fill(str(installation.server.port))
        await on(screen)
        await step(screen, "summary")
        assert not installation.config.exists()
        await on(screen, "setup.summary.write")
        await stands_at(screen, "shed", "online")
        assert installation.config.exists()
        await installation.modem("shed").open("telemetry")
        await screen.open("#/modem/shed/messages")
        await write(screen, "The first message")
        await until(lambda: b"The first message" in installation.server.datagrams)
        await expect(rows(screen, "The first message")).to_have_count(2)
        await screen.shot("setup-first-message")


async def test_a_broker_that_refuses_says_why(browser: Browser, installation: Installation) -> None:
    """Nobody has to write a file to find out that a port is wrong."""
    module = await installation.module("shed")
    await installation.set_up()
    async with window(browser, installation.url) as screen:
        await port(screen, module.port)
        await at_the_broker(screen, "127.0.0.1", installation.http_port)
        await on(screen, "setup.broker.try")
        await expect(screen.page.get_by_text(words("setup.broker.bad"))).to_be_visible()
        assert await screen.violations() == []


async def test_a_broker_that_is_changed_while_it_is_tried(browser: Browser, installation: Installation) -> None:
    """What comes of the old one is not said of the new one, which is tried as soon as the old one is given up."""
    module = await installation.module("shed")
    await installation.set_up()
    called = asyncio.Event()

    async def keep_waiting(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        try:
            await asyncio.Event().wait()
        finally:
            writer.close()

    async with (
        await asyncio.start_server(keep_waiting, "127.0.0.1") as silent,
        window(browser, installation.url) as screen,
    ):
        screen.right("409")
        await port(screen, module.port)
        await at_the_broker(screen, "127.0.0.1", silent.sockets[0].getsockname()[1])
        await on(screen, "setup.broker.try")
        await called.wait()
        await screen.page.evaluate(_LISTEN, words("setup.broker.bad"))
        await labelled(screen, "setup.broker.port").fill(str(installation.broker.port))
        await on(screen, "setup.broker.try")
        await expect(screen.page.get_by_text(words("setup.broker.good"))).to_be_visible()
        assert await screen.page.evaluate("window.said") == 0
        await on(screen)
        await on(screen)
        await step(screen, "summary")
        await expect(
            screen.page.get_by_text(f"{installation.broker.port} · {words('setup.summary.tried')}")
        ).to_be_visible()


async def test_a_port_in_use(browser: Browser, installation: Installation) -> None:
    """By whom is said, of one that was typed too."""
    module = await installation.module("shed")
    await installation.set_up()
    held = os.open(module.port, os.O_RDWR | os.O_NOCTTY)
    try:
        async with window(browser, installation.url) as screen:
            screen.right("409")
            await port(screen, module.port)
            await on(screen)
            await on(screen, "setup.probe.go")
            await expect(screen.page.get_by_text(words("setup.probe.in_use"), exact=True)).to_be_visible()
            await expect(screen.page.get_by_text(f"(process {os.getpid()})")).to_be_visible()
            assert await screen.violations() == []
    finally:
        os.close(held)


async def test_what_to_do_is_said_in_the_language_of_the_page(browser: Browser, installation: Installation) -> None:
    """What a probe advises is what a beginner needs most."""
    await installation.set_up()
    async with window(browser, installation.url, language="de") as screen:
        await screen.open()
        await screen.page.get_by_label(words("setup.port.elsewhere", "de"), exact=False).fill("/dev/ttyUSB99")
        for key in ("setup.next", "setup.probe.go"):
            await screen.page.get_by_role("main").get_by_role("button", name=words(key, "de"), exact=True).click()
        # which of the two depends on what the machine has
        advice = (words("advice.no_ports", "de"), words("advice.no_device", "de", ports=""))
        found = screen.page.locator(".rung-advice", has_text=re.compile("|".join(map(re.escape, advice))))
        await expect(found).to_be_visible()
        assert await screen.violations() == []


async def test_a_reload_and_the_way_back(browser: Browser, installation: Installation) -> None:
    """Neither loses what was answered but secrets, which nothing keeps, and which are asked for again."""
    module = await installation.module("shed")
    await installation.set_up()
    async with window(browser, installation.url) as screen:
        await screen.open("#/setup?step=summary")
        await step(screen, "port")
        await port(screen, module.port)
        await on(screen)
        await on(screen, "setup.skip")
        await screen.page.get_by_label(words("setup.modem.name")).fill("attic")
        await screen.page.locator("view-setup select").select_option("other")
        await labelled(screen, "setup.modem.apn").fill("iot.example")
        await labelled(screen, "setup.modem.password").fill("first secret")
        await on(screen)
        await labelled(screen, "setup.broker.host").fill("broker.example")
        await labelled(screen, "setup.broker.username").fill("somebody")
        await labelled(screen, "setup.broker.password").fill("second secret")
        assert "secret" not in await screen.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
        await screen.page.reload()
        await step(screen, "broker")
        await expect(labelled(screen, "setup.broker.host")).to_have_value("broker.example")
        await expect(labelled(screen, "setup.broker.username")).to_have_value("somebody")
        await expect(labelled(screen, "setup.broker.password")).to_have_value("")
        await screen.page.go_back()
        await step(screen, "modem")
        await expect(screen.page.get_by_label(words("setup.modem.name"))).to_have_value("attic")
        await expect(labelled(screen, "setup.modem.apn")).to_have_value("iot.example")
        await labelled(screen, "setup.modem.password").fill("first secret")
        for name in ("probe", "port"):
            await screen.page.go_back()
            await step(screen, name)
        for name in ("probe", "modem", "broker"):
            await screen.page.go_forward()
            await step(screen, name)
        assert "setup-heading" in await screen.page.evaluate("document.activeElement.className")
        await on(screen)
        await on(screen)
        await step(screen, "summary")
        missing = screen.page.locator(".note", has_text=words("setup.summary.missing"))
        await expect(missing.get_by_role("listitem")).to_have_text([re.compile(words("setup.broker.password"))])
        await missing.get_by_role("button").click()
        await labelled(screen, "setup.broker.password").fill("second secret")
        for _ in range(2):
            await on(screen)
        await step(screen, "summary")
        await expect(missing).to_have_count(0)


async def test_a_sim_that_wants_its_pin(browser: Browser, installation: Installation) -> None:
    """Once a probe has found that, the PIN is asked for in plain sight, and the summary says that there is one."""
    module = await installation.module("shed", sim="pin")
    await installation.set_up()
    async with window(browser, installation.url) as screen:
        await port(screen, module.port)
        await on(screen)
        pin = screen.page.get_by_label(words("setup.modem.pin"), exact=False)
        await expect(pin).to_be_hidden()
        await on(screen, "setup.probe.go")
        await expect(pin).to_be_visible()
        await expect(screen.page.get_by_text(words("setup.probe.tries_left", count=3))).to_be_visible()
        for left in (2, 2):
            await pin.fill("9999")
            await on(screen, "setup.probe.again")
            await expect(screen.page.get_by_text(words("setup.probe.tries_left", count=left))).to_be_visible()
        await expect(screen.page.get_by_text("the one given was tried before")).to_be_visible()
        await on(screen)
        await step(screen, "modem")
        await expect(pin).to_be_visible()
        await pin.fill("1234")
        for _ in range(3):
            await on(screen)
        await step(screen, "summary")
        await expect(screen.page.get_by_text(words("setup.summary.pin_set"))).to_be_visible()


async def test_mistakes_go_with_what_was_wrong(browser: Browser, installation: Installation) -> None:
    """Once a value is changed, what was said of the one before is not said any more."""
    await installation.set_up()
    async with window(browser, installation.url) as screen:
        screen.right("status of 422")
        await port(screen, "nonsense")
        await at_the_broker(screen, "broker.example", 1883)
        await on(screen)
        await on(screen)
        await on(screen, "setup.summary.write")
        mistakes = screen.page.locator(".note.bad", has_text=words("setup.summary.mistakes"))
        await expect(mistakes).to_contain_text("nonsense")
        await mistakes.get_by_role("button").first.click()
        await step(screen, "port")
        await screen.page.get_by_label(words("setup.port.elsewhere"), exact=False).fill("/dev/ttyUSB9")
        await screen.open("#/setup?step=summary")
        await step(screen, "summary")
        await expect(mistakes).to_have_count(0)
        assert not installation.config.exists()


async def test_a_second_tab_is_led_on(browser: Browser, installation: Installation) -> None:
    """Once another one has finished the set-up, a step there leads to the bridge that runs."""
    module = await installation.module("shed")
    await installation.set_up()
    async with window(browser, installation.url) as screen, window(browser, installation.url) as other:
        for each in (screen, other):
            each.right("ERR_|Failed to load resource")
            await port(each, module.port)
            await at_the_broker(each, installation.broker.host, installation.broker.port)
            await on(each)
        await on(screen)
        await on(screen, "setup.summary.write")
        await stands_at(screen, "modem", "online")
        await on(other)
        await stands_at(other, "modem", "online")
