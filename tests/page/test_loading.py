"""What somebody sees who has to wait: on a slow line, and with more tabs than a browser has connections."""

import asyncio

from playwright.async_api import Browser, Route, expect

from tests.page.installation import Installation
from tests.page.screen import window
from tests.page.words import words


class Gate:
    """Holds requests until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, route: Route) -> None:
        """Let a request through once the gate is open."""
        await self.opened.wait()
        await route.continue_()


async def test_before_the_scripts_have_come(browser: Browser, house: Installation) -> None:
    """The page is not blank: it says what it is, and that something is under way."""
    async with window(browser, house.url) as screen:
        gate = Gate()
        await screen.page.route("**/static/main.js", gate)
        await screen.page.goto(screen.url, wait_until="commit")
        await expect(screen.page.get_by_text("sim7020-bridge", exact=True)).to_be_visible()
        await expect(screen.page.locator("#app")).to_have_attribute("aria-busy", "true")
        gate.opened.set()
        await expect(screen.page.locator("view-glance")).to_be_visible()
        await expect(screen.page.locator("#app")).not_to_have_attribute("aria-busy", "true")


async def test_a_view_that_takes_its_time(browser: Browser, house: Installation) -> None:
    """The view before it stays, with a sign that another one is under way, which goes once that is there."""
    async with window(browser, house.url) as screen:
        await screen.open()
        await expect(screen.page.locator("view-glance")).to_be_visible()
        app = screen.page.locator("#app")
        await expect(app).not_to_have_attribute("aria-busy", "true")
        gate = Gate()
        await screen.page.route("**/static/view-diagnostics.js", gate)
        await screen.page.evaluate("location.hash = '#/diagnostics'")
        await expect(app).to_have_attribute("aria-busy", "true")
        drawn = "getComputedStyle(document.getElementById('app'), '::before').position"
        assert await screen.page.evaluate(drawn) == "fixed"
        await expect(screen.page.locator("view-glance")).to_be_visible()
        gate.opened.set()
        await expect(screen.page.locator("view-diagnostics")).to_be_visible()
        sheets = await screen.page.evaluate("[...document.styleSheets].map((sheet) => sheet.href.split('/').at(-1))")
        assert sheets[-2:] == ["view-glance.css", "view-diagnostics.css"]  # a view refines what all have
        await expect(app).not_to_have_attribute("aria-busy", "true")


async def test_modems_are_counted_once_they_are_known(browser: Browser, house: Installation) -> None:
    """Until a modem's state has come it is neither up nor down."""
    latest = house.mqtt.latest["sim7020/shed/state"].payload.decode()
    async with window(browser, house.url) as screen:
        screen.right("ERR_|Failed to load resource|aborted")
        told = screen.page.locator(".glance-head [role=status]")
        gate = Gate()

        async def first_of_all(route: Route) -> None:
            await gate.opened.wait()
            body = f"retry: 600000\n\nevent: mqtt\nid: x-1\ndata: sim7020/shed/state\ndata: {latest}\n\n"
            await route.fulfill(content_type="text/event-stream", body=body)

        await screen.page.route("**/api/events", first_of_all)
        await screen.open()
        await expect(told).to_have_text(words("shell.loading"))
        gate.opened.set()
        await expect(told).to_contain_text(words("glance.summary", count=1, up=1))
        await expect(told).to_contain_text(words("glance.unknown", count=1))


# The browser without a display takes each tab for the one that is looked at.
_HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_many_tabs(browser: Browser, house: Installation) -> None:
    """Those that nobody looks at leave a browser's few connections to the others, and go on where they were."""
    async with window(browser, house.url) as screen:
        await screen.open()
        await expect(screen.page.locator("modem-card")).to_have_count(2)
        await screen.page.evaluate(_HIDE, True)
        tabs = [await screen.context.new_page() for _ in range(6)]
        for tab in tabs:
            await tab.goto(screen.url)
            await expect(tab.locator(".badge").first).to_be_visible()
            await tab.evaluate(_HIDE, True)
        async with screen.page.expect_request("**/api/events?last=*"):
            await screen.page.evaluate(_HIDE, False)
        await expect(screen.page.locator(".badge").first).to_be_visible()
        await expect(screen.page.locator(".clocks")).to_have_count(0)


async def test_tab_that_is_opened_out_of_sight(browser: Browser, house: Installation) -> None:
    """It loads what it shows, and lets the stream go as well."""
    async with window(browser, house.url) as screen:
        await screen.page.add_init_script(f"({_HIDE})(true)")
        async with screen.page.expect_event("requestfailed", lambda request: "api/events" in request.url):
            await screen.open()
