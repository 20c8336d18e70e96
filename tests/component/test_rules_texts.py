"""Translations, icons and actions fit the code and each other."""

from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from tests.component.rules import services, texts
from tests.component.rules.broken import THE_COMPONENT, Break, added, broken, new, replaced, without
from tests.component.rules.tree import DOMAIN, Tree

ENGLISH = "translations/en.json"
GERMAN = "translations/de.json"
ABORT = ("config", "abort", "already_configured")


def no_description(tree: Tree) -> None:
    """Break the English texts by leaving a field without description."""
    tree.edit(ENGLISH, lambda document: document["config"]["step"]["user"].pop("data_description"))


def test_the_texts_have_no_findings() -> None:
    """Every name has its text in every language, and the reverse."""
    assert list(texts.findings(THE_COMPONENT)) == []


@pytest.mark.parametrize(
    ("how", "finding"),
    [
        pytest.param(added("strings.json", "{}"), "strings.json", id="strings"),
        pytest.param(replaced(ENGLISH, "jokes", by={"a": "b"}), "unknown section jokes", id="section"),
        pytest.param(without(GERMAN, "config"), "de: no config.step", id="not-translated"),
        pytest.param(replaced(GERMAN, "config", "abort", "gone", by="Weg"), "gone is not in English", id="left-over"),
        pytest.param(replaced(GERMAN, *ABORT, by="{modem} gibt es schon."), "other placeholders", id="placeholders"),
        pytest.param(replaced(GERMAN, *ABORT, by="Schon <b>da</b>"), "has HTML", id="html"),
        pytest.param(replaced(ENGLISH, *ABORT, by="[%key:common::config_flow%]"), "has a reference", id="reference"),
        pytest.param(replaced(ENGLISH, *ABORT, by="See https://a.example"), "has an address", id="address"),
        pytest.param(replaced(ENGLISH, *ABORT, by="Set up "), "has a space", id="space"),
        pytest.param(replaced(ENGLISH, "config", "abort", "Not Me", by="x"), "is no key", id="key"),
        pytest.param(no_description, "has no description", id="description"),
        pytest.param(replaced(ENGLISH, "exceptions", "x", by={"text": "x"}), "is not one message", id="exception"),
        pytest.param(replaced(ENGLISH, "exceptions", "x", by={"message": "x"}), "x.message is not used", id="unused"),
        pytest.param(replaced(ENGLISH, "issues", "x", by={"title": "x"}), "issues.x has no title", id="issue"),
        pytest.param(replaced(ENGLISH, "entity", "sensor", "x", by={"name": "X"}), "x.name is not used", id="entity"),
        pytest.param(added("sensor.py", "Description(key='k', translation_key='x')"), "sensor: x has no", id="sensor"),
        pytest.param(
            added("notify.py", "raise HomeAssistantError(translation_domain=DOMAIN, translation_key='x')"),
            "notify: x has no text",
            id="raised",
        ),
        pytest.param(added("repairs.py", "async_create_issue(h, translation_key='x')"), "x has no text", id="repair"),
        pytest.param(added("config_flow.py", "f.async_abort(reason='x')"), "config_flow: x has no", id="abort"),
        pytest.param(added("config_flow.py", "f.async_show_form(step_id='x')"), "the step x has no", id="step"),
        pytest.param(replaced("icons.json", "entity", "sensor", "x", by={"default": "mdi:sim"}), "has no x", id="icon"),
        pytest.param(
            replaced("icons.json", "entity", "sensor", "rssi", by={"default": "hue:sim"}),
            "no mdi: icon",
            id="other-icon",
        ),
        pytest.param(replaced("icons.json", "services", "x", by={"service": "mdi:sim"}), "no action x", id="action"),
    ],
)
def test_broken_texts_are_found(how: Break, finding: str, tmp_path: Path) -> None:
    """Each rule finds the fault that it is there for."""
    found = new(texts.findings(THE_COMPONENT), texts.findings(broken(tmp_path, how)))
    assert any(finding in each for each in found), found


async def test_the_actions_have_no_findings(hass: HomeAssistant, mqtt: MqttMockHAClient) -> None:
    """The actions that are registered are those described, translated and drawn."""
    assert mqtt.connected
    assert await async_setup_component(hass, DOMAIN, {})
    registered = hass.services.async_services_for_domain(DOMAIN)
    assert registered
    assert list(services.findings(THE_COMPONENT, registered)) == []


def described(field: str = "text", selector: object = "text", texts: object = None) -> Break:
    """Make an action ``call`` that is described, translated and drawn, with this in its only field."""
    given = {"name": "Text", "description": "What to say."} if texts is None else texts

    def change(tree: Tree) -> None:
        action = {"fields": {field: {"required": True, "selector": {selector: None} if selector else None}}}
        (tree.component / "services.yaml").write_text("{}")
        replaced("services.yaml", "call", by=action)(tree)
        named = {"name": "Call", "description": "Calls.", "fields": {"text": given}}
        replaced(ENGLISH, "services", by={"call": named})(tree)
        replaced("icons.json", "services", by={"call": {"service": "mdi:phone"}})(tree)

    return change


@pytest.mark.parametrize(
    ("how", "registered", "finding"),
    [
        pytest.param(described(), ["call"], None, id="good"),
        pytest.param(described(), ["call", "send"], "services.yaml: no send", id="not-described"),
        pytest.param(described(), ["call", "send"], "en.json: no send", id="not-translated"),
        pytest.param(described(), ["call", "send"], "icons.json: no send", id="not-drawn"),
        pytest.param(described(), [], "services.yaml: call is not registered", id="not-registered"),
        pytest.param(described(selector="telepathy"), ["call"], "services.yaml: ", id="selector"),
        pytest.param(described(selector=None), ["call"], "call.text: ", id="no-selector"),
        pytest.param(described(texts={"name": "Text"}), ["call"], "text has no name or no description", id="text"),
        pytest.param(described(field="number"), ["call"], "call.text is no field of it", id="field"),
    ],
)
def test_broken_actions_are_found(how: Break, registered: list[str], finding: str | None, tmp_path: Path) -> None:
    """Each rule finds the fault that it is there for, and nothing where there is none."""
    found = list(services.findings(broken(tmp_path, how), registered))
    assert any(finding in each for each in found) if finding else not found
