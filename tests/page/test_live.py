"""The log and the AT dialogue as they happen, each line explained, held and looked through."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.page.installation import SOCKET, Installation
from tests.page.screen import DESK, PHONE, Screen, window
from tests.page.words import words


def panel(screen: Screen, key: str) -> Locator:
    """Return the lines of one panel: ``log`` or ``at``."""
    name = screen.page.get_by_role("heading", name=words(f"live.{key}"), exact=True)
    return screen.page.locator("section").filter(has=name).get_by_role("listitem")


async def test_lines_come_by_themselves_and_are_explained(browser: Browser, house: Installation) -> None:
    """A message that goes out is seen as the command that it makes, with words to it and without its payload."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/live")
        at = panel(screen, "at")
        await expect(at.filter(has_text="AT+CSOCON").first).to_be_visible()
        payload = b"Nobody's business"
        before = await at.filter(has_text="AT+CSOSEND").count()
        await house.modem("shed").send(SOCKET, payload, "masked")
        sent = at.filter(has_text="AT+CSOSEND")
        await expect(sent).to_have_count(before + 1)
        await expect(sent.last.locator(".at-meaning")).not_to_be_empty()
        await screen.shot("live")
        await expect(at.filter(has_text=payload.hex().upper())).to_have_count(0)
        await expect(panel(screen, "log").filter(has_text="socket telemetry is open").first).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_nothing_is_below_the_lines(browser: Browser, house: Installation, size: tuple[int, int]) -> None:
    """Lines that are scrolled out of their box make the page no longer than what is in it."""
    async with window(browser, house.url, size=size) as screen:
        await screen.open("#/modem/shed/live")
        await expect(panel(screen, "log").first).to_be_visible()
        if size == PHONE:
            await screen.page.get_by_text(words("live.at"), exact=True).first.click()
        await expect(panel(screen, "at").filter(has_text="AT+CSOCON").first).to_be_visible()
        assert await screen.too_tall() == 0


async def test_lines_are_held_while_somebody_reads(browser: Browser, house: Installation) -> None:
    """Paused, nothing moves and what is new is counted; then all of it is there."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/live")
        at = panel(screen, "at")
        await expect(at.filter(has_text="AT+CSOCON").first).to_be_visible()
        before = await at.filter(has_text="AT+CIPPING").count()
        await screen.page.get_by_role("button", name=words("live.pause"), exact=True).click()
        response = await house.modem("shed").request("ping", host="127.0.0.1", count=1)
        assert response["status"] == "ok"
        on = screen.page.get_by_role("button", pressed=True)
        await expect(on).not_to_have_text(words("live.paused", count=0))
        assert await at.filter(has_text="AT+CIPPING").count() == before
        await on.click()
        await expect(at.filter(has_text="AT+CIPPING")).to_have_count(before + 1)


async def test_lines_are_looked_through(browser: Browser, house: Installation) -> None:
    """Only those with the text stay, in the lines and in what explains them."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/live")
        at = panel(screen, "at")
        await expect(at.filter(has_text="AT+CSOCON").first).to_be_visible()
        await screen.page.get_by_label(words("live.text")).fill("csocon")
        await expect(at.filter(has_text="AT+CSQ")).to_have_count(0)
        await expect(at.filter(has_text="AT+CSOCON").first).to_be_visible()


async def test_a_recording_is_saved(browser: Browser, house: Installation, tmp_path: Path) -> None:
    """It is a recording as the command line makes them, without identities."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/live")
        async with screen.page.expect_download() as downloading:
            await screen.page.get_by_role("button", name=words("live.recording")).click()
        download = await downloading.value
        file = tmp_path / "recording"
        await download.save_as(file)
    text = file.read_text()
    assert "AT+CSOCON" in text
    assert "866207050000016" not in text
