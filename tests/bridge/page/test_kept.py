"""Messages over restarts: what is written with each minute, what is there again, and what became of the rest."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.delivery.receipts import ReceiptState
from sim7020_bridge.mqtt.documents import ErrorDocument
from sim7020_bridge.outbox.message import Entry, Priority
from sim7020_bridge.page.history import History
from sim7020_bridge.page.kept import dumped, loaded
from sim7020_bridge.page.messages import APART, BEGINNING, MOST, MOST_OF_ALL, MOST_OF_ONE, Messages, Record
from tests.bridge.page.test_history import ROW
from tests.bridge.page.test_messages import AT, found, kept, message, receipt

NOW = int(AT.timestamp() * 1000)


async def write(history: History, messages: Messages) -> bool:
    """Write a minute with what has changed."""
    return await history.keep({"shed": ROW}, {}, {"shed": messages.changes()})


async def after_restart(file: Path) -> Messages:
    """Return the messages of another run."""
    history = History(file, ["shed"])
    messages = kept()
    messages.recall(await history.recall("shed"))
    await history.close()
    return messages


async def listed(messages: Messages) -> list[dict[str, Any]]:
    """Return what a browser is shown of all."""
    return [messages.document(record, whole=True) for record in await found(messages)]


def of_the_file(file: Path, what: str) -> Any:
    """Return something of all messages in the file."""
    with sqlite3.connect(file) as connection:
        value = connection.execute(f"SELECT {what} FROM message").fetchone()[0]  # noqa: S608 - our own words
    connection.close()
    return value


def modes(directory: Path) -> set[int]:
    """Return who may do what with the files."""
    return {each.stat().st_mode & 0o777 for each in directory.iterdir()}


async def test_messages_come_back(tmp_path: Path) -> None:
    """All of each, as it was in the last commit, whatever bytes and half characters there are in it."""
    history = History(tmp_path / "h", ["shed"])
    messages = kept()
    sent = message("m\ud83d1", b"\x00\xff", ttl=60.0, key="k", priority=Priority.HIGH)
    messages.taken(sent, "t\0ä")
    assert await write(history, messages)
    error = ErrorDocument("unsure", "nobody knows")
    messages.receipt(receipt(sent.id, ReceiptState.FAILED, 2, attempts=1, final=True, error=error), sent)
    messages.delivered("udp", b"x" * 5000, "t")
    messages.refused("m2", "udp", "t", b"zz", 7)
    await write(history, messages)
    await history.close()
    again = await after_restart(tmp_path / "h")
    assert await listed(again) == await listed(messages)
    assert (tmp_path / "h").stat().st_mode & 0o777 == 0o600


async def test_a_file_that_others_could_read(tmp_path: Path) -> None:
    """It has payload in it, and is the bridge's user's alone from then on."""
    file = tmp_path / "h"
    file.touch()
    file.chmod(0o644)
    history = History(file, ["shed"])
    await write(history, kept())
    assert modes(tmp_path) == {0o600}
    await history.close()


async def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """With the minute's row, in its commit; and again if it could not be."""
    file = tmp_path / "h"
    history = History(file, ["shed"])
    messages = kept()
    messages.taken(message("m1"), "t")
    messages.taken(message("m2"), "t")
    counter = sqlite3.connect(file)
    await write(history, messages)
    before = counter.execute("PRAGMA data_version").fetchone()[0]
    messages.receipt(receipt("m2", ReceiptState.SENDING), None)
    changes = messages.changes()
    assert [record.id for record in changes.records] == ["m2"]
    await history.keep({"shed": ROW}, {}, {"shed": changes})
    assert counter.execute("PRAGMA data_version").fetchone()[0] == before + 1
    counter.close()
    assert messages.changes().records == []
    messages.not_kept(changes)
    assert [record.id for record in messages.changes().records] == ["m2"]
    await history.close()


async def test_a_minute_that_can_t_be_written(tmp_path: Path) -> None:
    """Whoever writes is told, and the file has it with the next one."""
    (tmp_path / "h").mkdir()
    history = History(tmp_path / "h", ["shed"])
    messages = kept()
    messages.taken(message("m1"), "t")
    assert await history.recall("shed") == ()
    assert not await write(history, messages)
    await history.close()


