"""What is made of all that is published about a modem and its messages."""

import asyncio
import json
from collections.abc import Callable

import pytest

from sim7020_bridge.demo.stage import BASE, CONTROL, MODEM, SOCKETS, TELEMETRY
from sim7020_bridge.kit.watch.heard import Heard, Modems
from sim7020_bridge.kit.watch.messages import Incoming, Outgoing, readable
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.topics import Topics

TOPICS = Topics(BASE, MODEM)

INFO = {
    "sockets": [
        {
            "name": socket.name,
            "send_topics": [TOPICS.send(socket.name), *socket.send_topics],
            "received_topic": socket.received_topic,
        }
        for socket in SOCKETS
    ]
}


class Told:
    """What a listener on a clock of its own made of what it heard, and the lines that it told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lines: list[tuple[str, str]] = []
        self.modems = Modems(
            BASE, MODEM, seconds=lambda: self.now, tell=lambda _, subject, words: self.lines.append((subject, words))
        )
        self.hear(TOPICS.info, INFO)

    @property
    def modem(self) -> Heard:
        """What was heard of the modem."""
        return self.modems.modem(MODEM)

    def hear(self, topic: str, payload: object) -> None:
        """Have it hear a document, or bytes as they are."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.modems.hear(Received(topic=topic, payload=data))

    def link(self, layer: str, reason: str | None = None) -> None:
        """Have it hear how far the modem is."""
        self.hear(TOPICS.state, {"link": {"layer": layer, "reason": reason, "since": "2026-01-01T00:00:00Z"}})

    def receipt(self, receipt_id: str, state: str, *, final: bool, socket: str = "telemetry", error: str = "") -> None:
        """Have it hear a receipt."""
        document = {"code": "too_large", "message": error} if error else None
        self.hear(TOPICS.receipt(socket), {"id": receipt_id, "state": state, "final": final, "error": document})

    def outgoing(self) -> list[Outgoing]:
        """Return the messages to the sockets."""
        return [message for message in self.modem.messages if isinstance(message, Outgoing)]


@pytest.fixture
def told() -> Told:
    """Start with a listener that knows the sockets and no more."""
    return Told()


def test_a_higher_layer_proves_the_lower_ones(told: Told) -> None:
    """Each layer below the one that is waited for holds since that was heard."""
    told.link("port", "the port is not open yet")
    told.now += 2
    told.link("registration", "searching")
    assert told.modem.layer is Layer.REGISTRATION
    assert told.modem.reached == {Layer.PORT: 2.0, Layer.AT: 2.0, Layer.SIM: 2.0, Layer.RADIO: 2.0}
    assert told.lines == [("modem", "port: the port is not open yet"), ("modem", "registration: searching")]


def test_a_lost_layer_takes_those_above_with_it(told: Told) -> None:
    """What was reached before is forgotten from the lost layer up, and kept below it."""
    told.link("online")
    assert set(told.modem.reached) == set(Layer) - {Layer.SLEEPING}
    told.now += 5
    told.link("radio", "no signal")
    assert set(told.modem.reached) == {Layer.PORT, Layer.AT, Layer.SIM}
    assert set(told.modem.reached.values()) == {0.0}
    assert told.modem.entered == 5.0


def test_the_same_state_again_is_no_news(told: Told) -> None:
    """A state whose link did not change tells nothing."""
    told.link("sim", "busy")
    told.link("sim", "busy")
    assert len(told.lines) == 1


def test_receipts_find_their_messages_in_order(told: Told) -> None:
    """The first receipts of a socket belong to its messages in the order in which these were published."""
    told.hear("greenhouse/temperature", b"one")
    told.hear(TOPICS.send("telemetry"), b"two")
    told.hear("greenhouse/window", b"three")
    told.receipt("a", "queued", final=False)
    told.receipt("b", "queued", final=False)
    told.receipt("b", "accepted", final=True)
    told.receipt("c", "acknowledged", final=True, socket="control")
    found = {message.receipt_id: (message.data, list(message.states), message.final) for message in told.outgoing()}
    assert found == {
        "a": (b"one", ["queued"], False),
        "b": (b"two", ["queued", "accepted"], True),
        "c": (b"three", ["acknowledged"], True),
    }


def test_a_receipt_may_overtake_its_message(told: Told) -> None:
    """A broker that keeps no order between topics still gives one row with message and receipt."""
    told.receipt("a", "queued", final=False)
    told.hear("greenhouse/temperature", b"late")
    (message,) = told.outgoing()
    assert (message.receipt_id, message.topic, message.data) == ("a", "greenhouse/temperature", b"late")


