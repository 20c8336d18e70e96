"""The page's views: where each is, and when it is there."""

from dataclasses import dataclass
from typing import Final

from tests.page.screen import Screen
from tests.page.words import words


@dataclass(frozen=True, slots=True)
class View:
    """A part of the page.

    Args:
        name: What to call it, and its element without its first word.
        address: What follows the page's root; ``shed`` is the modem.
        full: Whether it is for those only who may do things.
    """

    name: str
    address: str
    full: bool = False


VIEWS: Final = (
    View("glance", "#/"),
    View("modem", "#/modem/shed"),
    View("messages", "#/modem/shed/messages"),
    View("live", "#/modem/shed/live"),
    View("actions", "#/modem/shed/actions", full=True),
    View("configuration", "#/configuration", full=True),
    View("diagnostics", "#/diagnostics", full=True),
)

# Whether a view has drawn what it waited for.
_THERE: Final = """([name, loading]) => {
  const view = document.querySelector(`view-${name}`);
  return Boolean(view?.textContent.trim()) && !document.querySelector("#main").textContent.includes(loading);
}"""


async def show(screen: Screen, view: View, language: str = "en") -> None:
    """Show a view, and return once it is there."""
    await screen.open(view.address)
    await screen.until(_THERE, view.name, words("shell.loading", language))
