"""One real socket of the host behind one socket of the module."""

import asyncio
import errno
import fcntl
import math
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable

from sim7020_emulator.field.field import Way
from sim7020_emulator.schedule import Schedule

_IP_HEADER, _IPV6_HEADER, _UDP_HEADER, _TCP_HEADER = 20, 40, 8, 20
"""Bytes, without options."""

UDP_HEADERS = _IP_HEADER + _UDP_HEADER
"""Those of a datagram over IPv4; an ICMP echo has as many."""

_SEGMENT = 512
"""The most bytes of a TCP stream that are reported as one piece."""

_LARGEST_DATAGRAM = 65535
_BACKLOG_LIMIT = 32768
"""Bytes that may wait for the network before a send is refused."""

_WINDOW = 16384
"""Bytes of a stream that may be on their way to the module before no more is received."""

_REACH_POLL = 0.5
"""How often a stream whose peer is out of reach looks for it, in seconds of the module's time."""
_CONGESTION_POLL = 0.02
"""How often a socket looks whether the serial line has caught up, in seconds."""


class HostSocket:
    """A TCP or UDP socket of the host.

    Args:
        on_data: Called with each piece of what arrives, after the downlink's delay.
        on_error: Called once, with the host's error, or None when the peer closed in order.
        reaches: Says whether the peer is in reach, by radio and by route; a stream waits for it.
        hears_unreachable: Whether a datagram socket is told that nobody listens at the far port.
        congested: Says whether the serial line has too much to print for more to be received.
        on_acknowledged: Called with the size of each TCP send whose bytes the peer's kernel has acknowledged.
        report_delay: Seconds from a send until that is told, at least; by default what the module takes for ``SEND:``.
        way_down: Returns what becomes of so many bytes on their way from the network to the module.
        on_close: Called when a stream is closed in order.
        on_dropped: Called with the size of each datagram that had not left yet when the socket was given up.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        stream: bool,
        family: socket.AddressFamily,
        on_data: Callable[[bytes], None],
        on_error: Callable[[OSError | None], None],
        on_acknowledged: Callable[[int], None],
        congested: Callable[[], bool] = lambda: False,
        accepted: socket.socket | None = None,
        reaches: Callable[[], bool] = lambda: True,
        hears_unreachable: bool = False,
        report_delay: float | None = None,
        way_down: Callable[[int], Way] | None = None,
        on_close: Callable[[], None] = lambda: None,
        on_dropped: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._schedule = schedule
        self._way_down = way_down or (lambda _size: Way(schedule.timing.downlink))
        self._on_close = on_close
        self._on_dropped = on_dropped
        self.headers = (_IP_HEADER if family == socket.AF_INET else _IPV6_HEADER) + (
            _TCP_HEADER if stream else _UDP_HEADER
        )
        self.reaches = reaches
        self._hears_unreachable = hears_unreachable
        self._report_delay = schedule.timing.send_report if report_delay is None else report_delay
        self._congested = congested
        self.stream = stream
        self._on_data = on_data
        self._on_error = on_error
        self._on_acknowledged = on_acknowledged
        kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        self._socket = accepted or socket.socket(family, kind)
        self._socket.setblocking(False)
        self._uplink: deque[tuple[float, bytes]] = deque()
        self._work = asyncio.Event()
        self._reports: deque[tuple[int, int, float]] = deque()
        self._downlink: deque[bytes | OSError | None] = deque()
        self._down_at = 0.0
        self._on_the_way = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._sender: asyncio.Task[None] | None = None
        self._closing = False
        self._failed = False
        self.sent = 0
        self._handed_over = 0
        self._left = 0

    @property
    def waiting(self) -> int:
        """Bytes accepted but not yet handed to the host's network."""
        return self.sent - self._handed_over

    def bind(self, port: int) -> None:
        """Take a local port; raises ``OSError``."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("", port))

    async def reached(self, limit: float = math.inf) -> None:
        """Wait until a stream has its peer in reach; raises ``TimeoutError`` after ``limit`` seconds."""
        end = self._schedule.now() + limit
        while self.stream and not self.reaches():
            if self._schedule.now() >= end:
                raise TimeoutError
            await self._schedule.wait(_REACH_POLL)

    async def connect(self, host: str, port: int) -> None:
        """Connect, then begin to move data; raises ``OSError``."""
        loop = asyncio.get_running_loop()
        limit = self._schedule.timing.connect_limit / (self._schedule.speed or 1.0)
        await asyncio.wait_for(loop.sock_connect(self._socket, (host, port)), limit)
        self.begin()

    def begin(self) -> None:
        """Begin to move data on a connected socket."""
        self._sender = self._schedule.start(self._send_loop(), "uplink")
        self._tasks = [self._sender, self._schedule.start(self._receive_loop(), "downlink")]

    def listen(self, on_client: Callable[[socket.socket], None]) -> None:
        """Accept clients on the bound port."""
        self._socket.listen(5)
        self._tasks = [self._schedule.start(self._accept_loop(on_client), "listener")]

    def keep_alive(self, *, on: bool, idle: int, interval: int, count: int) -> None:
        """Set TCP keep-alive; times in seconds."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(on))
        if on:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, count)

    def send(self, data: bytes, delay: float, back: float = 0.0) -> None:
        """Queue bytes that leave after ``delay``; raises ``OSError`` (ENOBUFS) when too much waits.

        An acknowledgement needs ``back`` seconds for its own way.
        """
        if self.waiting + len(data) > _BACKLOG_LIMIT:
            raise OSError(errno.ENOBUFS, "too much waits to be sent")
        now = self._schedule.now()
        self._uplink.append((now + delay, data))
        self.sent += len(data)
        if self.stream:
            report_at = now + max(self._report_delay, delay + back)
            self._reports.append((self.sent, len(data), report_at))
        self._work.set()

    def unacknowledged(self) -> int:
        """Count the TCP bytes that were sent and that the peer has not acknowledged yet, or had not when it was over.

        The kernel counts a SYN or FIN that waits for its acknowledgement as one more byte.
        """
        if not self.stream or self._socket.fileno() < 0:
            return self._left
        (queued,) = struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0" * 4))
        return min(self.waiting + int(queued), self.sent)

    def close(self) -> None:
        """Send what waits, then close; nothing is reported any more."""
        self._closing = True
        if self.stream and self._sender is not None and not self._failed:
            self._on_close()
        for task in self._tasks:
            if task is not self._sender:
                task.cancel()
        self._work.set()
        if self._sender is None or self._sender.done():
            self._release()

    def abandon(self) -> None:
        """Close at once, whatever waits."""
        if self._sender is not None:  # a listener has no count
            self._left = self.unacknowledged()
        if not self.stream:
            for _, data in self._uplink:
                self._on_dropped(len(data))
        self._closing = True
        for task in self._tasks:
            task.cancel()
        self._release()

    def _release(self) -> None:
        """Close the host's socket once the cancelled tasks have taken it out of the event loop's hands.

        Closing it earlier would let its number be given to a new socket, whose events they would then cancel.
        """
        asyncio.get_running_loop().call_soon(self._socket.close)

    async def _send_loop(self) -> None:
        try:
            while True:
                while self._uplink:
                    due, data = self._uplink[0]
                    await self._schedule.pause(due - self._schedule.now())
                    await self.reached()
                    await self._hand_over(data)
                    self._uplink.popleft()
                    self._handed_over += len(data)
                if self._closing:
                    return
                if self._reports:
                    await self._report_acknowledged()
                    continue
                self._work.clear()
                await self._work.wait()
        except OSError as error:
            self._fail(error)
        finally:
            if self._closing:
                self._release()

    async def _hand_over(self, data: bytes) -> None:
        while True:
            try:
                await asyncio.get_running_loop().sock_sendall(self._socket, data)
            except ConnectionRefusedError:
                # The host's socket says it of the datagram before, and has not sent this one.
                if self.stream or self._hears_unreachable:
                    raise
            else:
                return

    async def _report_acknowledged(self) -> None:
        """Report the oldest send if it is due, or wait a moment; new data interrupts the wait."""
        end, size, report_at = self._reports[0]
        remaining = report_at - self._schedule.now() if self._schedule.speed else 0.0
        acknowledged = end <= self.sent - self.unacknowledged()
        if acknowledged and remaining <= 0:
            self._reports.popleft()
            self._on_acknowledged(size)
            return
        pause = self._schedule.timing.acknowledgement_poll if remaining <= 0 else remaining
        self._work.clear()
        try:
            await asyncio.wait_for(self._work.wait(), max(pause, 0.001) / (self._schedule.speed or 1.0))
        except TimeoutError:
            return

    async def _receive_loop(self) -> None:
        loop = asyncio.get_running_loop()
        size = _SEGMENT if self.stream else _LARGEST_DATAGRAM
        while True:
            while self._congested() or (self.stream and self._on_the_way >= _WINDOW):
                await self._schedule.wait(_CONGESTION_POLL)
            try:
                data = await loop.sock_recv(self._socket, size)
                await self.reached()
            except OSError as error:
                if isinstance(error, ConnectionRefusedError) and not self.stream and not self._hears_unreachable:
                    continue
                self._bring_down(error)
                return
            if self.stream and not data:
                self._bring_down(None)
                return
            if data:
                self._bring_down(data)

    def _bring_down(self, item: bytes | OSError | None) -> None:
        """Pass something up to the module after the downlink's delay, in order, unless it is lost."""
        size = len(item) if isinstance(item, bytes) else 0
        way = self._way_down(size) if isinstance(item, bytes) else Way(self._schedule.timing.downlink)
        if way.lost:
            return
        self._downlink.append(item)
        self._on_the_way += size
        if self._schedule.speed:
            now = self._schedule.now()
            self._down_at = max(self._down_at, now + way.delay)
            self._schedule.timer(self._down_at - now, self._arrive)
        else:
            self._arrive()

    def _arrive(self) -> None:
        item = self._downlink.popleft()
        if isinstance(item, bytes):
            self._on_the_way -= len(item)
            if not self._closing:
                self._on_data(item)
        else:
            self._fail(item)

    async def _accept_loop(self, on_client: Callable[[socket.socket], None]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._socket)
            await self._schedule.pause(self._schedule.timing.downlink)
            on_client(client)

    def _fail(self, error: OSError | None) -> None:
        if self._closing or self._failed:
            return
        self._failed = True
        self._on_error(error)
