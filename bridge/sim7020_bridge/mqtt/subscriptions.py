"""What a client listens to: asked for at every connection, and again while the broker does not grant it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from sim7020_bridge.config.topic_names import matches
from sim7020_bridge.mqtt.refusals import subscription_refused
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import SHARED, Subscription

_LOGGER = logging.getLogger(__name__)

FAILURE: Final = 0x80
"""The first reason code of SUBACK that is none of success; MQTT 3.1.1 has no other."""

GUILTY_AFTER: Final = 3
"""Connections in a row that the broker ended at one subscription, until it is left out for a while."""

LONGEST_PAUSE: Final = 3600.0
"""Seconds that one is left out at most; each time that the broker ends the connection at it again, twice as long."""


class Subscriptions:
    """Subscriptions, and what the broker said of them.

    Args:
        wanted: What to listen to.
        ask: Asks the broker for one and returns the packet identifier; None if it could not be sent.
        drop: Tells the broker that a filter is not wanted any more.
        changed: Called when the broker refuses more or less of it.
        timing: The durations.
    """

    def __init__(
        self,
        wanted: Sequence[Subscription],
        *,
        ask: Callable[[Subscription], int | None],
        drop: Callable[[str], None],
        changed: Callable[[], None],
        timing: ClientTiming,
    ) -> None:
        self._wanted = wanted
        self._ask = ask
        self._drop = drop
        self._changed = changed
        self._timing = timing
        self._unwanted: set[str] = set()
        self._asked: dict[int, str] = {}
        self._granted: dict[str, int] = {}
        self._refused: set[str] = set()
        self._ended_at: dict[str, int] = {}
        self._due = 0.0
        self._answered, self._heard = asyncio.Event(), asyncio.Event()
        self._connected = False
        self._shared = self._wildcards = True
        self._timer: asyncio.TimerHandle | None = None

    @property
    def refused(self) -> tuple[str, ...]:
        """The filters that the broker did not grant when it was asked last."""
        return tuple(sorted(self._refused))

    @property
    def unassured(self) -> bool:
        """Whether the broker delivers something with QoS 0 only: it keeps nothing of that."""
        return 0 in self._granted.values()

    def want(self, topic: str) -> bool:
        """Whether a message to a topic may come for one of these."""
        return any(matches(each.topic_filter, topic) for each in self._wanted)

    def connected(self, *, shared: bool, wildcards: bool = True) -> None:
        """Ask for everything that the broker has: ``shared`` subscriptions, and those with ``wildcards``.

        What is no longer listened to is told at every connection: the broker need not have heard it the first time.
        """
        self._connected, self._shared, self._wildcards = True, shared, wildcards
        self._asked.clear()
        for unwanted in self._unwanted:
            if shared or not unwanted.startswith(SHARED):
                self._drop(unwanted)
        guilty = self._guilty()
        self._ask_for([each for each in self._wanted if each.topic_filter not in guilty])
        for event in (self._answered, self._heard):
            if self._asked:
                event.clear()
            else:
                event.set()
        if guilty:
            # the others first, or one of them might be taken for what the broker ends the connection at
            self._ask_at(max(self._due, asyncio.get_running_loop().time() + self._timing.granted))

    async def wait_answered(self, within: float) -> None:
        """Return once the broker has answered all that it was asked for, or does not within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._answered.wait()

    async def wait_heard(self, within: float) -> bool:
        """Return whether the broker has answered any that it was asked for, or brought something, within seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._heard.wait()
        return self._heard.is_set()

    def brought(self) -> None:
        """Note that the broker brings messages: its answers may be behind all that waited in the session."""
        self._heard.set()

    def interrupted(self, *, alone: bool) -> bool:
        """Note that the broker ended the connection; say whether it did so at a subscription.

        It was the first that it left unanswered, if nothing else was under way: ``alone``. One at which it has ended
        connections before is asked for later, beside whatever is, and is always suspected.
        """
        topic_filter = next(iter(self._asked.values()), None)
        if topic_filter is None or not (alone or self._ended_at.get(topic_filter, 0) >= GUILTY_AFTER):
            return False
        times = self._ended_at[topic_filter] = self._ended_at.get(topic_filter, 0) + 1
        if times >= GUILTY_AFTER:
            self._put_off()
        if times >= GUILTY_AFTER and topic_filter not in self._refused:
            _LOGGER.error("%s", subscription_refused(topic_filter, "it ends the connection"))
            self._refused.add(topic_filter)
            self._changed()
        return True

    def disconnected(self) -> None:
        """Ask for nothing until the next connection."""
        self._connected = False
        self._asked.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def change(self, wanted: Sequence[Subscription]) -> None:
        """Listen to something else from now on."""
        before = {each.topic_filter for each in self._wanted}
        now = {each.topic_filter for each in wanted}
        self._wanted = wanted
        self._unwanted = (self._unwanted | before) - now
        self._refused &= now
        self._ended_at = {each: times for each, times in self._ended_at.items() if each in now}
        for topic_filter in before - now:
            self._granted.pop(topic_filter, None)
        if self._connected:
            for unwanted in before - now:
                self._drop(unwanted)
            self._ask_for([each for each in wanted if each.topic_filter not in before])

    def answered(self, packet: int, code: int, reason: str) -> None:
        """Note what the broker said of one."""
        topic_filter = self._asked.pop(packet, None)
        self._heard.set()
        if not self._asked:
            self._answered.set()
        if topic_filter is None:
            return
        before = self.refused, self.unassured
        self._ended_at.pop(topic_filter, None)
        if code < FAILURE:
            self._granted[topic_filter] = code
            self._refused.discard(topic_filter)
        else:
            if topic_filter not in self._refused:
                _LOGGER.error("%s", subscription_refused(topic_filter, reason))
            self._refused.add(topic_filter)
            self._ask_at(asyncio.get_running_loop().time() + self._timing.ask_again)
        if (self.refused, self.unassured) != before:
            self._changed()

    def _guilty(self) -> set[str]:
        """Return the filters at which the broker ends the connection."""
        return {each for each, times in self._ended_at.items() if times >= GUILTY_AFTER}

    def _put_off(self) -> None:
        """Leave those out for a while, whatever connections there are meanwhile: the longer the more often it was."""
        most = max(self._ended_at.values())
        pause = min(self._timing.ask_again * 2.0 ** min(most - GUILTY_AFTER, 16), LONGEST_PAUSE)
        self._due = asyncio.get_running_loop().time() + pause

    def _ask_at(self, when: float) -> None:
        if self._timer is not None and self._timer.when() <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self._ask_for_refused)

    def _ask_for_refused(self) -> None:
        self._timer = None
        guilty = self._guilty()
        left_out = guilty if asyncio.get_running_loop().time() < self._due else set()
        self._ask_for([each for each in self._wanted if each.topic_filter in self._refused - left_out])
        if left_out:
            self._ask_at(self._due)
        elif guilty:
            self._put_off()

    def _ask_for(self, subscriptions: Sequence[Subscription]) -> None:
        for each in subscriptions:
            if not self._shared and each.topic_filter.startswith(SHARED):
                # there are brokers that grant it all the same, and deal nothing
                _LOGGER.error("the MQTT broker deals nothing: it has no shared subscriptions for %s", each.topic_filter)
                continue
            if not self._wildcards and {"+", "#"}.intersection(each.topic_filter):
                _LOGGER.error("the MQTT broker has no subscriptions with wildcards: none for %s", each.topic_filter)
                self._refused.add(each.topic_filter)
                self._changed()
                continue
            packet = self._ask(each)
            if packet is not None:
                self._asked[packet] = each.topic_filter
