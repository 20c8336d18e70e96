"""A modem is set up, taken down, and told apart from another."""

from unittest.mock import AsyncMock

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.sim7020 import async_remove_config_entry_device, client, coordinator
from tests.component.unit.kit import IMEI, ROOT, Bridge, Document, document, entry_of, info, set_up


async def test_a_modem_is_set_up_and_unloaded(hass: HomeAssistant, bridge: Bridge) -> None:
    """What the bridge has published is there at once, and nothing listens when the entry is unloaded."""
    bridge.serve()
    entry = await set_up(hass)
    assert hass.states.is_state("sensor.sim7020_shed_connection", "online")
    assert set(entry.runtime_data.sockets) == {"telemetry", "control"}
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    await bridge.say("state", document("state-registration-denied"))
    assert hass.states.is_state("sensor.sim7020_shed_connection", "unavailable")


async def test_a_broker_that_gives_nothing_retained_to_wildcards_is_made_up_for(
    hass: HomeAssistant, bridge: Bridge, issue_registry: ir.IssueRegistry
) -> None:
    """Sockets and alerts, which are listened to by wildcards, are there at once, and after a reload."""
    bridge.exact = True
    bridge.serve(about=document("info") | {"broker": {"retained_by_wildcard": False}})
    bridge.publish("alert/sim_missing", document("alert-sim-missing"))
    entry = await set_up(hass)
    for _ in range(2):
        assert set(entry.runtime_data.data.sockets) == {"telemetry", "control"}
        assert set(entry.runtime_data.data.alerts) == {"sim_missing"}
        assert issue_registry.issues
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_modem_is_a_device_and_its_sockets_are_reached_through_it(
    hass: HomeAssistant, bridge: Bridge, device_registry: dr.DeviceRegistry
) -> None:
    """The IMEI identifies the modem, the socket's name the socket."""
    bridge.serve()
    entry = await set_up(hass)
    modem = device_registry.async_get_device_by_identifier(("sim7020", IMEI), entry.entry_id)
    socket = device_registry.async_get_device_by_identifier(("sim7020", f"{IMEI}_socket_telemetry"), entry.entry_id)
    assert modem is not None
    assert socket is not None
    assert (modem.name, modem.manufacturer, modem.model) == ("SIM7020 shed", "SIMCom", "SIM7020E")
    assert (modem.serial_number, modem.sw_version) == (IMEI, "1752B12SIM7020E")
    assert (socket.name, socket.model, socket.via_device_id) == (
        "SIM7020 shed telemetry",
        "UDP 198.51.100.7:5005",
        modem.id,
    )


