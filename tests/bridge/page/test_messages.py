"""What is kept of messages: the last of each modem, with every step, in little room."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.delivery.receipts import ReceiptState
from sim7020_bridge.mqtt.documents import ErrorDocument
from sim7020_bridge.outbox.message import Entry, Message, Priority
from sim7020_bridge.page.messages import (
    BEGINNING,
    MOST,
    MOST_OF_ALL,
    MOST_OF_ONE,
    MOST_STEPS,
    SLICE,
    Messages,
    Record,
    readable,
)
from sim7020_bridge.page.pieces import in_json
from tests.bridge.page.memory import memory_traced

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def kept() -> Messages:
    """Return nothing yet."""
    return Messages("shed", lambda: AT)


def message(name: str, data: bytes = b"21.5", **more: Any) -> Message:
    """Return a message for the socket ``udp``."""
    return Message(**{"id": name, "socket": "udp", "data": data, "at": AT, **more})


def receipt(name: str, state: ReceiptState, seconds: float = 0, **more: Any) -> dict[str, Any]:
    """Return a receipt so long after the message."""
    made = {"id": name, "socket": "udp", "state": state, "final": False, "at": AT + timedelta(seconds=seconds)}
    return {**made, "bytes": 4, "attempts": 0, "error": None, **more}


def test_a_message_and_its_steps() -> None:
    """All that a browser shows of a message is there."""
    messages = kept()
    sent = message("m1", ttl=60.0, key="k", priority=Priority.HIGH)
    messages.taken(sent, "sim7020/shed/socket/udp/send")
    messages.receipt(receipt("m1", ReceiptState.QUEUED, 0.001), sent)
    messages.receipt(receipt("m1", ReceiptState.SENDING, 1, attempts=1), sent)
    record = messages.receipt(receipt("m1", ReceiptState.ACCEPTED, 2.5, attempts=1, final=True), sent)
    assert record is not None
    assert messages.document(record) == {
        "modem": "shed",
        "n": 1,
        "direction": "up",
        "id": "m1",
        "socket": "udp",
        "topic": "sim7020/shed/socket/udp/send",
        "at": "2026-11-30T12:00:00.000Z",
        "bytes": 4,
        "text": "21.5",
        "hex": "32312e35",
        "cut": False,
        "state": "accepted",
        "final": True,
        "attempts": 1,
        "steps": [
            {"state": "queued", "at": "2026-11-30T12:00:00.000Z"},
            {"state": "sending", "at": "2026-11-30T12:00:01.000Z"},
            {"state": "accepted", "at": "2026-11-30T12:00:02.500Z"},
        ],
        "error": None,
        "key": "k",
        "priority": "high",
        "expires": "2026-11-30T12:01:00.000Z",
    }


def test_the_end_stays_the_end() -> None:
    """Steps that are told after the end, as interim receipts may be, are put before it and change nothing else."""
    messages = kept()
    sent = message("m1")
    messages.taken(sent, "t")
    record = messages.receipt(receipt("m1", ReceiptState.ACCEPTED, 2, attempts=1, final=True), sent)
    assert record is not None
    for state in (ReceiptState.QUEUED, ReceiptState.SENDING):
        assert messages.receipt(receipt("m1", state, 3), sent) is record
    told = messages.document(record)
    assert (told["state"], told["final"], told["attempts"]) == ("accepted", True, 1)
    assert told["steps"] == [
        {"state": "queued", "at": "2026-11-30T12:00:00.000Z"},
        {"state": "sending", "at": "2026-11-30T12:00:02.000Z"},
        {"state": "accepted", "at": "2026-11-30T12:00:02.000Z"},
    ]


def test_a_message_that_is_not_taken() -> None:
    """What came is shown as it came, with the reason."""
    messages = kept()
    messages.refused("m1", "udp", "t", b"zz")
    error = ErrorDocument("invalid_hex", "no hex")
    record = messages.receipt(receipt("m1", ReceiptState.REJECTED, final=True, error=error), None)
    assert record is not None
    document = messages.document(record)
    assert (document["state"], document["text"], document["topic"]) == ("rejected", "zz", "t")
    assert document["error"] == {"code": "invalid_hex", "message": "no hex"}
    assert document["priority"] is None
    assert messages.receipt(receipt("unheard of", ReceiptState.REJECTED), None) is None


def test_what_came_from_the_network() -> None:
    """It has no id and one step, and bytes that are no text are none."""
    messages = kept()
    document = messages.document(messages.delivered("udp", b"\x00\xff", "t"))
    assert (document["direction"], document["id"], document["state"]) == ("down", None, "received")
    assert (document["text"], document["hex"], document["final"]) == (None, "00ff", True)


def test_what_waited_before_the_start() -> None:
    """It is there, once, whoever tells of it first."""
    messages = kept()
    first = messages.found(Entry(1, message("m1"), 0.0, attempts=3))
    assert first is not None
    assert messages.document(first)["attempts"] == 3
    assert messages.found(Entry(1, message("m1"), 0.0)) is None
    assert messages.receipt(receipt("m1", ReceiptState.SENDING, attempts=4), message("m1")) is first
    assert len(messages) == 1


async def found(messages: Messages, **filters: Any) -> list[Record]:
    """Return what is found."""
    return [record async for record in messages.find(**filters)]


async def test_an_id_that_is_used_again() -> None:
    """Another message of the same id, which is sent again after a day, is another one."""
    messages = kept()
    for _ in range(2):
        messages.taken(message("m1"), "t")
        messages.receipt(receipt("m1", ReceiptState.ACCEPTED, final=True), message("m1"))
    assert [record.number for record in await found(messages)] == [2, 1]


async def test_filters() -> None:
    """Socket, states, text in payload, id or topic, digits of the payload, and all before one."""
    messages = kept()
    messages.taken(message("m1", b"Hello"), "greenhouse/a")
    messages.taken(message("m2", b"\x01\xfe", socket="tcp"), None)
    messages.delivered("udp", "GRÜN".encode(), "t")

    async def numbers(**filters: Any) -> list[int]:
        return [record.number for record in await found(messages, **filters)]

    assert await numbers() == [3, 2, 1]
    assert await numbers(socket="udp") == [3, 1]
    assert await numbers(states=frozenset({"queued"})) == [2, 1]
    assert await numbers(text="hELLO") == await numbers(text="greenhouse") == await numbers(text="M1") == [1]
    assert await numbers(text="01fe") == [2]
    assert await numbers(text="grün") == [3]
    assert await numbers(before=3, socket="udp") == [1]
    assert messages.get(2) is not None
    assert messages.get(4) is None
    for name, socket, code in (("m1", "udp", "cancelled"), ("m2", "tcp", "socket_lost")):
        error = ErrorDocument(code, "words")
        failed = receipt(name, ReceiptState.FAILED, final=True, error=error, socket=socket)
        messages.receipt(failed, message(name, socket=socket))
    assert await numbers(states=frozenset({"cancelled"})) == [1]
    assert await numbers(states=frozenset({"failed"})) == [2]


def test_long_payload() -> None:
    """A list has the beginning of one, a closer look all that is kept."""
    messages = kept()
    record = messages.delivered("udp", "ä".encode() * 3000, "t")
    listed, whole = messages.document(record), messages.document(record, whole=True)
    assert (len(str(listed["hex"])), len(str(listed["text"])), listed["cut"]) == (2 * BEGINNING, 400, True)
    assert (len(str(whole["hex"])), len(str(whole["text"])), whole["cut"]) == (2 * MOST_OF_ONE, 2048, True)
    assert whole["bytes"] == 6000


def test_only_the_last_are_kept_and_in_little_room() -> None:
    """However many come, and however long they are: what is kept has a bound, and the newest are whole."""
    messages = kept()
    with memory_traced() as held:
        for number in range(3 * MOST):
            name = f"{number:032x}"
            messages.taken(message(name, number.to_bytes(2, "big") * 3000), "greenhouse/a")
            for state in (ReceiptState.SENDING, ReceiptState.ACCEPTED):
                messages.receipt(receipt(name, state, attempts=1), message(name))
        size = held()
    assert len(messages) == MOST
    assert len(messages._by_name) == MOST
    assert size < MOST_OF_ALL + 600 * 1024
    newest = messages.get(3 * MOST)
    assert newest is not None
    assert len(newest.data) == MOST_OF_ONE
    assert messages._bytes == sum(len(record.data) for record in messages._records) <= MOST_OF_ALL


def test_whatever_others_choose_is_kept_in_little_room() -> None:
    """Topic, socket, id, key and an error's words may be as long as MQTT bears; what is kept of them has a bound."""
    messages = kept()
    long = "\U0001f600" * 16_000

    def come(number: int) -> None:
        name, socket, topic = (f"{number}{what}{long}" for what in ("id", "socket", "topic"))
        if number % 2:
            messages.taken(message(name, socket=socket, key=long), topic)
        else:
            messages.refused(name, socket, topic, b"x", 5000)
        error = ErrorDocument("unknown_socket", f"there is no socket {socket}")
        told = {**receipt(name, ReceiptState.REJECTED, error=error, final=True), "socket": socket}
        record = messages.receipt(told, None)
        assert record is not None
        assert len(in_json(messages.document(record, whole=True))) < 5000

    with memory_traced() as held:
        for number in range(2 * MOST):
            come(number)
        size = held()
    assert size < MOST * 5000
    assert len(messages._by_name) == MOST
    assert len(messages._names) <= MOST
    newest = messages.get(2 * MOST)
    assert newest is not None
    document = messages.document(newest)
    assert (document["bytes"], document["cut"]) == (4, False)
    assert str(document["topic"]).endswith("…")


