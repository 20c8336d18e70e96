"""Every way to set a modem up, and every way in which that fails."""

import json

import pytest
from homeassistant.config_entries import SOURCE_IGNORE, SOURCE_MQTT, SOURCE_USER, ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.mqtt import MqttServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.sim7020 import client, config_flow
from tests.component.unit.kit import IMEI, Bridge, Document, document, entry_of, info, set_up

OTHER = "866425030000022"
THIRD = "866425030000030"
FORM = {"base_topic": "sim7020", "modem": "shed"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give what is retained all the time that a busy machine takes to deliver it."""
    monkeypatch.setattr(config_flow, "AVAILABILITY_WITHIN", 60.0)


async def discover(hass: HomeAssistant, payload: Document | str | bytes, *, modem: str = "shed") -> ConfigFlowResult:
    """Hand over what the MQTT integration has found on a modem's ``info``."""
    content = json.dumps(payload) if isinstance(payload, dict) else payload
    service = MqttServiceInfo(f"sim7020/{modem}/info", content, 1, True, "sim7020/+/info", 0)
    return await hass.config_entries.flow.async_init("sim7020", context={"source": SOURCE_MQTT}, data=service)


async def fill(hass: HomeAssistant, result: ConfigFlowResult, user_input: dict[str, str]) -> ConfigFlowResult:
    """Submit a form."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], user_input)


async def started(hass: HomeAssistant) -> ConfigFlowResult:
    """Start to add a modem by hand."""
    result = await hass.config_entries.flow.async_init("sim7020", context={"source": SOURCE_USER})
    assert (result["type"], result["step_id"], result["errors"]) == (FlowResultType.FORM, "user", {})
    return result


def offers(hass: HomeAssistant) -> list[str]:
    """Return the names of the discovered modems that wait for the user."""
    flows = hass.config_entries.flow.async_progress_by_handler("sim7020")
    return sorted(flow["context"]["title_placeholders"]["name"] for flow in flows)


async def test_a_discovered_modem_is_added(hass: HomeAssistant, bridge: Bridge) -> None:
    """Home Assistant's own discovery offers it, and the user confirms."""
    bridge.serve()
    await bridge.settled()
    (flow,) = hass.config_entries.flow.async_progress_by_handler("sim7020")
    assert flow["step_id"] == "confirm"
    result = await fill(hass, flow, {})
    assert (result["type"], result["title"], result["data"]) == (FlowResultType.CREATE_ENTRY, "SIM7020 shed", FORM)
    assert result["result"].unique_id == IMEI
    await bridge.settled()
    assert result["result"].state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param("", "modem_gone", id="emptied"),
        pytest.param("{", "invalid_info", id="no JSON"),
        pytest.param(b"\xff", "invalid_info", id="no text"),
        pytest.param("[]", "invalid_info", id="no object"),
        pytest.param(info(contract=2), "wrong_contract", id="newer contract"),
        pytest.param({}, "wrong_contract", id="no contract"),
        pytest.param(document("info-before-the-module-answers"), "no_imei", id="module silent"),
    ],
)
async def test_what_is_no_modem_is_not_offered(
    hass: HomeAssistant, bridge: Bridge, payload: Document | str | bytes, reason: str
) -> None:
    """Discovery passes over what can not be set up, and says why."""
    assert bridge.retained == {}
    result = await discover(hass, payload)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, reason)


async def test_a_modem_is_offered_once_the_module_has_answered(hass: HomeAssistant, bridge: Bridge) -> None:
    """The abort for the missing IMEI does not silence the topic."""
    await bridge.say("info", document("info-before-the-module-answers"))
    assert offers(hass) == []
    await bridge.say("info", document("info"))
    assert offers(hass) == ["SIM7020 shed"]


async def test_an_offer_is_withdrawn_with_the_modem(hass: HomeAssistant, bridge: Bridge) -> None:
    """Who empties ``info`` takes the modem away."""
    await bridge.say("info", document("info"))
    await bridge.say("info", info(imei=OTHER, modem="barn"), root="sim7020/barn")
    assert offers(hass) == ["SIM7020 barn", "SIM7020 shed"]
    await bridge.say("info", "")
    assert offers(hass) == ["SIM7020 barn"]


