"""Who may use which action."""

import pytest
from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.sim7020.actions import ACTIONS
from tests.component.unit.kit import Bridge, Document, document, info

FOR_ADMINS = [
    pytest.param("sleep", {}, "sleep", True, id="sleep"),
    pytest.param("calibrate", {"used": 1}, "calibrate", True, id="calibrate"),
    pytest.param("wake", {}, "wake", True, id="wake"),
    pytest.param("ping", {"host": "example.net"}, "ping", True, id="ping"),
    pytest.param("resolve", {"name": "example.net"}, "resolve", True, id="resolve"),
    pytest.param("send", {"socket": "telemetry", "text": "1"}, "send", True, id="send"),
    pytest.param("set_apn", {"apn": "iot"}, "set_apn", True, id="apn"),
    pytest.param("at_command", {"command": "AT+CSQ"}, "at", True, id="at"),
    pytest.param("outbox", {"action": "cancel", "id": "1"}, "outbox", True, id="cancel"),
    pytest.param("outbox", {"action": "purge"}, "outbox", True, id="purge"),
    pytest.param("outbox", {}, "outbox", False, id="list"),
    pytest.param("outbox", {"action": "show", "id": "1"}, "outbox", False, id="show"),
]


@pytest.mark.parametrize(("name", "given", "verb", "closed"), FOR_ADMINS)
async def test_what_only_reads_is_for_everybody(
    hass: HomeAssistant,
    bridge: Bridge,
    shed: str,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
    *,
    name: str,
    given: Document,
    verb: str,
    closed: bool,
) -> None:
    """Who may only look has nothing sent, and no modem changed; administrators and automations may do all."""
    await bridge.say("info", info(requests=[verb]))
    if verb != "send":
        bridge.answers[verb] = document(f"response-{verb}")["data"]

    async def call_as(user: str | None) -> None:
        data = {"config_entry_id": shed, **given}
        response = ACTIONS[name].supports_response is SupportsResponse.ONLY
        await hass.services.async_call(
            "sim7020", name, data, blocking=True, context=Context(user_id=user), return_response=response
        )

    with pytest.raises(UnknownUser):
        await call_as("nobody")
    if closed:
        with pytest.raises(Unauthorized):
            await call_as(hass_read_only_user.id)
    else:
        await call_as(hass_read_only_user.id)
    assert bool(bridge.requests) is not closed
    for trusted in (hass_admin_user.id, None):
        before = len(bridge.requests)
        await call_as(trusted)
        assert len(bridge.requests) == before + 1


@pytest.mark.parametrize("hidden", [True, False], ids=["elsewhere", "there"])
@pytest.mark.parametrize(
    ("name", "given", "acting"),
    [
        pytest.param("send", {"socket": "telemetry", "text": "1"}, "notify.sim7020_shed_telemetry_send", id="send"),
        pytest.param("wake", {}, "button.sim7020_shed_refresh", id="wake"),
        pytest.param("outbox", {}, "button.sim7020_shed_ping", id="outbox"),
    ],
)
async def test_who_may_use_the_entities_may_use_the_actions(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, name: str, given: Document, acting: str, hidden: bool
) -> None:
    """A user to whom what acts there is open, and no other; not even one who sees all the rest of the modem."""
    await bridge.say("info", info(requests=["send", "wake", "outbox"]))
    bridge.answers |= {verb: document(f"response-{verb}")["data"] for verb in ("wake", "outbox")}
    entities = {each: True for each in er.async_get(hass).entities if each.startswith("sensor.")}
    user = MockUser().add_to_hass(hass)
    user.mock_policy({"entities": {"entity_ids": entities | ({} if hidden else {acting: True})}})
    data = {"config_entry_id": shed, **given}
    calling = hass.services.async_call("sim7020", name, data, blocking=True, context=Context(user_id=user.id))
    if hidden:
        with pytest.raises(Unauthorized):
            await calling
    else:
        await calling
    assert bool(bridge.requests) is not hidden


async def test_an_ordinary_user_is_told_of_a_socket_that_there_is_not(
    hass: HomeAssistant, bridge: Bridge, shed: str
) -> None:
    """Who may do everything is not said to be without the right."""
    user = MockUser().add_to_hass(hass)
    user.mock_policy({"entities": True})
    data = {"config_entry_id": shed, "socket": "nonsense", "text": "1"}
    with pytest.raises(ServiceValidationError) as raised:
        await hass.services.async_call("sim7020", "send", data, blocking=True, context=Context(user_id=user.id))
    assert raised.value.translation_key == "unknown_socket"
    assert not bridge.requests
