"""One modem as the page shows it: what its bridge tells is worked up a moment later, and told to the browsers."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from sim7020_bridge import logs
from sim7020_bridge.clock import Clock, rfc3339, wall_clock
from sim7020_bridge.delivery.receipts import ReceiptState
from sim7020_bridge.modem.modem import Modem
from sim7020_bridge.modem.state import ModemState
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.refusals import Problem
from sim7020_bridge.outbox.message import Entry, Message
from sim7020_bridge.page.dialogue import MOST, Dialogue, Explainer, Line, explaining
from sim7020_bridge.page.feed import Feed
from sim7020_bridge.page.link import BringUp
from sim7020_bridge.page.messages import MOST_OF_ONE, Messages, Record
from sim7020_bridge.page.minutes import Minutes, Row
from sim7020_bridge.page.pieces import in_json

A_MOMENT: Final = 0.1
"""Seconds until what was told is worked up: messages come first, and what changes twice is told once.

Each time costs a write to each stream, which takes longer than all else.
"""

BETWEEN: Final = 0.01
"""Seconds between two pieces of work that is due."""

LONGEST_PUBLICATION: Final = 16 * 1024
"""Bytes of topic and payload that browsers are told of what no broker retains, which may be for others to choose."""

SLICE: Final = 40
"""Things that are worked up before others have their turn: what is told of them fits in what the feed keeps."""

SHARE: Final = 32
"""Part of what is due that is worked up at once where that is more: what comes faster than it goes is soon all there.

So what waits is bounded by what can come between two turns.
"""

SAME_MESSAGE: Final = timedelta(seconds=1)
"""How far apart two times since when the oldest message waits may be that are of the same one."""

_SENT: Final = frozenset({ReceiptState.ACCEPTED, ReceiptState.ACKNOWLEDGED})
_LOST: Final = frozenset({ReceiptState.FAILED, ReceiptState.EXPIRED, ReceiptState.REJECTED})


class Bridge(Protocol):
    """What the page needs of a modem's bridge."""

    modem: Modem

    @property
    def problem(self) -> Problem | None:
        """Why the broker has not accepted the bridge; None if it has."""

    def state(self) -> Mapping[str, Any]:
        """Return the contract's ``state`` as it is now."""

    def retained(self) -> Mapping[str, bytes]:
        """Return what a broker retains of the modem now, or would, by topic."""

    async def ask(self, verb: str, body: bytes) -> bytes:
        """Carry out a request of the contract, and return its response."""