async def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    """As it is in memory: 500 of them, and so many bytes of payload, whole for the newest."""
    file = tmp_path / "h"
    history = History(file, ["shed"])
    messages = kept()
    for number in range(3 * MOST):
        messages.delivered("udp", bytes(MOST_OF_ONE), "t")
        if number % 70 == 0:
            await write(history, messages)
    await write(history, messages)
    await history.close()
    assert of_the_file(file, "count(*)") == MOST
    assert of_the_file(file, "sum(length(data))") <= MOST_OF_ALL
    again = await after_restart(file)
    assert [len(record.data) for record in await found(again)] == [len(record.data) for record in await found(messages)]
    assert again._bytes == sum(len(record.data) for record in again._records)
    newest = again.delivered("udp", bytes(MOST_OF_ONE), "t")
    assert (len(again), len(newest.data)) == (MOST, MOST_OF_ONE)
    assert again._bytes == sum(len(record.data) for record in again._records) <= MOST_OF_ALL
    assert {len(record.data) for record in again._records} == {BEGINNING, MOST_OF_ONE}


async def test_numbers_grow_over_restarts(tmp_path: Path) -> None:
    """An address of a message is no other one's: after a kill, with a clock that went back, and in a new file."""
    file = tmp_path / "h"
    history = History(file, ["shed"])
    messages = kept()
    messages.recall(())
    messages.taken(message("m1"), "t")
    await write(history, messages)
    lost = [messages.taken(message(f"lost{number}"), "t").number for number in range(10)]
    assert lost[0] == NOW + 2
    await history.close()
    again = Messages("shed", lambda: AT - timedelta(days=9000))
    history = History(file, ["shed"])
    again.recall(await history.recall("shed"))
    await history.close()
    assert again.get(NOW + 1) is not None
    assert again.taken(message("m2"), "t").number == NOW + 1 + APART + 1 > lost[-1]


async def test_what_a_clock_that_was_wrong_numbered(tmp_path: Path) -> None:
    """Those that could not be read, and have greater numbers than there are now, don't stay for ever."""
    file = tmp_path / "h"
    history = History(file, ["shed"])
    far = Messages("shed", lambda: AT + timedelta(days=9000))
    far.recall(())
    far.taken(message("m1"), "t")
    await write(history, far)
    messages = kept()
    messages.recall(())
    messages.taken(message("m2"), "t")
    await write(history, messages)
    await history.close()
    assert of_the_file(file, "count(*)") == 1


async def restored(tmp_path: Path, *states: ReceiptState) -> Messages:
    """Return the messages of a run that was killed, whose last was ``m1``, which had come to these states."""
    history = History(tmp_path / "h", ["shed"])
    messages = kept()
    messages.taken(message("m1"), "t")
    for state in states:
        messages.receipt(receipt("m1", state, 1, attempts=1), None)
    await write(history, messages)
    await history.close()
    return await after_restart(tmp_path / "h")


async def test_a_message_that_still_waits(tmp_path: Path) -> None:
    """It goes on, and stands in the list once."""
    messages = await restored(tmp_path, ReceiptState.SENDING)
    assert messages.found(Entry(1, message("m1"), 0.0, attempts=1)) is None
    assert messages.found_all() == []
    record = messages.receipt(receipt("m1", ReceiptState.ACCEPTED, 5, attempts=2, final=True), message("m1"))
    assert record is not None
    assert len(messages) == 1
    told = messages.document(record)
    assert [step["state"] for step in _steps(told)] == ["queued", "sending", "accepted"]
    assert told["topic"] == "t"
    assert [each.number for each in messages.changes().records] == [record.number]


def _steps(document: dict[str, Any]) -> Sequence[dict[str, str]]:
    steps: Sequence[dict[str, str]] = document["steps"]
    return steps


async def test_a_message_whose_end_nobody_wrote_down(tmp_path: Path) -> None:
    """It says so, after the steps that are known, and can't be taken for one that waits."""
    messages = await restored(tmp_path, ReceiptState.SENDING)
    [record] = messages.found_all()
    told = messages.document(record)
    assert (told["state"], told["final"]) == ("unknown", True)
    assert [step["state"] for step in _steps(told)] == ["queued", "sending", "unknown"]
    assert messages.found_all() == []
    assert [each.number for each in messages.changes().records] == [record.number]


