"""What is shown keeps up by itself, also over a bridge that ends and starts again."""

from playwright.async_api import Browser, expect

from tests.page.installation import Installation
from tests.page.screen import window
from tests.page.test_glance import stands_at
from tests.page.words import words


async def test_the_page_goes_on_when_the_bridge_is_back(browser: Browser, installation: Installation) -> None:
    """Without a reload: while the bridge is away the page says so, and then shows what has changed meanwhile."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    async with window(browser, installation.url) as screen:
        screen.right("ERR_|Failed to load resource")
        await screen.open()
        await stands_at(screen, "shed", "online")
        await screen.page.evaluate("window.stayed = true")
        await installation.bridge.stop()
        lost = screen.page.get_by_text(words("shell.connection.lost"))
        await expect(lost).to_be_visible()
        await screen.shot("bridge-away")
        await module.happen("sim", "absent")
        await installation.start()
        await stands_at(screen, "shed", "sim")
        await expect(lost).to_have_count(0)
        await module.happen("sim", "ready")
        await stands_at(screen, "shed", "online")
        assert await screen.page.evaluate("window.stayed")


async def test_view_that_is_opened_while_the_network_is_away(browser: Browser, installation: Installation) -> None:
    """It comes by itself once the network is back, with its styles."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    async with window(browser, installation.url) as screen:
        screen.right("ERR_|Failed to load resource")
        await screen.open()
        await stands_at(screen, "shed", "online")
        await screen.page.context.set_offline(offline=True)
        await screen.page.evaluate("location.hash = '#/modem/shed/messages'")
        await expect(screen.page.get_by_text(words("shell.unreachable.words"))).to_be_visible()
        await screen.page.context.set_offline(offline=False)
        await expect(screen.page.locator("view-messages")).to_be_visible()
        sheets = await screen.page.evaluate(
            "[...document.styleSheets].filter((each) => each.href?.includes('view-messages')).length"
        )
        assert sheets == 1
