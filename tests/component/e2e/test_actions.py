"""Actions over a real broker: what is sent arrives once, and what failed does not arrive later."""

import asyncio
from pathlib import Path

import pytest
from homeassistant.components import mqtt
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from tests.component.blueprints import AUTOMATION, end, use
from tests.component.e2e.home import DOMAIN, Home
from tests.component.e2e.shed import gone, open_again, ready, send
from tests.component.e2e.surroundings import SOCKET, Surroundings
from tests.component.unit.kit import device_id


async def test_a_message_arrives_and_its_receipt_is_the_response(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """Bytes as they are; the same id is sent once, and the outbox is empty afterwards."""
    _, entry = await ready(home, surroundings)
    response = await send(hass, entry, "21.5", id="order-7")
    assert response | {"id": "order-7", "socket": SOCKET, "state": "accepted", "final": True, "bytes": 4} == response
    data = {"config_entry_id": entry.entry_id, "socket": SOCKET, "hex": "00ff0d0a1a", "wait_for_receipt": True}
    await hass.services.async_call(DOMAIN, "send", data, blocking=True)
    await surroundings.server.has(b"21.5", b"\x00\xff\r\n\x1a")
    outbox = await hass.services.async_call(
        DOMAIN, "outbox", {"config_entry_id": entry.entry_id}, blocking=True, return_response=True
    )
    assert outbox == {"messages": 0, "entries": []}


async def test_a_message_with_all_that_it_may_have(hass: HomeAssistant, home: Home, surroundings: Surroundings) -> None:
    """The real bridge takes it as Home Assistant writes it, a time to live in each way that it can be given."""
    _, entry = await ready(home, surroundings)
    lifetimes = (3600, 60.5, "60", 31622400)
    for ttl in lifetimes:
        more = {"id": f"order-{ttl}", "ttl": ttl, "priority": "high", "key": "temperature", "timeout": 30}
        response = await send(hass, entry, f"lives {ttl}", **more)
        assert (response["state"], response["final"]) == ("accepted", True)
    await surroundings.server.has(*(f"lives {ttl}".encode() for ttl in lifetimes))


async def test_an_id_that_was_sent_has_no_second_receipt(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """The real bridge says so, and whoever waits is told at once; what it takes at most it reads."""
    _, entry = await ready(home, surroundings)
    await send(hass, entry, "21.5", id="order-7")
    with pytest.raises(HomeAssistantError) as raised:
        await send(hass, entry, "21.5", id="order-7")
    assert raised.value.translation_key == "repeated"
    with pytest.raises(HomeAssistantError) as raised:
        await send(hass, entry, "x" * 65_000)
    assert raised.value.translation_key == "refused_too_large"


async def test_power_saving_and_the_data_used_are_set(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """The real bridge takes both as Home Assistant writes them, and shows what came of it."""
    _, entry = await ready(home, surroundings)
    modem = {"config_entry_id": entry.entry_id}
    used = {**modem, "used": 400_000.0}
    answer = await hass.services.async_call(DOMAIN, "calibrate", used, blocking=True, return_response=True)
    assert answer is not None
    assert (answer["used"], answer["left"]) == (400_000, 600_000)
    share = home.entity(entry, "sensor", "budget_used")
    await home.state(share, lambda state: state not in {"unknown", "unavailable"} and float(state) >= 40, "40 %")
    over = {**modem, "used": 1_500_000}
    answer = await hass.services.async_call(DOMAIN, "calibrate", over, blocking=True, return_response=True)
    assert answer is not None
    assert answer["left"] == 0
    await home.state(share, lambda state: float(state) >= 150, "150 %")
    asked = {**modem, "edrx_cycle": "81.92", "paging_window": "10.24", "light_sleep": False}
    await hass.services.async_call(DOMAIN, "sleep", asked, blocking=True)
    await hass.services.async_call(DOMAIN, "sleep", modem, blocking=True)


async def test_the_blueprint_sends_telemetry(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, tmp_path: Path
) -> None:
    """With nothing but what its form asks for."""
    await ready(home, surroundings)
    hass.states.async_set("sensor.temperature", "21.5")
    given = {"socket": device_id(hass, SOCKET), "entities": ["sensor.temperature"]}
    await use(hass, tmp_path, "send_telemetry", **given)
    await hass.services.async_call("automation", "trigger", {"entity_id": AUTOMATION}, blocking=True)
    await surroundings.server.has(b"temperature=21.5")
    await end(hass)


async def test_a_restarted_bridge_sends_again(hass: HomeAssistant, home: Home, surroundings: Surroundings) -> None:
    """What was refused while it was away stays unsent."""
    modem, entry = await ready(home, surroundings)
    await modem.bridge.kill()
    await gone(home, entry)
    with pytest.raises(HomeAssistantError) as raised:
        await send(hass, entry, "ghost")
    assert raised.value.translation_key == "bridge_offline"
    await modem.bridge.start()
    await open_again(home, entry)
    await send(hass, entry, "after")
    await surroundings.server.has(b"after")


async def test_a_restarted_broker_delivers_no_ghost(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """A command that failed while the broker was away is not delivered when it is back."""
    _, entry = await ready(home, surroundings)
    await surroundings.broker.stop()
    await gone(home, entry)
    # a broker that stops has the bridge's last will out before it lets go of Home Assistant
    await home.until(lambda: not mqtt.is_connected(hass), "without a broker")
    with pytest.raises(HomeAssistantError) as raised:
        await send(hass, entry, "ghost")
    assert raised.value.translation_key == "broker_unreachable"
    await surroundings.broker.start()
    await open_again(home, entry)
    await send(hass, entry, "after")
    await surroundings.server.has(b"after")


async def test_the_module_is_asked(hass: HomeAssistant, home: Home, surroundings: Surroundings) -> None:
    """A ping comes back with each reply, and what the bridge does not allow is refused."""
    _, entry = await ready(home, surroundings)
    data: dict[str, object] = {"config_entry_id": entry.entry_id, "host": "127.0.0.1", "count": 1}
    async with asyncio.timeout(30):
        pinged = await hass.services.async_call(DOMAIN, "ping", data, blocking=True, return_response=True)
    assert isinstance(pinged, dict)
    assert (pinged["host"], pinged["sent"]) == ("127.0.0.1", 1)
    with pytest.raises(HomeAssistantError) as raised:
        await hass.services.async_call(
            DOMAIN, "at_command", {"config_entry_id": entry.entry_id, "command": "AT+CSQ"}, blocking=True
        )
    assert raised.value.translation_key == "request_not_taken"