async def test_a_message_that_many_others_pushed_out(tmp_path: Path) -> None:
    """It has no end to be told: nobody sees it any more."""
    messages = await restored(tmp_path)
    for number in range(MOST):
        messages.taken(message(f"n{number}"), "t")
    assert messages.found_all() == []


async def test_a_message_whose_end_comes_first(tmp_path: Path) -> None:
    """Its receipt is told before all that waits is known, and is its end."""
    messages = await restored(tmp_path)
    messages.receipt(receipt("m1", ReceiptState.EXPIRED, 5, final=True), message("m1"))
    assert messages.found_all() == []
    assert [record.state for record in await found(messages)] == ["expired"]


async def test_an_id_that_came_again_before_the_kill(tmp_path: Path) -> None:
    """Another message of an id that had its end is another one, though it was not yet written down."""
    messages = await restored(tmp_path)
    messages.receipt(receipt("m1", ReceiptState.ACCEPTED, final=True), None)
    assert messages.found(Entry(1, message("m1"), 0.0)) is None
    later = message("m1", at=AT + timedelta(days=2))
    assert messages.found(Entry(2, later, 0.0)) is not None
    assert len(messages) == 2


async def test_messages_of_a_modem_that_is_gone(tmp_path: Path) -> None:
    """They are deleted, as its rows are."""
    await restored(tmp_path)
    history = History(tmp_path / "h", ["roof"])
    assert await history.recall("roof") == []
    await history.close()
    assert of_the_file(tmp_path / "h", "count(*)") == 0


@pytest.mark.parametrize(
    "change",
    [
        "record = 'x'",
        "record = '[]'",
        "record = '{}'",
        "data = 1",
        "data = zeroblob(5000)",
        "n = -1",
        "record = zeroblob(100000)",
        *(f"record = json_set(record, '$.{name}', json('{value}'))" for name, value in (
            ("socket", "null"), ("steps", "[]"), ("steps", '[["odd", 1]]'), ("steps", '[["queued", 1e300]]'),
            ("steps", "[1]"), ("at", "-1"), ("at", "true"), ("size", "-1"), ("error", "[1]"), ("error", '["a", 1]'),
            ("attempts", '"1"'), ("key", "[]"), ("expires", '"x"'),
        )),
    ],
)  # fmt: skip
async def test_a_file_that_somebody_changed(tmp_path: Path, change: str) -> None:
    """What is no message is left out, and the others are there."""
    file = tmp_path / "h"
    history = History(file, ["shed"])
    messages = kept()
    messages.taken(message("m1"), "t")
    messages.taken(message("m2"), "t")
    await write(history, messages)
    await history.close()
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE message SET {change} WHERE n = 1")  # noqa: S608 - our own words
    connection.close()
    again = await after_restart(file)
    assert [each["id"] for each in await listed(again)] == ["m2"]


TEXTS = st.text(st.characters(), max_size=128)


@given(name=TEXTS, topic=st.none() | TEXTS, data=st.binary(max_size=5000), number=st.integers(1, 10**13))
def test_any_message_comes_back(name: str, topic: str | None, data: bytes, number: int) -> None:
    """Whatever others chose."""
    messages = kept()
    record = messages.taken(message(name, data, key=name), topic)
    record.number = number
    again = loaded(number, record.data, dumped(record))
    assert messages.document(again, whole=True) == messages.document(record, whole=True)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=9))
def test_any_json(value: object) -> None:
    """It is a message or none, and raises nothing else."""
    messages = kept()
    whole = json.loads(dumped(messages.taken(message("m1"), "t")))
    for name in whole:
        try:
            record: Record = loaded(1, b"", json.dumps({**whole, name: value}))
        except ValueError:
            continue
        messages.document(record)


async def test_a_slow_disk_holds_up_nobody(tmp_path: Path) -> None:
    """Five hundred messages are written by the thread: the event loop waits for none of them."""
    messages = kept()
    for number in range(MOST):
        messages.taken(message(f"m{number}", bytes(BEGINNING)), "t")
    history = History(tmp_path / "h", ["shed"])
    await history.recall("shed")
    other = sqlite3.connect(tmp_path / "h", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    keeping = history.keep({"shed": ROW}, {}, {"shed": messages.changes()})
    assert not keeping.done()
    other.execute("ROLLBACK")
    other.close()
    assert await keeping
    await history.close()
