"""Home Assistant's user interface in a real browser."""

import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from tests.browser.house import House

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
PATIENCE = 30_000.0
"""Milliseconds that the user interface has to show something."""

# What the user sees: text nodes of what is visible, through all shadow roots.
_TEXTS = """(without) => {
  const texts = [];
  const walk = (node) => {
    if (without && node.tagName === without) return;
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.textContent.trim();
      const parent = node.parentElement ?? node.getRootNode().host;
      if (text && parent && parent.checkVisibility() && !["STYLE", "SCRIPT"].includes(parent.tagName)) texts.push(text);
      return;
    }
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes) walk(child);
  };
  walk(document.body);
  return texts;
}"""
# Whether what comes last has come: the launch screen has faded, nothing moves that will come to rest, and each icon
# that is visible has been loaded.
_SETTLED = """() => {
  let settled = !document.getElementById("ha-launch-screen");
  const drawn = (node) =>
    node.querySelector?.("path[d]:not([d='']), img") ||
    [node.shadowRoot, ...node.childNodes].some((each) => each && drawn(each));
  const moves = (each) => each.playState === "running" && each.effect.getComputedTiming().endTime < Infinity;
  const walk = (node) => {
    if (node.shadowRoot?.getAnimations().some(moves)) settled = false;
    if (["HA-STATE-ICON", "HA-ICON"].includes(node.tagName) && node.checkVisibility() && !drawn(node)) settled = false;
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes) walk(child);
  };
  walk(document.body);
  return settled;
}"""
_KEY = re.compile(r"component\.|\bsim7020\.|\bui\.[a-z]+\.|\bstate\.[a-z]|^[a-z0-9]+(_[a-z0-9]+)+$|\{[a-z_]+\}")


class Screen:
    """One window, in one language."""

    def __init__(self, page: Page, house: House, language: str) -> None:
        self.page = page
        self.house = house
        self.language = language

    async def open(self, path: str) -> None:
        """Show a page."""
        await self.page.goto(f"{self.house.url}{path}", wait_until="load")

    async def prefill(self, key: str, value: object) -> None:
        """Have the user interface remember something that was entered before, on the pages opened from now on."""
        await self.page.add_init_script(f"localStorage.setItem({json.dumps(key)}, {json.dumps(json.dumps(value))});")

    async def shot(self, name: str) -> None:
        """Keep what it shows as an artefact, once all of it is there."""
        await self.settled()
        await self.snap(name)

    async def settled(self) -> None:
        """Return once all of it is there."""
        await self.page.wait_for_function(_SETTLED, polling=100, timeout=PATIENCE)

    async def snap(self, name: str) -> None:
        """Keep what it shows now."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SHOTS / f"{name}.{self.language}.png")

    async def texts(self, *, without: str = "") -> list[str]:
        """Return every text that a user sees, but for what is in elements of a name."""
        return list(await self.page.evaluate(_TEXTS, without))

    async def sees(self, text: str) -> None:
        """Return once a text is visible."""
        await self._until(text, there=True)

    async def shows(self, name: str, value: str) -> None:
        """Return once an entity is visible with its value."""
        look = f"([name, value]) => ({_TEXTS})().some((each, at, all) => each === name && all[at + 1] === value)"
        await self.page.wait_for_function(look, arg=[name, value], polling=100, timeout=PATIENCE)

    async def misses(self, text: str) -> None:
        """Return once a text is visible no more."""
        await self._until(text, there=False)

    async def _until(self, text: str, *, there: bool) -> None:
        look = f"([text, there]) => ({_TEXTS})().some((each) => each.replace(/\\s+/g, ' ') === text) === there"
        await self.page.wait_for_function(look, arg=[text, there], polling=100, timeout=PATIENCE)

    async def fill(self, description: str, value: str) -> None:
        """Tick and fill in a field of a form, which is told by what is written below it."""
        await self.settled()
        field = self.page.locator("ha-settings-row").filter(has_text=description).first
        await field.locator("ha-checkbox").click(timeout=PATIENCE)
        await field.locator("textarea, input:not([type=checkbox])").last.fill(value, timeout=PATIENCE)

    async def click(self, text: str) -> None:
        """Click a button."""
        await self.page.get_by_role("button", name=text, exact=True).first.click(timeout=PATIENCE)


def keys(texts: list[str]) -> list[str]:
    """Return those texts that are names for machines: a translation is missing."""
    return [text for text in texts if _KEY.search(text)]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser without a display."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise FileNotFoundError("chromium is not installed: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(
    browser: Browser, house: House, language: str, *, size: tuple[int, int] = (1280, 1600), dark: bool = False
) -> AsyncIterator[Screen]:
    """Open a window in which the owner is logged in."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        locale=language,
        timezone_id="UTC",
    )
    tokens = house.tokens | {"hassUrl": house.url, "clientId": f"{house.url}/", "expires": 2**53 - 1}
    stored = {"hassTokens": json.dumps(tokens), "selectedLanguage": json.dumps(language), "dockedSidebar": '"docked"'}
    await context.add_init_script(
        f"for (const [key, value] of Object.entries({json.dumps(stored)})) localStorage.setItem(key, value);"
    )
    page = await context.new_page()
    screen = Screen(page, house, language)
    try:
        yield screen
    except BaseException:
        await screen.snap(f"failed-{len(context.browser.contexts) if context.browser else 0}")
        raise
    finally:
        await context.close()
