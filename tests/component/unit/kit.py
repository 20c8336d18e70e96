"""A broker and a bridge as the component sees them: retained topics, and answers to requests.

What the bridge says are the contract's golden examples; what it is told is kept, and held to the contract's schemas.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jsonschema
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from paho.mqtt.client import topic_matches_sub
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockMqttReasonCode,
    async_fire_mqtt_message,
)
from pytest_homeassistant_custom_component.typing import MqttMockPahoClient

from custom_components.sim7020.topics import Topics
from tests.component.rules.tree import REPOSITORY

COMPONENT = REPOSITORY / "custom_components" / "sim7020"
CONTRACT = REPOSITORY / "docs" / "contract"
IMEI = "866425030000014"
ROOT = "sim7020/shed"
ANNOUNCE = "sim7020/announce"

type Document = dict[str, Any]
type Answer = Document | Callable[[Document], Document | None] | None


def example(name: str) -> Document:
    """Return one of the contract's golden examples: ``topic``, ``retained``, and ``payload``, ``text`` or ``hex``."""
    found: Document = json.loads((CONTRACT / "examples" / f"{name}.json").read_text())
    return found


def document(name: str) -> Document:
    """Return the JSON document of a golden example, one's own to change."""
    payload = example(name)["payload"]
    assert isinstance(payload, dict)
    return payload


def info(*, imei: str | None = IMEI, modem: str = "shed", **changes: object) -> Document:
    """Return the golden ``info`` of another modem."""
    golden = document("info")
    golden["modem"] |= {"imei": imei, "name": modem}
    return golden | changes


def valid_request(verb: str, body: Document) -> None:
    """Hold a request to the contract's schema, times included."""
    schema = json.loads((CONTRACT / "schemas" / f"request-{verb}.json").read_text())
    jsonschema.Draft202012Validator(schema, format_checker=FORMATS).validate(body)


FORMATS = jsonschema.FormatChecker(())


@FORMATS.checks("date-time")
def _is_time(value: object) -> bool:
    """Tell whether a text is a time with an offset; without one a bridge would not know what it says."""
    moment = dt_util.parse_datetime(value) if isinstance(value, str) else None
    return not isinstance(value, str) or (moment is not None and moment.tzinfo is not None)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@dataclass
class Bridge:
    """What a broker holds, and what listens behind it. It answers a request as ``answers`` has it for the verb.

    With ``exact`` the broker gives what is retained to no filter with wildcards; the bridge publishes it for a call.

    An answer is the ``data`` of the response, a function that makes the whole response, or None for silence.
    """

    hass: HomeAssistant
    client: MqttMockPahoClient
    retained: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, Document]] = field(default_factory=list)
    exact: bool = False
    calls: int = 0
    reconnects: bool = False
    resubscribed: asyncio.Event = field(default_factory=asyncio.Event)
    _missing: set[str] = field(default_factory=set)

    def publish(self, topic: str, payload: Document | str | bytes, *, retain: bool = True, root: str = ROOT) -> None:
        """Publish below a modem's root."""
        content = json.dumps(payload) if isinstance(payload, dict) else payload
        content = content.encode() if isinstance(content, str) else content
        if retain:
            self.retained[f"{root}/{topic}"] = content
        async_fire_mqtt_message(self.hass, f"{root}/{topic}", content, qos=1)

    async def say(self, topic: str, payload: Document | str | bytes, *, retain: bool = True, root: str = ROOT) -> None:
        """Publish, and return once Home Assistant has taken it in."""
        self.publish(topic, payload, retain=retain, root=root)
        await self.settled()

    def serve(self, *, root: str = ROOT, about: Document | None = None) -> None:
        """Put online a modem of which everything is known."""
        self.publish("availability", "online", root=root)
        self.publish("info", about or document("info"), root=root)
        self.publish("state", document("state-online"), root=root)
        self.publish("socket/telemetry/state", document("socket-state-open"), root=root)
        self.publish("socket/control/state", document("socket-state-backoff"), root=root)

    async def link(self, *, up: bool) -> None:
        """Take Home Assistant's connection to the broker away, or bring it back and let it subscribe again."""
        self.reconnects = True
        self.resubscribed.clear()
        self._missing = set(Topics(*ROOT.split("/")).filters)
        change = self.client.on_connect if up else self.client.on_disconnect
        change(None, None, 0, MockMqttReasonCode())
        if up:
            await asyncio.wait_for(self.resubscribed.wait(), 10)
        await self.settled()

    async def settled(self) -> None:
        """Return once Home Assistant has done what there was to do, discovery included."""
        # a client that was disconnected once sees to its connection for ever, in the background
        await self.hass.async_block_till_done(wait_background_tasks=not self.reconnects)

    @callback
    def subscribed(self, topic_filter: str) -> None:
        """Deliver the retained messages that a new subscription asks for."""
        for topic, payload in self.retained.items():
            if self.exact and topic != topic_filter:
                continue
            if topic_matches_sub(topic_filter, topic):
                async_fire_mqtt_message(self.hass, topic, payload, qos=1, retain=True)
        self._missing.discard(topic_filter)
        if not self._missing:
            self.resubscribed.set()

    @callback
    def called(self) -> None:
        """Publish again what is retained."""
        self.calls += 1
        for topic, payload in self.retained.items():
            async_fire_mqtt_message(self.hass, topic, payload, qos=1)

    @callback
    def published(self, topic: str, payload: str, *, retain: bool) -> None:
        """Take a request and answer it. One that no bridge would take fails the test."""
        root, _, verb = topic.rpartition("/request/")
        assert not retain, f"{topic} is retained, which a bridge refuses"
        body = json.loads(payload, parse_constant=_no_number)
        valid_request(verb, body)
        self.requests.append((topic, body))
        answer = self.answers.get(verb)
        response = answer(body) if callable(answer) else None if answer is None else ok(answer)
        if response is not None:
            self.publish(f"response/{verb}", response | {"transaction": body["transaction"]}, retain=False, root=root)


