"""Whether a broker gives what it retains to subscriptions with wildcards: no broker says so, and some don't."""

import asyncio
from collections.abc import Callable
from typing import Final

from sim7020_bridge.config.topic_names import matches
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.topics import Subscription

MOST_CUT: Final = 2
"""Connections in a row that end while the broker is asked; then it is asked no more, for the asking may end them."""


class WildcardProbe:
    """Asks a broker for one retained topic, by its name and, if it comes so, by a wildcard.

    Args:
        topic: What the client itself has published there, retained; its last level becomes the wildcard. None to ask
            for nothing.
        ask: Subscribes.
        drop: Ends a subscription.
        changed: Called when ``found`` is different.
        patience: Seconds in which what is retained comes.
    """

    def __init__(
        self,
        topic: str | None,
        *,
        ask: Callable[[Subscription], object],
        drop: Callable[[str], None],
        changed: Callable[[], None],
        patience: float,
    ) -> None:
        self._topic = topic
        self._wildcard = None if topic is None else f"{topic.rpartition('/')[0]}/+"
        self._ask = ask
        self._drop = drop
        self._changed = changed
        self._patience = patience
        self._came = asyncio.Event()
        self._cut = 0
        self.found: bool | None = None
        """Whether what is retained comes by wildcards; None if that can't be told, as without the right to read it."""

    async def look(self) -> None:
        """Find out, on a connection whose broker has acknowledged the topic; cancelled when the connection ends."""
        if self._topic is None or self._wildcard is None or self._cut >= MOST_CUT:
            return
        self._cut += 1
        found = await self._comes(self._wildcard) if await self._comes(self._topic) else None
        self._cut = 0
        if found is not self.found:
            self.found = found
            self._changed()

    def takes(self, received: Received) -> bool:
        """Take what came for the probe, at once or late; say whether it may have come for it alone."""
        if received.retain and received.topic == self._topic:
            self._came.set()
        return self._wildcard is not None and matches(self._wildcard, received.topic)

    async def _comes(self, topic_filter: str) -> bool:
        self._came.clear()
        self._ask(Subscription(topic_filter, every_time=True))
        try:
            async with asyncio.timeout(self._patience):
                await self._came.wait()
        except TimeoutError:
            return False
        finally:
            self._drop(topic_filter)
        return True
