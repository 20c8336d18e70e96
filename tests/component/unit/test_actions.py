"""Actions ask the bridge, return what came of it, and say in the user's words what went wrong."""

import asyncio
from typing import Any

import probatio
import pytest
from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.template import Template
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.sim7020.actions import ACTIONS
from tests.component.unit.kit import Bridge, Document, device_id, document, entry_of, info, ok, refused, set_up

QUEUED: Document = {"socket": "telemetry", "state": "queued"}


async def call(hass: HomeAssistant, entry_id: str, action: str, /, **data: object) -> Document:
    """Call an action and return its response."""
    response = await hass.services.async_call(
        "sim7020", action, {"config_entry_id": entry_id, **data}, blocking=True, return_response=True
    )
    assert isinstance(response, dict)
    return dict(response)


def queued(body: Document) -> Document:
    """Answer as a bridge does that took the message."""
    return ok(QUEUED | {"id": body["id"]})


@pytest.fixture
async def shed(hass: HomeAssistant, bridge: Bridge) -> str:
    """Return the config entry of a modem that is set up; its bridge takes every request."""
    bridge.serve()
    bridge.answers["send"] = queued
    return (await set_up(hass)).entry_id


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param({"text": "Grüße, 你好"}, {"data": "Grüße, 你好"}, id="text"),
        pytest.param({"hex": "00 ff 1A"}, {"data_hex": "00 ff 1A"}, id="hex"),
        pytest.param({"base64": "AP8a"}, {"data_base64": "AP8a"}, id="base64"),
        pytest.param(
            {"text": "1", "ttl": 90, "priority": "high", "key": "temperature", "id": "order-7"},
            {"data": "1", "ttl": 90.0, "priority": "high", "key": "temperature", "id": "order-7"},
            id="all",
        ),
        pytest.param({"text": "1", "ttl": "0.5"}, {"data": "1", "ttl": 0.5}, id="ttl-fraction"),
        pytest.param({"text": "1", "ttl": 31622400}, {"data": "1", "ttl": 31622400}, id="ttl-longest"),
    ],
)
async def test_a_message_is_sent(
    hass: HomeAssistant, bridge: Bridge, shed: str, given: Document, sent: Document
) -> None:
    """As the contract has it, and the response names the message."""
    response = await call(hass, shed, "send", socket="telemetry", **given)
    ((topic, body),) = bridge.requests
    assert topic == "sim7020/shed/request/send"
    assert set(body) == {"socket", "id", "transaction", "expires", *sent}
    assert body | sent == body
    assert response | {"id": body["id"], "socket": "telemetry", "state": "queued", "final": False} == response


async def test_an_action_may_be_called_without_a_response(hass: HomeAssistant, bridge: Bridge, shed: str) -> None:
    """As most automations do."""
    data = {"config_entry_id": shed, "socket": "telemetry", "text": "hello"}
    await hass.services.async_call("sim7020", "send", data, blocking=True)
    assert len(bridge.requests) == 1


def receipt(bridge: Bridge, body: Document, example: str) -> None:
    """Tell a message's receipt as a golden example has it."""
    told = document(f"receipt-{example}") | {"id": body["id"], "socket": body["socket"]}
    bridge.publish(f"socket/{body['socket']}/receipt", told, retain=False)


@pytest.mark.parametrize(
    ("socket", "receipts", "state"),
    [
        pytest.param("telemetry", ("queued", "sending", "udp-accepted"), "accepted", id="udp"),
        pytest.param("control", ("queued", "sending", "tcp-accepted", "tcp-acknowledged"), "acknowledged", id="tcp"),
    ],
)
async def test_the_final_receipt_is_waited_for(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, socket: str, receipts: tuple[str, ...], state: str
) -> None:
    """And what it says is the response."""

    def answer(body: Document) -> Document:
        for each in receipts:
            bridge.publish("socket/telemetry/receipt", document(f"receipt-{each}") | {"id": "other"}, retain=False)
            receipt(bridge, body, each)
        return queued(body)

    bridge.answers["send"] = answer
    response = await call(hass, shed, "send", socket=socket, text="1", wait_for_receipt=True)
    golden = document(f"receipt-{receipts[-1]}")
    assert (response["state"], response["final"], response["socket"]) == (state, True, socket)
    assert (response["bytes"], response["attempts"]) == (golden["bytes"], golden["attempts"])


@pytest.mark.parametrize("state", ["failed", "expired", "superseded", "rejected"])
async def test_a_message_that_was_not_sent_is_an_error(
    hass: HomeAssistant, bridge: Bridge, shed: str, state: str
) -> None:
    """With the state that its final receipt has."""

    def answer(body: Document) -> Document:
        receipt(bridge, body, state)
        return queued(body)

    bridge.answers["send"] = answer
    with pytest.raises(HomeAssistantError, match=state) as raised:
        await call(hass, shed, "send", socket="telemetry", text="1", wait_for_receipt=True)
    assert raised.value.translation_key == "not_sent"


