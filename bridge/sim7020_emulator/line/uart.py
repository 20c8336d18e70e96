"""The serial line: bytes at a rate, in each direction."""

import asyncio
from collections import deque
from collections.abc import Callable

RATES = (0, 110, 300, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 3000000)
"""The rates that +IPR takes, in bits per second; 0 is learnt from the host."""

_SLICE = 0.004
"""Seconds of line time that travel as one piece."""

_LATENESS = 0.05
"""How late a timer may be and still be made up for, in seconds."""

_BITS_PER_BYTE = 10


class PacedLine:
    """One direction of a serial line: what is pushed in comes out at the line's rate.

    Args:
        rate: Bits per second, ten to a byte; 0 passes everything on at once.
        deliver: Where the bytes come out.
        drained: Called when everything pushed has been delivered.
    """

    def __init__(self, rate: int, deliver: Callable[[bytes], None], drained: Callable[[], None] = lambda: None) -> None:
        self._rate = rate
        self._deliver = deliver
        self._drained = drained
        self._waiting: deque[bytes | int] = deque()
        self._free_at = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self.backlog = 0

    @property
    def rate(self) -> int:
        """The rate in force; 0 is unpaced."""
        return self._rate

    def push(self, data: bytes) -> None:
        """Send bytes."""
        if not data:
            return
        if self._rate == 0 and not self._waiting:
            self._deliver(data)
            return
        if not self._waiting:
            self._free_at = max(self._free_at, asyncio.get_running_loop().time())
        self._waiting.append(data)
        self.backlog += len(data)
        self._arm()

    def change_rate(self, rate: int) -> None:
        """Change the rate once what was pushed so far is out."""
        if self._waiting:
            self._waiting.append(rate)
        else:
            self._rate = rate

    def clear(self) -> None:
        """Lose what is still on its way."""
        for item in self._waiting:
            if isinstance(item, int):
                self._rate = item
        self._waiting.clear()
        self.backlog = 0
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        if self._handle is not None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._free_at > _LATENESS:
            self._free_at = now
        head = self._waiting[0]
        size = len(head) if isinstance(head, bytes) else 0
        seconds = min(size, self._slice()) * _BITS_PER_BYTE / self._rate if self._rate else 0.0
        self._free_at += seconds
        self._handle = loop.call_at(self._free_at, self._emit)

    def _slice(self) -> int:
        return max(1, int(self._rate * _SLICE / _BITS_PER_BYTE))

    def _emit(self) -> None:
        self._handle = None
        head = self._waiting.popleft()
        piece = b""
        if isinstance(head, int):
            self._rate = head
        else:
            size = self._slice() if self._rate else len(head)
            piece, rest = head[:size], head[size:]
            if rest:
                self._waiting.appendleft(rest)
            self.backlog -= len(piece)
        if self._waiting:
            self._arm()
        if piece:
            self._deliver(piece)
        if not self._waiting:
            self._drained()


class Uart:
    """The module's serial port, between whoever is plugged in and the interpreter.

    Args:
        rate: Line rate; 0 is unpaced and stays so whatever +IPR says.
    """

    def __init__(self, rate: int) -> None:
        self._paced = rate != 0
        self._transmit: Callable[[bytes], None] | None = None
        self.on_receive: Callable[[bytes], None] = lambda _: None
        """Takes bytes from the host."""
        self.on_drained: Callable[[], None] = lambda: None
        self._outward = PacedLine(rate, self._leave)
        self._inward = PacedLine(rate, self._arrive, self._empty)

    @property
    def rate(self) -> int:
        """The rate of the line; 0 is unpaced."""
        return self._outward.rate

    @property
    def backlog(self) -> int:
        """Bytes from the host that have not arrived yet."""
        return self._inward.backlog

    def plug_in(self, transmit: Callable[[bytes], None]) -> None:
        """Connect a host; until then, and after ``unplug``, what the module says is lost."""
        self._transmit = transmit

    def unplug(self) -> None:
        """Disconnect the host."""
        self._transmit = None

    @property
    def unsent(self) -> int:
        """Bytes for the host that have not left yet."""
        return self._outward.backlog

    def feed(self, data: bytes) -> None:
        """Take bytes from the host."""
        self._inward.push(data)

    def write(self, data: bytes) -> None:
        """Send bytes to the host."""
        self._outward.push(data)

    def change_rate(self, rate: int) -> None:
        """Change the rate of both directions after everything written so far has left."""
        if self._paced:
            self._outward.change_rate(rate)
            self._inward.change_rate(rate)

    def _empty(self) -> None:
        self.on_drained()

    def _leave(self, data: bytes) -> None:
        if self._transmit is not None:
            self._transmit(data)

    def _arrive(self, data: bytes) -> None:
        self.on_receive(data)
