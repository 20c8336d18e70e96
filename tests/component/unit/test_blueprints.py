"""The blueprints are taken by Home Assistant's own code, and do what they say."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.homeassistant.triggers import time_pattern
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import validate_selector
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict

from tests.component.blueprints import AUTOMATION, FOLDER, at, saying, use
from tests.component.rules.tree import REPOSITORY
from tests.component.unit.kit import Bridge, device_id, set_up

pytestmark = pytest.mark.usefixtures("ended")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_blueprint_says_where_it_is_from(file: Path) -> None:
    """Home Assistant looks there for a newer one."""
    text = file.read_text()
    assert f"/blob/main/blueprints/automation/sim7020/{file.name}" in text
    assert "min_version: 2026.9.0" in text


def test_every_interval_is_one() -> None:
    """That a form offers, or that is taken without a choice."""
    given = load_yaml_dict(FOLDER / "send_telemetry.yaml")["blueprint"]["input"]["interval"]
    values = [option["value"] for option in given["selector"]["select"]["options"]]
    assert given["default"] in values
    for value in values:
        time_pattern.TRIGGER_SCHEMA({"platform": "time_pattern", "minutes": value})


async def test_telemetry_is_sent_at_the_interval(hass: HomeAssistant, bridge: Bridge, tmp_path: Path) -> None:
    """What has no value is left out, with nothing to say nothing is sent, and the latest message takes the place."""
    bridge.serve()
    await set_up(hass)
    bridge.answers["send"] = {"id": "1", "socket": "telemetry", "state": "queued"}
    due = dt_util.utcnow().replace(second=0, microsecond=0) + timedelta(minutes=30)
    chosen = {"socket": device_id(hass, "telemetry"), "entities": ["sensor.temperature", "sensor.humidity"]}
    await use(hass, tmp_path, "send_telemetry", interval=str(due.minute), **chosen)
    await at(hass, due)
    assert not bridge.requests
    hass.states.async_set("sensor.temperature", "21.5")
    await at(hass, due + timedelta(minutes=1))
    assert not bridge.requests
    await at(hass, due + timedelta(hours=1))
    hass.states.async_set("sensor.humidity", "64")
    await at(hass, due + timedelta(hours=2))
    sent = [body for _, body in bridge.requests]
    assert {body["socket"] for body in sent} == {"telemetry"}
    assert [body["data"] for body in sent] == ["temperature=21.5", "temperature=21.5;humidity=64"]
    assert len({body["key"] for body in sent}) == 1
    assert [(body["ttl"], body["priority"]) for body in sent] == [(3600, "normal")] * 2


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"entities": "sensor.temperature"}, id="text"),
        pytest.param({"entities": ["sensor.temperature"], "lifetime": None, "priority": None}, id="emptied"),
    ],
)
async def test_telemetry_is_sent_as_it_is_written_by_hand(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, given: dict[str, Any]
) -> None:
    """One entity without a list, and the defaults for what was emptied."""
    bridge.serve()
    await set_up(hass)
    bridge.answers["send"] = {"id": "1", "socket": "telemetry", "state": "queued"}
    hass.states.async_set("sensor.temperature", "21.5")
    await use(hass, tmp_path, "send_telemetry", socket=device_id(hass, "telemetry"), **given)
    await hass.services.async_call("automation", "trigger", {"entity_id": AUTOMATION}, blocking=True)
    ((_, body),) = bridge.requests
    assert (body["data"], body["ttl"], body["priority"]) == ("temperature=21.5", 3600, "normal")


async def test_telemetry_without_entities_is_not_sent(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is that an error."""
    bridge.serve()
    await set_up(hass)
    due = dt_util.utcnow().replace(second=0, microsecond=0) + timedelta(minutes=30)
    given = {"socket": device_id(hass, "telemetry"), "entities": None, "interval": str(due.minute)}
    await use(hass, tmp_path, "send_telemetry", **given)
    await at(hass, due)
    assert not bridge.requests
    assert "Error" not in caplog.text


