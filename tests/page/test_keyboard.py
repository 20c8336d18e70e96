"""The page without a mouse: where the focus goes, that it is seen, and that nothing is out of its reach."""

from playwright.async_api import Browser, expect

from tests.page.installation import Installation
from tests.page.screen import Screen, window
from tests.page.test_messages import dialog
from tests.page.views import VIEWS, show
from tests.page.words import words

# What can be used with a mouse but never gets the focus: a button, a link or a field that is not hidden.
_OUT_OF_REACH = """(reached) => {
  const usable = "a[href], button:not([disabled]), input:not([disabled]), select, textarea, summary";
  return [...document.querySelectorAll(usable)]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.type !== "hidden")
    .filter((each) => !window.reached.has(each) && !(each.type === "radio" && !each.checked))
    .map((each) => each.outerHTML.slice(0, 120));
}"""
# Whether there is a line around what has the focus, or around the box that it fills.
_SEEN = """() => {
  const at = document.activeElement;
  (window.reached ??= new Set()).add(at);
  const marked = (node, part) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(node, part);
    return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
  };
  const around = [at, at.parentElement, at.parentElement?.parentElement].filter(Boolean);
  return at === document.body || marked(at, "::after") || around.some((node) => marked(node));
}"""
MOST = 150
"""More stops than any view has."""


async def walk(screen: Screen) -> list[str]:
    """Press Tab until the focus has been everywhere, and return where it was; it must be seen at each stop."""
    stops: list[str] = []
    for _ in range(MOST):
        await screen.page.keyboard.press("Tab")
        assert await screen.page.evaluate(_SEEN), f"the focus is not seen at {await screen.focus()}"
        stop = await screen.focus()
        if not stop:
            return stops
        stops.append(stop)
    raise AssertionError(f"no end after {MOST} stops: {stops[-5:]}")


async def test_everything_is_within_reach(browser: Browser, house: Installation) -> None:
    """In every view the focus comes to all that can be used, in the order of the page, and is seen there."""
    async with window(browser, house.url) as screen:
        for view in VIEWS:
            await screen.page.goto("about:blank")
            await show(screen, view)
            stops = await walk(screen)
            assert stops[0] == f"a {words('shell.skip')}"
            assert await screen.page.evaluate(_OUT_OF_REACH) == [], view.name


async def test_a_message_is_sent_without_a_mouse(browser: Browser, house: Installation) -> None:
    """From the first view to the server: links, a dialog that has the focus and gives it back, and Escape."""
    async with window(browser, house.url) as screen:
        await show(screen, VIEWS[0])
        keyboard = screen.page.keyboard
        await screen.page.get_by_role("link", name="shed", exact=True).focus()
        await keyboard.press("Enter")
        await expect(screen.page.get_by_role("heading", name="shed", level=1)).to_be_focused()
        await screen.page.get_by_role("link", name=words("shell.tab.messages"), exact=True).focus()
        await keyboard.press("Enter")
        send = screen.page.get_by_role("button", name=words("messages.send"), exact=True)
        await send.focus()
        await keyboard.press("Enter")
        await expect(dialog(screen).get_by_label(words("messages.payload"), exact=True)).to_be_focused()
        await keyboard.press("Escape")
        await expect(dialog(screen)).to_have_count(0)
        await expect(send).to_be_focused()
        await keyboard.press("Enter")
        await expect(dialog(screen).get_by_label(words("messages.payload"), exact=True)).to_be_focused()
        await keyboard.type("Without a mouse")
        await dialog(screen).get_by_role("button", name=words("messages.send_now"), exact=True).focus()
        await keyboard.press("Enter")
        await expect(screen.page.get_by_role("row").filter(has_text="Without a mouse")).to_have_count(2)
        await expect(send).to_be_focused()
