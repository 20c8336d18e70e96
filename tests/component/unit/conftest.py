"""The bridge that the component is tested against, behind a mocked MQTT client."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from unittest.mock import PropertyMock, patch

import pytest
from homeassistant.core import HomeAssistant, ServiceCall, callback
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import MqttMockHAClient, MqttMockPahoClient
from syrupy.assertion import SnapshotAssertion

from tests.component.blueprints import end
from tests.component.unit.kit import Bridge, connect, queued, set_up


@pytest.fixture(autouse=True)
def no_cooldown() -> Iterator[None]:
    """Have the MQTT integration subscribe at once instead of collecting subscriptions for half a second."""
    client = "homeassistant.components.mqtt.client"
    with patch(f"{client}.INITIAL_SUBSCRIBE_COOLDOWN", 0), patch(f"{client}.SUBSCRIBE_COOLDOWN", 0):
        yield


@pytest.fixture
def bridge(
    hass: HomeAssistant,
    no_cooldown: None,  # noqa: ARG001 # before the client is made
    mqtt_client_mock: MqttMockPahoClient,
    mqtt: MqttMockHAClient,  # noqa: ARG001 # connected
) -> Bridge:
    """Return a broker that holds nothing yet."""
    served = Bridge(hass, mqtt_client_mock)
    connect(served)
    return served


@pytest.fixture
async def entry(hass: HomeAssistant, bridge: Bridge) -> MockConfigEntry:
    """Return a modem that is set up."""
    bridge.serve()
    return await set_up(hass)


@pytest.fixture
def shed(entry: MockConfigEntry, bridge: Bridge) -> str:
    """Return the config entry of a modem that is set up; its bridge takes every message."""
    bridge.answers["send"] = queued
    return entry.entry_id


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write snapshots down as Home Assistant does: without ids and times that differ from run to run."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def all_enabled() -> Iterator[None]:
    """Enable the entities that the user has to enable."""
    enabled = "homeassistant.helpers.entity.Entity.entity_registry_enabled_default"
    with patch(enabled, PropertyMock(return_value=True)):
        yield


@pytest.fixture
def heard(hass: HomeAssistant) -> asyncio.Queue[str]:
    """Return what the actions have said and nobody has listened to yet."""
    queue: asyncio.Queue[str] = asyncio.Queue()

    @callback
    def say(call: ServiceCall) -> None:
        queue.put_nowait(call.data["said"])

    hass.services.async_register("test", "say", say)
    return queue


@pytest.fixture
async def ended(hass: HomeAssistant) -> AsyncIterator[None]:
    """End the automation with the test."""
    yield
    await end(hass)