async def test_a_receipt_that_does_not_come_is_an_error(hass: HomeAssistant, shed: str) -> None:
    """Which says that the bridge goes on trying, and with which message."""
    call_it = call(hass, shed, "send", socket="telemetry", text="1", id="order-7", wait_for_receipt=True, timeout=1)
    with pytest.raises(HomeAssistantError, match="order-7") as raised:
        await call_it
    assert raised.value.translation_key == "no_receipt"


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


async def test_a_message_that_was_taken_before_is_not_waited_for(
    hass: HomeAssistant, bridge: Bridge, shed: str
) -> None:
    """It has no receipt; whoever does not wait is told in the response."""
    bridge.answers["send"] = document("response-send-repeated")["data"]
    with pytest.raises(HomeAssistantError, match="order-7") as raised:
        await call(hass, shed, "send", socket="telemetry", text="1", id="order-7", wait_for_receipt=True)
    assert raised.value.translation_key == "repeated"
    response = await call(hass, shed, "send", socket="telemetry", text="1", id="order-7")
    assert (response["state"], response["repeated"]) == ("queued", True)


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
    "target",
    [
        pytest.param({"device_id": "the socket's"}, id="device"),
        pytest.param({"entity_id": "notify.sim7020_shed_control_send"}, id="notifier"),
        pytest.param({"entity_id": ["event.sim7020_shed_control_received_message"]}, id="another-entity"),
    ],
)
async def test_a_socket_can_be_the_target(
    hass: HomeAssistant, bridge: Bridge, shed: str, target: dict[str, object]
) -> None:
    """Its device, or any of its entities; then neither the modem nor a name has to be given."""
    assert shed
    if "device_id" in target:
        target = {"device_id": device_id(hass, "control")}
    await hass.services.async_call("sim7020", "send", {"text": "1"}, target=target, blocking=True)
    ((topic, body),) = bridge.requests
    assert (topic, body["socket"]) == ("sim7020/shed/request/send", "control")


@pytest.mark.parametrize(
    ("target", "given"),
    [
        pytest.param({"entity_id": "sensor.sim7020_shed_connection"}, {}, id="modem"),
        pytest.param({"entity_id": "sun.sun"}, {}, id="stranger"),
        pytest.param(
            {"entity_id": ["notify.sim7020_shed_control_send", "notify.sim7020_shed_telemetry_send"]}, {}, id="two"
        ),
        pytest.param({"entity_id": "notify.sim7020_shed_control_send"}, {"socket": "control"}, id="twice"),
        pytest.param({}, {"socket": "control"}, id="no-modem"),
    ],
)
async def test_what_is_not_one_socket_is_no_target(
    hass: HomeAssistant, bridge: Bridge, shed: str, target: dict[str, object], given: Document
) -> None:
    """A message goes through one socket."""
    assert shed
    with pytest.raises(ServiceValidationError) as raised:
        await hass.services.async_call("sim7020", "send", {"text": "1", **given}, target=target, blocking=True)
    assert raised.value.translation_key == "one_socket"
    assert not bridge.requests


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
    ("template", "sent"),
    [
        pytest.param("{{ '%04x' | format(4660) }}", "1234", id="a-number-for-home-assistant"),
        pytest.param("{{ '%04x' | format(258) }}", "0102", id="leading-zero"),
        pytest.param("{{ '1e10' }}", "1e10", id="exponent"),
    ],
)
async def test_hexadecimal_digits_by_template_are_sent(
    hass: HomeAssistant, bridge: Bridge, shed: str, template: str, sent: str
) -> None:
    """Also where all of them are decimal, which makes a number of them."""
    await call(hass, shed, "send", socket="telemetry", hex=Template(template, hass).async_render())
    assert bridge.requests[-1][1]["data_hex"] == sent


@pytest.mark.parametrize("host", ["", "  ", "two words", "x" * 256, 'a"b', "a\\b", "münchen.example", "a\nb"])
@pytest.mark.parametrize(("name", "field"), [("ping", "host"), ("resolve", "name")])
async def test_what_is_no_host_is_refused(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, name: str, field: str, host: str
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


async def test_the_modem_must_be_there(hass: HomeAssistant, bridge: Bridge) -> None:
    """The actions are there without any modem, and say which one is missing or not set up."""
    assert await async_setup_component(hass, "sim7020", {})
    for entry_id in ("nonsense", entry_of(hass).entry_id):
        with pytest.raises(ServiceValidationError, match=r"not found|not loaded"):
            await call(hass, entry_id, "ping", host="example.net")
    assert not bridge.requests


async def test_two_messages_wait_for_their_own_receipts(hass: HomeAssistant, bridge: Bridge, shed: str) -> None:
    """However the receipts overtake each other."""
    bodies: list[Document] = []

    def answer(body: Document) -> Document:
        bodies.append(body)
        if len(bodies) == 2:
            for each in reversed(bodies):
                receipt(bridge, each, "udp-accepted")
        return queued(body)

    bridge.answers["send"] = answer
    first, second = await asyncio.gather(
        *(
            call(hass, shed, "send", socket="telemetry", text=text, id=text, wait_for_receipt=True)
            for text in ("first", "second")
        )
    )
    assert (first["id"], second["id"]) == ("first", "second")
