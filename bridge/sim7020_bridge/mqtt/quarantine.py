"""Topics that the broker does not take now: what is published to them waits, and holds up nothing else."""

import asyncio
import logging
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter, itemgetter
from typing import Final

from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.timing import ClientTiming

_LOGGER = logging.getLogger(__name__)

MOST_ASIDE: Final = 500
"""Publications to forbidden topics that are kept until the topics are allowed; more are given up.

So many answers are kept besides. What waited already when the topic was not forbidden yet takes no place.
"""

MOST_ANSWERS: Final = 2000
"""Publications that wait for all the Response Topics which the broker can't take now; more are given up."""

MOST_WAITING: Final = 100
"""Publications that nobody waits for and that are kept for one topic; the oldest of more is dropped."""

MOST_PASSING: Final = 1000
"""The same for all topics together."""

MOST_TOPICS: Final = 500
"""Topics that are remembered though nothing that lasts waits for them: anybody can think of Response Topics."""

ONE_OF_MANY: Final = "a Response Topic"
"""What the log calls one of them that there is no room for: the same line is said once, and counted."""

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

    @property
    def lasts(self) -> bool:
        """Whether somebody waits for it."""
        return self.done is not None

    def acknowledged(self) -> None:
        """The broker has it; it may say so twice of what it left unanswered for long."""
        self._end(None)

    def give_up(self, refused: PayloadRefused, where: str = "") -> None:
        """The broker will never have it; say so with other words for its topic, if it is one of many."""
        _LOGGER.error("A message to %s can't be published: %s", where or self.publication.topic, refused)
        self._end(refused)

    def _end(self, refused: PayloadRefused | None) -> None:
        done, self.done = self.done, None
        if done is not None:
            done(refused)


@dataclass(slots=True)
class _Topic:
    """A topic that is held, and what waits for it.

    Args:
        answers: Whether it is known as a Response Topic only.
        trying: The one that decides, while it is under way.
        newest: What takes the place of all before it.
        kept: What somebody waits for, in order.
        passing: What nobody waits for, in order.
        carried: How much was kept before the topic was forbidden.
    """

    hold: Hold
    size: int
    pause: float
    until: float
    answers: bool
    trying: Outgoing | None = None
    newest: Outgoing | None = None
    kept: list[Outgoing] = field(default_factory=list)
    passing: list[Outgoing] = field(default_factory=list)
    carried: int = 0

    @property
    def later(self) -> bool:
        return self.hold is Hold.LATER

    @property
    def lasting(self) -> int:
        return len(self.kept) + (self.trying is not None and self.trying.lasts)

    @property
    def places(self) -> int:
        return max(0, self.lasting - self.carried)

    @property
    def forgettable(self) -> bool:
        return not self.kept and self.newest is None and self.trying is None

    @property
    def waiting(self) -> list[Outgoing]:
        newest = [] if self.newest is None else [self.newest]
        return sorted((*newest, *self.kept, *self.passing), key=_NUMBER)

    @property
    def is_waited_for(self) -> bool:
        return bool(self.kept or self.passing or self.newest is not None)

    def take(self) -> Outgoing:
        """Take out what is first; there is one."""
        firsts = [each[0] for each in (self.kept, self.passing) if each]
        first = min([*firsts, *([] if self.newest is None else [self.newest])], key=_NUMBER)
        self.remove(first)
        return first

    def remove(self, outgoing: Outgoing) -> bool:
        """Forget one; say whether it waited."""
        if self.newest is outgoing:
            self.newest = None
            return True
        for each in (self.kept, self.passing):
            if outgoing in each:
                each.remove(outgoing)
                return True
        return False