class Shown:
    """One modem, from when its bridge is made; an Observer, which queues what it is told.

    Args:
        name: The modem's.
        feed: Where browsers read.
        clock: The time of day.
        past: Whether there is a past to wait for; see recall.
    """

    def __init__(self, name: str, feed: Feed, *, clock: Clock = wall_clock, past: bool = False) -> None:
        self.name: Final = name
        self._loop = loop = asyncio.get_running_loop()
        self._feed = feed
        self._clock = clock
        self._connected: bool | None = None
        self._since, self._told_broker = "", b""
        self._oldest: datetime | None = None
        self.messages = Messages(name, clock)
        self.dialogue = Dialogue(clock)
        self.bring_up = BringUp(loop.time, clock)
        self.minutes = Minutes(loop.time, lambda: clock().timestamp())
        self._bridge: Bridge | None = None
        self._queue: deque[Callable[[], Record | None]] = deque()
        self._work: asyncio.TimerHandle | None = None
        self._has_past = not past
        self._told: dict[str, bytes] = {}
        self._explainer: Explainer | None = None
        self._explaining: asyncio.Task[None] | None = None
        # a modem that talks faster than it can be explained has lines left out, which their numbers show
        self._untold: deque[Line] = deque(maxlen=MOST)

    @property
    def bridge(self) -> Bridge:
        """Its bridge, once that runs."""
        if self._bridge is None:
            raise RuntimeError("the page shows a modem before it was begun")
        return self._bridge

    def begin(self, bridge: Bridge) -> None:
        """Show a bridge from now on."""
        self._bridge = bridge
        store = bridge.modem.store
        store.listen(lambda _before, after: self._stands(after))
        self._stands(store.state)
        self.minutes.begin(bridge.state())
        self.broker(bridge.problem)
        logs.overhear(self.name, self._overhear)
        for topic, payload in bridge.retained().items():
            self.published(Publication(topic=topic, payload=payload, retain=True))

    def end(self) -> None:
        """Show no more."""
        logs.overhear(self.name, None)
        for pending in (self._work, self._explaining):
            if pending is not None:
                pending.cancel()

    def recall(self, records: Sequence[Record]) -> None:
        """Begin with the messages of an earlier run; what was told meanwhile comes after them."""
        self.messages.recall(records)
        self._has_past = True
        self._wait_a_moment()

    def work_up_all(self) -> None:
        """Take in what was told already, at an end; of the dialogue nobody is told any more."""
        self._untold.clear()
        while self._has_past and self._queue:
            if self._work is not None:
                self._work.cancel()
            self._work_up()

    def end_minute(self) -> Row:
        """Return what the last minute was like, and tell it."""
        row = self.minutes.row(self.bridge.state())
        self._tell("history", {"modem": self.name, "row": row.document()})
        return row

    def published(self, publication: Publication) -> None:
        """Take what goes to the broker."""
        if publication.retain or len(publication.topic) + len(publication.payload) <= LONGEST_PUBLICATION:
            self._later(partial(self._publish, publication, self._clock()))

    def broker(self, problem: Problem | None) -> None:
        """Take whether the broker has the bridge, and why not."""
        connected = problem is None
        if connected is not self._connected:
            self._connected, self._since = connected, rfc3339(self._clock())
        document = {
            "modem": self.name,
            "connected": connected,
            "since": self._since,
            "kind": None if problem is None else problem.kind,
            "words": None if problem is None else problem.words,
        }
        self._later(partial(self._tell_broker, in_json(document)))

    def found(self, entry: Entry) -> None:
        """Take a message that waits from before."""
        self._later(partial(self.messages.found, entry))

    def found_all(self) -> None:
        """Take it that no other message waits from before."""
        self._later(self._end_unknown)

    def taken(self, message: Message, topic: str) -> None:
        """Take a message that is on disk."""
        self._later(partial(self.messages.taken, message, topic))

    def refused(self, message_id: str, socket: str, received: Received) -> None:
        """Take what is no message."""
        begun, size = received.payload[:MOST_OF_ONE], len(received.payload)
        self._later(partial(self.messages.refused, message_id, socket, received.topic, begun, size))

    def receipt(self, receipt: Mapping[str, Any], message: Message | None) -> None:
        """Take a step of a message."""
        self._later(partial(self._step, receipt, message))

    def delivered(self, socket: str, data: bytes, topic: str) -> None:
        """Take what came from the network."""
        self._later(partial(self._deliver, socket, data, topic))

    def _later(self, work: Callable[[], Record | None]) -> None:
        self._queue.append(work)
        self._wait_a_moment()

    def _wait_a_moment(self) -> None:
        if self._work is None and self._has_past and (self._queue or self._untold):
            self._work = self._loop.call_later(A_MOMENT, self._work_up)

    def _work_up(self) -> None:
        changed: dict[Record, None] = {}
        # what is left is due in any case, whatever becomes of this
        count = min(len(self._queue), max(SLICE, len(self._queue) // SHARE))
        more = len(self._queue) > count or (self._explainer is not None and len(self._untold) > SLICE)
        self._work = self._loop.call_later(BETWEEN, self._work_up) if more else None
        self._tell_lines()
        for _ in range(count):
            record = self._queue.popleft()()
            if record is not None:
                changed[record] = None
        for record in changed:
            self._tell_message(record)

    def _end_unknown(self) -> None:
        for record in self.messages.found_all():
            self._tell_message(record)

    def _tell_message(self, record: Record) -> None:
        document = in_json(self.messages.document(record))
        self._feed.tell("message", document, key=f"message {self.name} {record.number}", holds=False)

    def _publish(self, publication: Publication, at: datetime) -> None:
        topic, payload = publication.topic, publication.payload
        if publication.retain and self._told.get(topic) == payload:
            return
        key = ""
        if publication.retain:
            key, self._told[topic] = topic, payload
            if not payload:
                del self._told[topic]
        self._feed.tell("mqtt", topic.encode() + b"\n" + payload, key=key, empty=not payload)
        if publication.retain and payload and topic.endswith(f"/{self.name}/state"):
            self._waits(json.loads(payload), at)

    def _waits(self, document: Mapping[str, Any], at: datetime) -> None:
        """Tell since when the oldest message waits: a state's ``oldest`` is true only when it is published."""
        if "outbox" not in document:  # of a socket with the modem's name
            return
        age = document["outbox"]["oldest"]
        oldest = None if age is None else at - timedelta(seconds=age)
        if oldest is not None and self._oldest is not None and abs(oldest - self._oldest) < SAME_MESSAGE:
            return
        if oldest != self._oldest:
            self._oldest = oldest
            document = {"modem": self.name, "since": None if oldest is None else rfc3339(oldest)}
            self._tell("waiting", document, key=f"waiting {self.name}")

    def _step(self, receipt: Mapping[str, Any], message: Message | None) -> Record | None:
        if receipt["final"]:
            error = receipt["error"]
            if receipt["state"] in _SENT:
                self.minutes.sent()
            elif receipt["state"] in _LOST and (error is None or error.code != "cancelled"):
                self.minutes.failed()
        return self.messages.receipt(receipt, message)

    def _deliver(self, socket: str, data: bytes, topic: str) -> Record:
        self.minutes.received()
        return self.messages.delivered(socket, data, topic)

    def _stands(self, state: ModemState) -> None:
        self.minutes.stands_at(state.link.layer)
        if self.bring_up.take(state):
            self._later(self._tell_link)

    def _tell_link(self) -> None:
        self._tell("link", {"modem": self.name, **self.bring_up.document()}, key=f"link {self.name}")

    def _tell_broker(self, document: bytes) -> None:
        if document != self._told_broker:
            self._told_broker = document
            self._feed.tell("broker", document, key=f"broker {self.name}")

    def _overhear(self, text: str) -> None:
        line = self.dialogue.add(text)
        if self._feed.wants("trace"):
            self._untold.append(line)
            self._wait_a_moment()
        else:
            self._explainer = None
            self._untold.clear()

    def _tell_lines(self) -> None:
        """Tell lines of the dialogue, as many as there is time for, once there is somebody who explains them."""
        if self._explainer is None:
            if self._untold and self._explaining is None:
                self._explaining = self._loop.create_task(self._learn(), name=f"{self.name}: explain AT")
            return
        for _ in range(min(SLICE, len(self._untold))):
            line = self._untold.popleft()
            words = self._explainer.take(line).get(line.number)
            self._tell("trace", {"modem": self.name, **line.document(words)})

    async def _learn(self) -> None:
        """Get somebody who explains, for those lines, too, that waited for it."""
        try:
            self._explainer = await explaining(live=True)
        finally:
            self._explaining = None
        self._wait_a_moment()

    def _tell(self, kind: str, document: Mapping[str, object], *, key: str = "") -> None:
        self._feed.tell(kind, in_json(document), key=key)
