"""Automations ask of whatever modems a target names whether something holds for them."""

import json
from typing import Any

import probatio
import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers.condition import (
    async_from_config,
    async_get_all_descriptions,
    async_validate_condition_config,
)

from custom_components.sim7020.condition import CONDITIONS
from custom_components.sim7020.documents import Layer
from tests.component.unit.kit import Bridge, Document, device_id, document, entry_of, info, offered

pytestmark = pytest.mark.usefixtures("entry")

OTHER = "866425030000022"


async def holds(hass: HomeAssistant, name: str, target: dict[str, Any], **options: str) -> bool | None:
    """Return whether a condition holds now."""
    config = {"condition": f"sim7020.{name}", "target": target, **({"options": options} if options else {})}
    checker = await async_from_config(hass, await async_validate_condition_config(hass, config))
    try:
        return checker.async_check()
    finally:
        checker.async_unload()


async def connected(hass: HomeAssistant, target: dict[str, Any]) -> bool:
    """Return whether a modem is connected, which it either is or is not."""
    found = {name: await holds(hass, name, target) for name in ("is_connected", "is_not_connected")}
    assert sorted(map(bool, found.values())) == [False, True], found
    return found["is_connected"] is True


async def test_home_assistant_offers_each_with_its_texts(hass: HomeAssistant) -> None:
    """At the entities that tell a modem from a socket; what it offers is what there is, named and drawn."""
    found = await offered(hass, "conditions", async_get_all_descriptions)
    assert set(found) == set(CONDITIONS)
    assert all("binary_sensor" in json.dumps(facts["target"]) for facts in found.values())
    assert all(facts["fields"] for facts in found.values())


@pytest.mark.parametrize("layer", list(Layer))
async def test_a_modem_is_connected_when_nothing_is_missing(hass: HomeAssistant, bridge: Bridge, layer: Layer) -> None:
    """Also asleep, as the entity for the data connection has it; any entity stands for its modem, and a socket too."""
    state = document("state-online")
    state["link"] |= {"layer": layer}
    await bridge.say("state", state)
    targets: list[dict[str, Any]] = [
        {"device_id": device_id(hass)},
        {"device_id": [device_id(hass, "telemetry")]},
        {"entity_id": "binary_sensor.sim7020_shed_data_connection"},
        {"entity_id": "sensor.sim7020_shed_registration"},
    ]
    assert {await connected(hass, target) for target in targets} == {layer in {Layer.ONLINE, Layer.SLEEPING}}


@pytest.mark.parametrize("away", ["bridge", "broker", "unloaded", "unknown"])
async def test_what_can_not_be_heard_is_not_connected(hass: HomeAssistant, bridge: Bridge, away: str) -> None:
    """Whatever was known of it before."""
    target = {"device_id": device_id(hass)}
    assert await connected(hass, target)
    (entry,) = hass.config_entries.async_entries("sim7020")
    match away:
        case "bridge":
            await bridge.say("availability", "offline")
        case "broker":
            await bridge.link(up=False)
        case "unloaded":
            assert await hass.config_entries.async_unload(entry.entry_id)
        case _:
            await bridge.say("state", {})
    assert not await connected(hass, target)


@pytest.mark.parametrize(
    ("usage", "used_up"),
    [
        ({"used": 999, "budget": 1000}, False),
        ({"used": 1000, "budget": 1000}, True),
        ({"used": 1001, "budget": 1000}, True),
        ({"used": 1000, "budget": None}, False),
        ({"used": None, "budget": 1000}, False),
    ],
)
async def test_a_budget_is_used_up(hass: HomeAssistant, bridge: Bridge, *, usage: Document, used_up: bool) -> None:
    """When nothing is left of it; without a budget it never is."""
    state = document("state-online")
    state["usage"] |= usage
    await bridge.say("state", state)
    assert await holds(hass, "is_data_budget_used_up", {"device_id": device_id(hass)}) is used_up


@pytest.mark.parametrize(
    ("options", "expected"), [({}, True), ({"behavior": "any"}, True), ({"behavior": "all"}, False)]
)
async def test_one_of_several_modems_or_all(
    hass: HomeAssistant, bridge: Bridge, *, options: dict[str, str], expected: bool
) -> None:
    """Any will do unless it is said otherwise."""
    root = "sim7020/barn"
    bridge.serve(root=root, about=info(imei=OTHER, modem="barn"))
    barn = entry_of(hass, modem="barn", imei=OTHER)
    assert await hass.config_entries.async_setup(barn.entry_id)
    await hass.async_block_till_done()
    target = {"entity_id": ["binary_sensor.sim7020_shed_data_connection", "binary_sensor.sim7020_barn_data_connection"]}
    assert await holds(hass, "is_connected", target, behavior="all")
    await bridge.say("availability", "offline", root=root)
    for name in ("is_connected", "is_not_connected"):
        assert await holds(hass, name, target, **options) is expected


async def test_nothing_holds_for_no_modem(hass: HomeAssistant) -> None:
    """Neither for any of none nor for all of none."""
    for name in CONDITIONS:
        for behavior in ("any", "all"):
            assert await holds(hass, name, {"entity_id": "light.porch"}, behavior=behavior) is False


@pytest.mark.parametrize(
    "config", [{}, {"target": {"entity_id": "sensor.x"}, "options": {"behavior": "some"}}], ids=["no-target", "some"]
)
async def test_what_makes_no_sense_is_refused(hass: HomeAssistant, config: dict[str, Any]) -> None:
    """A condition needs its target, and nothing else than it has."""
    with pytest.raises(probatio.Invalid):
        await async_validate_condition_config(hass, {"condition": "sim7020.is_connected", **config})
