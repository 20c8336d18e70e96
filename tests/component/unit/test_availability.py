"""Entities are there as long as Home Assistant hears a bridge that it understands, and the log tells of changes."""

import logging
from datetime import timedelta

import pytest
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.sim7020.coordinator import CONFIRMED_WITHIN
from tests.component.unit.kit import Bridge, document, info, set_up

ENTITIES = (
    "binary_sensor.sim7020_shed_data_connection",
    "button.sim7020_shed_refresh",
    "sensor.sim7020_shed_connection",
    "sensor.sim7020_shed_telemetry_state",
)


def are_available(hass: HomeAssistant) -> bool:
    """Tell whether the entities are available, which all of them are or none."""
    (available,) = {not hass.states.is_state(entity_id, "unavailable") for entity_id in ENTITIES}
    return available


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log told of availability, and forget it."""
    lines = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.name.startswith("custom_components.sim7020") and record.levelno == logging.INFO
    ]
    caplog.clear()
    return lines


async def test_the_bridge_goes_and_comes(hass: HomeAssistant, bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    """Its last will takes the entities away; each change is told once."""
    bridge.serve()
    await set_up(hass)
    assert are_available(hass)
    assert told(caplog) == []
    await bridge.say("availability", "offline")
    await bridge.say("availability", "offline")
    await bridge.say("state", document("state-sleeping"))
    assert not are_available(hass)
    assert told(caplog) == ["SIM7020 shed is unavailable: the bridge is offline"]
    await bridge.say("availability", "online")
    assert are_available(hass)
    assert told(caplog) == ["SIM7020 shed is available again"]


async def test_events_stay_true_while_the_bridge_is_away(hass: HomeAssistant, bridge: Bridge) -> None:
    """A trigger on their state would take one that comes back for one to which something has happened."""
    bridge.serve()
    await set_up(hass)
    await bridge.say("event", document("event-lost"), retain=False)
    await bridge.say("socket/telemetry/received", b"open", retain=False)
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    await bridge.say("availability", "offline")
    await bridge.say("availability", "online")
    await bridge.link(up=False)
    await bridge.link(up=True)
    await bridge.say("info", info(contract=2))
    await bridge.say("info", document("info"))
    changed = {change.data["entity_id"] for change in changes}
    assert set(ENTITIES) <= changed
    assert not {entity_id for entity_id in changed if entity_id.startswith("event.")}


async def test_a_bridge_that_is_offline_at_first_is_told_once(
    hass: HomeAssistant, bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    """The entry is set up from what the broker holds, and its entities wait."""
    bridge.serve()
    bridge.publish("availability", "offline")
    await set_up(hass)
    assert not are_available(hass)
    assert told(caplog) == ["SIM7020 shed is unavailable: the bridge is offline"]


async def test_a_reload_meanwhile_is_no_news(
    hass: HomeAssistant, bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the bridge goes and comes back with another name for the modem, which the entry follows."""
    bridge.serve()
    entry = await set_up(hass)
    await bridge.say("availability", "offline")
    assert told(caplog) == ["SIM7020 shed is unavailable: the bridge is offline"]
    assert await hass.config_entries.async_reload(entry.entry_id)
    await bridge.settled()
    assert told(caplog) == []
    await bridge.say("availability", "online")
    assert told(caplog) == ["SIM7020 shed is available again"]


async def test_the_broker_goes_and_comes(hass: HomeAssistant, bridge: Bridge, caplog: pytest.LogCaptureFixture) -> None:
    """Without it nothing is known, and what it holds is taken up when it is back."""
    bridge.serve()
    await set_up(hass)
    await bridge.link(up=False)
    assert not are_available(hass)
    reason = "Home Assistant is not connected to its MQTT broker"
    assert told(caplog) == [f"SIM7020 shed is unavailable: {reason}"]
    await bridge.link(up=True)
    assert are_available(hass)
    assert told(caplog)[-1] == "SIM7020 shed is available again"


async def test_a_bridge_that_went_with_the_broker_is_not_taken_for_online(hass: HomeAssistant, bridge: Bridge) -> None:
    """What was known before the connection was lost does not count."""
    bridge.serve()
    await set_up(hass)
    await bridge.link(up=False)
    bridge.retained["sim7020/shed/availability"] = b"offline"
    await bridge.link(up=True)
    assert not are_available(hass)


