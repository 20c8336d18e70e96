"""Topics that the broker does not take now: what is published to them waits, and holds up nothing else."""

import asyncio
import logging
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter
from typing import Final

from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.timing import ClientTiming

_LOGGER = logging.getLogger(__name__)

MOST_ASIDE: Final = 500
"""Publications to forbidden topics that are kept until the topics are allowed; more are given up."""

MOST_WAITING: Final = 100
"""Publications that nobody waits for and that are kept for one topic; the oldest of more is dropped."""

MOST_TOPICS: Final = 500
"""Topics that are remembered; whoever names Response Topics could think of any number."""

_NEVER: Final = frozenset({0x90, 0x95, 0x99})
"""Topic Name invalid, Packet too large, Payload format invalid: true of the publication, whenever it is published."""

_FORBIDDEN: Final = 0x87

_NUMBER: Final = attrgetter("number")


class Hold(IntEnum):
    """Why a topic is held, the more serious the higher."""

    LATER = 0
    """The broker can't take it now: a quota, or an error that it does not explain."""

    FORBIDDEN = 1
    """The broker answers that it is not authorized."""

    SILENT = 2
    """The broker does not answer."""

    DISCONNECTS = 3
    """The broker ends the connection."""


@dataclass(slots=True, eq=False)
class Outgoing:
    """A publication on its way.

    Args:
        publication: What is published.
        done: Called once it is: with None when the broker has it, with an error if it never will. None if nobody waits.
        number: Its place in the order.
    """

    publication: Publication
    done: Callable[[PayloadRefused | None], None] | None = None
    number: int = 0

    @property
    def newest_only(self) -> bool:
        """Whether a newer one to its topic takes its place."""
        return self.publication.retain and self.done is None

    def acknowledged(self) -> None:
        """The broker has it; it may say so twice of what it left unanswered for long."""
        self._end(None)

    def give_up(self, refused: PayloadRefused) -> None:
        """The broker will never have it."""
        _LOGGER.error("A message to %s can't be published: %s", self.publication.topic, refused)
        self._end(refused)

    def _end(self, refused: PayloadRefused | None) -> None:
        done, self.done = self.done, None
        if done is not None:
            done(refused)


@dataclass(slots=True)
class _Topic:
    hold: Hold
    size: int
    pause: float
    until: float
    trying: Outgoing | None = None
    waiting: list[Outgoing] = field(default_factory=list)

    @property
    def aside(self) -> int:
        if self.hold is Hold.LATER:
            return 0
        return sum(each.done is not None for each in (*self.waiting, *([self.trying] if self.trying else ())))


