"""For how long a CoAP server is let be."""

import asyncio
from typing import Final

from sim7020_bridge.modem.backoff import Backoff

PAUSES: Final = (30.0, 1800.0)
"""The first and the longest wait for a server that does not answer, or can't say when it will."""

SHORTEST_PAUSE: Final = 10
"""Seconds: a server that asks for less is asked again then, for each time costs a datagram each way."""

LONGEST_PAUSE: Final = 3600
"""The same for one that asks for more."""


class Pause:
    """One server's."""

    def __init__(self) -> None:
        self._backoff = Backoff(*PAUSES)
        self._until = 0.0

    @property
    def left(self) -> float:
        """Seconds until it is over; not above 0 if it is."""
        return self._until - asyncio.get_running_loop().time()

    def begin(self, seconds: int | None = None) -> None:
        """Let the server be for so long; None if it did not say, and then for longer each time."""
        pause = self._backoff.next_wait() if seconds is None else min(max(SHORTEST_PAUSE, seconds), LONGEST_PAUSE)
        self._until = asyncio.get_running_loop().time() + pause

    def end(self) -> None:
        """Let be no longer."""
        self._until = 0.0

    def forget(self) -> None:
        """Begin with the shortest again: the server says what is to become of messages."""
        self._backoff.reset()
