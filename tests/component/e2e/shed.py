"""A modem called shed in Home Assistant, and what it takes to send through its socket."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant

from tests.component.e2e.home import DOMAIN, Home
from tests.component.e2e.surroundings import SOCKET, Modem, Surroundings


async def send(hass: HomeAssistant, entry: ConfigEntry, text: str, **more: object) -> dict[str, object]:
    """Send a text, wait for its final receipt, and return the response."""
    data = {"config_entry_id": entry.entry_id, "socket": SOCKET, "text": text, "wait_for_receipt": True, **more}
    response = await hass.services.async_call(DOMAIN, "send", data, blocking=True, return_response=True)
    assert isinstance(response, dict)
    return dict(response)


async def ready(home: Home, surroundings: Surroundings, *, allow_at: tuple[str, ...] = ()) -> tuple[Modem, ConfigEntry]:
    """Return a modem whose socket is open, and its config entry."""
    modem = await surroundings.modem("shed", allow_at=allow_at)
    entry = await home.add("shed")
    await open_again(home, entry)
    return modem, entry


async def open_again(home: Home, entry: ConfigEntry) -> None:
    """Return once the modem's socket is shown to be open."""
    await home.state(home.entity(entry, "sensor", f"socket_{SOCKET}_state"), lambda state: state == "open", "open")


async def gone(home: Home, entry: ConfigEntry) -> None:
    """Return once Home Assistant has noticed that the bridge is away."""
    await home.state(home.entity(entry, "sensor", "link"), lambda state: state == STATE_UNAVAILABLE, "unavailable")
