"""Every view for everybody: three languages, a phone, light and dark, and what axe-core knows of."""

import re

import pytest
from playwright.async_api import Browser

from tests.page.installation import Installation
from tests.page.screen import DESK, PHONE, window
from tests.page.views import VIEWS, show
from tests.page.words import keys_among, texts

LATIN = re.compile(r"[a-z]{3}", re.IGNORECASE)


def foreign(language: str) -> set[str]:
    """Return the English texts that another language says in other words."""
    theirs, english = texts(language), texts("en")
    return {text for key, text in english.items() if theirs.get(key, text) != text and LATIN.search(text)} - {
        *theirs.values()
    }


@pytest.mark.parametrize(
    ("language", "size", "dark"),
    [
        ("en", DESK, False),
        ("en", PHONE, True),
        ("de", DESK, True),
        ("de", PHONE, False),
        ("zh-CN", DESK, False),
        ("zh-CN", PHONE, True),
    ],
    ids=["en-desk-light", "en-phone-dark", "de-desk-dark", "de-phone-light", "zh-desk-light", "zh-phone-dark"],
)
async def test_every_view(
    browser: Browser, house: Installation, language: str, size: tuple[int, int], *, dark: bool
) -> None:
    """It is in the user's language, fits the window, and axe-core finds nothing that makes it hard to use."""
    spoken = {"zh-CN": "zh-Hans"}.get(language, language)
    how = f"{'phone' if size == PHONE else 'desk'}-{'dark' if dark else 'light'}.{spoken}"
    wrong: dict[str, object] = {}
    async with window(browser, house.url, language=language, size=size, dark=dark) as screen:
        for view in VIEWS:
            await show(screen, view, spoken)
            shown = await screen.texts()
            await screen.shot(f"{view.name}-{how}")
            found = {
                "keys": keys_among(shown),
                "foreign": sorted(foreign(spoken).intersection(shown)) if spoken != "en" else [],
                "too wide": await screen.too_wide(),
                "axe": await screen.violations(),
            }
            wrong |= {f"{view.name}: {what}": told for what, told in found.items() if told}
        assert wrong == {}