class Quarantine:
    """Holds topics, each until a time at which one of its publications is tried; that one decides for all of them.

    A topic that made the broker disconnect is held for publications of at least half the size only: it may have been
    too long for a broker that can't say so.

    What somebody waits for is given up only if there is no room for it when it comes: to a forbidden topic, or to a
    Response Topic. Of these there may be any number; what waits for them takes no room of what waits for others.

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
        return sum(topic.lasting for topic in self._topics.values() if not topic.later)

    @property
    def forbidden(self) -> tuple[str, ...]:
        """The topics that the broker forbids, Response Topics last."""
        forbidden = [(topic.answers, name) for name, topic in self._topics.items() if not topic.later]
        return tuple(name for _, name in sorted(forbidden, key=itemgetter(0)))

    @property
    def next_try(self) -> float | None:
        """When a publication is to be tried, in the event loop's time; None if none waits."""
        tries = (each.until for each in self._topics.values() if each.is_waited_for and not each.trying)
        return min(tries, default=None)

    def holds(self, outgoing: Outgoing) -> bool:
        """Keep a publication if its topic is held, and say whether that is so."""
        topic = self._topics.get(outgoing.publication.topic)
        if topic is None or outgoing.publication.size * 2 < topic.size or outgoing is topic.trying:
            return False
        if topic.trying is None and not topic.is_waited_for and topic.until <= _now():
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
        if not topic.later:
            self._changed()
        return topic.waiting

    def connected(self) -> None:
        """Have what costs no connection tried at once: the rules may be others now.

        A Response Topic that nothing waits for is forgotten, since it may never be used again.
        """
        tried = {name: topic for name, topic in self._topics.items() if topic.hold in {Hold.FORBIDDEN, Hold.SILENT}}
        for topic in tried.values():
            topic.until = _now()
        forgotten = [name for name, topic in tried.items() if topic.answers and topic.forgettable]
        for name in forgotten:
            del self._topics[name]
        if forgotten:
            self._changed()

    def due(self) -> list[Outgoing]:
        """Return what is to be tried now, of each topic the first; each decides for its topic."""
        due = []
        for topic in self._topics.values():
            if topic.trying is None and topic.is_waited_for and topic.until <= _now():
                topic.trying = topic.take()
                due.append(topic.trying)
        return due

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Forget a publication that is not to be sent any more; say whether it waited here."""
        topic = self._topics.get(outgoing.publication.topic)
        if topic is not None and topic.trying is outgoing:
            topic.trying = None
        return topic is not None and topic.remove(outgoing)

    def _sort(self, outgoing: Outgoing, code: int | None, hold: Hold, problem: str) -> None:
        if code in _NEVER:
            self.withdraw(outgoing)
            outgoing.give_up(PayloadRefused("broker_refused", problem))
            return
        name = outgoing.publication.topic
        size = outgoing.publication.size if hold is Hold.DISCONNECTS else 0
        topic = self._topics.get(name)
        first, longest = self._pauses[hold]
        if topic is None or topic.hold < hold:
            before = None if topic is None else topic.hold
            if topic is None:
                topic = self._topics[name] = _Topic(hold, size, first, _now() + first, outgoing.publication.answer)
            else:
                topic.carried = topic.lasting if topic.later else topic.carried
                topic.hold, topic.size, topic.pause, topic.until = hold, size, first, _now() + first
                topic.trying = None
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
        self._forget()

    def _keep(self, topic: _Topic, outgoing: Outgoing) -> None:
        """Keep a publication if there is room; one that was tried finds its place free."""
        topic.answers &= outgoing.publication.answer
        if outgoing.newest_only:
            if topic.newest is None or topic.newest.number < outgoing.number:
                topic.newest = outgoing
        elif not outgoing.lasts:
            self._keep_passing(topic, outgoing)
        else:
            most = self._most(topic)
            if most is not None and self._places(topic) >= most:
                refused = PayloadRefused("broker_refused", f"{most} wait already, and the broker does not take them")
                outgoing.give_up(refused, ONE_OF_MANY if topic.answers else "")
                return
            insort(topic.kept, outgoing, key=_NUMBER)
            if not topic.later:
                self._changed()

    def _keep_passing(self, topic: _Topic, outgoing: Outgoing) -> None:
        if not topic.later:
            _LOGGER.debug("A message to %s is dropped: the topic is forbidden", outgoing.publication.topic)
            return
        insort(topic.passing, outgoing, key=_NUMBER)
        topics = [each for each in self._topics.values() if each.passing]
        if sum(len(each.passing) for each in topics) > MOST_PASSING:
            topic = min(topics, key=lambda each: each.passing[0].number)
        elif len(topic.passing) <= MOST_WAITING:
            return
        del topic.passing[0]

    def _most(self, topic: _Topic) -> int | None:
        """Return how many publications are kept for topics like this one; None for any number."""
        if topic.later:
            return MOST_ANSWERS if topic.answers else None
        return MOST_ASIDE

    def _places(self, topic: _Topic) -> int:
        """Return how many are."""
        alike = (topic.answers, topic.later)
        return sum(each.places for each in self._topics.values() if (each.answers, each.later) == alike)

    def _forget(self) -> None:
        """Forget the oldest of too many topics that nothing waits for which lasts, Response Topics first."""
        forgettable = [(not topic.answers, name) for name, topic in self._topics.items() if topic.forgettable]
        if (too_many := len(forgettable) - MOST_TOPICS) > 0:
            for _, name in sorted(forgettable, key=itemgetter(0))[:too_many]:
                del self._topics[name]


def _now() -> float:
    return asyncio.get_running_loop().time()