async def test_alerts_that_were_mended_while_nobody_listened_are_dropped(hass: HomeAssistant, bridge: Bridge) -> None:
    """The broker tells those that hold, and says nothing of the others."""
    bridge.serve()
    bridge.publish("alert/port_busy", document("alert-port-busy"))
    bridge.publish("alert/sim_missing", document("alert-sim-missing"))
    entry = await set_up(hass)
    coordinator = entry.runtime_data
    assert set(coordinator.data.alerts) == {"port_busy", "sim_missing"}
    for _ in range(2):
        await bridge.link(up=False)
        bridge.retained.pop("sim7020/shed/alert/port_busy", None)
        await bridge.link(up=True)
    assert set(coordinator.data.alerts) == {"port_busy", "sim_missing"}
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=CONFIRMED_WITHIN + 1))
    await bridge.settled()
    assert set(coordinator.data.alerts) == {"sim_missing"}
    assert coordinator.data.alerts["sim_missing"].message == document("alert-sim-missing")["message"]
    await bridge.say("alert/sim_missing", "")
    assert not coordinator.data.alerts
    await bridge.link(up=False)
    await bridge.link(up=True)


async def test_a_modem_can_be_unloaded_while_alerts_are_confirmed(hass: HomeAssistant, bridge: Bridge) -> None:
    """No timer outlives it."""
    bridge.serve()
    bridge.publish("alert/port_busy", document("alert-port-busy"))
    entry = await set_up(hass)
    await bridge.link(up=False)
    await bridge.link(up=True)
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    ("contract", "key", "shown"),
    [(2, "contract_newer", "2"), (0, "contract_older", "0"), (None, "contract_older", "?")],
)
async def test_another_contract_is_an_issue_until_it_is_mended(
    hass: HomeAssistant,
    bridge: Bridge,
    issue_registry: ir.IssueRegistry,
    *,
    contract: int | None,
    key: str,
    shown: str,
) -> None:
    """The user is told what to update, at run time and at set-up, and the entities wait."""
    bridge.serve()
    entry = await set_up(hass)
    assert not issue_registry.issues
    for when in ("at run time", "at set-up"):
        if when == "at run time":
            await bridge.say("info", info(contract=contract, sockets=[]))
        else:
            await hass.config_entries.async_unload(entry.entry_id)
            await bridge.say("info", info(contract=contract))
            await hass.config_entries.async_setup(entry.entry_id)
            await bridge.settled()
        (issue,) = issue_registry.issues.values()
        assert (issue.domain, issue.translation_key, issue.severity) == ("sim7020", key, ir.IssueSeverity.ERROR)
        assert issue.translation_placeholders is not None
        assert issue.translation_placeholders["bridge_contract"] == shown
        assert not are_available(hass)
        await bridge.say("info", document("info"))
        assert not issue_registry.issues
        assert are_available(hass)


async def test_an_issue_goes_with_its_modem(
    hass: HomeAssistant, bridge: Bridge, issue_registry: ir.IssueRegistry
) -> None:
    """Nobody is to update the bridge of a modem that was removed."""
    bridge.serve(about=info(contract=2))
    entry = await set_up(hass)
    assert issue_registry.issues
    await hass.config_entries.async_remove(entry.entry_id)
    assert not issue_registry.issues


async def test_who_listens_is_told_of_each_change(hass: HomeAssistant, bridge: Bridge) -> None:
    """Until it has had enough."""
    bridge.serve()
    entry: MockConfigEntry = await set_up(hass)
    heard: list[object] = []
    ends = [entry.runtime_data.async_on_event(heard.append), entry.runtime_data.async_on_received(heard.append)]
    await bridge.say("event", document("event-lost"), retain=False)
    await bridge.say("socket/telemetry/received", b"\x00", retain=False)
    for end in ends:
        end()
    await bridge.say("event", document("event-lost"), retain=False)
    await bridge.say("socket/telemetry/received", b"\x00", retain=False)
    assert [type(each).__name__ for each in heard] == ["Event", "Received"]


@pytest.mark.parametrize(
    "topic", ["info", "state", "event", "alert/sim_missing", "socket/telemetry/state", "response/send"]
)
async def test_what_is_no_json_is_told_and_passed_over(
    hass: HomeAssistant, bridge: Bridge, caplog: pytest.LogCaptureFixture, topic: str
) -> None:
    """Everything else goes on."""
    bridge.serve()
    entry = await set_up(hass)
    before = entry.runtime_data.data
    for payload in ("hello", "[1]", b"\xff\xfe"):
        await bridge.say(topic, payload, retain=False)
    assert entry.runtime_data.data == before
    assert sum("no JSON object" in line for line in caplog.messages) == 3
    await bridge.say("info", "")
    assert are_available(hass)
