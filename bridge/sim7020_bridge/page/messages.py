"""The last messages of a modem, up and down, with each step that they took."""

import asyncio
import codecs
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sim7020_bridge.clock import rfc3339
from sim7020_bridge.delivery.receipts import ReceiptState
from sim7020_bridge.outbox.message import LONGEST_ID, Entry, Message, Priority
from sim7020_bridge.page.pieces import cut

MOST: Final = 500
"""Messages that are kept."""

LATEST: Final = 10**13
"""The greatest number that a clock may make, which is some centuries away."""

MOST_OF_ONE: Final = 4096
"""Bytes of a payload that are kept."""

MOST_OF_ALL: Final = 256 * 1024
"""Bytes of all payloads that are kept whole; of older ones only the beginning is."""

BEGINNING: Final = 256
"""Bytes of a payload that a list shows."""

LONGEST_TEXT: Final = 400
"""Characters of a payload that a list shows."""

LONGEST_TOPIC: Final = 256
"""Characters of a topic that are kept."""

LONGEST_ERROR: Final = 300
"""Characters of an error's words that are kept."""

MOST_STEPS: Final = 16
"""Steps that are kept of a message that is tried for long: the first and the last."""

RECEIVED: Final = "received"

CANCELLED: Final = "cancelled"

UNKNOWN: Final = "unknown"
"""The end of a message of which an earlier run, which was killed, told no more, and which does not wait either."""

STATES: Final = (*map(str, ReceiptState), RECEIVED, UNKNOWN)

APART: Final = 100_000
"""Numbers that are left out at a start: an earlier run that was killed may have given them to messages not kept."""

SLICE: Final = 25
"""Messages that are looked at before others have their turn."""

_HEXADECIMAL: Final = frozenset("0123456789abcdef")
_STEP: Final = struct.Struct("<Bd")
_BLANKS: Final = str.maketrans("\t\r\n", "   ")
_PRIORITIES: Final = {priority: priority.name.lower() for priority in Priority}


_PAYLOAD: Final = frozenset({"text", "hex", "cut"})


@dataclass(slots=True, eq=False)
class Record:
    """A message as it is kept, a few hundred bytes beside its payload: of what others chose only the beginning.

    Args:
        number: Its place in the order of all, which another run goes on with.
        socket: The socket's name.
        id: The sender's or the bridge's; None for what came from the network.
        topic: Where it was published; None if that is not known.
        at: When it was taken, in seconds since 1970.
        size: Bytes of the whole payload.
        data: What is kept of it.
        steps: States and when they began, packed.
        final: Whether the last one is the end.
        attempts: How often it was given to the module.
        error: Code and words.
        key: The sender's.
        priority: In words; None for what came from the network or is not taken.
        expires: When it is not worth sending any more, in seconds since 1970.
    """

    number: int
    socket: str
    id: str | None
    topic: str | None
    at: float
    size: int
    data: bytes
    steps: bytes = b""
    final: bool = False
    attempts: int = 0
    error: tuple[str, str] | None = None
    key: str | None = None
    priority: str | None = None
    expires: float | None = None

    @property
    def state(self) -> str:
        """The last step."""
        return STATES[self.steps[-_STEP.size]]

    @property
    def sort(self) -> str:
        """What it is looked for by: its state, or that somebody cancelled it, which is no failure to whoever did."""
        is_cancelled = self.error is not None and self.error[0] == CANCELLED
        return CANCELLED if self.state == ReceiptState.FAILED and is_cancelled else self.state

    def step(self, state: str, at: float) -> None:
        """Take a step; the same one again is told by the number of attempts."""
        if self.steps and self.state == state:
            return
        if len(self.steps) == MOST_STEPS * _STEP.size:
            half = MOST_STEPS // 2 * _STEP.size
            self.steps = self.steps[:half] + self.steps[half + _STEP.size :]
        self.steps += _STEP.pack(STATES.index(state), at)

    def step_before_end(self, state: str, at: float) -> None:
        """Note a step that led to the end, and is told after it."""
        index, end = STATES.index(state), _STEP.unpack(self.steps[-_STEP.size :])
        if index not in (known for known, _ in _STEP.iter_unpack(self.steps)):
            self.steps = self.steps[: -_STEP.size] + _STEP.pack(index, min(at, end[1])) + self.steps[-_STEP.size :]

    def told_steps(self) -> Iterator[tuple[str, float]]:
        """Yield each state with the time when it began."""
        for index, at in _STEP.iter_unpack(self.steps):
            yield STATES[index], at

    def matches(self, text: str) -> bool:
        """Whether a text, in lower case, is in its payload, id or topic, or is hexadecimal digits of the payload."""
        words = (self.id, self.topic, self.data.decode(errors="replace"))
        if any(text in word.lower() for word in words if word):
            return True
        return _HEXADECIMAL.issuperset(text) and text in self.data.hex()


