"""Diagnostics and system health tell how a modem is, and not who or where it is."""

import json

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.component.unit.kit import Bridge, document, entry_of, set_up

SECRETS = (
    *("866425030000014", "001010123456789", "89882390000000000000"),
    *("198.51.100.7", "control.example.net", "10.250.0.213", "203.0.113.9", "ping.example.net"),
    *("44873", "2001:db8::7", "2001:db8:1:2:3:4:5:6", "fe80::1"),
    *("0023C9A1", "open the door", b"open the door".hex()),
)


async def test_nothing_that_identifies_is_in_the_diagnostics(
    hass: HomeAssistant, bridge: Bridge, hass_client: ClientSessionGenerator
) -> None:
    """Neither under its key nor in the bridge's sentences; what helps to find a fault is there."""
    bridge.serve()
    state = document("state-online")
    reason = "the server 203.0.113.9 refused 866425030000014 and 491511234567890"
    bridge.publish("state", state | {"link": state["link"] | {"layer": "pdn", "reason": reason}})
    about = document("info")
    about["sockets"][0] |= {"port": 44873}
    bridge.publish("info", about)
    refusal = "at 12:30:45 [2001:db8::7]:44873 and 198.51.100.7:44873, fe80::1 or 2001:db8:1:2:3:4:5:6 refused"
    bridge.publish("alert/port_busy", document("alert-sim-missing") | {"message": refusal})
    told = document("alert-sim-missing") | {"message": "SIM 89882390000000000000 at control.example.net"}
    bridge.publish("alert/sim_failed", told)
    entry = await set_up(hass)
    hass.config_entries.async_update_entry(entry, options={"ping_host": "ping.example.net"})
    await bridge.say("socket/control/received", "open the door", retain=False)
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = json.dumps(found)
    assert "866425030000014" in json.dumps(document("info"))
    assert [secret for secret in (*SECRETS, "491511234567890") if secret.lower() in text.lower()] == []
    assert isinstance(found["state"], dict)
    assert isinstance(found["info"], dict)
    assert isinstance(found["alerts"], dict)
    assert (found["state"]["layer"], found["state"]["rsrp"], found["state"]["apn"]) == ("pdn", -92.0, "iot.1nce.net")
    assert found["state"]["reason"] == "the server **REDACTED** refused **REDACTED** and **REDACTED**"
    assert found["info"]["bridge_version"] == "0.1.0"
    assert set(found["alerts"]) == {"port_busy", "sim_failed"}
    assert '"message": "at 12:30:45 [**REDACTED**]' in text
    assert '"name": "control"' in text


async def test_a_modem_that_is_not_set_up_has_diagnostics_too(
    hass: HomeAssistant, bridge: Bridge, hass_client: ClientSessionGenerator
) -> None:
    """The entry's own, as redacted."""
    entry = entry_of(hass)
    assert not bridge.requests
    assert await async_setup_component(hass, "sim7020", {})
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert set(found) == {"entry"}
    assert "866425030000014" not in json.dumps(found)


async def test_system_health_counts_the_modems(hass: HomeAssistant, bridge: Bridge) -> None:
    """And those that are online, as long as their bridge is there."""
    assert await async_setup_component(hass, "system_health", {})
    bridge.serve()
    bridge.publish("alert/outbox_full", document("alert-sim-missing"))
    await set_up(hass)
    assert await get_system_health_info(hass, "sim7020") == {
        "broker_connected": True,
        "modems": 1,
        "bridges_online": 1,
        "modems_online": 1,
        "alerts": 1,
        "bridge_versions": "0.1.0",
        "contract": 1,
    }
    await bridge.say("availability", "offline")
    health = await get_system_health_info(hass, "sim7020")
    assert (health["modems"], health["bridges_online"], health["modems_online"]) == (1, 0, 0)
