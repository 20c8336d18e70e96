"""What waits to be published: bounded, in order, and of a retained topic only the newest."""

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from typing import Final

from sim7020_bridge.mqtt.quarantine import Outgoing, Quarantine

_LOGGER = logging.getLogger(__name__)

MAX_WAITING: Final = 1000
"""Publications that may wait for the broker; beyond that the oldest is dropped."""

WINDOW: Final = 16
"""Publications that are sent before the first of them is acknowledged."""

CAREFUL_AFTER: Final = 2
"""Connections in a row that the broker ended while a topic was under way; then one publication is sent at a time."""

GUILTY_AFTER: Final = 3
"""Connections in a row that the broker ended while one publication, and no other, waited for its acknowledgement."""


class OutgoingQueue:
    """Publications on their way to the broker.

    Args:
        send: Gives one to the connection and returns its packet identifier, or None if it was given up at once.
        quarantine: Holds what the broker does not take.
        max_waiting: How many may wait that nobody waits for and that are not retained.
        answer: Seconds that one may stay unanswered once a later one was answered, and until then.
    """

    def __init__(
        self,
        send: Callable[[Outgoing], int | None],
        *,
        quarantine: Quarantine,
        answer: tuple[float, float],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._send = send
        self._quarantine = quarantine
        self._max_waiting = max_waiting
        self._waiting: dict[int, Outgoing] = {}
        self._droppable: dict[int, None] = {}
        self._newest: dict[str, int] = {}
        self._answer = answer
        self._in_flight: dict[int, Outgoing] = {}
        self._unanswered: dict[int, Outgoing] = {}
        self._sent: dict[int, tuple[int, float]] = {}
        self._sends = count()
        self._latest = -1
        self._next_look: asyncio.TimerHandle | None = None
        self._numbers = count()
        self._idle = asyncio.Event()
        self._idle.set()
        self._dropped = 0
        self._suspects: dict[str, int] = {}
        self._alone: dict[str, int] = {}
        self._careful = False
        self._allowed = 0
        self._next_try: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_flight)

    @property
    def in_flight(self) -> bool:
        """Whether something is under way to the broker, and may be what it ends the connection for."""
        return bool(self._in_flight)

    @property
    def window(self) -> int:
        """How many publications are sent ahead of their acknowledgements."""
        return min(1, self._allowed) if self._careful else self._allowed

    @property
    def suspects(self) -> tuple[str, ...]:
        """The topics of which one makes the broker disconnect, while it is not known which."""
        return tuple(self._suspects) if self._careful else ()

    def open(self, window: int) -> None:
        """Send from now on, at most ``window`` publications ahead of their acknowledgements."""
        self._allowed = window
        now = asyncio.get_running_loop().time()
        self._sent = {packet: (self._sent[packet][0], now) for packet in self._in_flight}
        if self._dropped:
            _LOGGER.warning("%d messages were dropped while the broker was away", self._dropped)
            self._dropped = 0
        self._quarantine.connected()
        self._try_held()

    def close(self) -> None:
        """Only queue from now on; what is in flight stays so, and may still be acknowledged on the next connection."""
        self._allowed = 0
        self._plan_try()
        self._plan_look()

    def start_over(self) -> bool:
        """Have all wait again that is in flight, if some was left unanswered: its old packet must not go again."""
        if not self._unanswered:
            return False
        self._unanswered.clear()
        self._sent.clear()
        again = list(self._in_flight.values())
        self._in_flight.clear()
        self._wait_again(again)
        return True

    def interrupted(self, code: int | None) -> bool:
        """Note that the broker ended the connection; find out which topic makes it do so, and hold that one.

        Args:
            code: The reason code, if it sent one that blames what was published.

        Returns:
            Whether what was in flight waits again: none of it may be sent again under its old packet identifier.
        """
        topics = dict.fromkeys(each.publication.topic for each in self._in_flight.values())
        for topic in topics:
            self._suspects[topic] = self._suspects.get(topic, 0) + 1
        poison = self._poison(code)
        if not self._careful and poison is None:
            self._careful = code is not None and bool(topics)
            self._careful |= any(self._suspects[topic] >= CAREFUL_AFTER for topic in topics)
            if not self._careful:
                return False
        if poison is not None:
            del self._suspects[poison.publication.topic]
            self._alone.pop(poison.publication.topic, None)
        again = [each for each in self._in_flight.values() if each is not poison]
        self._in_flight.clear()
        self._wait_again(again)
        if poison is not None:
            self._quarantine.disconnects(poison, code)
            self._hold_waiting(poison.publication.topic)
        self._note_idle()
        return True

    def put(self, outgoing: Outgoing) -> None:
        """Queue a publication, or send it at once if there is room in the window."""
        outgoing.number = next(self._numbers)
        if self._quarantine.holds(outgoing):
            self._plan_try()
            return
        self._wait(outgoing)
        self._idle.clear()
        self._pump()
        if len(self._droppable) > self._max_waiting:
            self._drop_oldest()

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Forget a publication that has not been sent yet; say whether that could be."""
        if outgoing in self._in_flight.values():
            return False
        withdrawn = self._withdraw(outgoing)
        self._plan_try()
        return withdrawn

    def acknowledged(self, packet: int) -> None:
        """Note that the broker has the publication with this packet identifier."""
        outgoing = self._answered(packet)
        if outgoing is not None:
            self._withdraw(outgoing)
            self._wait_again(self._quarantine.acknowledged(outgoing))
            outgoing.acknowledged()
        self._pump()

    def refused(self, packet: int, code: int, reason: str) -> None:
        """Note that the broker does not take the publication with this packet identifier."""
        outgoing = self._answered(packet)
        if outgoing is not None:
            self._quarantine.refused(outgoing, code, reason)
            self._hold_waiting(outgoing.publication.topic)
            self._plan_try()
        self._pump()

    async def wait_idle(self) -> None:
        """Return when everything is acknowledged but what the broker does not take now."""
        await self._idle.wait()

    def _withdraw(self, outgoing: Outgoing) -> bool:
        held = self._quarantine.withdraw(outgoing)
        waited = self._remove(outgoing.number) is not None
        self._note_idle()
        return held or waited

    def _answered(self, packet: int) -> Outgoing | None:
        outgoing = self._in_flight.pop(packet, None) or self._unanswered.pop(packet, None)
        self._latest = max(self._latest, self._sent.pop(packet, (-1, 0.0))[0])
        if outgoing is not None:
            self._suspects.pop(outgoing.publication.topic, None)
            self._alone.pop(outgoing.publication.topic, None)
            self._careful = self._careful and bool(self._suspects)
        return outgoing

    def _poison(self, code: int | None) -> Outgoing | None:
        """Return what made the broker disconnect, if that can be told."""
        in_flight = list(self._in_flight.values())
        known = [each for each in in_flight if self._quarantine.known_to_disconnect(each)]
        if known:
            return known[0]
        if len(in_flight) != 1:
            return None
        topic = in_flight[0].publication.topic
        self._alone[topic] = self._alone.get(topic, 0) + 1
        return in_flight[0] if code is not None or self._alone[topic] >= GUILTY_AFTER else None

    def _pump(self) -> None:
        while self._waiting and len(self._in_flight) < self.window:
            outgoing = self._next()
            packet = self._send(outgoing)
            if packet is not None:
                self._in_flight[packet] = outgoing
                self._sent[packet] = next(self._sends), asyncio.get_running_loop().time()
            else:
                self.withdraw(outgoing)
        self._plan_look()
        self._note_idle()

    def _plan_look(self) -> None:
        """Look again for what is not answered, while there is anything to be answered."""
        if self._in_flight and self._allowed:
            if self._next_look is None:
                self._next_look = asyncio.get_running_loop().call_later(self._answer[0], self._look_for_unanswered)
        elif self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _look_for_unanswered(self) -> None:
        """Let no topic that the broker does not answer take the room of others."""
        self._next_look = None
        now = asyncio.get_running_loop().time()
        for packet, outgoing in list(self._in_flight.items()):
            order, at = self._sent[packet]
            if now - at >= self._answer[order > self._latest]:
                self._unanswered[packet] = self._in_flight.pop(packet)
                self._suspects.pop(outgoing.publication.topic, None)
                self._quarantine.unanswered(outgoing)
                self._hold_waiting(outgoing.publication.topic)
        self._plan_try()
        self._pump()

    def _next(self) -> Outgoing:
        """Take out what goes next: in turn, but while one goes at a time what is retained goes last."""
        number = next(iter(self._waiting))
        if self._careful:
            number = next((each for each, it in self._waiting.items() if not it.publication.retain), number)
        self._droppable.pop(number, None)
        return self._waiting.pop(number)

    def _remove(self, number: int) -> Outgoing | None:
        self._droppable.pop(number, None)
        return self._waiting.pop(number, None)

    def _wait(self, outgoing: Outgoing) -> None:
        if outgoing.newest_only:
            self._remove(self._newest.get(outgoing.publication.topic, -1))
            self._newest[outgoing.publication.topic] = outgoing.number
        elif outgoing.done is None and not outgoing.publication.retain:
            self._droppable[outgoing.number] = None
        self._waiting[outgoing.number] = outgoing

    def _wait_again(self, again: list[Outgoing]) -> None:
        """Have publications wait in their old places."""
        if not again:
            return
        for outgoing in again:
            topic = outgoing.publication.topic
            if not outgoing.newest_only or self._newest.get(topic, -1) not in self._waiting:
                self._wait(outgoing)
        self._waiting = dict(sorted(self._waiting.items()))
        self._idle.clear()

    def _hold_waiting(self, topic: str) -> None:
        for number, outgoing in list(self._waiting.items()):
            if outgoing.publication.topic == topic and self._quarantine.holds(outgoing):
                self._remove(number)

    def _try_held(self) -> None:
        self._next_try = None
        self._wait_again(self._quarantine.due())
        self._plan_try()
        self._pump()

    def _plan_try(self) -> None:
        """Look again when the next topic is to be tried; while there is no connection, that is its beginning."""
        due = self._quarantine.next_try
        if self._next_try is not None:
            self._next_try.cancel()
            self._next_try = None
        if due is not None and self._allowed:
            self._next_try = asyncio.get_running_loop().call_at(due, self._try_held)

    def _note_idle(self) -> None:
        if not len(self):
            self._idle.set()
            self._careful = False
            self._suspects.clear()

    def _drop_oldest(self) -> None:
        if not self._dropped:
            _LOGGER.warning("%d messages wait for the broker; dropping the oldest ones", len(self._waiting))
        self._dropped += 1
        oldest = self._remove(next(iter(self._droppable)))
        if oldest is not None:
            self._quarantine.withdraw(oldest)
