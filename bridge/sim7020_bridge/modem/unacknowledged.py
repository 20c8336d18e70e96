"""What one TCP connection was given, and how much of it its peer has acknowledged."""

import asyncio
from collections import deque

from sim7020_bridge.modem.socket_state import SocketLost


class Unacknowledged:
    """Counts the bytes of one connection from its opening to its end; the next one has a count of its own.

    The module reports how many bytes more were acknowledged, and not which (TCP/IP note section 3.6).
    """

    def __init__(self) -> None:
        self._given = 0
        self._acknowledged = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._lost = False

    def __len__(self) -> int:
        """Return how many payloads wait for their acknowledgement."""
        return len(self._waiting)

    def give(self, length: int) -> None:
        """Count bytes that go to the module."""
        self._given += length

    def withdraw(self, length: int) -> None:
        """Count bytes no longer: the module did not take them."""
        self._given -= length

    def acknowledge(self, length: int) -> None:
        """Count bytes that the peer has."""
        self._acknowledged += length
        while self._waiting and self._waiting[0][0] <= self._acknowledged:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_result(None)

    def all_given(self) -> "asyncio.Future[None]":
        """Return a future that is done once all that was given is acknowledged; it fails with SocketLost before."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._lost:
            _lose(done)
        elif self._acknowledged >= self._given:
            done.set_result(None)
        else:
            self._waiting.append((self._given, done))
        return done

    def lose(self) -> None:
        """End with the connection: what was not acknowledged never will be."""
        self._lost = True
        waiting, self._waiting = self._waiting, deque()
        for _, done in waiting:
            _lose(done)


def _lose(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_exception(SocketLost("the socket broke before the peer acknowledged"))
        done.exception()  # it counts as seen, also where nobody waits any more
