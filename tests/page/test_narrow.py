"""A phone whose user has everything shown twice as large."""

import pytest
from playwright.async_api import Browser

from tests.page.installation import Installation
from tests.page.screen import window
from tests.page.views import VIEWS, View, show
from tests.page.words import LANGUAGES

NARROWEST = (180, 370)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_nothing_is_scrolled_sideways(browser: Browser, house: Installation, language: str) -> None:
    """Half of a phone's width is enough for each view."""
    wrong = {}
    async with window(browser, house.url, language=language, size=NARROWEST) as screen:
        for view in (*VIEWS, View("setup", "#/setup", full=True)):
            await show(screen, view, language)
            await screen.shot(f"{view.name}-narrow.{language}")
            wrong[view.name] = await screen.too_wide()
    assert {view: wide for view, wide in wrong.items() if wide} == {}