async def test_three_modems_are_discovered_in_any_order(hass: HomeAssistant, bridge: Bridge) -> None:
    """One that is known, one that is not ready and one that was refused do not silence the others."""
    modems = {"shed": IMEI, "barn": OTHER, "gate": THIRD}
    entry = entry_of(hass)
    for modem in modems:
        bridge.publish("availability", "online", root=f"sim7020/{modem}")
    await bridge.say("info", info(), root="sim7020/shed")
    assert offers(hass) == []
    await bridge.say("info", info(imei=None, modem="gate"), root="sim7020/gate")
    await bridge.say("info", info(imei=OTHER, modem="barn"), root="sim7020/barn")
    await bridge.say("info", info(firmware="another"), root="sim7020/shed")
    await bridge.say("info", info(imei=THIRD, modem="gate"), root="sim7020/gate")
    assert offers(hass) == ["SIM7020 barn", "SIM7020 gate"]
    for flow in hass.config_entries.flow.async_progress_by_handler("sim7020"):
        await fill(hass, flow, {})
    await bridge.settled()
    entries = {entry.unique_id: entry for entry in hass.config_entries.async_entries("sim7020")}
    assert set(entries) == set(modems.values())
    assert offers(hass) == []

    assert await hass.config_entries.async_remove(entries[OTHER].entry_id)
    await bridge.settled()
    assert offers(hass) == ["SIM7020 barn"]
    (flow,) = hass.config_entries.flow.async_progress_by_handler("sim7020")
    assert (await fill(hass, flow, {}))["type"] is FlowResultType.CREATE_ENTRY
    await bridge.settled()

    assert await hass.config_entries.async_remove(entry.entry_id)
    await bridge.settled()
    await bridge.say("info", info(), root="sim7020/shed")
    assert offers(hass) == ["SIM7020 shed"]


async def test_a_modem_that_is_set_up_is_not_offered(hass: HomeAssistant, bridge: Bridge) -> None:
    """Its ``info`` changes with its configuration, and it stays the same modem."""
    bridge.serve()
    entry = await set_up(hass)
    result = await discover(hass, info(requests=[]))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert entry.data == FORM


async def test_a_modem_that_was_ignored_stays_so(hass: HomeAssistant, bridge: Bridge) -> None:
    """Whatever its bridge calls it."""
    bridge.serve()
    entry = MockConfigEntry(domain="sim7020", unique_id=IMEI, source=SOURCE_IGNORE)
    entry.add_to_hass(hass)
    assert (await discover(hass, info()))["reason"] == "already_configured"
    assert not entry.data


async def test_a_modem_that_was_renamed_is_followed(hass: HomeAssistant, bridge: Bridge) -> None:
    """The entry moves to the name under which the bridge is online."""
    bridge.serve()
    entry = await set_up(hass)
    await bridge.say("availability", "offline")
    bridge.serve(root="sim7020/barn", about=info(modem="barn"))
    await bridge.settled()
    assert entry.data == FORM | {"modem": "barn"}
    assert entry.title == "SIM7020 barn"
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize("availability", ["offline", "online"])
async def test_a_name_that_is_left_over_is_not_followed(hass: HomeAssistant, bridge: Bridge, availability: str) -> None:
    """Neither one without its bridge, nor any while the entry's own is online."""
    bridge.serve()
    entry = await set_up(hass)
    if availability == "offline":
        await bridge.say("availability", "offline")
    await bridge.say("availability", availability, root="sim7020/barn")
    assert (await discover(hass, info(modem="barn"), modem="barn"))["reason"] == "already_configured"
    assert entry.data == FORM


async def test_the_same_offer_is_made_once(hass: HomeAssistant, bridge: Bridge) -> None:
    """A change of ``info`` while the user thinks is no other modem."""
    bridge.serve()
    await bridge.settled()
    assert (await discover(hass, info(requests=[])))["reason"] == "already_in_progress"
    assert offers(hass) == ["SIM7020 shed"]


