"""What MQTT is told of modems: retained state and availability, events, Home Assistant's discovery."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from sim7020_bridge import VERSION
from sim7020_bridge.clock import rfc3339
from sim7020_far_end.records import Known
from sim7020_far_end.settings import ModemSettings, Settings
from sim7020_far_end.topics import OFFLINE, ONLINE, Topics

_LOOK: Final = 1.0
"""Seconds between two looks at whether a modem has become silent."""


class Teller(Protocol):
    """What is needed of the broker."""

    def tell(self, topic: str, document: object, *, retain: bool = False) -> None:
        """Publish a document without waiting."""


class Reports:
    """Tells what is known of each modem whenever it is different.

    Args:
        settings: The far end's.
        topics: Its topics.
        now: The time, in seconds since 1970.
    """

    def __init__(self, settings: Settings, topics: Topics, now: Callable[[], float]) -> None:
        self._modems = {modem.name: modem for modem in settings.modems}
        self._prefix = settings.home_assistant_discovery
        self._topics = topics
        self._now = now
        self._known: dict[str, Known] = {}
        self._online: dict[str, bool] = {}
        self.teller: Teller | None = None
        """Who publishes; nothing is told before there is one."""

    def heard(self, modem: str, known: Known) -> None:
        """Tell what is known of a modem."""
        self._known[modem] = known
        self._say_state(modem)
        self._look_at(modem)

    def event(self, modem: str, kind: str, **more: object) -> None:
        """Tell that something happened."""
        if self.teller is not None:
            document = {"type": kind, "at": self._time(self._now()), **more}
            self.teller.tell(self._topics.event(modem), document)

    def say_all(self) -> None:
        """Tell all that is retained once more: the broker may have forgotten it."""
        for name, modem in self._modems.items():
            self._say_state(name)
            self._online.pop(name, None)
            self._look_at(name)
            if self._prefix is not None and self.teller is not None:
                topic = f"{self._prefix}/device/sim7020_far_end_{self._topics.base.replace('/', '_')}_{name}/config"
                self.teller.tell(topic, discovery(self._topics, modem), retain=True)

    async def run(self) -> None:
        """Tell when a modem has become silent, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            for name in self._modems:
                self._look_at(name)

    def _look_at(self, name: str) -> None:
        known = self._known.get(name)
        heard = None if known is None else known.heard
        online = heard is not None and self._now() - heard < self._modems[name].silence
        if self.teller is not None and online is not self._online.get(name):
            self._online[name] = online
            self.teller.tell(self._topics.modem_availability(name), ONLINE if online else OFFLINE, retain=True)

    def _say_state(self, name: str) -> None:
        known = self._known.get(name)
        if self.teller is not None and known is not None:
            heard = None if known.heard is None else self._time(known.heard)
            state = {"last_heard": heard, "address": known.address, "waiting": known.waiting}
            self.teller.tell(self._topics.state(name), state, retain=True)

    @staticmethod
    def _time(seconds: float) -> str:
        return rfc3339(datetime.fromtimestamp(seconds, UTC))


def discovery(topics: Topics, modem: ModemSettings) -> dict[str, object]:
    """Return what Home Assistant is told of a modem: a device, with a sensor for each field that is picked."""
    device = f"sim7020_far_end_{topics.base.replace('/', '_')}_{modem.name}"
    state = topics.state(modem.name)
    # the modem's own sensors tell of its silence, and must not vanish in it
    own = [{"topic": topics.availability}]
    entities: dict[str, dict[str, object]] = {
        "online": {
            "platform": "binary_sensor",
            "name": "Heard",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": topics.modem_availability(modem.name),
            "payload_on": ONLINE.decode(),
            "payload_off": OFFLINE.decode(),
            "availability": own,
        },
        "last_heard": {
            "platform": "sensor",
            "name": "Last heard",
            "device_class": "timestamp",
            "entity_category": "diagnostic",
            "state_topic": state,
            "value_template": "{{ value_json.last_heard }}",
            "availability": own,
        },
        "waiting": {
            "platform": "sensor",
            "name": "Commands that wait",
            "state_class": "measurement",
            "entity_category": "diagnostic",
            "state_topic": state,
            "value_template": "{{ value_json.waiting }}",
            "availability": own,
        },
    }
    both = [{"topic": topics.availability}, {"topic": topics.modem_availability(modem.name)}]
    for path in modem.paths:
        for written in path.pick:
            field = written.split(" ")[0]
            way = "".join(f"[{name!r}]" for name in field.split("."))
            entities[f"{path.name}_{field}".replace("/", "_").replace(".", "_")] = {
                "platform": "sensor",
                "name": f"{path.name} {field}",
                "state_topic": topics.received(modem.name, path.name),
                "value_template": f"{{{{ value_json{way} }}}}",
                "availability": both,
                "availability_mode": "all",
            }
    return {
        "device": {"identifiers": [device], "name": f"{modem.name} (far end)", "manufacturer": "SIMCom"},
        "origin": {"name": "sim7020-bridge far end", "sw_version": VERSION},
        "qos": 1,
        "components": {key: {"unique_id": f"{device}_{key}", **entity} for key, entity in entities.items()},
    }
