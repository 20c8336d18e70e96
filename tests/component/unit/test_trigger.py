"""Automations wait at whatever a target names for what happens to modems and their messages."""

import json
from typing import Any

import probatio
import pytest
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers.trigger import async_get_all_descriptions, async_validate_trigger_config
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.sim7020.announce import EVENT_NOT_SENT, EVENT_SENT
from custom_components.sim7020.trigger import TRIGGERS
from tests.component.unit.kit import Bridge, device_id, document, offered

pytestmark = pytest.mark.usefixtures("entry")

SHOWN = ("type", "layer", "text", "hex", "id", "idx", "alias", "message_id", "state", "reason", "bytes")


async def automate(hass: HomeAssistant, name: str, target: dict[str, Any], **options: str) -> None:
    """Have an automation call the action test.automation with what its trigger was given."""
    trigger = {"id": "mine", "alias": "It", "trigger": f"sim7020.{name}", "target": target}
    trigger |= {"options": options} if options else {}
    action = {"action": "test.automation", "data": {each: "{{ trigger." + each + " }}" for each in SHOWN}}
    config = {"automation": [{"triggers": [trigger], "actions": [action]}]}
    assert await async_setup_component(hass, "automation", config)
    await hass.async_block_till_done()


async def test_home_assistant_offers_each_with_its_texts(hass: HomeAssistant) -> None:
    """At the entities that tell a modem from a socket; what it offers is what there is, named and drawn."""
    found = await offered(hass, "triggers", async_get_all_descriptions)
    assert set(found) == set(TRIGGERS)
    sockets = {name for name, facts in found.items() if "notify" in json.dumps(facts["target"])}
    assert sockets == {"received", "message_sent", "message_failed"}


@pytest.mark.parametrize(
    ("wanted", "received", "runs"),
    [
        pytest.param({}, "open", True, id="any"),
        pytest.param({"text": "open"}, "open", True, id="the-text"),
        pytest.param({"text": "open"}, "close", False, id="another-text"),
    ],
)
async def test_a_message_is_received(
    hass: HomeAssistant,
    bridge: Bridge,
    service_calls: list[ServiceCall],
    *,
    wanted: dict[str, str],
    received: str,
    runs: bool,
) -> None:
    """At the socket that is the target, and at no other; with the message itself."""
    await automate(hass, "received", {"device_id": device_id(hass, "telemetry")}, **wanted)
    await bridge.say("socket/control/received", document("received-json"), retain=False)
    assert not service_calls
    await bridge.say("socket/telemetry/received", received, retain=False)
    assert [call.data["hex"] for call in service_calls] == [received.encode().hex()] * runs


async def test_an_entity_stands_for_its_device(
    hass: HomeAssistant, bridge: Bridge, service_calls: list[ServiceCall]
) -> None:
    """Whichever of them is the target."""
    await automate(hass, "received", {"entity_id": "event.sim7020_shed_telemetry_received_message"})
    await bridge.say("socket/telemetry/received", "open", retain=False)
    assert [call.data["text"] for call in service_calls] == ["open"]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("connection_lost", "lost"),
        ("restarted", "rebooted"),
        ("data_budget", "data_budget"),
    ],
)
async def test_something_happens_to_a_modem(
    hass: HomeAssistant, bridge: Bridge, service_calls: list[ServiceCall], name: str, event: str
) -> None:
    """Only what is waited for counts."""
    await automate(hass, name, {"device_id": [device_id(hass)]})
    await bridge.say("event", {"type": "asleep", "at": "2026-11-23T10:15:00.000Z"}, retain=False)
    assert not service_calls
    await bridge.say("event", {"type": event, "at": "2026-11-23T10:15:00.000Z", "layer": "pdn"}, retain=False)
    assert [(call.data["type"], call.data["layer"]) for call in service_calls] == [(event, "pdn")]


async def test_what_home_assistant_says_of_a_trigger_stays(
    hass: HomeAssistant, bridge: Bridge, service_calls: list[ServiceCall]
) -> None:
    """Automations tell their triggers apart by it, whatever a newer bridge calls its facts."""
    await automate(hass, "connection_lost", {"device_id": device_id(hass)})
    facts = {"id": "other", "idx": "7", "alias": "other", "platform": "mqtt", "description": "other", "layer": "pdn"}
    await bridge.say("event", {"type": "lost", "at": "2026-11-23T10:15:00.000Z", **facts}, retain=False)
    shown = ("id", "idx", "alias", "layer")
    assert [[call.data[name] for name in shown] for call in service_calls] == [["mine", 0, "It", "pdn"]]