@pytest.mark.parametrize("length", [118, 119, 244])
async def test_telemetry_of_an_automation_with_a_long_name_is_sent(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, length: int
) -> None:
    """With a key of its own that the bridge takes; one that fits is the name itself."""
    bridge.serve()
    await set_up(hass)
    bridge.answers["send"] = {"id": "1", "socket": "telemetry", "state": "queued"}
    hass.states.async_set("sensor.temperature", "21.5")
    await use(hass, tmp_path, "send_telemetry", socket=device_id(hass, "telemetry"), entities=["sensor.temperature"])
    keys = []
    names = [f"automation.{letter * (length - len('automation.'))}" for letter in "ab"]
    for before, name in pairwise((AUTOMATION, *names)):
        er.async_get(hass).async_update_entity(before, new_entity_id=name)
        await hass.async_block_till_done()
        await hass.services.async_call("automation", "trigger", {"entity_id": name}, blocking=True)
        keys.append(bridge.requests[-1][1]["key"])
    await hass.services.async_call("automation", "turn_off", {"entity_id": names[-1]}, blocking=True)
    assert len(set(keys)) == 2
    assert all(len(key) <= 128 for key in keys)
    assert (keys == [f"telemetry_{name}" for name in names]) is (length <= 118)


@pytest.mark.parametrize("name", ["send_telemetry", "act_on_command"])
def test_a_socket_is_chosen_among_sockets(name: str) -> None:
    """A modem has no entity to send with, and is not offered."""
    chosen = load_yaml_dict(FOLDER / f"{name}.yaml")["blueprint"]["input"]["socket"]["selector"]
    assert chosen["device"]["entity"] == [{"integration": "sim7020", "domain": "notify"}]
    validate_selector(chosen)


async def test_a_command_is_acted_on(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str]
) -> None:
    """The one that was chosen, at the socket that was chosen."""
    bridge.serve()
    await set_up(hass)
    given = {
        "socket": device_id(hass, "telemetry"),
        "command": "open",
        "actions": saying("{{ trigger.text }} {{ trigger.hex }}!"),
    }
    await use(hass, tmp_path, "act_on_command", **given)
    await bridge.say("socket/telemetry/received", "close", retain=False)
    await bridge.say("socket/control/received", "open", retain=False)
    assert heard.empty()
    await bridge.say("socket/telemetry/received", "open", retain=False)
    assert heard.get_nowait() == "open 6f70656e!"
    assert heard.empty()


async def test_without_a_command_nothing_is_done(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str]
) -> None:
    """Whatever comes in: what the actions open must not open for any message."""
    bridge.serve()
    await set_up(hass)
    given = {"socket": device_id(hass, "telemetry"), "command": "", "actions": saying("{{ trigger.text }}")}
    await use(hass, tmp_path, "act_on_command", **given)
    for text in ("open", ""):
        await bridge.say("socket/telemetry/received", text, retain=False)
    assert heard.empty()


@pytest.mark.usefixtures("all_enabled")
async def test_the_dashboard_shows_entities_that_there_are(hass: HomeAssistant, bridge: Bridge) -> None:
    """Under the names that they have with a modem of the name that the dashboard has."""
    bridge.serve()
    await set_up(hass)
    shown = set(entities(load_yaml_dict(REPOSITORY / "examples" / "dashboard.yaml")))
    assert len(shown) > 10
    assert [entity for entity in shown if hass.states.get(entity) is None] == []


def entities(value: object) -> list[str]:
    """Return every entity that is named somewhere in a document."""
    if isinstance(value, dict):
        return [entity for each in value.values() for entity in entities(each)]
    if isinstance(value, list):
        return [entity for each in value for entity in entities(each)]
    return [value] if isinstance(value, str) and "sim7020_shed" in value else []
