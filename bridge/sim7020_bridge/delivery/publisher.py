"""What the broker is to have for sure: publications until it acknowledged them, and acknowledgements of what came."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from sim7020_bridge.errors import PayloadRefused, StorageFailed
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.quarantine import Outgoing
from sim7020_bridge.outbox.message import PendingKind, PendingPublication
from sim7020_bridge.outbox.outbox import Outbox

log: Final = logging.getLogger(__name__)

A_MOMENT: Final = 0.001
"""Seconds by which receipts that are not final and acknowledgements give way to the command that they tell of."""

DROPS_TOLD: Final = 1.0
"""Seconds for which received messages that are dropped are counted before it is told: they come in floods."""

RESENT_WITHIN: Final = 2.0
"""Seconds in which a broker brings again, at a new connection, what it has no acknowledgement of."""

LAST_MOMENTS: Final = 2.0
"""Seconds that the broker has, when the bridge ends, to acknowledge what is pending."""


class Publisher:
    """Publishes what is kept on disk, and has each forgotten once the broker acknowledged it.

    Args:
        most_received: How many of those that came from the network may wait; the oldest of more is dropped.
        dropped: Called with how many were, soon.
        still_allow: Whether receipts may go to a Response Topic, by the configuration that is in force now.
    """

    def __init__(
        self,
        client: MqttClient,
        *,
        outbox: Outbox,
        most_received: int,
        dropped: Callable[[int], None],
        still_allow: Callable[[str], bool],
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._most_received = most_received
        self._dropped = dropped
        self._still_allow = still_allow
        self._received: dict[int, Outgoing] = {}
        # a packet identifier may be forgotten once the broker has got its acknowledgement; which these are, by number
        self._unproven: dict[int, int] = {}
        self._acknowledged = 0
        self._resent: set[int] = set()
        self._all_resent: asyncio.TimerHandle | None = None
        self._due: list[Callable[[], None]] = []
        self._drops = 0
        self._ending = False
        self._ended = False

    def connected(self) -> None:
        """Note that there is a new connection; in a new session the broker counts packets anew."""
        self._unproven.clear()
        self._resent.clear()
        self._await_no_more()
        if self._client.session_present:
            self._all_resent = asyncio.get_running_loop().call_later(RESENT_WITHIN, self._note_all_resent)
        else:
            self._outbox.session_lost()

    def came(self, received: Received) -> bool:
        """Note that a message came; say whether to take it: at the end, what the broker keeps is left to it."""
        if received.acknowledgement is None:
            return True
        self._unproven.pop(received.acknowledgement.packet, None)
        if received.duplicate:
            self._resent.add(received.acknowledgement.packet)
        elif self._all_resent is not None:
            # what is new comes after all that comes again (MQTT 5.0 section 4.6)
            self._note_all_resent()
        return not self._ending

    def end(self) -> None:
        """Leave to the broker what it keeps, for the next run."""
        self._ending = True

    def publish(self, number: int, publication: PendingPublication) -> None:
        """Publish what is on disk under a number, until the broker has it.

        Its acknowledgement shows that the broker has got every acknowledgement of before, too.
        """
        self._catch_up()
        if not self._may_go(publication):
            self._outbox.pending.remove(number)
            return
        done = partial(self._done, number, self._acknowledged)
        outgoing = self._client.publish_awaited(_packet(publication), done)
        if publication.kind is PendingKind.RECEIVED:
            self._received[number] = outgoing
            if len(self._received) > self._most_received:
                self._drop_oldest()

    def publish_interim(self, receipt: Callable[[], tuple[PendingPublication, ...]]) -> None:
        """Publish a receipt that is not final, a moment later; it is not kept."""

        def publish() -> None:
            for each in filter(self._may_go, receipt()):
                self._client.publish(_packet(each))

        self._afterwards(publish)

    def acknowledge(self, received: Received) -> None:
        """Have the broker told that a message is done with, a moment later."""

        def acknowledge() -> None:
            if self._client.acknowledge(received) and received.acknowledgement is not None:
                self._acknowledged += 1
                self._unproven[received.acknowledgement.packet] = self._acknowledged

        self._afterwards(acknowledge)

    async def finish(self) -> None:
        """Give the broker a moment to take what is pending, so that it need not come twice."""
        if self._client.connected:
            self._client.begin_to_publish()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_MOMENTS):
                    with contextlib.suppress(StorageFailed):
                        await self._outbox.wait_written()
                    await self._client.wait_idle()
        self._await_no_more()
        self._report_drops()
        self._catch_up()
        self._ended = True

    def _may_go(self, publication: PendingPublication) -> bool:
        return publication.kind is not PendingKind.REPLY or self._still_allow(publication.topic)

    def _note_all_resent(self) -> None:
        """Have all other packets forgotten: the broker uses their identifiers for new messages, perhaps at once."""
        self._await_no_more()
        self._outbox.packets_resent(tuple(self._resent))

    def _await_no_more(self) -> None:
        if self._all_resent is not None:
            self._all_resent.cancel()
            self._all_resent = None

    def _done(self, number: int, acknowledged: int, refused: PayloadRefused | None) -> None:
        self._received.pop(number, None)
        if self._ended:
            return
        self._outbox.pending.remove(number)
        if refused is None:
            proven = [packet for packet, each in self._unproven.items() if each <= acknowledged]
            for packet in proven:
                del self._unproven[packet]
            if proven:
                self._outbox.packets_acknowledged(proven)

    def _drop_oldest(self) -> None:
        """Drop what came first and is not under way yet."""
        for number, outgoing in self._received.items():
            if self._client.withdraw(outgoing):
                del self._received[number]
                self._outbox.pending.remove(number)
                self._drops += 1
                if self._drops == 1:
                    asyncio.get_running_loop().call_later(DROPS_TOLD, self._report_drops)
                return

    def _report_drops(self) -> None:
        drops, self._drops = self._drops, 0
        if drops:
            log.warning("%d received messages were dropped: too many wait for the broker", drops)
            self._dropped(drops)

    def _afterwards(self, call: Callable[[], None]) -> None:
        """Call in turn, once the module has been told what there is to tell, and before anything else is published."""
        self._due.append(call)
        if len(self._due) == 1:
            asyncio.get_running_loop().call_later(A_MOMENT, self._catch_up)

    def _catch_up(self) -> None:
        due, self._due = self._due, []
        for call in due:
            call()


def _packet(publication: PendingPublication) -> Publication:
    return Publication(
        topic=publication.topic,
        payload=publication.payload,
        correlation_data=publication.correlation_data,
        answer=publication.kind is PendingKind.REPLY,
    )
