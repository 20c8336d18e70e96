"""Every golden example goes in, and the entities come out as they are written down."""

from collections.abc import Mapping
from typing import Any

import pytest
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import (
    async_mock_restore_state_shutdown_restart,
    mock_restore_cache_with_extra_data,
)
from syrupy.assertion import SnapshotAssertion

from custom_components.sim7020.const import PLATFORMS
from custom_components.sim7020.event import MODEM
from tests.component.unit.kit import CONTRACT, Bridge, document, example, info, set_up

STATES = sorted(path.stem for path in (CONTRACT / "examples").glob("state-*.json"))
SOCKET_STATES = sorted(path.stem for path in (CONTRACT / "examples").glob("socket-state-*.json"))
EVENTS = sorted(path.stem for path in (CONTRACT / "examples").glob("event-*.json"))


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's state."""
    state = hass.states.get(entity_id)
    assert state is not None, entity_id
    return state.state


def attributes_of(hass: HomeAssistant, entity_id: str) -> Mapping[str, Any]:
    """Return an entity's attributes."""
    state = hass.states.get(entity_id)
    assert state is not None, entity_id
    return state.attributes


def values_of(hass: HomeAssistant, prefix: str) -> dict[str, str]:
    """Return the states of all sensors of a device."""
    return {
        state.entity_id: state.state
        for state in sorted(hass.states.async_all(("binary_sensor", "sensor")), key=lambda state: state.entity_id)
        if state.entity_id.split(".")[1].startswith(prefix)
    }


async def test_what_an_operator_may_lower_is_no_total(hass: HomeAssistant, bridge: Bridge) -> None:
    """Home Assistant takes a total that falls for one that began anew, and adds all of it to the statistics."""
    bridge.serve()
    await set_up(hass)
    totals = {
        state.entity_id.removeprefix("sensor.sim7020_shed_")
        for state in hass.states.async_all("sensor")
        if "data" in state.entity_id and state.attributes.get("state_class") == "total_increasing"
    }
    assert totals == {
        *(f"data_{way}_{time}" for way in ("sent", "received") for time in ("today", "in_billing_period")),
        "data_used_in_total",
    }