async def test_of_two_names_the_one_that_is_online_is_offered(hass: HomeAssistant, bridge: Bridge) -> None:
    """What a renamed modem left behind makes room, and is not offered after it."""
    await bridge.say("availability", "offline")
    await bridge.say("info", info())
    bridge.serve(root="sim7020/barn", about=info(modem="barn"))
    await bridge.settled()
    assert offers(hass) == ["SIM7020 barn"]
    assert (await discover(hass, info()))["reason"] == "already_in_progress"
    assert offers(hass) == ["SIM7020 barn"]


async def test_a_name_is_not_preferred_without_the_broker(
    hass: HomeAssistant, bridge: Bridge, mqtt: MqttMockHAClient
) -> None:
    """Nobody can tell which of the two is online."""
    await bridge.say("info", info())
    mqtt.connected = False
    assert (await discover(hass, info(modem="barn"), modem="barn"))["reason"] == "already_in_progress"
    mqtt.connected = True


async def test_a_modem_is_added_by_hand(hass: HomeAssistant, bridge: Bridge) -> None:
    """With a base topic that discovery does not know."""
    bridge.serve(root="site/nb/shed")
    result = await fill(hass, await started(hass), {"base_topic": " site/nb/ ", "modem": "shed "})
    assert (result["type"], result["data"]) == (FlowResultType.CREATE_ENTRY, {"base_topic": "site/nb", "modem": "shed"})
    assert result["title"] == "SIM7020 shed (site/nb)"
    assert result["result"].unique_id == IMEI


async def test_a_modem_whose_bridge_is_away_is_not_added(hass: HomeAssistant, bridge: Bridge) -> None:
    """What it published stays in the broker for ever, also under a name that it had once."""
    bridge.serve()
    await bridge.say("availability", "offline")
    result = await fill(hass, await started(hass), FORM)
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, {"base": "bridge_offline"})
    (flow,) = [flow for flow in hass.config_entries.flow.async_progress() if flow["step_id"] == "confirm"]
    offered = await fill(hass, flow, {})
    assert (offered["step_id"], offered["errors"]) == ("confirm", {"base": "bridge_offline"})
    await bridge.say("availability", "online")
    assert (await fill(hass, offered, {}))["type"] is FlowResultType.CREATE_ENTRY
    await bridge.settled()


async def test_a_modem_is_not_added_twice_by_hand(hass: HomeAssistant, bridge: Bridge) -> None:
    """The IMEI tells."""
    bridge.serve()
    entry_of(hass)
    result = await fill(hass, await started(hass), FORM)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_modem_that_is_offered_can_be_added_by_hand(hass: HomeAssistant, bridge: Bridge) -> None:
    """The offer is withdrawn then."""
    bridge.serve()
    await bridge.settled()
    assert (await fill(hass, await started(hass), FORM))["type"] is FlowResultType.CREATE_ENTRY
    await bridge.settled()
    assert offers(hass) == []


@pytest.mark.parametrize(
    ("changes", "about", "errors"),
    [
        ({"base_topic": "a/#"}, None, {"base_topic": "invalid_base_topic"}),
        ({"base_topic": "/"}, None, {"base_topic": "invalid_base_topic"}),
        ({"modem": "a/b"}, None, {"modem": "invalid_modem"}),
        ({"modem": "+"}, None, {"modem": "invalid_modem"}),
        ({}, None, {"base": "no_info"}),
        ({}, "", {"base": "no_info"}),
        ({}, "hello", {"base": "invalid_info"}),
        ({}, info(contract=2), {"base": "wrong_contract"}),
        ({}, info(imei=None), {"base": "no_imei"}),
    ],
)
async def test_a_mistake_is_told_and_can_be_mended(
    hass: HomeAssistant,
    bridge: Bridge,
    monkeypatch: pytest.MonkeyPatch,
    *,
    changes: dict[str, str],
    about: Document | str | None,
    errors: dict[str, str],
) -> None:
    """The form comes back with what was typed, and goes through once it is right."""
    if about is not None:
        await bridge.say("info", about)
    with monkeypatch.context() as impatient:
        if about is None:
            impatient.setattr(client, "FIRST_WITHIN", 0.01)
        result = await fill(hass, await started(hass), FORM | changes)
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, errors)
    bridge.serve()
    assert (await fill(hass, result, FORM))["type"] is FlowResultType.CREATE_ENTRY


