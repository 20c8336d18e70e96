"""What every test of the component stands on: Home Assistant that loads this checkout's component, and says nothing."""

from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from homeassistant import loader
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.typing import MqttMockHAClient, MqttMockPahoClient

import custom_components  # noqa: F401 # before Home Assistant looks, or it takes the test plugin's own directory
from custom_components.sim7020 import client, coordinator
from tests.component.texts_used import TextsUsed, texts_used

PATIENCE = 120.0
"""Seconds for what has come in a moment on a machine that has nothing else to do."""

# How Home Assistant begins to say that an integration uses what is deprecated, or stops its event loop.
COMPLAINTS = ("Detected that custom integration 'sim7020'", "by custom integration 'sim7020'")


@pytest.fixture
def hass(hass: HomeAssistant) -> HomeAssistant:
    """Return a Home Assistant that looks for custom integrations, which the test plugin's does not."""
    hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
    return hass


@pytest.fixture
def mqtt(mqtt_client_mock: MqttMockPahoClient, mqtt_mock: MqttMockHAClient) -> Iterator[MqttMockHAClient]:
    """Set up Home Assistant's MQTT integration on a client that is a mock, and end the timer that it leaves behind."""
    yield mqtt_mock
    mqtt_client_mock.on_socket_close(mqtt_client_mock, None, Mock(fileno=Mock(return_value=-1)))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing given up because this machine is busy: a broker that is there answers, sooner or later."""
    for module in (client, coordinator):
        monkeypatch.setattr(module, "FIRST_WITHIN", PATIENCE)
    monkeypatch.setattr(client, "SUBSCRIBED_WITHIN", PATIENCE)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what Home Assistant has complained of about the component in this test so far."""
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    messages = [record.getMessage() for record in records]
    return [message for message in messages if any(complaint in message for complaint in COMPLAINTS)]


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Hold the component to using nothing deprecated and to never blocking the event loop."""
    yield
    found = complaints(caplog)
    assert not found, "\n".join(found)


@pytest.fixture(autouse=True)
def used() -> Iterator[TextsUsed]:
    """Hold the component to having every text that it has Home Assistant show."""
    with texts_used() as used:
        yield used
    assert not used.missing, "\n".join(used.missing)
