"""What the documentation proposes, done: each automation and blueprint once for each cause, whatever is restarted."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_capture_events, async_fire_time_changed

from tests.component.blueprints import AUTOMATION, BLUEPRINTS, automate, end, examples, shown, use
from tests.component.e2e.home import DOMAIN, Home
from tests.component.e2e.shed import gone, open_again, ready, send
from tests.component.e2e.surroundings import SOCKET, Modem, Surroundings
from tests.component.rules.tree import REPOSITORY
from tests.component.unit.kit import device_id

TEMPERATURE = "sensor.greenhouse_temperature"
HERE = b"here I am"


@dataclass(slots=True)
class Stage:
    """A house, its modem, and what is noted of the things that happen in the house."""

    home: Home
    around: Surroundings
    modem: Modem
    entry: ConfigEntry
    directory: Path
    noted: list[str] = field(default_factory=list)
    due: datetime = field(default_factory=dt_util.utcnow)

    @property
    def hass(self) -> HomeAssistant:
        """Home Assistant."""
        return self.home.hass

    def note(self, domain: str, service: str) -> None:
        """Have an action there that is noted when it is taken."""

        @callback
        def taken(call: ServiceCall) -> None:
            self.noted.append(call.data.get("said", service))

        self.hass.services.async_register(domain, service, taken)

    def arrived(self) -> list[str]:
        """Return what the server has got, but for what only showed it where the modem is."""
        return [datagram.decode() for datagram in self.around.server.datagrams if datagram != HERE]

    async def come(self, text: str) -> None:
        """Have the server send a text to the modem, which it knows by a datagram of the modem's."""
        before = self.around.server.datagrams.count(HERE)
        await send(self.hass, self.entry, HERE.decode())
        await self.home.until(lambda: self.around.server.datagrams.count(HERE) > before or None, "the modem's address")
        self.around.server.send(text.encode())

    def wait_until(self, every: int) -> None:
        """Have it be the next full hour, or the next minute of an hour that is a multiple."""
        step = timedelta(minutes=every)
        self.due += step - (self.due - datetime.min.replace(tzinfo=self.due.tzinfo)) % step
        async_fire_time_changed(self.hass, self.due)

    async def layer(self, layer: str) -> None:
        """Return once the modem's connection is shown to be so."""
        await self.home.state(self.home.entity(self.entry, "sensor", "link"), lambda state: state == layer, layer)


@dataclass(frozen=True, slots=True)
class Play:
    """How an automation is caused to act, and what it must have done by then: after the first time, and the second.

    ``back`` returns once the house knows again how the modem is, after something was restarted.
    """

    cause: Callable[[], Awaitable[None]]
    done: Callable[[], list[str]]
    once: list[str]
    twice: list[str]
    back: Callable[[], Awaitable[None]]


def plain(stage: Stage, cause: Callable[[], Awaitable[None]], done: Callable[[], list[str]], effect: str) -> Play:
    """Return the play of an automation that does the same each time, with a modem that stays online."""
    return Play(cause, done, [effect], [effect, effect], lambda: open_again(stage.home, stage.entry))


async def hourly(stage: Stage) -> Play:
    """Send the temperature every hour."""
    stage.hass.states.async_set(TEMPERATURE, "21.5")
    await automate(stage.hass, **shown("sim7020.send"))

    async def cause() -> None:
        stage.wait_until(60)

    return plain(stage, cause, stage.arrived, "temperature=21.5")


async def door(stage: Stage) -> Play:
    """Tell that the door was opened; that its sensor comes back is no news."""
    await automate(stage.hass, **shown("notify.send_message"))

    async def cause() -> None:
        before = len(stage.arrived())

        def idle() -> bool | None:
            state = stage.hass.states.get(AUTOMATION)
            told = state is not None and state.attributes["current"] == 0 and len(stage.arrived()) > before
            return told or None

        for state in ("off", "on", "unavailable", "on"):
            stage.hass.states.async_set("binary_sensor.front_door", state)
            if state == "on":  # while it still sends, the automation would pass over another opening
                await stage.home.until(idle, "the telling")

    return plain(stage, cause, stage.arrived, "door")


async def valve(stage: Stage) -> Play:
    """Open the valve when the command comes in."""
    stage.note("valve", "open_valve")
    await automate(stage.hass, **shown("valve.open_valve", control=SOCKET))
    return plain(stage, lambda: stage.come("open"), lambda: stage.noted, "open_valve")


async def command(stage: Stage) -> Play:
    """Do something when a text comes in."""
    stage.note("test", "say")
    given: dict[str, Any] = {"socket": device_id(stage.hass, SOCKET), "command": "pump on"}
    actions = [{"action": "test.say", "data": {"said": "{{ trigger.text }} {{ trigger.hex }}"}}]
    await use(stage.hass, stage.directory, "act_on_command", **given, actions=actions)
    return plain(stage, lambda: stage.come("pump on"), lambda: stage.noted, f"pump on {b'pump on'.hex()}")