async def test_without_the_broker_nothing_is_added(hass: HomeAssistant, bridge: Bridge, mqtt: MqttMockHAClient) -> None:
    """The form says so, and goes through once Home Assistant is connected again."""
    bridge.serve()
    mqtt.connected = False
    result = await fill(hass, await started(hass), FORM)
    assert result["errors"] == {"base": "broker_unreachable"}
    mqtt.connected = True
    assert (await fill(hass, result, FORM))["type"] is FlowResultType.CREATE_ENTRY


async def test_a_modem_is_found_elsewhere(hass: HomeAssistant, bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconfiguring follows it to another base topic and name."""
    bridge.serve()
    entry = await set_up(hass)
    result = await entry.start_reconfigure_flow(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "reconfigure")
    elsewhere = {"base_topic": "site", "modem": "barn"}
    with monkeypatch.context() as impatient:
        impatient.setattr(client, "FIRST_WITHIN", 0.01)
        result = await fill(hass, result, elsewhere)
    assert result["errors"] == {"base": "no_info"}
    bridge.serve(root="site/barn", about=info(modem="barn"))
    result = await fill(hass, result, elsewhere)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    await bridge.settled()
    assert entry.data == elsewhere
    assert entry.title == "SIM7020 barn (site)"
    assert entry.state is ConfigEntryState.LOADED


async def test_a_name_that_the_user_gave_stays(hass: HomeAssistant, bridge: Bridge) -> None:
    """Only the title that the component chose follows the modem."""
    bridge.serve()
    entry = await set_up(hass)
    hass.config_entries.async_update_entry(entry, title="Garden")
    bridge.serve(root="sim7020/barn", about=info(modem="barn"))
    result = await fill(hass, await entry.start_reconfigure_flow(hass), FORM | {"modem": "barn"})
    assert result["reason"] == "reconfigure_successful"
    await bridge.settled()
    assert entry.title == "Garden"


async def test_reconfiguring_refuses_another_modem(hass: HomeAssistant, bridge: Bridge) -> None:
    """The entry stays with its own."""
    bridge.serve()
    entry = await set_up(hass)
    bridge.serve(root="sim7020/barn", about=info(imei=OTHER, modem="barn"))
    result = await fill(hass, await entry.start_reconfigure_flow(hass), FORM | {"modem": "barn"})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "another_modem")
    assert entry.data == FORM


async def test_the_host_to_ping_is_an_option(hass: HomeAssistant, bridge: Bridge) -> None:
    """The entry is loaded anew with it."""
    bridge.serve()
    entry = await set_up(hass)
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "init")
    result = await hass.config_entries.options.async_configure(result["flow_id"], {"ping_host": "example.net"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await bridge.settled()
    assert entry.options == {"ping_host": "example.net"}
    assert entry.state is ConfigEntryState.LOADED


async def test_what_is_no_host_is_not_taken_for_one_to_ping(hass: HomeAssistant, bridge: Bridge) -> None:
    """The form says so and keeps what was written; blanks around a host are nothing."""
    bridge.serve()
    entry = await set_up(hass)
    flow = (await hass.config_entries.options.async_init(entry.entry_id))["flow_id"]
    for wrong in ("", "two words", "x" * 256):
        result = await hass.config_entries.options.async_configure(flow, {"ping_host": wrong})
        assert result["errors"] == {"ping_host": "no_host"}
    await hass.config_entries.options.async_configure(flow, {"ping_host": " example.net "})
    await bridge.settled()
    assert entry.options == {"ping_host": "example.net"}