@pytest.mark.usefixtures("all_enabled")
async def test_the_entities_are_as_they_are_written_down(
    hass: HomeAssistant, bridge: Bridge, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    """Names, units, classes, categories and values of all platforms."""
    bridge.serve()
    entry = await set_up(hass)
    entities = er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    assert {entity.domain for entity in entities} == set(PLATFORMS)
    for entity in sorted(entities, key=lambda entity: entity.entity_id):
        assert entity == snapshot(name=f"{entity.entity_id}-entry")
        assert hass.states.get(entity.entity_id) == snapshot(name=f"{entity.entity_id}-state")


@pytest.mark.usefixtures("all_enabled")
@pytest.mark.parametrize("name", STATES)
async def test_each_golden_state_is_shown(
    hass: HomeAssistant, bridge: Bridge, snapshot: SnapshotAssertion, name: str
) -> None:
    """What is null is unknown, and the entities stay available."""
    bridge.serve()
    await set_up(hass)
    await bridge.say("state", document(name))
    values = {
        entity_id: value
        for entity_id, value in values_of(hass, "sim7020_shed").items()
        if "_telemetry_" not in entity_id and "_control_" not in entity_id
    }
    assert "unavailable" not in values.values()
    assert values == snapshot


@pytest.mark.usefixtures("all_enabled")
@pytest.mark.parametrize("name", SOCKET_STATES)
async def test_each_golden_socket_state_is_shown(
    hass: HomeAssistant, bridge: Bridge, snapshot: SnapshotAssertion, name: str
) -> None:
    """At the socket that the topic names; nothing is known of one whose state is emptied."""
    bridge.serve()
    await set_up(hass)
    golden = example(name)
    socket = str(golden["topic"]).split("/")[3]
    await bridge.say(f"socket/{socket}/state", golden["payload"] if "payload" in golden else golden["text"])
    assert values_of(hass, f"sim7020_shed_{socket}") == snapshot


async def test_what_is_disabled_at_first_can_be_enabled(
    hass: HomeAssistant, bridge: Bridge, entity_registry: er.EntityRegistry
) -> None:
    """The noisy and the rarely needed ones are there, but do not burden the recorder."""
    bridge.serve()
    entry = await set_up(hass)
    entries = er.async_entries_for_config_entry(entity_registry, entry.entry_id)
    disabled = {each.unique_id.partition("_")[2] for each in entries if each.disabled}
    assert disabled == {
        *("registered", "roaming", "psm_active_time", "psm_periodic_update", "edrx_cycle", "edrx_paging_window"),
        *("recoveries", "rsrq", "sinr", "ecl", "band", "cell", "outbox_oldest", "ping_time", "firmware"),
        *(f"socket_{socket}_{way}_bytes" for socket in ("telemetry", "control") for way in ("sent", "received")),
        *(f"socket_{socket}_last_received" for socket in ("telemetry", "control")),
    }


def test_every_event_of_the_contract_is_known() -> None:
    """One that is not is passed over without a word."""
    text = (CONTRACT / "README.md").read_text().partition("| type | what happened |")[2].partition("\n\n")[0]
    named = {name for row in text.splitlines() if row.startswith("| `") for name in row.split("|")[1].split(",")}
    assert {name.strip(" `") for name in named} == set(MODEM.event_types or ())


@pytest.mark.parametrize("name", EVENTS)
async def test_each_golden_event_is_shown(hass: HomeAssistant, bridge: Bridge, name: str) -> None:
    """With what belongs to its type."""
    bridge.serve()
    await set_up(hass)
    event = document(name)
    await bridge.say("event", event, retain=False)
    attributes = attributes_of(hass, "event.sim7020_shed_modem_event")
    assert attributes["event_type"] == event["type"]
    assert {key: attributes[key] for key in event.keys() - {"type", "at"}} == {
        key: value for key, value in event.items() if key not in {"type", "at"}
    }


async def test_an_event_of_a_newer_bridge_is_passed_over(hass: HomeAssistant, bridge: Bridge) -> None:
    """A type that is not known here is no error."""
    bridge.serve()
    await set_up(hass)
    await bridge.say("event", document("event-lost"), retain=False)
    before = hass.states.get("event.sim7020_shed_modem_event")
    await bridge.say("event", {"type": "levitated", "at": "2026-11-23T10:15:00.000Z"}, retain=False)
    assert hass.states.get("event.sim7020_shed_modem_event") == before


async def test_the_last_recovery_is_kept(hass: HomeAssistant, bridge: Bridge) -> None:
    """The bridge tells it once; Home Assistant remembers it over a restart."""
    bridge.serve()
    entry = await set_up(hass)
    await bridge.say("event", document("event-recovering"), retain=False)
    assert state_of(hass, "sensor.sim7020_shed_last_recovery") == "none"
    await bridge.say("event", document("event-recovered"), retain=False)
    step = document("event-recovered")["rung"]
    assert state_of(hass, "sensor.sim7020_shed_last_recovery") == step
    await async_mock_restore_state_shutdown_restart(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await bridge.settled()
    assert state_of(hass, "sensor.sim7020_shed_last_recovery") == step
    await bridge.say("event", {"type": "recovered", "rung": "prayer"}, retain=False)
    assert state_of(hass, "sensor.sim7020_shed_last_recovery") == step


async def test_a_recovery_of_before_that_is_not_known_is_forgotten(hass: HomeAssistant, bridge: Bridge) -> None:
    """An enum sensor must not take up what is no option of it."""
    restored = {"native_value": "prayer", "native_unit_of_measurement": None}
    mock_restore_cache_with_extra_data(hass, [(State("sensor.sim7020_shed_last_recovery", "prayer"), restored)])
    bridge.serve()
    await set_up(hass)
    assert state_of(hass, "sensor.sim7020_shed_last_recovery") == "none"


@pytest.mark.parametrize("name", ["received-raw", "received-json"])
async def test_each_golden_received_message_is_shown(hass: HomeAssistant, bridge: Bridge, name: str) -> None:
    """As what it is: the text 123."""
    bridge.serve()
    await set_up(hass)
    golden = example(name)
    socket = str(golden["topic"]).split("/")[3]
    payload = bytes.fromhex(str(golden["hex"])) if "hex" in golden else document(name)
    await bridge.say(f"socket/{socket}/received", payload, retain=False)
    attributes = attributes_of(hass, f"event.sim7020_shed_{socket}_received_message")
    assert (attributes["event_type"], attributes["text"], attributes["length"]) == ("received", "123", 3)
    assert attributes["truncated"] is False
    assert attributes.get("peer") == (document(name)["peer"] if "payload" in golden else None)
    assert state_of(hass, "event.sim7020_shed_modem_event") == "unknown"


RECEIPTS = sorted(path.stem for path in (CONTRACT / "examples").glob("receipt-*.json"))


@pytest.mark.parametrize("name", RECEIPTS)
async def test_each_golden_receipt_is_shown(hass: HomeAssistant, bridge: Bridge, name: str) -> None:
    """If it is final, at the socket that it names, and a reason only where there is one."""
    bridge.serve()
    await set_up(hass)
    receipt = document(name) | {"socket": "telemetry"}
    await bridge.say("socket/telemetry/receipt", receipt, retain=False)
    assert state_of(hass, "event.sim7020_shed_control_message_receipt") == "unknown"
    if not receipt["final"]:
        assert state_of(hass, "event.sim7020_shed_telemetry_message_receipt") == "unknown"
        return
    attributes = attributes_of(hass, "event.sim7020_shed_telemetry_message_receipt")
    assert attributes["event_type"] == receipt["state"]
    assert {key: attributes[key] for key in ("id", "bytes", "attempts")} == {
        key: receipt[key] for key in ("id", "bytes", "attempts")
    }
    assert attributes.get("reason") == (receipt["error"] and receipt["error"]["message"])
    before = state_of(hass, "event.sim7020_shed_telemetry_message_receipt")
    await bridge.say("socket/telemetry/receipt", receipt | {"state": "framed"}, retain=False)
    assert state_of(hass, "event.sim7020_shed_telemetry_message_receipt") == before


async def test_a_text_that_is_too_long_for_a_state_is_cut(hass: HomeAssistant, bridge: Bridge) -> None:
    """Home Assistant's states end at 255 characters."""
    bridge.serve()
    await set_up(hass)
    state = document("state-online")
    state["registration"]["operator"] = "operator " * 50
    await bridge.say("state", state)
    assert len(state_of(hass, "sensor.sim7020_shed_operator")) == 255


async def test_the_connection_has_its_reason(hass: HomeAssistant, bridge: Bridge) -> None:
    """In the bridge's words, as an attribute."""
    bridge.serve()
    await set_up(hass)
    await bridge.say("state", document("state-registration-denied"))
    assert state_of(hass, "sensor.sim7020_shed_connection") == "registration"
    reason = attributes_of(hass, "sensor.sim7020_shed_connection")["reason"]
    assert reason == "the network denied the registration"


async def test_what_is_left_is_told_with_a_budget_only(hass: HomeAssistant, bridge: Bridge) -> None:
    """A bridge to which a budget was given since shows it without a restart."""
    bridge.serve()
    state = document("state-online")
    state["usage"] |= {"budget": None, "left": None}
    bridge.publish("state", state)
    await set_up(hass)
    assert hass.states.get("sensor.sim7020_shed_data_left") is None
    await bridge.say("state", document("state-online"))
    assert state_of(hass, "sensor.sim7020_shed_data_left") == "4949.856"


@pytest.mark.parametrize(
    ("usage", "used", "share"),
    [
        pytest.param({}, "50.144", "1.00288", id="counted"),
        pytest.param({"used": 4_000_000, "left": 1_000_000}, "4000.0", "80.0", id="calibrated"),
        pytest.param({"used": 6_500_000, "left": 0}, "6500.0", "130.0", id="more-than-all"),
        pytest.param({"used": None}, "unknown", "unknown", id="unknown"),
    ],
)
async def test_what_is_used_is_told_in_bytes_and_in_percent(
    hass: HomeAssistant, bridge: Bridge, *, usage: dict[str, Any], used: str, share: str
) -> None:
    """By the operator's figure, and beyond the budget too."""
    bridge.serve()
    await set_up(hass)
    state = document("state-online")
    state["usage"] |= {"budget": 5_000_000, **usage}
    await bridge.say("state", state)
    assert state_of(hass, "sensor.sim7020_shed_data_used_in_billing_period") == used
    assert state_of(hass, "sensor.sim7020_shed_data_budget_used") == share


async def test_what_needs_a_budget_goes_with_it(
    hass: HomeAssistant, bridge: Bridge, entity_registry: er.EntityRegistry
) -> None:
    """While Home Assistant listens and while it does not, and comes back with it; what is not told changes nothing."""
    bridge.serve()
    entry = await set_up(hass)
    needing = ("sensor.sim7020_shed_data_left", "sensor.sim7020_shed_data_budget_used")
    nothing, without = document("state-nothing-known"), document("state-online")
    without["usage"] |= {"budget": None, "left": None}

    async def there() -> set[tuple[bool, bool]]:
        await bridge.settled()
        return {(each in entity_registry.entities, hass.states.get(each) is not None) for each in needing}

    for state, expected in ((nothing, True), (without, False), (document("state-online"), True)):
        await bridge.say("state", state)
        assert await there() == {(expected, expected)}
    await hass.config_entries.async_unload(entry.entry_id)
    await bridge.say("state", without)
    await hass.config_entries.async_setup(entry.entry_id)
    assert await there() == {(False, False)}


@pytest.mark.usefixtures("all_enabled")
async def test_what_the_network_granted_is_shown(hass: HomeAssistant, bridge: Bridge) -> None:
    """In seconds; and how often the modem had to be brought back."""
    bridge.serve()
    await set_up(hass)
    state = document("state-online")
    state["power"] |= {
        "psm": {"active_time": 60, "periodic_update": 86400},
        "edrx": {"cycle": 81.92, "paging_window": 10.24},
    }
    state["counters"]["recoveries"] |= {"reattach": 2, "reboot": 1}
    before = sum(document("state-online")["counters"]["recoveries"].values())
    await bridge.say("state", state)
    shown = {
        key: float(state_of(hass, f"sensor.sim7020_shed_{key}"))
        for key in ("psm_active_time", "psm_periodic_update", "edrx_cycle", "edrx_paging_window", "recovery_steps")
    }
    steps = sum(state["counters"]["recoveries"].values())
    assert steps > before
    assert list(shown.values()) == [60, 86400, 81.92, 10.24, steps]


@pytest.mark.usefixtures("all_enabled")
async def test_the_last_message_is_kept(hass: HomeAssistant, bridge: Bridge) -> None:
    """As text or in hexadecimal digits, as far as a state goes, and over a restart."""
    last = "sensor.sim7020_shed_telemetry_last_received_message"
    bridge.serve()
    entry = await set_up(hass)
    await bridge.say("socket/control/received", document("received-json"), retain=False)
    assert state_of(hass, last) == "unknown"
    await bridge.say("socket/telemetry/received", b"\xff" * 200, retain=False)
    assert state_of(hass, last) == "ff" * 127 + "f"
    await bridge.say("socket/telemetry/received", "open", retain=False)
    await async_mock_restore_state_shutdown_restart(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await bridge.settled()
    assert state_of(hass, last) == "open"


async def test_a_socket_error_that_is_not_known_is_another(hass: HomeAssistant, bridge: Bridge) -> None:
    """A newer bridge may have more names."""
    bridge.serve()
    await set_up(hass)
    state = document("socket-state-backoff")
    state["last_error"]["name"] = "error_99"
    await bridge.say("socket/control/state", state)
    assert state_of(hass, "sensor.sim7020_shed_control_last_error") == "other"
    await bridge.say("socket/control/state", "")
    assert state_of(hass, "sensor.sim7020_shed_control_last_error") == "unknown"


@pytest.mark.usefixtures("all_enabled")
async def test_the_registration_decides_what_is_roaming(hass: HomeAssistant, bridge: Bridge) -> None:
    """Who is not registered does not roam, and who does not know is not said to."""
    bridge.serve()
    await set_up(hass)
    shown = {}
    for status in ("home", "roaming", "searching", "unknown"):
        state = document("state-online")
        state["registration"]["status"] = status
        await bridge.say("state", state)
        shown[status] = tuple(state_of(hass, f"binary_sensor.sim7020_shed_{key}") for key in ("network", "roaming"))
    assert shown == {
        "home": ("on", "off"),
        "roaming": ("on", "on"),
        "searching": ("off", "unknown"),
        "unknown": ("unknown", "unknown"),
    }


async def test_the_device_follows_the_firmware(hass: HomeAssistant, bridge: Bridge) -> None:
    """An update of the module shows without a restart."""
    bridge.serve()
    entry = await set_up(hass)
    changed = info()
    changed["modem"]["firmware"] = "1752B13SIM7020E"
    await bridge.say("info", changed)
    assert entry.runtime_data.modem_device["sw_version"] == "1752B13SIM7020E"