@given(st.lists(st.integers(0, 9000), max_size=60))
def test_the_room_of_all_is_bounded(sizes: list[int]) -> None:
    """Whatever the lengths, and in whichever order they come."""
    messages = kept()
    for size in sizes:
        record = messages.delivered("udp", bytes(size), "t")
        assert len(record.data) == min(size, MOST_OF_ONE)
        assert messages._bytes == sum(len(each.data) for each in messages._records) <= MOST_OF_ALL


def test_a_message_that_is_tried_for_long() -> None:
    """The first steps and the last are kept."""
    messages = kept()
    sent = message("m1")
    record = messages.taken(sent, "t")
    for number in range(100):
        state = ReceiptState.QUEUED if number % 2 else ReceiptState.SENDING
        messages.receipt(receipt("m1", state, number + 1), sent)
    steps: Any = messages.document(record)["steps"]
    assert len(steps) == MOST_STEPS
    assert [step["at"][-7:-1] for step in (steps[0], steps[1], steps[-1])] == ["00.000", "01.000", "40.000"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"a\tb\r\n", "a\tb\r\n"),
        (b"\x1b[31m", None),
        (b"\xff", None),
        ("<script>漢".encode(), "<script>漢"),
        ("\u202e".encode(), None),
    ],
)
def test_what_a_person_can_read(data: bytes, text: str | None) -> None:
    """What would act upon a terminal, or turn a line around, is no text."""
    assert readable(data) == text