async def telemetry(stage: Stage) -> Play:
    """Send values at an interval."""
    stage.hass.states.async_set(TEMPERATURE, "21.5")
    given = {"socket": device_id(stage.hass, SOCKET), "entities": [TEMPERATURE]}
    await use(stage.hass, stage.directory, "send_telemetry", **given)

    async def cause() -> None:
        stage.wait_until(15)

    return plain(stage, cause, stage.arrived, "greenhouse_temperature=21.5")


async def alarm(stage: Stage) -> Play:
    """Raise an alarm when the modem is lost, and again when it is back; it stays lost while others are restarted."""
    stage.note("test", "say")
    connection = stage.home.entity(stage.entry, "binary_sensor", "pdn")
    given = {
        "connection": connection,
        "patience": {"seconds": 1},
        "alarm": [{"action": "test.say", "data": {"said": "lost: {{ reason }}"}}],
        "all_clear": [{"action": "test.say", "data": {"said": "back"}}],
    }
    await use(stage.hass, stage.directory, "alarm_when_lost", **given)

    async def cause() -> None:
        await stage.modem.happen("registration", "home")
        await stage.layer("online")
        await stage.modem.happen("registration", "none")

    lost = "lost: it has no data connection"
    return Play(cause, lambda: stage.noted, [lost], [lost, "back", lost], lambda: stage.layer("registration"))


PLAYS: dict[str, Callable[[Stage], Awaitable[Play]]] = {
    "sim7020.send": hourly,
    "notify.send_message": door,
    "valve.open_valve": valve,
    "act_on_command": command,
    "alarm_when_lost": alarm,
    "send_telemetry": telemetry,
}


@pytest.mark.parametrize("name", [*examples(), *BLUEPRINTS])
async def test_an_example_acts_once_for_each_cause(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, tmp_path: Path, name: str
) -> None:
    """As the page has it, over restarts of bridge and broker and a reload of the entry.

    To a trigger on the state nothing happens either while bridge and broker are restarted.
    """
    modem, entry = await ready(home, surroundings)
    stage = Stage(home, surroundings, modem, entry, tmp_path)
    play = await PLAYS[name](stage)
    received = home.entity(entry, "event", f"socket_{SOCKET}_received")
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)

    def seen() -> int:
        return sum(change.data["entity_id"] == received for change in changes)

    await play.cause()
    await home.until(lambda: len(play.done()) >= len(play.once) or None, "the effect")
    before = seen()

    # in good order: the very same bytes may come twice from one that is killed
    await modem.bridge.stop()
    await gone(home, entry)
    await modem.bridge.start()
    await play.back()

    await surroundings.broker.stop()
    await gone(home, entry)
    await home.until(lambda: not mqtt.is_connected(hass), "without a broker")
    await surroundings.broker.start()
    await play.back()
    assert seen() == before

    assert await hass.config_entries.async_reload(entry.entry_id)
    await play.back()
    assert play.done() == play.once
    await play.cause()
    await home.until(lambda: len(play.done()) >= len(play.twice) or None, "the second effect")
    await modem.happen("registration", "home")
    await open_again(home, entry)
    await send(hass, entry, HERE.decode())
    assert play.done()[: len(play.twice)] == play.twice
    assert set(play.done()[len(play.twice) :]) <= {"back"}
    await end(hass)


async def test_what_could_not_be_sent_by_the_next_hour_is_replaced(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, tmp_path: Path
) -> None:
    """By the first example, as the page says of it."""
    modem, entry = await ready(home, surroundings)
    stage = Stage(home, surroundings, modem, entry, tmp_path)
    await automate(hass, **shown("sim7020.send"))
    await modem.happen("registration", "none")
    await stage.layer("registration")
    waiting = home.entity(entry, "sensor", "outbox_messages")
    for temperature in ("20.5", "21.5"):
        hass.states.async_set(TEMPERATURE, temperature)
        stage.wait_until(60)
        await asyncio.wait_for(hass.async_block_till_done(), 30)
        await home.state(waiting, lambda state: state == "1", "one message that waits")
    await modem.happen("registration", "home")
    await surroundings.server.has(b"temperature=21.5")
    await end(hass)


def told() -> list[tuple[str, str]]:
    """Return the texts by template that the page shows, and what it says becomes of them."""
    page = (REPOSITORY / "docs" / "home-assistant.md").read_text()
    return re.findall(r"`\"(\{\{.+?\}\})\"`(?:\s+is\s+sent)?\s+as\s+`(.+?)`", page)


@pytest.mark.parametrize(("template", "sent"), told())
async def test_a_text_by_template_is_what_the_page_says(
    hass: HomeAssistant, home: Home, surroundings: Surroundings, template: str, sent: str
) -> None:
    """Home Assistant makes numbers of what looks like one."""
    await ready(home, surroundings)
    await automate(
        hass,
        triggers=[{"trigger": "event", "event_type": "now"}],
        actions=[
            {
                "action": f"{DOMAIN}.send",
                "target": {"device_id": device_id(hass, SOCKET)},
                "data": {"text": template},
            }
        ],
    )
    hass.bus.async_fire("now")
    await surroundings.server.has(sent.encode())
    await end(hass)
