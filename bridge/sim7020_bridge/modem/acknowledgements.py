"""How much of what a connection was given its peer has, from reports and answers that a line may lose or spoil."""

import asyncio
from collections import deque

from sim7020_bridge.commands.sockets import Acknowledged
from sim7020_bridge.errors import BridgeError


class SocketLost(BridgeError):
    """The socket is not open, or broke before the peer acknowledged what had been sent.

    ``broke`` if the connection did, and not what carries it: the module, its port or its context.
    """

    def __init__(self, words: str, *, broke: bool = False) -> None:
        self.broke = broke
        super().__init__(words)


class Unacknowledged:
    """Counts the bytes of one connection from its opening to its end; the next one has a count of its own.

    The module reports how many bytes more were acknowledged, and not which (TCP/IP note section 3.6). A report may be
    lost, or come twice, or after an answer that counts its bytes already. So it is a reason to ask; it counts only
    where the module can't be asked. An answer may have a digit that the line has spoilt: what two in a row say counts.
    """

    def __init__(self) -> None:
        self._given = self._taken = self._reported = self._told = self._acknowledged = 0
        # a module that tells nothing never ends one
        self._pieces: deque[int] = deque(maxlen=4096)
        """Where the pieces end that were given and are not acknowledged."""
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._counted = False
        self.doubtful = False
        """Whether another answer of the module may tell more than its last one."""
        self.waits = asyncio.Event()
        """Set while a payload waits for its acknowledgement."""
        self.since = 0.0
        """The loop's time at which the first that waits began to, or something was acknowledged last."""
        self.reported = asyncio.Event()
        """Set by each report."""

    @property
    def acknowledged(self) -> int:
        """How many bytes the peer is known to have."""
        return self._acknowledged

    @property
    def given(self) -> int:
        """How many bytes went to the module, or may have."""
        return self._given

    def waited(self, now: float) -> float:
        """Return for how many seconds the first that waits has waited by the loop's time; 0 if none does."""
        return max(0.0, now - self.since) if self.waits.is_set() else 0.0

    def pause(self, since: float, until: float) -> None:
        """Take out a time in which nothing could be acknowledged."""
        self.since += until - max(since, self.since)

    def give(self, length: int) -> None:
        """Count bytes that go to the module."""
        self._given += length
        self._pieces.append(self._given)

    def take_back(self, length: int) -> None:
        """Count the bytes that were given last no more: the module did not take them."""
        self._given -= length
        if self._pieces:
            self._pieces.pop()

    def take(self, length: int) -> None:
        """Count bytes that the module took."""
        self._taken += length

    def report(self, length: int) -> None:
        """Count bytes that the peer is said to have: never more than it was given, and then none where it is asked."""
        if self._reported + length <= self._given or not self._counted:
            self._reported = min(self._reported + length, self._given)
        self.reported.set()

    def settle(self, told: Acknowledged | None) -> bool:
        """End the wait for what is acknowledged; say whether what the module told of it is to be believed.

        It is not if it counts something else than these bytes, or nothing where it has reported something.
        """
        believed = (
            told is not None
            and self._taken <= told.given <= self._given
            and told.acknowledged <= told.given
            and (told.acknowledged > 0 or not self._reported)
        )
        if told is not None and believed:
            self._counted = True
            self._end_until(min(self._told, told.acknowledged))
            self._told = told.acknowledged
            self._reported = min(self._reported, self._told)
            self.doubtful = bool(self._waiting) and self._waiting[0][0] <= self._told
        elif self._counted:
            self.doubtful = bool(self._waiting)
            if told is not None:
                self._reported = self._acknowledged
        else:
            self._end_until(self._reported)
        return believed

    def all_given(self) -> "asyncio.Future[None]":
        """Return a future that is done once all that was given is acknowledged; it fails with SocketLost before."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            self.since = loop.time()
        self._waiting.append((self._given, done))
        self._look()
        return done

    def lose(self, *, broke: bool) -> None:
        """Fail what was not acknowledged, as SocketLost has it: with its connection over, it never will be.

        Nobody can be asked any more, and so reports count; not if they end within a piece, where the module counted:
        then one of them was spoilt, or came twice.
        """
        if not self._counted or self._reported in self._pieces:
            self._end_until(self._reported)
        while self._waiting:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_exception(SocketLost("the socket broke before the peer acknowledged", broke=broke))
                done.exception()  # it counts as seen, also where nobody waits any more
        self._look()

    def _end_until(self, acknowledged: int) -> None:
        if acknowledged > self._acknowledged:
            self._acknowledged, self.since = acknowledged, asyncio.get_running_loop().time()
        while self._pieces and self._pieces[0] <= self._acknowledged:
            self._pieces.popleft()
        while self._waiting and self._waiting[0][0] <= self._acknowledged:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_result(None)
        self._look()

    def _look(self) -> None:
        if self._waiting:
            self.waits.set()
        else:
            self.waits.clear()
