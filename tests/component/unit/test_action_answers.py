"""Actions ask the bridge and return what it answers; a refusal, or a bridge out of reach, is an error."""

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from tests.component.unit.kit import Bridge, Document, call, document, info, refused

ANSWERED = [
    pytest.param("ping", {"host": "example.net", "count": 2}, "ping", "response-ping", id="ping"),
    pytest.param("resolve", {"name": "example.net"}, "resolve", "response-resolve", id="resolve"),
    pytest.param("set_apn", {"apn": "iot", "username": "me", "password": "x"}, "set_apn", "response-set_apn", id="apn"),
    pytest.param("at_command", {"command": "AT+CSQ"}, "at", "response-at", id="at"),
    pytest.param(
        "sleep",
        {"active_time": 60, "edrx_cycle": 81.92, "paging_window": 10.24, "light_sleep": True},
        "sleep",
        "response-sleep",
        id="sleep",
    ),
    pytest.param("sleep", {}, "sleep", "response-sleep", id="no-sleep"),
    pytest.param("wake", {}, "wake", "response-wake", id="wake"),
    pytest.param("calibrate", {"used": 412000}, "calibrate", "response-calibrate", id="calibrate"),
    pytest.param("outbox", {"action": "list", "start": 0, "limit": 10}, "outbox", "response-outbox", id="list"),
    pytest.param("outbox", {"action": "cancel", "id": "1"}, "outbox", "response-outbox-cancel", id="cancel"),
    pytest.param("outbox", {"action": "purge", "socket": "control"}, "outbox", "response-outbox-cancel", id="purge"),
]


@pytest.mark.parametrize(("name", "given", "verb", "golden"), ANSWERED)
async def test_an_answer_is_the_response(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, name: str, given: Document, verb: str, golden: str
) -> None:
    """What the bridge answers is returned as it is."""
    await bridge.say("info", info(requests=[verb]))
    bridge.answers[verb] = document(golden)["data"]
    assert await call(hass, shed, name, **given) == document(golden)["data"]
    ((topic, body),) = bridge.requests
    assert topic == f"sim7020/shed/request/{verb}"
    assert {key: body[key] for key in body if key not in {"transaction", "expires"}} == given


async def test_an_access_point_that_gives_no_connection_is_an_error(
    hass: HomeAssistant, bridge: Bridge, shed: str
) -> None:
    """An automation must not go on as if it had one."""
    await bridge.say("info", info(requests=["set_apn"]))
    golden = document("response-set_apn")["data"]
    bridge.answers["set_apn"] = golden | {"pdn": golden["pdn"] | {"state": "inactive"}}
    with pytest.raises(HomeAssistantError) as raised:
        await call(hass, shed, "set_apn", apn="iot")
    assert raised.value.translation_key == "no_connection"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("unknown_socket", ServiceValidationError),
        ("not_allowed", ServiceValidationError),
        ("too_large", ServiceValidationError),
        ("line_feed", ServiceValidationError),
        ("outbox_full", HomeAssistantError),
        ("busy", HomeAssistantError),
        ("expired", HomeAssistantError),
        ("from_the_future", HomeAssistantError),
    ],
)
async def test_a_refusal_is_wrong_use_or_a_failure(
    hass: HomeAssistant, bridge: Bridge, shed: str, code: str, kind: type[HomeAssistantError]
) -> None:
    """By its code, and translated either way."""
    bridge.answers["send"] = lambda _: refused(code, "it can not be")
    with pytest.raises(HomeAssistantError) as raised:
        await call(hass, shed, "send", socket="telemetry", text="1")
    assert isinstance(raised.value, ServiceValidationError) is (kind is ServiceValidationError)
    assert raised.value.translation_domain == "sim7020"


async def test_nothing_is_sent_while_the_bridge_is_away(hass: HomeAssistant, bridge: Bridge, shed: str) -> None:
    """Nor is it when the bridge is back."""
    await bridge.say("availability", "offline")
    with pytest.raises(HomeAssistantError) as raised:
        await call(hass, shed, "send", socket="telemetry", text="1")
    assert raised.value.translation_key == "bridge_offline"
    await bridge.say("availability", "online")
    assert not bridge.requests


async def test_nothing_is_sent_while_the_broker_is_away(hass: HomeAssistant, bridge: Bridge, shed: str) -> None:
    """Nor is it when the broker is back."""
    await bridge.link(up=False)
    with pytest.raises(HomeAssistantError) as raised:
        await call(hass, shed, "send", socket="telemetry", text="1")
    assert raised.value.translation_key == "broker_unreachable"
    await bridge.link(up=True)
    assert not bridge.requests
