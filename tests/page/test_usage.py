"""The data that a modem used, as its operator counts."""

import pytest
from playwright.async_api import Browser, expect

from tests.page.installation import SOCKET, Installation
from tests.page.screen import window
from tests.page.words import words


@pytest.mark.parametrize(("billing", "shown"), [("bytes", None), ("packets", "292 bytes"), ("sessions", "1 kB")])
async def test_what_is_billed(browser: Browser, installation: Installation, billing: str, shown: str | None) -> None:
    """One that does not bill by bytes has a column of its own: here of a message and its echo."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module, data_budget={"billing": billing})})
    shed = installation.modem("shed")
    await shed.open(SOCKET)
    await shed.send(SOCKET, bytes(64), "m1")
    await shed.receipt(SOCKET, "m1", "accepted")
    async with window(browser, installation.url) as screen:
        await screen.open("#/modem/shed")
        table = screen.page.get_by_role("table").filter(has_text=words("modem.usage.today"))
        today = table.get_by_role("row").filter(has_text=words("modem.usage.today"))
        await expect(today.get_by_role("cell").first).to_have_text("92 bytes")
        await expect(table.get_by_text(words("modem.usage.billed"), exact=True)).to_have_count(int(shown is not None))
        if shown is not None:
            await expect(today.get_by_role("cell").last).to_have_text(shown)
