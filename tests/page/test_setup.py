"""The first start: from nothing to the first message, as somebody with a phone goes through it."""

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.servers import until
from tests.page.installation import Installation
from tests.page.screen import DESK, PHONE, Screen, window
from tests.page.test_glance import stands_at
from tests.page.test_messages import rows, write
from tests.page.words import words


async def step(screen: Screen, name: str) -> None:
    """Return once a step is there, and hold it to be fit for everybody."""
    await expect(screen.page.get_by_role("heading", name=words(f"setup.{name}.title"), exact=True)).to_be_visible()
    assert await screen.too_wide() == []
    assert await screen.violations() == [], name
    await screen.shot(f"setup-{name}")


async def on(screen: Screen, key: str = "setup.next") -> None:
    """Go on."""
    await screen.page.get_by_role("main").get_by_role("button", name=words(key), exact=True).click()


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
        await screen.open()
        await step(screen, "port")
        await screen.page.get_by_label(words("setup.port.elsewhere"), exact=False).fill(module.port)
        await on(screen)
        await on(screen, "setup.skip")
        await on(screen)
        await screen.page.get_by_label(words("setup.broker.host"), exact=True).fill("127.0.0.1")
        await screen.page.get_by_label(words("setup.broker.port"), exact=True).fill(str(installation.http_port))
        await on(screen, "setup.broker.try")
        await expect(screen.page.get_by_text(words("setup.broker.bad"))).to_be_visible()
        assert await screen.violations() == []
