"""The first view of the page in a browser: ``python -m tests.page.first_view URL WORD ROUNDS`` prints what it took.

For the bench, which has no browser's driver in its environment; what is printed is JSON. Each round is somebody who was
never here before. The view is drawn once WORD stands in it, which only a document of the feed brings.
"""

import asyncio
import json
import sys
from typing import Final

from playwright.async_api import Browser

from tests.page.screen import DESK, chromium

# Looks at each frame whether the word is there, through all shadow roots, and notes when the frame after it began.
_WATCH: Final = """(word) => {
  const has = (node) => node.nodeType === Node.TEXT_NODE ? node.textContent.includes(word)
    : (node.shadowRoot && has(node.shadowRoot)) || [...node.childNodes].some(has);
  const look = () => {
    if (document.body && has(document.body)) requestAnimationFrame(() => { window.drawn = performance.now(); });
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
_DRAWN: Final = """() => new Promise((resolve) => {
  const look = () => (window.drawn ? resolve() : requestAnimationFrame(look));
  look();
})"""
# The feed never ends, so no entry tells of it.
_TOOK: Final = """() => {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return {
    drawn: window.drawn,
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
    bytes: entries.reduce((sum, entry) => sum + entry.transferSize, 0),
    requests: entries.length,
  };
}"""


async def viewed(browser: Browser, url: str, word: str) -> dict[str, float]:
    """View it for the first time."""
    context = await browser.new_context(viewport={"width": DESK[0], "height": DESK[1]})
    try:
        page = await context.new_page()
        await page.add_init_script(f"({_WATCH})({json.dumps(word)})")
        await page.goto(url, wait_until="commit")
        await page.evaluate(_DRAWN)
        took: dict[str, float] = await page.evaluate(_TOOK)
        return took
    finally:
        await context.close()


async def main(url: str, word: str, rounds: int) -> None:
    """View it so many times, after once that starts what a browser starts once."""
    async with chromium() as browser:
        took = [await viewed(browser, url, word) for _ in range(1 + rounds)]
    sys.stdout.write(f"{json.dumps(took[1:])}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