def test_a_message_long_after_a_receipt_is_another_one(told: Told) -> None:
    """A receipt whose message was never heard does not take a later one."""
    told.receipt("a", "accepted", final=True)
    told.now += 10
    told.hear("greenhouse/temperature", b"other")
    assert [message.receipt_id for message in told.outgoing()] == ["a", None]


def test_a_message_sent_by_request_is_shown(told: Told) -> None:
    """What is sent by request has a row of its own with its data."""
    told.hear(TOPICS.request("send"), {"socket": "control", "data_hex": "00ff"})
    told.hear(TOPICS.request("send"), {"socket": "nobody", "data": "x"})
    told.hear(TOPICS.request("send"), b"[")
    assert [(message.socket, message.data) for message in told.outgoing()] == [("control", b"00ff")]


def test_a_message_that_comes_again_is_no_other(told: Told) -> None:
    """The bridge sends nothing for a repetition: the next receipt is another message's."""
    for _ in range(2):
        told.hear(TOPICS.request("send"), {"socket": "control", "id": "once", "data": "a"})
        told.receipt("once", "accepted", final=True, socket="control")
    told.hear(TOPICS.request("send"), {"socket": "control", "id": "of before", "data": "b"})
    told.hear(TOPICS.send("control"), b"c")
    told.receipt("made-up", "accepted", final=True, socket="control")
    assert [(message.data, message.receipt_id, message.final) for message in told.outgoing()] == [
        (b"a", "once", True),
        (b"b", "of before", False),
        (b"c", "made-up", True),
    ]


def test_a_rejected_message_says_why(told: Told) -> None:
    """The reason of a rejection is told and kept."""
    told.hear("greenhouse/temperature", b"x" * 600)
    told.receipt("a", "rejected", final=True, error="too long")
    assert told.outgoing()[0].error == "too long"
    assert told.lines[-1] == ("receipt", "telemetry: rejected: too long")


def test_what_came_back_is_kept_in_order(told: Told) -> None:
    """A stream that came in two parts is two messages of its socket."""
    told.hear("greenhouse/answers", b"The window ")
    told.hear("greenhouse/answers", b"is open")
    received = [(message.socket, message.data) for message in told.modem.messages if isinstance(message, Incoming)]
    assert received == [("control", b"The window "), ("control", b"is open")]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b'{"link": 1}', b'{"link": {"layer": 7}}', b"\xff"])
def test_what_cannot_be_read_is_passed_over(told: Told, payload: bytes) -> None:
    """Any bytes on any topic of the contract leave the picture standing."""
    topics = (TOPICS.state, TOPICS.alert("x"), TOPICS.socket_state("control"), TOPICS.receipt("control"))
    for topic in (*topics, TOPICS.event, TOPICS.request("send"), f"{TOPICS.root}/other"):
        told.hear(topic, payload)
    assert told.modem.layer is None
    assert not list(told.modem.messages)
    told.hear(TOPICS.info, payload)
    assert told.modem.messages.sockets == ()


def test_an_alert_tells_what_to_do(told: Told) -> None:
    """An alert is told with its advice, once, and that it is over."""
    for _ in range(2):
        told.hear(TOPICS.alert("sim_missing"), {"message": "there is no SIM", "advice": "insert one"})
    for _ in range(2):
        told.hear(TOPICS.alert("sim_missing"), b"")
    assert told.lines == [("alert", "there is no SIM. insert one"), ("alert", "resolved: there is no SIM")]


async def test_waiting_ends_with_all_sockets_open(told: Told) -> None:
    """The modem is ready for messages when it is online, the bridge there, and the last socket open."""

    async def ready() -> None:
        await told.modems.until(lambda: told.modem.is_open)

    waiting = asyncio.create_task(ready())
    steps: list[Callable[[], None]] = [
        lambda: told.hear(TOPICS.availability, b"online"),
        lambda: told.link("online"),
        lambda: told.hear(TOPICS.socket_state(TELEMETRY.name), {"phase": "open"}),
        lambda: told.hear(TOPICS.socket_state(CONTROL.name), {"phase": "backoff", "last_error": {"name": "refused"}}),
    ]
    for step in steps:
        step()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
    told.hear(TOPICS.socket_state(CONTROL.name), {"phase": "open"})
    await waiting
    assert ("socket", "control is backoff (refused)") in told.lines


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"21.5", "21.5"),
        ("21.5 °C".encode(), "21.5 °C"),
        (b"\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        (b"a\r\nb", "a\\r\\nb"),
        (b"\xff\x00", "\\xff\\x00"),
        ("\u202eevil".encode(), "\\u202eevil"),
    ],
)
def test_no_payload_harms_the_terminal(data: bytes, text: str) -> None:
    """Control characters and bytes that are no text are written out."""
    assert readable(data) == text
