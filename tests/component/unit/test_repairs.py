"""What a person can mend is a repair issue for as long as it holds, and some of it is mended right there."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from custom_components.sim7020.alerts import SEVERITIES, UNACTIONABLE
from tests.component.rules.texts import flat
from tests.component.rules.tree import REPOSITORY
from tests.component.unit.kit import Bridge, document, ok, refused, set_up

NO_CONNECTION = {
    "apn": "iot.1nce.net",
    "pdn": {"state": "inactive", "cid": None, "requested_apn": "iot.1nce.net", "apn": None, "address": None},
}


CAUSE = "the network refuses the registration: illegal UE (EMM cause 3)"
TEXTS = REPOSITORY / "custom_components" / "sim7020" / "translations"


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the issues of the component by the text that they show."""
    return {
        issue.translation_key or "": issue
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == "sim7020" and issue.active
    }


def alert(name: str) -> dict[str, str]:
    """Return an alert of that id."""
    return document("alert-sim-missing") | {"id": name}


def test_every_alert_of_the_contract_is_an_issue() -> None:
    """Or it is known to be nothing that a user can act on."""
    text = (REPOSITORY / "docs" / "contract" / "README.md").read_text()
    section = text.partition("## Alerts and events")[2].partition("An event has")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {name.strip(" `") for row in rows for name in row.split(",")}
    assert named == set(SEVERITIES) | UNACTIONABLE


async def test_an_issue_is_there_while_its_alert_is(hass: HomeAssistant, bridge: Bridge) -> None:
    """It comes with the alert, whatever the order, says what the bridge says, and goes with it."""
    bridge.serve()
    bridge.publish("alert/sim_missing", alert("sim_missing"))
    await set_up(hass)
    await bridge.say("alert/outbox_full", alert("outbox_full"))
    shown = issues(hass)
    assert set(shown) == {"sim_missing", "outbox_full"}
    assert shown["sim_missing"].severity is ir.IssueSeverity.ERROR
    assert shown["outbox_full"].severity is ir.IssueSeverity.WARNING
    assert shown["sim_missing"].translation_placeholders == {
        "modem": "SIM7020 shed",
        "alert": "sim_missing",
        "message": alert("sim_missing")["message"],
        "advice": alert("sim_missing")["advice"],
    }
    await bridge.say("alert/sim_missing", alert("sim_missing") | {"message": "Still none"})
    assert (issues(hass)["sim_missing"].translation_placeholders or {})["message"] == "Still none"
    await bridge.say("alert/sim_missing", "")
    assert set(issues(hass)) == {"outbox_full"}


async def test_only_what_can_be_acted_on_is_an_issue(hass: HomeAssistant, bridge: Bridge) -> None:
    """What waiting helps is none; what a newer bridge has is shown in its own words."""
    bridge.serve()
    await set_up(hass)
    await bridge.say("alert/attach_ceiling", alert("attach_ceiling"))
    assert not issues(hass)
    await bridge.say("alert/antenna_missing", alert("antenna_missing"))
    assert set(issues(hass)) == {"other_alert"}


async def test_issues_go_with_their_entry(hass: HomeAssistant, bridge: Bridge) -> None:
    """A modem that is removed leaves none behind."""
    bridge.serve()
    bridge.publish("alert/sim_missing", alert("sim_missing"))
    entry = await set_up(hass)
    assert issues(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not issues(hass)


async def fix(hass: HomeAssistant, bridge: Bridge, name: str) -> str:
    """Set up a modem that has this alert, begin to mend it, and return the flow."""
    assert await async_setup_component(hass, "repairs", {})
    bridge.serve()
    bridge.publish(f"alert/{name}", alert(name))
    await set_up(hass)
    issue = issues(hass)[name]
    assert issue.is_fixable
    manager = repairs_flow_manager(hass)
    assert manager is not None
    result = await manager.async_init("sim7020", data={"issue_id": issue.issue_id})
    assert result["type"] is FlowResultType.FORM
    assert (result["description_placeholders"] or {})["message"] == alert(name)["message"]
    return result["flow_id"]


async def submit(hass: HomeAssistant, flow: str, given: dict[str, str]) -> Mapping[str, Any]:
    """Submit the form."""
    manager = repairs_flow_manager(hass)
    assert manager is not None
    return await manager.async_configure(flow, given)


@pytest.mark.parametrize(
    ("name", "verb", "given"),
    [("apn_rejected", "set_apn", {"apn": "iot.1nce.net"}), ("registration_denied", "reattach", {})],
)
async def test_it_is_mended_once_there_is_a_data_connection(
    hass: HomeAssistant, bridge: Bridge, name: str, verb: str, given: dict[str, str]
) -> None:
    """Until then the form says what is wrong, and the issue stays."""
    flow = await fix(hass, bridge, name)
    await bridge.say(f"alert/{name}", alert(name) | {"message": CAUSE})
    bridge.answers[verb] = lambda _: refused("module_silent", "the module does not answer")
    result = await submit(hass, flow, given)
    assert result["errors"] == {"base": "refused"}
    assert "does not answer" in result["description_placeholders"]["refusal"]
    assert result["description_placeholders"]["message"] == CAUSE
    bridge.answers[verb] = lambda _: ok(NO_CONNECTION)
    result = await submit(hass, flow, given)
    assert result["errors"] == {"base": "no_connection"}
    assert name in issues(hass)
    bridge.answers[verb] = document(f"response-{verb}")["data"]
    result = await submit(hass, flow, given)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert not issues(hass)
    assert {key: bridge.requests[-1][1][key] for key in given} == given


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
def test_every_issue_shows_what_the_bridge_says(language: str) -> None:
    """In each language, and in the dialog of those that can be mended too: the cause is there."""
    texts = json.loads((TEXTS / f"{language}.json").read_text())["issues"]
    shown = dict(flat({name: texts[name] for name in {*SEVERITIES, "other_alert"}}))
    silent = {name for name in shown if name.endswith(".description") and "{message}" not in shown[name]}
    assert not silent


@pytest.mark.parametrize("name", ["apn_rejected", "registration_denied"])
async def test_a_modem_that_is_gone_can_not_be_mended(hass: HomeAssistant, bridge: Bridge, name: str) -> None:
    """The flow ends, and says so."""
    flow = await fix(hass, bridge, name)
    (entry,) = hass.config_entries.async_entries("sim7020")
    await hass.config_entries.async_unload(entry.entry_id)
    result = await submit(hass, flow, {"apn": "iot"} if name == "apn_rejected" else {})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "not_loaded")
