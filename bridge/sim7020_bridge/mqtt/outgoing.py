"""What waits to be published: bounded, in order, and of a retained topic only the newest."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from sim7020_bridge.errors import BrokerDisconnects, PayloadRefused
from sim7020_bridge.mqtt.messages import Publication

_LOGGER = logging.getLogger(__name__)

MAX_WAITING = 1000
"""Publications that may wait for the broker; beyond that the oldest is dropped."""

WINDOW = 16
"""Publications that are sent before the first of them is acknowledged."""

CAREFUL_AFTER = 2
"""Connections in a row that the broker ended with nothing acknowledged; then one publication is sent at a time."""

GIVEN_UP_AFTER = 3
"""Connections in a row that the broker ended while one publication, and no other, waited for its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A publication and, if somebody waits for its acknowledgement, where to tell them."""

    publication: Publication
    acknowledged: asyncio.Future[None] | None = None

    def done(self) -> None:
        """The broker has it."""
        if self.acknowledged and not self.acknowledged.done():
            self.acknowledged.set_result(None)

    def refuse(self, refused: PayloadRefused, *, again: bool = False) -> None:
        """The broker will not have it; ``again``: nor the one before to the same topic, which was told already."""
        level = logging.DEBUG if again else logging.ERROR
        _LOGGER.log(level, "A message to %s can't be published: %s", self.publication.topic, refused)
        if self.acknowledged and not self.acknowledged.done():
            self.acknowledged.set_exception(refused)


class OutgoingQueue:
    """Publications on their way to the broker.

    Args:
        send: Gives one to the connection and returns its packet identifier, or None if it was refused at once.
        max_waiting: How many may wait. Those whose acknowledgement somebody waits for count, and are never dropped.
    """

    def __init__(self, send: Callable[[Outgoing], int | None], *, max_waiting: int = MAX_WAITING) -> None:
        self._send = send
        self._max_waiting = max_waiting
        self._waiting: dict[str | int, Outgoing] = {}
        self._in_flight: dict[int, Outgoing] = {}
        self._numbers = count()
        self._idle = asyncio.Event()
        self._idle.set()
        self._dropped = 0
        self._progress = False
        self._fruitless = 0
        self._suspect: Outgoing | None = None
        self._blamed = 0
        self._refused: set[str] = set()
        self.window = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_flight)

    def open(self, window: int) -> None:
        """Send from now on, at most ``window`` publications ahead of their acknowledgements."""
        self.window = window if self._fruitless < CAREFUL_AFTER else 1
        self._progress = False
        if self._dropped:
            _LOGGER.warning("%d messages were dropped while the broker was away", self._dropped)
            self._dropped = 0
        self._pump()

    def close(self) -> None:
        """Only queue from now on; what is in flight stays so, and may still be acknowledged on the next connection."""
        self.window = 0

    def interrupted(self) -> bool:
        """Note that the broker ended the connection; find out which publication makes it do so, and give that one up.

        Returns:
            Whether what was in flight waits again: none of it may be sent again under its old packet identifier.
        """
        progress, self._progress = self._progress, False
        if progress or not self._in_flight:
            self._fruitless = 0
            return False
        self._fruitless += 1
        if self._fruitless < CAREFUL_AFTER:
            return False
        again = list(self._in_flight.values())
        self._in_flight.clear()
        if len(again) == 1 and self._is_guilty(again[0]):
            problem = f"{GIVEN_UP_AFTER} times in a row the broker disconnected when it came"
            again.pop().refuse(BrokerDisconnects(problem))
        self._waiting = {**{next(self._numbers): each for each in again}, **self._waiting}
        self._note_idle()
        return True

    def put(self, outgoing: Outgoing) -> None:
        """Queue a publication, or send it at once if there is room in the window."""
        publication = outgoing.publication
        if publication.retain and outgoing.acknowledged is None:
            self._waiting.pop(publication.topic, None)
            self._waiting[publication.topic] = outgoing
        else:
            self._waiting[next(self._numbers)] = outgoing
        self._idle.clear()
        self._pump()
        if len(self._waiting) > self._max_waiting:
            self._drop_oldest()

    def withdraw(self, outgoing: Outgoing) -> None:
        """Forget a publication that has not been sent yet."""
        for key, waiting in self._waiting.items():
            if waiting is outgoing:
                del self._waiting[key]
                break
        self._note_idle()

    def acknowledged(self, packet: int) -> None:
        """Note that the broker has the publication with this packet identifier."""
        if packet in self._in_flight:
            self._progress = True
            outgoing = self._in_flight.pop(packet)
            self._refused.discard(outgoing.publication.topic)
            outgoing.done()
        self._pump()

    def refused(self, packet: int, reason: str) -> None:
        """Note that the broker will not have the publication with this packet identifier."""
        if packet in self._in_flight:
            self._progress = True
            outgoing = self._in_flight.pop(packet)
            topic = outgoing.publication.topic
            refused = PayloadRefused("broker_refused", f"the broker refused it: {reason}")
            outgoing.refuse(refused, again=topic in self._refused)
            if len(self._refused) < self._max_waiting:
                self._refused.add(topic)
        self._pump()

    async def wait_idle(self) -> None:
        """Return when everything is acknowledged."""
        await self._idle.wait()

    def _is_guilty(self, outgoing: Outgoing) -> bool:
        if outgoing is not self._suspect:
            self._suspect, self._blamed = outgoing, 0
        self._blamed += 1
        if self._blamed < GIVEN_UP_AFTER:
            return False
        self._suspect, self._fruitless = None, 0
        return True

    def _pump(self) -> None:
        while self._waiting and len(self._in_flight) < self.window:
            outgoing = self._waiting.pop(next(iter(self._waiting)))
            packet = self._send(outgoing)
            if packet is not None:
                self._in_flight[packet] = outgoing
        self._note_idle()

    def _note_idle(self) -> None:
        if not len(self):
            self._idle.set()

    def _drop_oldest(self) -> None:
        for key, outgoing in self._waiting.items():
            if outgoing.acknowledged is None:
                if not self._dropped:
                    _LOGGER.warning("%d messages wait for the broker; dropping the oldest ones", len(self._waiting))
                self._dropped += 1
                del self._waiting[key]
                return