def test_text_that_is_cut_in_mid_character() -> None:
    """Half a character at the end makes no rubbish of the rest."""
    assert readable("aä".encode()[:-1], cut=True) == "a"
    assert readable("aä".encode()[:-1]) is None


async def test_outlines() -> None:
    """What became of a message can be told without what was in it."""
    messages = Messages("shed", lambda: AT)
    messages.delivered("data", b"secret", "sim7020/shed/socket/data/received")
    [outline] = await messages.outlines()
    assert (outline["state"], outline["bytes"], outline["topic"]) == (
        "received",
        6,
        "sim7020/shed/socket/data/received",
    )
    assert "secret" not in str(outline)
    assert b"secret".hex() not in str(outline)


async def test_outlines_of_many_keep_nobody_waiting() -> None:
    """What they are made of is taken in pieces."""
    messages = kept()
    for number in range(MOST):
        messages.taken(message(f"m{number}"), "t")
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    assert len(await messages.outlines()) == MOST
    beside.cancel()
    assert turns >= MOST // SLICE


def test_topics_that_come_once_are_not_kept() -> None:
    """Whoever publishes to ever new topics takes no more room than others."""
    messages = kept()
    for number in range(3 * MOST):
        record = messages.taken(message(f"m{number}"), f"topic/{number}")
        assert record.topic == f"topic/{number}"
    assert len(messages._names) <= MOST
