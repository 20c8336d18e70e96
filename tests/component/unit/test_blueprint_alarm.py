"""The blueprint that raises an alarm, taken by Home Assistant's own code."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.sim7020.documents import Layer
from tests.component.blueprints import AUTOMATION, at, saying, use
from tests.component.unit.kit import Bridge, Document, document, set_up

pytestmark = pytest.mark.usefixtures("ended")


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
