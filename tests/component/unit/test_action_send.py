"""Messages are sent by an action, through the socket that is meant, and waited for."""

import asyncio

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.template import Template

from tests.component.unit.kit import (
    Bridge,
    Document,
    call,
    device_id,
    document,
    queued,
)


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


@pytest.mark.parametrize(
    ("state", "key", "says"),
    [
        ("failed", "not_sent", r"\(failed\): .+"),
        ("expired", "not_sent", r"\(expired\): .+"),
        ("superseded", "not_sent_without_reason", r"\(superseded\)$"),
        ("rejected", "not_sent", r"\(rejected\): .+"),
    ],
)
async def test_a_message_that_was_not_sent_is_an_error(
    hass: HomeAssistant, bridge: Bridge, shed: str, *, state: str, key: str, says: str
) -> None:
    """With the state that its final receipt has, and the reason if it has one."""

    def answer(body: Document) -> Document:
        receipt(bridge, body, state)
        return queued(body)

    bridge.answers["send"] = answer
    with pytest.raises(HomeAssistantError, match=says) as raised:
        await call(hass, shed, "send", socket="telemetry", text="1", wait_for_receipt=True)
    assert raised.value.translation_key == key


async def test_a_receipt_that_does_not_come_is_an_error(hass: HomeAssistant, shed: str) -> None:
    """Which says that the bridge goes on trying, and with which message."""
    call_it = call(hass, shed, "send", socket="telemetry", text="1", id="order-7", wait_for_receipt=True, timeout=1)
    with pytest.raises(HomeAssistantError, match="order-7") as raised:
        await call_it
    assert raised.value.translation_key == "no_receipt"


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
