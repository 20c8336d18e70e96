"""What waits to be published: bounded, in order, and of a retained topic only the newest."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.messages import Publication

_LOGGER = logging.getLogger(__name__)

MAX_WAITING = 1000
"""Publications that may wait for the broker; beyond that the oldest is dropped."""

WINDOW = 16
"""Publications that are sent before the first of them is acknowledged."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A publication and, if somebody waits for its acknowledgement, where to tell them."""

    publication: Publication
    acknowledged: asyncio.Future[None] | None = None

    def done(self) -> None:
        """The broker has it."""
        if self.acknowledged and not self.acknowledged.done():
            self.acknowledged.set_result(None)

    def refuse(self, code: str, problem: str) -> None:
        """The broker will not have it."""
        _LOGGER.error("A message to %s can't be published: %s", self.publication.topic, problem)
        if self.acknowledged and not self.acknowledged.done():
            self.acknowledged.set_exception(PayloadRefused(code, problem))


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
        self.window = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_flight)

    def open(self, window: int) -> None:
        """Send from now on, at most ``window`` publications ahead of their acknowledgements."""
        self.window = window
        if self._dropped:
            _LOGGER.warning("%d messages were dropped while the broker was away", self._dropped)
            self._dropped = 0
        self._pump()

    def close(self) -> None:
        """Only queue from now on; what is in flight stays so, and may still be acknowledged on the next connection."""
        self.window = 0

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
            self._in_flight.pop(packet).done()
        self._pump()

    def refused(self, packet: int, reason: str) -> None:
        """Note that the broker will not have the publication with this packet identifier."""
        if packet in self._in_flight:
            self._in_flight.pop(packet).refuse("broker_refused", f"the broker refused it: {reason}")
        self._pump()

    async def wait_idle(self) -> None:
        """Return when everything is acknowledged."""
        await self._idle.wait()

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
