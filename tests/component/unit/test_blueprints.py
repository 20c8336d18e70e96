"""The blueprints are taken by Home Assistant's own code, and do what they say."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.homeassistant.triggers import time_pattern
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import validate_selector
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.sim7020.documents import Layer
from tests.component.blueprints import AUTOMATION, FOLDER, end, use
from tests.component.rules.tree import REPOSITORY
from tests.component.unit.kit import Bridge, Document, device_id, document, set_up


async def at(hass: HomeAssistant, moment: datetime) -> None:
    """Have what is due then happen now."""
    async_fire_time_changed(hass, moment)
    await hass.async_block_till_done()


def saying(text: str) -> list[dict[str, Any]]:
    """Return actions that are heard."""
    return [{"action": "test.say", "data": {"said": text}}]


@pytest.fixture
def heard(hass: HomeAssistant) -> asyncio.Queue[str]:
    """Return what the actions have said and nobody has listened to yet."""
    queue: asyncio.Queue[str] = asyncio.Queue()

    @callback
    def say(call: ServiceCall) -> None:
        queue.put_nowait(call.data["said"])

    hass.services.async_register("test", "say", say)
    return queue


@pytest.fixture(autouse=True)
async def ended(hass: HomeAssistant) -> AsyncIterator[None]:
    """End the automation with the test."""
    yield
    await end(hass)


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


CONNECTION = "binary_sensor.sim7020_shed_data_connection"
ALARM: dict[str, Any] = {
    "connection": CONNECTION,
    "alarm": saying("lost: {{ reason }}"),
    "all_clear": saying("back"),
}
NO_DATA, AWAY = "lost: it has no data connection", "lost: the bridge or the broker is away"


def lost(layer: Layer) -> Document:
    """Return the state of a modem of which this layer does not hold; the bridge may keep what it knew of the others."""
    state = document("state-online")
    state["link"] |= {"layer": layer, "reason": "it is gone"}
    return state


def triggered(hass: HomeAssistant) -> object:
    """Return when the automation was triggered last."""
    state = hass.states.get(AUTOMATION)
    assert state is not None
    return state.attributes["last_triggered"]


async def hears(hass: HomeAssistant, heard: asyncio.Queue[str], said: str, *, minutes: float = 0) -> None:
    """Hear what is said next, as long after now; what waits meanwhile would keep Home Assistant from being done."""
    for _ in range(1000):  # a timeout would be one of those that are fired
        if not heard.empty():
            break
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=minutes))
        await asyncio.sleep(0)
    assert heard.get_nowait() == said


async def comes_back(hass: HomeAssistant, bridge: Bridge, heard: asyncio.Queue[str]) -> None:
    """Have the modem online again, hear the all-clear, and return once Home Assistant is done."""
    bridge.publish("state", document("state-online"))
    await hears(hass, heard, "back")
    await hass.async_block_till_done()


@pytest.mark.parametrize("layer", [layer for layer in Layer if layer not in {Layer.ONLINE, Layer.SLEEPING}])
async def test_an_alarm_is_raised_in_every_trouble(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str], layer: Layer
) -> None:
    """Once for each loss that lasts, and again when the modem is back; a modem that sleeps is not lost."""
    bridge.serve()
    await set_up(hass)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM)
    bridge.publish("state", lost(layer))
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=5))
    await bridge.say("state", document("state-sleeping"))
    await at(hass, dt_util.utcnow() + timedelta(minutes=20))
    assert triggered(hass)
    assert heard.empty()
    for _ in range(2):
        bridge.publish("state", lost(layer))
        await hears(hass, heard, NO_DATA, minutes=11)
        await comes_back(hass, bridge, heard)
    assert heard.empty()


async def test_an_alarm_is_raised_however_the_trouble_goes_on(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str]
) -> None:
    """A bridge that goes and comes meanwhile does not make the patience begin anew, nor is the alarm repeated."""
    bridge.serve()
    await set_up(hass)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM)
    bridge.publish("state", lost(Layer.PDN))
    began = triggered(hass)
    bridge.publish("availability", "offline")
    await hears(hass, heard, AWAY, minutes=11)
    bridge.publish("availability", "online")
    bridge.publish("availability", "offline")
    bridge.publish("availability", "online")
    assert triggered(hass) == began
    bridge.publish("state", document("state-online"))
    await hears(hass, heard, "back", minutes=30)


@pytest.mark.parametrize("event", [EVENT_HOMEASSISTANT_STARTED, "automation_reloaded"])
@pytest.mark.parametrize(
    ("topic", "payload", "said"), [("availability", "offline", AWAY), ("state", lost(Layer.PORT), NO_DATA)]
)
async def test_an_alarm_is_raised_for_what_was_lost_before(
    hass: HomeAssistant,
    bridge: Bridge,
    tmp_path: Path,
    heard: asyncio.Queue[str],
    *,
    event: str,
    topic: str,
    payload: str | Document,
    said: str,
) -> None:
    """While the automation was not there to see it; for a modem that is online nothing begins."""
    bridge.serve()
    bridge.publish(topic, payload)
    await set_up(hass)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM)
    hass.bus.async_fire(event)
    await hears(hass, heard, said, minutes=11)
    bridge.publish("availability", "online")
    await comes_back(hass, bridge, heard)
    before = triggered(hass)
    hass.bus.async_fire("automation_reloaded")
    await hass.async_block_till_done()
    assert triggered(hass) == before


MEMORY = "input_boolean.alarmed"


async def remember(hass: HomeAssistant, *, alarmed: bool) -> None:
    """Make the helper that remembers an alarm."""
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"alarmed": {"initial": alarmed}}})


async def test_an_alarm_is_remembered_until_the_modem_is_back(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str]
) -> None:
    """By the helper, from one to the other; a loss that is not told is not remembered."""
    bridge.serve()
    await set_up(hass)
    await remember(hass, alarmed=False)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM, memory=MEMORY)
    bridge.publish("state", lost(Layer.PDN))
    await bridge.say("state", document("state-online"))
    assert hass.states.is_state(MEMORY, "off")
    bridge.publish("state", lost(Layer.PDN))
    await hears(hass, heard, NO_DATA, minutes=11)
    await comes_back(hass, bridge, heard)
    assert hass.states.is_state(MEMORY, "off")
    assert heard.empty()


@pytest.mark.parametrize("memory", [None, "input_boolean.gone"])
@pytest.mark.parametrize("toggles", [True, False], ids=["toggles", "no-toggles"])
async def test_an_alarm_without_its_memory_is_raised_once(
    hass: HomeAssistant,
    bridge: Bridge,
    tmp_path: Path,
    heard: asyncio.Queue[str],
    *,
    memory: str | None,
    toggles: bool,
) -> None:
    """As without one: whether the input was emptied, or the helper is not there, or no helper is."""
    bridge.serve()
    await set_up(hass)
    if toggles:
        await remember(hass, alarmed=False)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM, memory=memory)
    bridge.publish("state", lost(Layer.PDN))
    await hears(hass, heard, NO_DATA, minutes=11)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=30))
    await comes_back(hass, bridge, heard)
    await five_minutes(hass)
    assert heard.empty()


@pytest.mark.parametrize("event", [EVENT_HOMEASSISTANT_STARTED, "automation_reloaded"])
@pytest.mark.parametrize("state", [document("state-online"), lost(Layer.PORT)], ids=["back", "still-lost"])
async def test_an_alarm_of_before_is_not_repeated_and_is_cleared(
    hass: HomeAssistant,
    bridge: Bridge,
    tmp_path: Path,
    heard: asyncio.Queue[str],
    *,
    event: str,
    state: Document,
) -> None:
    """Whether the modem came back while the automation was not there to see it, or does so now."""
    bridge.serve()
    bridge.publish("state", state)
    await set_up(hass)
    await remember(hass, alarmed=True)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM, memory=MEMORY)
    hass.bus.async_fire(event)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1))
    await comes_back(hass, bridge, heard)
    assert heard.empty()
    assert hass.states.is_state(MEMORY, "off")


async def test_an_automation_that_was_off_gives_the_all_clear(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str]
) -> None:
    """When the modem comes back."""
    bridge.serve()
    bridge.publish("state", lost(Layer.PORT))
    await set_up(hass)
    await remember(hass, alarmed=True)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM, memory=MEMORY)
    await comes_back(hass, bridge, heard)
    assert heard.empty()


async def five_minutes(hass: HomeAssistant) -> None:
    """Have the automation look again."""
    due = dt_util.utcnow().replace(second=0, microsecond=0)
    await at(hass, due + timedelta(minutes=5 - due.minute % 5))


async def test_an_automation_that_was_off_raises_an_alarm(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str]
) -> None:
    """For what was lost meanwhile, without waiting for it to change."""
    bridge.serve()
    await set_up(hass)
    await use(hass, tmp_path, "alarm_when_lost", **ALARM)
    await hass.services.async_call("automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True)
    await bridge.say("state", lost(Layer.PDN))
    await hass.services.async_call("automation", "turn_on", {"entity_id": AUTOMATION}, blocking=True)
    await hears(hass, heard, NO_DATA, minutes=20)
    await comes_back(hass, bridge, heard)
    assert heard.empty()


@pytest.mark.parametrize("remembers", [True, False], ids=["memory", "no-memory"])
async def test_an_alarm_that_failed_is_raised_again(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str], *, remembers: bool
) -> None:
    """While the modem stays lost, without another patience, until it was raised; the all-clear goes with that one."""
    bridge.serve()
    await set_up(hass)
    await remember(hass, alarmed=False)
    reached = False

    @callback
    def tell(_: ServiceCall) -> None:
        heard.put_nowait("tried")
        if not reached:
            raise HomeAssistantError("the phone is not reachable")

    hass.services.async_register("test", "tell", tell)
    given = ALARM | {"patience": {"milliseconds": 1}, "alarm": [{"action": "test.tell"}]}
    await use(hass, tmp_path, "alarm_when_lost", **given, **({"memory": MEMORY} if remembers else {}))
    bridge.publish("state", lost(Layer.PDN))
    await hears(hass, heard, "tried", minutes=1)
    await hass.async_block_till_done()
    assert hass.states.is_state(MEMORY, "off")
    reached = True
    await hears(hass, heard, "tried", minutes=6)
    bridge.publish("state", document("state-online"))
    await hears(hass, heard, "back")
    await five_minutes(hass)
    assert heard.empty()
    assert hass.states.is_state(MEMORY, "off")


async def test_an_alarm_is_raised_for_what_is_lost_during_the_all_clear(
    hass: HomeAssistant, bridge: Bridge, tmp_path: Path, heard: asyncio.Queue[str]
) -> None:
    """While it lasts the automation is not triggered."""
    bridge.serve()
    await set_up(hass)
    slow = [*saying("back"), {"wait_for_trigger": [{"trigger": "event", "event_type": "said"}]}]
    await use(hass, tmp_path, "alarm_when_lost", **ALARM | {"all_clear": slow})
    bridge.publish("state", lost(Layer.PDN))
    await hears(hass, heard, NO_DATA, minutes=11)
    bridge.publish("state", document("state-online"))
    await hears(hass, heard, "back")
    bridge.publish("state", lost(Layer.PDN))
    hass.bus.async_fire("said")
    await hears(hass, heard, NO_DATA, minutes=11)


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