@pytest.mark.parametrize("missing", ["info", "availability"])
async def test_without_the_bridge_the_entry_waits(
    hass: HomeAssistant, bridge: Bridge, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """A bridge that has not said who it is, or whether it is online, is waited for."""
    monkeypatch.setattr(coordinator, "FIRST_WITHIN", 0.01)
    bridge.serve()
    del bridge.retained[f"{ROOT}/{missing}"]
    entry = entry_of(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason is not None
    assert "sim7020/shed/info" in entry.reason


@pytest.mark.parametrize("missing", ["info", "availability", "everything"])
async def test_a_modem_that_was_set_up_before_does_without_the_bridge(
    hass: HomeAssistant,
    bridge: Bridge,
    device_registry: dr.DeviceRegistry,
    monkeypatch: pytest.MonkeyPatch,
    *,
    missing: str,
) -> None:
    """What there was is there, and says that the bridge is away; devices stay as they are, and it all comes to life."""
    bridge.serve()
    entry = await set_up(hass)
    devices = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    entities = {state.entity_id for state in hass.states.async_all()}
    retained = dict(bridge.retained)
    await hass.config_entries.async_unload(entry.entry_id)
    for topic in retained if missing == "everything" else [f"{ROOT}/{missing}"]:
        del bridge.retained[topic]
    monkeypatch.setattr(coordinator, "FIRST_WITHIN", 0.01)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await bridge.settled()
    assert entry.state is ConfigEntryState.LOADED
    assert dr.async_entries_for_config_entry(device_registry, entry.entry_id) == devices
    assert {state.entity_id for state in hass.states.async_all()} == entities
    assert hass.states.is_state("sensor.sim7020_shed_connection", "unavailable")
    if missing != "info":
        send = {"entity_id": "notify.sim7020_shed_telemetry_send", "message": "the house burns"}
        with pytest.raises(HomeAssistantError) as raised:
            await hass.services.async_call("notify", "send_message", send, blocking=True)
        assert raised.value.translation_key == "bridge_offline"
    golden = document("info")
    golden["sockets"].append(golden["sockets"][0] | {"name": "new"})
    for topic, payload in retained.items():
        await bridge.say(topic.removeprefix(f"{ROOT}/"), golden if topic.endswith("/info") else payload)
    assert hass.states.is_state("sensor.sim7020_shed_connection", "online")
    assert hass.states.get("notify.sim7020_shed_new_send") is not None
    now = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert [device.name for device in now if device not in devices] == ["SIM7020 shed new"]


@pytest.fixture
async def unheard(hass: HomeAssistant, bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> MockConfigEntry:
    """Return a modem that was set up before, and is again while nothing says how its sockets encode."""
    bridge.serve()
    entry = await set_up(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    del bridge.retained[f"{ROOT}/info"]
    monkeypatch.setattr(coordinator, "FIRST_WITHIN", 0.01)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await bridge.settled()
    return entry


def in_hex() -> Document:
    """Return an info whose sockets encode in hexadecimal digits."""
    golden = document("info")
    golden["sockets"] = [{**socket, "encoding": "hex"} for socket in golden["sockets"]]
    return golden


@pytest.mark.usefixtures("unheard")
async def test_what_is_received_before_its_encoding_is_known_waits(hass: HomeAssistant, bridge: Bridge) -> None:
    """All of it, once and in order; a command would be taken for another text."""
    heard: list[str | None] = []
    (entry,) = hass.config_entries.async_loaded_entries("sim7020")
    entry.runtime_data.async_on_received(lambda received: heard.append(received.text))
    event = "event.sim7020_shed_telemetry_received_message"
    for text in ("one", "two"):
        await bridge.say("socket/telemetry/received", text.encode().hex(), retain=False)
    assert heard == []
    await bridge.say("info", in_hex())
    assert heard == ["one", "two"]
    state = hass.states.get(event)
    assert state is not None
    assert state.attributes["text"] == "two"
    await bridge.say("socket/telemetry/received", b"three".hex(), retain=False)
    await bridge.say("info", in_hex())
    assert heard == ["one", "two", "three"]


async def test_what_waits_is_bounded(
    bridge: Bridge, unheard: MockConfigEntry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest goes, and the log says so."""
    monkeypatch.setattr(coordinator, "MOST_HELD", 2)
    heard: list[str | None] = []
    unheard.runtime_data.async_on_received(lambda received: heard.append(received.text))
    for text in ("one", "two", "three"):
        await bridge.say("socket/telemetry/received", text.encode().hex(), retain=False)
    assert "Dropping a message that telemetry received: sim7020/shed/info says nothing" in caplog.text
    await bridge.say("info", in_hex())
    assert heard == ["two", "three"]


async def test_what_is_received_while_a_modem_is_set_up_is_not_lost(hass: HomeAssistant, bridge: Bridge) -> None:
    """Its entities hear it when they are there."""
    bridge.serve(about=in_hex())
    bridge.publish("socket/telemetry/received", b"open".hex())
    await set_up(hass)
    state = hass.states.get("event.sim7020_shed_telemetry_received_message")
    assert state is not None
    assert state.attributes["text"] == "open"


async def test_a_bridge_that_says_late_what_broker_it_has_is_called_once(
    hass: HomeAssistant, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For what the broker does not give; and again after each reconnection."""
    about = document("info") | {"broker": {"retained_by_wildcard": False}}
    bridge.exact = True
    bridge.serve(about=about)
    entry = await set_up(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    bridge.calls = 0
    del bridge.retained[f"{ROOT}/info"]
    monkeypatch.setattr(coordinator, "FIRST_WITHIN", 0.01)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert bridge.calls == 0
    await bridge.say("info", about)
    assert bridge.calls == 1
    assert set(entry.runtime_data.data.sockets) == {"telemetry", "control"}
    bridge.publish("alert/sim_missing", document("alert-sim-missing"))
    await bridge.link(up=False)
    await bridge.link(up=True)
    assert bridge.calls == 2
    assert set(entry.runtime_data.data.alerts) == {"sim_missing"}


async def test_without_mqtt_the_entry_waits(hass: HomeAssistant) -> None:
    """Without Home Assistant's MQTT integration there is nothing to listen to yet."""
    entry = entry_of(hass)
    hass.config.components.add("mqtt")
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_without_the_broker_the_entry_waits(
    hass: HomeAssistant, bridge: Bridge, mqtt: MqttMockHAClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that does not acknowledge the subscriptions is not there."""
    monkeypatch.setattr(client, "SUBSCRIBED_WITHIN", 0.01)
    bridge.serve()
    mqtt.connected = False
    entry = entry_of(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_another_modem_under_the_name_is_not_taken_for_it(hass: HomeAssistant, bridge: Bridge) -> None:
    """The entry waits for its own IMEI."""
    bridge.serve(about=info(imei="866425030000999"))
    entry = entry_of(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.reason is not None
    assert "another" in entry.reason


async def test_a_modem_that_is_exchanged_is_noticed(hass: HomeAssistant, bridge: Bridge) -> None:
    """Its successor's values are not taken for its own."""
    bridge.serve()
    entry = await set_up(hass)
    await bridge.say("info", info(imei="866425030000999"))
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_a_module_that_is_silent_is_still_the_same_modem(hass: HomeAssistant, bridge: Bridge) -> None:
    """A bridge that was restarted does not know the IMEI until the module answers."""
    bridge.serve(about=document("info-before-the-module-answers"))
    entry = await set_up(hass)
    await bridge.say("info", document("info"))
    assert entry.state is ConfigEntryState.LOADED


async def test_a_socket_comes_and_goes_without_a_restart(
    hass: HomeAssistant, bridge: Bridge, device_registry: dr.DeviceRegistry
) -> None:
    """A new socket gets a device and entities; one that the bridge has no more loses them, and may come back."""
    golden = document("info")
    telemetry, control = golden["sockets"]
    bridge.serve(about=golden | {"sockets": [telemetry]})
    entry = await set_up(hass)
    assert hass.states.get("event.sim7020_shed_control_received_message") is None
    for sockets in ([telemetry, control], [control], [telemetry, control]):
        await bridge.say("info", golden | {"sockets": sockets})
        names = {socket["name"] for socket in sockets}
        devices = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
        assert {device.name for device in devices} == {"SIM7020 shed"} | {f"SIM7020 shed {name}" for name in names}
        for name in ("telemetry", "control"):
            assert (hass.states.get(f"event.sim7020_shed_{name}_received_message") is not None) == (name in names)


async def test_a_socket_that_went_while_nobody_listened_is_removed(
    hass: HomeAssistant, bridge: Bridge, device_registry: dr.DeviceRegistry
) -> None:
    """What the registry still has is held against what the bridge says at set-up."""
    bridge.serve()
    entry = await set_up(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    bridge.publish("info", info(sockets=[]))
    await hass.config_entries.async_setup(entry.entry_id)
    await bridge.settled()
    assert len(dr.async_entries_for_config_entry(device_registry, entry.entry_id)) == 1


async def test_sockets_that_can_not_be_read_are_kept(hass: HomeAssistant, bridge: Bridge) -> None:
    """A broken list of sockets is no reason to remove them."""
    bridge.serve()
    entry = await set_up(hass)
    await bridge.say("info", info(sockets="none"))
    assert set(entry.runtime_data.sockets) == {"telemetry", "control"}


async def test_the_user_may_remove_what_the_bridge_has_no_more(
    hass: HomeAssistant, bridge: Bridge, device_registry: dr.DeviceRegistry
) -> None:
    """A device that there is stays."""
    bridge.serve()
    entry = await set_up(hass)
    present = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    gone = device_registry.async_get_or_create(config_entry_id=entry.entry_id, identifiers={("sim7020", "gone")})
    assert [await async_remove_config_entry_device(hass, entry, device) for device in [*present, gone]] == [
        False,
        False,
        False,
        True,
    ]
    await hass.config_entries.async_unload(entry.entry_id)
    assert not await async_remove_config_entry_device(hass, entry, gone)


async def test_home_assistant_s_client_that_never_lives_is_not_taken(
    hass: HomeAssistant, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next try finds the one that its user's correction makes; a broker that is only away is waited for."""
    bridge.serve()
    entry = await set_up(hass)
    (broker,) = hass.config_entries.async_entries("mqtt")
    monkeypatch.setattr("homeassistant.components.mqtt.async_wait_for_mqtt_client", AsyncMock(return_value=False))
    object.__setattr__(broker, "state", ConfigEntryState.SETUP_ERROR)
    assert not await hass.config_entries.async_reload(entry.entry_id)
    object.__setattr__(broker, "state", ConfigEntryState.LOADED)
    assert await hass.config_entries.async_reload(entry.entry_id)