def ok(data: Document) -> Document:
    """Return the response to a request that was carried out."""
    return {"status": "ok", "data": data, "error": None}


def refused(code: str, message: str) -> Document:
    """Return the response to a request that was refused."""
    return {"status": "error", "data": None, "error": {"code": code, "message": message}}


def connect(bridge: Bridge) -> None:
    """Put the bridge behind the client that Home Assistant's MQTT integration holds for the real one."""
    client = bridge.client
    subscribe, publish = client.subscribe.side_effect, client.publish.side_effect

    def subscribed(topics: str | list[tuple[str, object]], *args: object, **kwargs: object) -> object:
        for topic_filter in [topics] if isinstance(topics, str) else [topic for topic, _ in topics]:
            bridge.hass.loop.call_soon(bridge.subscribed, topic_filter)
        return subscribe(topics, *args, **kwargs)

    def published(topic: str, payload: str, qos: int, retain: bool, *args: object) -> object:  # noqa: FBT001
        if "/request/" in topic:
            bridge.hass.loop.call_soon(partial(bridge.published, topic, payload, retain=retain))
        if retain:
            bridge.retained[topic] = payload.encode()
        if topic == ANNOUNCE and bridge.exact:
            bridge.hass.loop.call_soon(bridge.called)
        return publish(topic, payload, qos, retain, *args)

    client.subscribe.side_effect = subscribed
    client.publish.side_effect = published


def entry_of(hass: HomeAssistant, *, modem: str = "shed", imei: str = IMEI) -> MockConfigEntry:
    """Add a config entry, which is not set up yet."""
    entry = MockConfigEntry(
        domain="sim7020", title=f"SIM7020 {modem}", unique_id=imei, data={"base_topic": "sim7020", "modem": modem}
    )
    entry.add_to_hass(hass)
    return entry


def device_id(hass: HomeAssistant, socket: str | None = None) -> str:
    """Return the device of the modem that is set up, or of one of its sockets."""
    (entry,) = hass.config_entries.async_entries("sim7020")
    name = str(entry.unique_id) if socket is None else f"{entry.unique_id}_socket_{socket}"
    device = dr.async_get(hass).async_get_device_by_identifier(("sim7020", name), entry.entry_id)
    assert device is not None
    return device.id


async def set_up(hass: HomeAssistant) -> MockConfigEntry:
    """Set the served modem up."""
    entry = entry_of(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is ConfigEntryState.LOADED
    return entry


def queued(body: Document) -> Document:
    """Answer as a bridge does that took the message."""
    return ok({"socket": "telemetry", "state": "queued", "id": body["id"]})


async def call(hass: HomeAssistant, entry_id: str, action: str, /, **data: object) -> Document:
    """Call an action and return its response."""
    response = await hass.services.async_call(
        "sim7020", action, {"config_entry_id": entry_id, **data}, blocking=True, return_response=True
    )
    assert isinstance(response, dict)
    return dict(response)


async def offered(
    hass: HomeAssistant, kind: str, described: Callable[[HomeAssistant], Awaitable[dict[str, Document | None]]]
) -> dict[str, Document]:
    """Return what Home Assistant offers of the component's ``conditions`` or ``triggers``, each with its facts.

    That each has an icon and texts, for its fields too, and nothing else has, is held here.
    """
    assert await async_setup_component(hass, "automation", {})
    found = {
        name.removeprefix("sim7020."): facts or {}
        for name, facts in (await described(hass)).items()
        if name.startswith("sim7020.")
    }
    assert set(json.loads((COMPONENT / "icons.json").read_text())[kind]) == set(found)
    texts = json.loads((COMPONENT / "translations" / "en.json").read_text())[kind]
    assert {name: set(each.get("fields", {})) for name, each in texts.items()} == {
        name: set(facts.get("fields", {})) for name, facts in found.items()
    }
    assert all(each["name"] and each["description"] for each in texts.values())
    return found