class Quarantine:
    """Holds topics, each until a time at which one of its publications is tried; that one decides for all of them.

    A topic that made the broker disconnect is held for publications of at least half the size only: it may have been
    too long for a broker that can't say so.

    Args:
        found: Called with a topic that turns out to be forbidden, once.
        changed: Called when ``forbidden`` or ``aside`` changed.
        timing: How long topics are held.
    """

    def __init__(self, found: Callable[[str], None], changed: Callable[[], None], *, timing: ClientTiming) -> None:
        self._found = found
        self._changed = changed
        self._topics: dict[str, _Topic] = {}
        self._pauses = {
            Hold.LATER: timing.later,
            Hold.FORBIDDEN: timing.forbidden,
            Hold.SILENT: timing.silent,
            Hold.DISCONNECTS: timing.disconnects,
        }

    @property
    def aside(self) -> int:
        """How many publications are kept for forbidden topics."""
        return sum(topic.aside for topic in self._topics.values())

    @property
    def forbidden(self) -> tuple[str, ...]:
        """The topics that the broker forbids."""
        return tuple(name for name, topic in self._topics.items() if topic.hold is not Hold.LATER)

    @property
    def next_try(self) -> float | None:
        """When a publication is to be tried, in the event loop's time; None if none waits."""
        return min((each.until for each in self._topics.values() if each.waiting and not each.trying), default=None)

    def holds(self, outgoing: Outgoing) -> bool:
        """Keep a publication if its topic is held, and say whether that is so."""
        topic = self._topics.get(outgoing.publication.topic)
        if topic is None or outgoing.publication.size * 2 < topic.size or outgoing is topic.trying:
            return False
        if topic.trying is None and not topic.waiting and topic.until <= _now():
            topic.trying = outgoing
            return False
        self._keep(topic, outgoing)
        return True

    def refused(self, outgoing: Outgoing, code: int, reason: str) -> None:
        """Sort what the broker refused with a reason code of PUBACK (MQTT 5.0 section 3.4.2.1)."""
        hold = Hold.FORBIDDEN if code == _FORBIDDEN else Hold.LATER
        self._sort(outgoing, code, hold, f"the broker refused it: {reason}")

    def disconnects(self, outgoing: Outgoing, code: int | None) -> None:
        """Sort what the broker disconnected for, perhaps with a reason code of DISCONNECT."""
        self._sort(outgoing, code, Hold.DISCONNECTS, "the broker disconnects when it comes")

    def unanswered(self, outgoing: Outgoing) -> None:
        """Sort what the broker left without an answer."""
        self._sort(outgoing, None, Hold.SILENT, "the broker does not answer it")

    def known_to_disconnect(self, outgoing: Outgoing) -> bool:
        """Whether a publication is a new try of what made the broker disconnect before."""
        topic = self._topics.get(outgoing.publication.topic)
        return topic is not None and topic.hold is Hold.DISCONNECTS and topic.trying is outgoing

    def acknowledged(self, outgoing: Outgoing) -> list[Outgoing]:
        """Note that the broker has a publication; return what waited for its topic, in order."""
        topic = self._topics.get(outgoing.publication.topic)
        if topic is None or outgoing.publication.size * 2 < topic.size:
            return []
        del self._topics[outgoing.publication.topic]
        if topic.hold is not Hold.LATER:
            self._changed()
        return topic.waiting

    def connected(self) -> None:
        """Have what costs no connection tried at once: the rules may be others now."""
        for topic in self._topics.values():
            if topic.hold in {Hold.FORBIDDEN, Hold.SILENT}:
                topic.until = _now()

    def due(self) -> list[Outgoing]:
        """Return what is to be tried now, of each topic the first; each decides for its topic."""
        due = []
        for topic in self._topics.values():
            if topic.trying is None and topic.waiting and topic.until <= _now():
                topic.trying = topic.waiting.pop(0)
                due.append(topic.trying)
        return due

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Forget a publication that is not to be sent any more; say whether it waited here."""
        topic = self._topics.get(outgoing.publication.topic)
        if topic is not None and topic.trying is outgoing:
            topic.trying = None
        if topic is None or outgoing not in topic.waiting:
            return False
        topic.waiting.remove(outgoing)
        return True

    def _sort(self, outgoing: Outgoing, code: int | None, hold: Hold, problem: str) -> None:
        if code in _NEVER:
            outgoing.give_up(PayloadRefused("broker_refused", problem))
            return
        name = outgoing.publication.topic
        size = outgoing.publication.size if hold is Hold.DISCONNECTS else 0
        topic = self._topics.get(name)
        first, longest = self._pauses[hold]
        if topic is None or topic.hold < hold:
            before = None if topic is None else topic.hold
            waiting = [] if topic is None else topic.waiting
            topic = self._topics[name] = _Topic(hold, size, first, _now() + first, waiting=waiting)
            level = logging.WARNING if hold is Hold.LATER else logging.ERROR
            _LOGGER.log(level, "A message to %s can't be published: %s. Tried again in %g s", name, problem, first)
            if hold is not Hold.LATER and before in {None, Hold.LATER}:
                self._found(name)
                self._changed()
        elif topic.trying is outgoing:
            topic.pause = min(topic.pause * 2, longest)
            topic.until = _now() + topic.pause
            topic.trying = None
            _LOGGER.info("A message to %s still can't be published. Tried again in %g s", name, topic.pause)
        topic.size = min(topic.size, size)
        self._keep(topic, outgoing)
        if len(self._topics) > MOST_TOPICS:
            self._forget(next(iter(self._topics)))

    def _keep(self, topic: _Topic, outgoing: Outgoing) -> None:
        waiting = topic.waiting
        if outgoing.newest_only:
            other = next((each for each in waiting if each.newest_only), None)
            if other is None or other.number < outgoing.number:
                waiting[:] = [each for each in waiting if each is not other]
                insort(waiting, outgoing, key=_NUMBER)
        elif topic.hold is Hold.LATER:
            insort(waiting, outgoing, key=_NUMBER)
            passing = [] if outgoing.done is not None else [each for each in waiting if each.done is None]
            if len(passing) > MOST_WAITING:
                waiting.remove(passing[0])
        elif outgoing.done is None:
            _LOGGER.debug("A message to %s is dropped: the topic is forbidden", outgoing.publication.topic)
        elif self.aside < MOST_ASIDE:
            insort(waiting, outgoing, key=_NUMBER)
            self._changed()
        else:
            problem = f"{MOST_ASIDE} messages wait already for topics that the broker forbids"
            outgoing.give_up(PayloadRefused("broker_refused", problem))

    def _forget(self, name: str) -> None:
        problem = f"more than {MOST_TOPICS} topics are forbidden"
        for outgoing in self._topics.pop(name).waiting:
            outgoing.give_up(PayloadRefused("broker_refused", problem))


def _now() -> float:
    return asyncio.get_running_loop().time()