class Changes(NamedTuple):
    """What is to be kept of a modem's messages.

    Args:
        first: The number of the oldest one that is; of those before nothing is.
        last: The greatest number that there is; of those beyond, which a clock that was wrong made, nothing is.
        records: Those that are new or have changed.
    """

    first: int
    last: int
    records: Sequence[Record]


class Messages:
    """What the page shows of one modem's messages.

    Args:
        modem: Its name.
        clock: The time of day.
    """

    def __init__(self, modem: str, clock: Callable[[], datetime]) -> None:
        self._modem = modem
        self._clock = clock
        self._records: deque[Record] = deque()
        self._by_name: dict[tuple[str, str], Record] = {}
        self._names: dict[str, str] = {}
        self._number = self._bytes = 0
        self._whole = 0
        self._changed: set[Record] = set()
        self._unsure: set[Record] = set()

    def __len__(self) -> int:
        return len(self._records)

    def recall(self, records: Iterable[Record]) -> None:
        """Begin with what an earlier run kept, the oldest first; before anything else."""
        self._records.extend(records)
        for record in self._records:
            if record.id is not None:
                self._by_name[record.socket, record.id] = record
            if not record.final:
                self._unsure.add(record)
        self._bytes = sum(len(record.data) for record in self._records)
        self._whole = len(self._records)
        before = self._records[-1].number + APART if self._records else 0
        # so that an address of a message is no other one's, though nothing were kept
        self._number = max(before, min(int(self._clock().timestamp() * 1000), LATEST))
        self._make_room()

    def changes(self) -> Changes:
        """Return what changed since the last time, each as it is now."""
        changed = sorted(self._changed, key=_number)
        self._changed.clear()
        first = self._records[0].number if self._records else self._number + 1
        return Changes(first, self._number, [copy(record) for record in changed])

    def not_kept(self, changes: Changes) -> None:
        """Have changes told again that could not be written."""
        numbers = {record.number for record in changes.records}
        self._changed.update(record for record in self._records if record.number in numbers)

    def taken(self, message: Message, topic: str | None) -> Record:
        """Take in a message that is on disk, unless it is known; ``topic`` is where it was published."""
        known = self._by_name.get(_name(message.socket, message.id))
        if known is not None and not known.final:
            self._touch(known)
            if topic:
                known.topic = cut(topic, LONGEST_TOPIC)
            return known
        expires = None if message.ttl is None else message.at + timedelta(seconds=message.ttl)
        record = self._add(message.socket, message.id, topic, message.at, message.data)
        record.key = None if message.key is None else cut(message.key, LONGEST_ID)
        record.priority = _PRIORITIES[message.priority]
        record.expires = None if expires is None else expires.timestamp()
        record.step(ReceiptState.QUEUED, record.at)
        return record

    def found(self, entry: Entry) -> Record | None:
        """Take in a message of before the bridge was started; None if it is known."""
        message = entry.message
        known = self._by_name.get(_name(message.socket, message.id))
        # of the same name, one that was taken after the end of another is another
        if known is not None and not (known.final and message.at.timestamp() > known.at):
            self._unsure.discard(known)
            return None
        record = self.taken(message, None)
        record.attempts = entry.attempts
        return record

    def found_all(self) -> Sequence[Record]:
        """End those that an earlier run kept, and which do not wait any more; return them."""
        ended = sorted(self._unsure, key=_number)
        at = self._clock().timestamp()
        for record in ended:
            record.step(UNKNOWN, at)
            record.final = True
            self._touch(record)
        return ended

    def refused(self, message_id: str, socket: str, topic: str, data: bytes, size: int | None = None) -> Record:
        """Take in what is not taken, as it came; ``size`` is that of all if ``data`` is only the beginning."""
        known = self._by_name.get(_name(socket, message_id))
        if known is not None and not known.final:
            return known
        record = self._add(socket, message_id, topic, self._clock(), data, size=size)
        record.step(ReceiptState.REJECTED, record.at)
        record.final = True
        return record

    def receipt(self, receipt: Mapping[str, Any], message: Message | None) -> Record | None:
        """Take in a receipt; None if it is about nothing that is known."""
        name = _name(receipt["socket"], receipt["id"])
        record = self._by_name.get(name) or (None if message is None else self.taken(message, None))
        if record is None:
            return None
        self._touch(record)
        if record.final and not receipt["final"]:
            record.step_before_end(receipt["state"], receipt["at"].timestamp())
            return record
        error = receipt["error"]
        record.step(receipt["state"], receipt["at"].timestamp())
        record.final, record.attempts = receipt["final"], receipt["attempts"]
        record.error = None if error is None else (error.code, cut(error.message, LONGEST_ERROR))
        return record

    def delivered(self, socket: str, data: bytes, topic: str) -> Record:
        """Take in what came from the network."""
        record = self._add(socket, None, topic, self._clock(), data)
        record.step(RECEIVED, record.at)
        record.final = True
        return record

    async def find(
        self, *, socket: str = "", states: frozenset[str] = frozenset(), text: str = "", before: int | None = None
    ) -> AsyncIterator[Record]:
        """Yield messages, the newest first; empty filters let everything through."""
        text = text.lower()
        for index, record in enumerate(reversed(list(self._records))):
            if text and index % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            if before is not None and record.number >= before:
                continue
            if (socket and record.socket != socket) or (states and record.sort not in states):
                continue
            if not text or record.matches(text):
                yield record

    def get(self, number: int) -> Record | None:
        """Return a message by its number, while it is kept."""
        return next((record for record in self._records if record.number == number), None)

    def document(self, record: Record, *, whole: bool = False) -> dict[str, object]:
        """Return a message for the browser, with the beginning of its payload, or all that is kept."""
        shown = record.data if whole else record.data[:BEGINNING]
        text = readable(record.data, cut=len(record.data) < record.size)
        if text is not None and not whole:
            text = text[:LONGEST_TEXT]
        error = record.error
        return {
            "modem": self._modem,
            "n": record.number,
            "direction": "down" if record.id is None else "up",
            "id": record.id,
            "socket": record.socket,
            "topic": record.topic,
            "at": _written(record.at),
            "bytes": record.size,
            "text": text,
            "hex": shown.hex(),
            "cut": len(shown) < record.size,
            "state": record.state,
            "final": record.final,
            "attempts": record.attempts,
            "steps": [{"state": state, "at": _written(at)} for state, at in record.told_steps()],
            "error": None if error is None else {"code": error[0], "message": error[1]},
            "key": record.key,
            "priority": record.priority,
            "expires": None if record.expires is None else _written(record.expires),
        }

    async def outlines(self) -> list[dict[str, object]]:
        """Return all of them, the newest first, without anything of their payload."""
        outlines: list[dict[str, object]] = []
        async for record in self.find():
            outlines.append({key: value for key, value in self.document(record).items() if key not in _PAYLOAD})
            if len(outlines) % SLICE == 0:
                await asyncio.sleep(0)
        return outlines

    def _add(
        self,
        socket: str,
        message_id: str | None,
        topic: str | None,
        at: datetime,
        data: bytes,
        *,
        size: int | None = None,
    ) -> Record:
        self._number += 1
        socket = self._same(cut(socket, LONGEST_ID))
        message_id = None if message_id is None else cut(message_id, LONGEST_ID)
        topic = None if topic is None else self._same(cut(topic, LONGEST_TOPIC))
        whole = len(data) if size is None else size
        record = Record(self._number, socket, message_id, topic, at.timestamp(), whole, data[:MOST_OF_ONE])
        self._records.append(record)
        self._changed.add(record)
        if message_id is not None:
            self._by_name[_name(socket, message_id)] = record
        self._bytes += len(record.data)
        self._whole += 1
        self._make_room()
        return record

    def _same(self, name: str) -> str:
        """Return a name as an earlier message has it: each brings its own copy. Those that are interned may stay."""
        if len(self._names) >= MOST:
            self._names = {}
        return self._names.setdefault(name, name)

    def _touch(self, record: Record) -> None:
        self._changed.add(record)
        self._unsure.discard(record)

    def _make_room(self) -> None:
        while len(self._records) > MOST:
            self._forget(self._records.popleft())
        while self._bytes > MOST_OF_ALL and self._whole > 1:
            # all before these are cut already
            oldest = self._records[len(self._records) - self._whole]
            self._bytes -= len(oldest.data) - len(oldest.data[:BEGINNING])
            if len(oldest.data) > BEGINNING:
                oldest.data = oldest.data[:BEGINNING]
                self._changed.add(oldest)
            self._whole -= 1

    def _forget(self, record: Record) -> None:
        self._bytes -= len(record.data)
        self._changed.discard(record)
        self._unsure.discard(record)
        self._whole = min(self._whole, len(self._records))
        if record.id is not None and self._by_name.get((record.socket, record.id)) is record:
            del self._by_name[record.socket, record.id]


def _number(record: Record) -> int:
    return record.number


def _name(socket: str, message_id: str) -> tuple[str, str]:
    """Return what a message is known by, however long others made that."""
    return cut(socket, LONGEST_ID), cut(message_id, LONGEST_ID)


def readable(data: bytes, *, cut: bool = False) -> str | None:
    """Return a payload as text, None if it is none that a person reads; if ``cut``, it may end in mid-character."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return None
    return text if text.translate(_BLANKS).isprintable() else None


def _written(at: float) -> str:
    return rfc3339(datetime.fromtimestamp(at, UTC))