async def test_a_connection_is_back_that_was_lost(
    hass: HomeAssistant, bridge: Bridge, service_calls: list[ServiceCall]
) -> None:
    """Once, over a reload too; a bridge that is started attaches without a loss, and that is no news."""
    await automate(hass, "connection_back", {"device_id": [device_id(hass)]})

    async def happens(kind: str) -> int:
        told = {"type": kind, "at": "2026-11-23T10:15:00.000Z", "layer": "pdn"}
        await bridge.say("event", told, retain=False)
        return len(service_calls)

    assert [await happens(kind) for kind in ("attached", "lost", "lost", "attached", "attached")] == [0, 0, 0, 1, 1]
    await happens("lost")
    (entry,) = hass.config_entries.async_entries("sim7020")
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert [await happens("attached"), await happens("attached")] == [2, 2]
    assert {call.data["type"] for call in service_calls} == {"back"}


@pytest.mark.parametrize(
    ("name", "receipts"),
    [
        ("message_sent", ["udp-accepted", "tcp-acknowledged"]),
        ("message_failed", ["expired", "failed", "rejected"]),
    ],
)
async def test_a_message_has_its_end(
    hass: HomeAssistant, bridge: Bridge, service_calls: list[ServiceCall], name: str, receipts: list[str]
) -> None:
    """The final receipt tells, whoever sent the message, and so do events."""
    await automate(hass, name, {"device_id": device_id(hass, "telemetry")})
    events, lost = async_capture_events(hass, EVENT_SENT), async_capture_events(hass, EVENT_NOT_SENT)
    every = ["queued", "sending", "tcp-accepted", "superseded", "expired", "failed", "rejected"]
    for receipt in [*every, "udp-accepted", "tcp-acknowledged"]:
        told = document(f"receipt-{receipt}") | {"socket": "telemetry", "id": receipt}
        await bridge.say("socket/telemetry/receipt", told, retain=False)
    assert sorted(call.data["message_id"] for call in service_calls) == sorted(receipts)
    assert {call.data["id"] for call in service_calls} == {"mine"}
    assert [event.data["id"] for event in events] == ["udp-accepted", "tcp-acknowledged"]
    assert {"device_id", "socket", "state", "bytes", "attempts"} <= set(events[0].data)
    assert [event.data["id"] for event in lost] == ["expired", "failed", "rejected"]
    assert {event.data["device_id"] for event in lost} == {device_id(hass, "telemetry")}
    assert [event.data["reason"] for event in lost if event.data["state"] == "failed"] == [
        document("receipt-failed")["error"]["message"]
    ]


@pytest.mark.parametrize(
    "trigger",
    [
        {"trigger": "sim7020.received"},
        {"trigger": "sim7020.restarted", "target": {"entity_id": "sensor.x"}, "options": {"text": "open"}},
    ],
)
async def test_what_makes_no_sense_is_refused(hass: HomeAssistant, trigger: dict[str, Any]) -> None:
    """A trigger needs its target, and nothing else than it has."""
    with pytest.raises(probatio.Invalid):
        await async_validate_trigger_config(hass, [{"platform": trigger.pop("trigger"), **trigger}])


@pytest.mark.parametrize(
    ("value", "kind"), [(True, "truth value"), (False, "truth value"), (83, "number"), (750.5, "number")]
)
@pytest.mark.parametrize("platform", ["sim7020.received", "device"])
async def test_what_yaml_makes_no_text_of_is_refused(
    hass: HomeAssistant, *, platform: str, value: object, kind: str
) -> None:
    """With words for it: it would wait for True, or for 83 where 0123 was written, and never run."""
    socket = device_id(hass, "telemetry")
    trigger: dict[str, Any] = {"platform": platform, "target": {"device_id": socket}, "options": {"text": value}}
    if platform == "device":
        trigger = {"platform": "device", "domain": "sim7020", "device_id": socket, "type": "received", "text": value}
    with pytest.raises(probatio.Invalid, match=rf"{value} is a {kind}\b.* quotation marks"):
        await async_validate_trigger_config(hass, [trigger])
