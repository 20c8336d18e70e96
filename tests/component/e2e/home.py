"""Home Assistant as these tests use it: flows, entities, and waiting for what must come."""

import asyncio
from collections.abc import Callable

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.broker import Mosquitto

DOMAIN = "sim7020"
PATIENCE = 30.0
"""Seconds that a test waits for something that must come."""


async def connect(hass: HomeAssistant, broker: Mosquitto) -> ConfigEntry:
    """Set up Home Assistant's MQTT integration with a broker, and return its config entry."""
    entry = MockConfigEntry(
        domain="mqtt",
        version=2,
        minor_version=1,
        data={"broker": broker.host, "port": broker.port, "protocol": "5"},
        options={"birth_message": {}},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


class Home:
    """A Home Assistant that is connected to a broker."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.hass = hass

    async def until[T](self, look: Callable[[], T | None], what: str) -> T:
        """Return what a look at Home Assistant finds, once it finds something; ``what`` is for the failure."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := look()):  # noqa: ASYNC110 - flows in progress set no events
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{what} did not come") from None
        return found

    async def offered(self, modem: str) -> str:
        """Return the flow that Home Assistant has begun for a modem that it has discovered."""

        def look() -> str | None:
            for flow in self.hass.config_entries.flow.async_progress_by_handler(DOMAIN):
                if modem in flow["context"].get("title_placeholders", {}).get("name", ""):
                    return flow["flow_id"]
            return None

        return await self.until(look, f"the offer of {modem}")

    async def add(self, modem: str) -> ConfigEntry:
        """Add a modem that is offered, as a user does who has only to confirm."""
        flow = await self.offered(modem)
        result = await self.hass.config_entries.flow.async_configure(flow, {})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await self.hass.async_block_till_done()
        return result["result"]

    def entity(self, entry: ConfigEntry, domain: str, key: str) -> str:
        """Return the id of the entity whose unique id ends in a key."""
        entities = er.async_entries_for_config_entry(er.async_get(self.hass), entry.entry_id)
        (found,) = [each for each in entities if each.domain == domain and each.unique_id.endswith(f"_{key}")]
        return found.entity_id

    async def state(self, entity: str, holds: Callable[[str], bool], what: str) -> str:
        """Return an entity's state once a condition holds for it."""

        def look() -> str | None:
            state = self.hass.states.get(entity)
            return state.state if state is not None and holds(state.state) else None

        return await self.until(look, f"{entity}: {what}")
