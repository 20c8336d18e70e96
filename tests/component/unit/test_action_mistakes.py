"""Wrong use of an action is told in the user's words, before the bridge is asked."""

from typing import Any

import probatio
import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component

from tests.component.unit.kit import Bridge, Document, call, document, entry_of, info


@pytest.mark.parametrize(
    ("name", "given", "key"),
    [
        pytest.param("send", {"socket": "attic", "text": "1"}, "unknown_socket", id="socket"),
        pytest.param("send", {"text": "1"}, "one_socket", id="no-socket"),
        pytest.param("send", {"socket": "telemetry"}, "one_payload", id="nothing"),
        pytest.param("send", {"socket": "telemetry", "text": "x" * 65536}, "too_large", id="too-large"),
        pytest.param("send", {"socket": "telemetry", "text": "1", "hex": "00"}, "one_payload", id="both"),
        pytest.param("send", {"socket": "telemetry", "hex": "0"}, "invalid_hex", id="hex"),
        pytest.param("send", {"socket": "telemetry", "text": "\ud83d"}, "not_unicode", id="surrogate"),
        pytest.param("send", {"socket": "telemetry", "base64": "A?=="}, "invalid_base64", id="base64"),
        pytest.param("send", {"socket": "telemetry", "base64": "é"}, "invalid_base64", id="base64-not-ascii"),
        pytest.param("outbox", {"action": "purge", "socket": "attic"}, "unknown_socket", id="outbox-socket"),
        pytest.param("outbox", {"action": "cancel"}, "id_wanted", id="id"),
        pytest.param("outbox", {"action": "purge", "id": "m1"}, "id_unwanted", id="id for all"),
        pytest.param("outbox", {"action": "list", "id": "m1"}, "id_unwanted", id="id for a list"),
        pytest.param("at_command", {"command": "AT"}, "request_not_taken", id="at"),
    ],
)
async def test_wrong_use_is_told_before_the_bridge_is_asked(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, name: str, given: Document, key: str
) -> None:
    """In words that are translated."""
    await bridge.say("info", info(requests=["send", "outbox"]))
    with pytest.raises(ServiceValidationError) as raised:
        await call(hass, shed, name, **given)
    assert (raised.value.translation_domain, raised.value.translation_key) == ("sim7020", key)
    assert str(raised.value)
    assert not bridge.requests


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"socket": "telemetry", "text": "1", "priority": "urgent"}, id="priority"),
        pytest.param({"socket": "telemetry", "text": "1", "ttl": 0}, id="ttl"),
        pytest.param({"socket": "telemetry", "text": "1", "ttl": 31622401}, id="ttl-too-long"),
        pytest.param({"socket": "telemetry", "text": "1", "ttl": float("inf")}, id="ttl-infinite"),
        pytest.param({"socket": "telemetry", "text": "1", "ttl": "nan"}, id="ttl-no-number"),
        pytest.param({"socket": "telemetry", "text": "1", "key": ""}, id="no-key"),
        pytest.param({"socket": "telemetry", "text": "1", "key": "x" * 129}, id="key"),
        pytest.param({"socket": "telemetry", "text": "1", "id": "x" * 129}, id="id"),
        pytest.param({"socket": "telemetry", "text": "1", "timeout": 0}, id="timeout"),
    ],
)
async def test_what_no_bridge_would_take_is_refused(
    hass: HomeAssistant, bridge: Bridge, shed: str, given: dict[str, Any]
) -> None:
    """By Home Assistant itself."""
    with pytest.raises(probatio.Invalid):
        await call(hass, shed, "send", **given)
    assert not bridge.requests


@pytest.mark.parametrize("length", [65536, 30000])
async def test_what_is_too_long_to_be_read_is_told_at_once(
    hass: HomeAssistant, bridge: Bridge, shed: str, length: int
) -> None:
    """In bytes of the whole request: a letter may be two."""
    with pytest.raises(ServiceValidationError, match="65536") as raised:
        await call(hass, shed, "send", socket="telemetry", text="ü" * length + "x" * 6000)
    assert raised.value.translation_key == "too_large"
    assert not bridge.requests
    await call(hass, shed, "send", socket="telemetry", text="x" * 65000)


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    ("name", "field", "given"),
    [
        pytest.param("send", "text", {"socket": "telemetry"}, id="text"),
        pytest.param("send", "key", {"socket": "telemetry", "text": "1"}, id="key"),
        pytest.param("ping", "host", {}, id="host"),
        pytest.param("set_apn", "password", {"apn": "iot"}, id="password"),
    ],
)
async def test_a_truth_value_is_no_text(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, name: str, field: str, given: Document, value: bool
) -> None:
    """YAML reads on and off as one, and nobody means to send True; a number is sent as it is written."""
    with pytest.raises(ServiceValidationError, match=str(value)) as raised:
        await call(hass, shed, name, **given, **{field: value})
    assert raised.value.translation_key == "truth_value"
    assert not bridge.requests
    await call(hass, shed, "send", socket="telemetry", text=21.5)
    assert bridge.requests[-1][1]["data"] == "21.5"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("ping", {"host": "example.net", "count": 2.9}),
        ("calibrate", {"used": 1.5}),
        ("calibrate", {"used": float("inf")}),
        ("outbox", {"limit": 1.5}),
    ],
)
async def test_a_fraction_is_not_cut(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, name: str, given: Document
) -> None:
    """It is refused in words; a whole number may be written as a form or a template gives it."""
    with pytest.raises(ServiceValidationError, match="whole number") as raised:
        await call(hass, shed, name, **given)
    assert raised.value.translation_key == "no_whole_number"
    assert not bridge.requests
    bridge.answers["ping"] = document("response-ping")["data"]
    for count in (2, 2.0, "2"):
        await call(hass, shed, "ping", host="example.net", count=count)
        assert bridge.requests[-1][1]["count"] == 2


@pytest.mark.parametrize("host", [5, 8.8, "", "  ", "two words", "x" * 256, 'a"b', "a\\b", "münchen.example", "a\nb"])
@pytest.mark.parametrize(("name", "field"), [("ping", "host"), ("resolve", "name")])
async def test_what_is_no_host_is_refused(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, name: str, field: str, host: str | float
) -> None:
    """In words, and before the bridge is asked; blanks around one are nothing."""
    await bridge.say("info", info(requests=["ping", "resolve"]))
    with pytest.raises(ServiceValidationError, match="1 to 255 characters") as raised:
        await call(hass, shed, name, **{field: host})
    assert raised.value.translation_key == "no_host"
    assert not bridge.requests
    bridge.answers[name] = document(f"response-{name}")["data"]
    for good in (" example.net ", "2001:db8::1", "x" * 255):
        await call(hass, shed, name, **{field: good})
        assert bridge.requests[-1][1][field] == good.strip()


async def test_the_modem_must_be_there(hass: HomeAssistant, bridge: Bridge) -> None:
    """The actions are there without any modem, and say which one is missing or not set up."""
    assert await async_setup_component(hass, "sim7020", {})
    for entry_id in ("nonsense", entry_of(hass).entry_id):
        with pytest.raises(ServiceValidationError, match=r"not found|not loaded"):
            await call(hass, entry_id, "ping", host="example.net")
    assert not bridge.requests
