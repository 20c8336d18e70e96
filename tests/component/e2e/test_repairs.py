"""A real bridge's alerts are repair issues, which go when the cause is gone."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from tests.component.e2e.home import DOMAIN, Home
from tests.component.e2e.surroundings import Surroundings


async def test_an_unplugged_modem_is_a_repair_issue(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """It says in the user's words what is missing, and is gone once the modem is plugged in again."""
    modem = await surroundings.modem("shed")
    entry = await home.add("shed")
    link = home.entity(entry, "sensor", "link")
    await home.state(link, lambda state: state == "online", "online")

    def issue() -> ir.IssueEntry | None:
        return ir.async_get(hass).async_get_issue(DOMAIN, f"port_missing_{entry.entry_id}")

    await modem.emulator.stop()
    shown = await home.until(issue, "the issue")
    assert (shown.translation_key, shown.severity) == ("port_missing", ir.IssueSeverity.ERROR)
    assert (shown.translation_placeholders or {})["modem"] == entry.title
    await modem.emulator.start()
    await home.until(lambda: issue() is None or None, "the end of the issue")
    await home.state(link, lambda state: state == "online", "online again")
