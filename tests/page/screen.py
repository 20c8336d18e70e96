"""The page in a real browser, and all that a browser holds against it."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, async_playwright

SHOTS: Final = Path(__file__).parents[2] / "build" / "page"
FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
PATIENCE: Final = 30_000.0
"""Milliseconds that the page has to show something, however busy the machine is."""
PHONE: Final = (360, 740)
DESK: Final = (1280, 900)

# What is too wide: the page as a whole, which could be scrolled sideways; what reaches out of the window without a bar
# of its own; words that reach out of what they stand in.
_TOO_WIDE: Final = """() => {
  const root = document.scrollingElement;
  const wide = root.scrollWidth > root.clientWidth ? [`page ${root.scrollWidth} > ${root.clientWidth}`] : [];
  const walk = (node) => {
    if (node.nodeType === Node.ELEMENT_NODE && node.checkVisibility()) {
      const { right, width } = node.getBoundingClientRect();
      let box = node;
      while (box && !["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(box).overflowX))
        box = box.assignedSlot ?? box.parentElement ?? box.getRootNode().host;
      if (width && right > root.clientWidth + 1 && !box) wide.push(`${node.tagName}.${node.className} to ${right}`);
      const { overflowX, display } = getComputedStyle(node);
      const words = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
      const out = node.clientWidth && node.scrollWidth > node.clientWidth + 1;
      if (words && out && overflowX === "visible" && display !== "inline")
        wide.push(`"${node.textContent.trim().slice(0, 60)}" out of ${node.tagName}.${node.className}`);
    }
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes) walk(child);
  };
  walk(document.body);
  return wide;
}"""
# How many pixels the page can be scrolled beyond what is in it.
_TOO_TALL: Final = """() => {
  const root = document.scrollingElement;
  const end = Math.max(document.body.getBoundingClientRect().bottom + root.scrollTop, root.clientHeight);
  return Math.max(0, root.scrollHeight - Math.ceil(end));
}"""
# What people see: text nodes of what is visible, through all shadow roots, and what labels and placeholders say. What
# is marked as another language than the page's is left out, and what comes from outside, such as topics.
_TEXTS: Final = """() => {
  const texts = [];
  const page = document.documentElement.lang;
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.textContent.trim();
      const parent = node.parentElement ?? node.getRootNode().host;
      if (text && parent?.checkVisibility() && !["STYLE", "SCRIPT"].includes(parent.tagName)) texts.push(text);
      return;
    }
    if (node.tagName === "BDI" || (node.lang && node.lang !== page)) return;
    if (node.getAttribute && node.checkVisibility())
      for (const name of ["aria-label", "placeholder", "title", "alt"])
        if (node.getAttribute(name)) texts.push(node.getAttribute(name));
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.childNodes) walk(child);
  };
  walk(document.body);
  return texts;
}"""
# What has the focus, through all shadow roots: its role or tag, and its name.
_FOCUS: Final = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return "";
  const name = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
  return `${at.getAttribute("role") ?? at.tagName.toLowerCase()} ${name.trim().replace(/\\s+/g, " ")}`;
}"""


class Screen:
    """One window. ``faults`` is what went wrong in it that nobody has said is right so."""

    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.context = context
        self.page = page
        self.url = url
        self._faults: list[str] = []
        self._right: list[re.Pattern[str]] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._faults.append(f"error: {error}"))
        page.on("request", self._on_request)
        page.on("dialog", self._on_dialog)
        page.on("popup", lambda popup: self._faults.append(f"a window was opened: {popup.url}"))

    @property
    def faults(self) -> list[str]:
        """What the browser complained of, what was fetched from elsewhere, and each dialog that a script opened."""
        return [fault for fault in self._faults if not any(right.search(fault) for right in self._right)]

    def right(self, pattern: str) -> None:
        """Say that a complaint belongs to the test: a server that is away, a status that it provokes."""
        self._right.append(re.compile(pattern))

    async def open(self, path: str = "") -> None:
        """Show a part of the page, as a new visitor of the address."""
        await self.page.goto(f"{self.url}{path}", wait_until="load")

    async def shot(self, name: str, *, whole: bool = True) -> None:
        """Keep what it shows as an artefact."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)

    async def too_wide(self) -> list[str]:
        """Return what reaches out of the window or of what it stands in, and can't be scrolled by itself."""
        return list(await self.page.evaluate(_TOO_WIDE))

    async def too_tall(self) -> int:
        """Return by how many pixels the page can be scrolled beyond what is in it."""
        return int(await self.page.evaluate(_TOO_TALL))

    async def texts(self) -> list[str]:
        """Return every text of the page's own that people see or are read."""
        return list(await self.page.evaluate(_TEXTS))

    async def until(self, script: str, *given: object) -> None:
        """Return once a function is true of the page, which does not let a driver wait by itself: it allows no eval."""
        async with asyncio.timeout(PATIENCE / 1000):
            while not await self.page.evaluate(script, list(given)):  # noqa: ASYNC110 - it is to be asked
                await asyncio.sleep(0.05)

    async def focus(self) -> str:
        """Return what has the focus: role or tag, and name; empty if nothing has."""
        return str(await self.page.evaluate(_FOCUS))

    async def violations(self) -> list[str]:
        """Return what axe-core finds wrong in what is shown now."""
        await self.page.evaluate(AXE_SCRIPT)
        found: dict[str, Any] = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {violation['help']}: {node['target']} {node.get('failureSummary', '')}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self._faults.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self._faults.append(f"request to somebody else: {request.url}")

    async def _on_dialog(self, dialog: Dialog) -> None:
        self._faults.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


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
    browser: Browser,
    url: str,
    *,
    language: str = "en",
    size: tuple[int, int] = DESK,
    dark: bool = False,
) -> AsyncIterator[Screen]:
    """Open a window of somebody who was never here before, and hold it to have no faults.

    Args:
        browser: The browser.
        url: Where the page's root is, with a slash at its end; nothing else may be asked.
        language: What the browser says that its user reads.
        size: Width and height in pixels.
        dark: Whether the user's system is dark.
    """
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        locale=language,
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE)
    screen = Screen(context, await context.new_page(), url)
    try:
        try:
            yield screen
        except BaseException:
            test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0].rpartition("::")[2]
            await screen.shot(f"failed-{re.sub(r'[^a-z0-9-]+', '-', test.lower())}", whole=False)
            raise
        if screen.faults:
            raise AssertionError("\n".join(screen.faults))
    finally:
        await context.close()
