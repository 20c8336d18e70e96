"""What sockets of every command family have in common: the way to the network, and what it loses and has carried."""

import random
import socket
from collections.abc import Callable
from dataclasses import dataclass

from sim7020_emulator.field.field import FIRST_REPETITION, Field, Way
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.schedule import Schedule
from sim7020_emulator.sockets.errors import SocketError, SocketFailed, error_code
from sim7020_emulator.sockets.host import HostSocket
from sim7020_emulator.sockets.internet import FailurePoint, Internet


@dataclass(slots=True)
class Traffic:
    """Bytes and packets that went up and down; header compression is not used, so its counts stay zero."""

    up_bytes: int = 0
    up_packets: int = 0
    down_bytes: int = 0
    down_packets: int = 0

    def clear(self) -> None:
        """Start again from zero."""
        self.up_bytes = self.up_packets = self.down_bytes = self.down_packets = 0

    def __str__(self) -> str:
        """Return the six figures of *MGCOUNT: compressed and uncompressed bytes and packets, up and then down."""
        return f"0,{self.up_bytes},{self.up_packets},0,{self.down_bytes},{self.down_packets}"


class Bearer:
    """Opens sockets of the host, connects them to where ``--route`` says, and moves their data.

    Args:
        online: Says whether there is a PDN.
        routes: Says whether it has an address for IPv4 or IPv6 that leads anywhere.
        reaches: Says whether there is coverage: without it datagrams are lost and streams wait.
        active: Called whenever something is sent or received, for the power saving timers.
        field: Says how long what is sent and received takes on its way, and what is lost there.
    """

    def __init__(
        self,
        schedule: Schedule,
        internet: Internet,
        variants: Variants,
        *,
        online: Callable[[], bool],
        routes: Callable[[int], bool],
        reaches: Callable[[], bool],
        active: Callable[[], None],
        field: Field,
    ) -> None:
        self._schedule = schedule
        self._internet = internet
        self._variants = variants
        self._online = online
        self._routes = routes
        self._reaches = reaches
        self._active = active
        self._field = field
        self._random = random.Random(7020)  # noqa: S311 (losses that are the same each time)
        self.loss = 0.0
        """The part of the datagrams that the network loses, 0 to 1."""
        self.congested: Callable[[], bool] = lambda: False
        """Says whether the serial line is too busy for more to be received."""
        self.on_connected: Callable[[], None] = lambda: None
        self.on_lost: Callable[[str, int], None] = lambda _way, _size: None
        """Told of each datagram that is lost for want of a way, ``up`` or ``down``, and its bytes with headers."""
        self.traffic = Traffic()

    def open(
        self,
        *,
        stream: bool,
        peer: Callable[[], tuple[str, int] | None],
        on_data: Callable[[bytes], None],
        on_error: Callable[[OSError | None], None],
        on_acknowledged: Callable[[int], None] = lambda _: None,
        full: Callable[[], bool] = lambda: False,
        family: socket.AddressFamily = socket.AF_INET,
        accepted: socket.socket | None = None,
        report_delay: float | None = None,
    ) -> HostSocket:
        """Open a socket of the host, told what a ``HostSocket`` is told.

        ``peer`` returns its endpoint as the module names it; ``full`` says whether too much waits to be fetched.
        """

        def received(data: bytes) -> None:
            if not self._loses(real, "down", data):
                self._active()
                self.traffic.down_bytes += len(data)
                self.traffic.down_packets += 1
                on_data(data)

        real = HostSocket(
            self._schedule,
            stream=stream,
            family=family,
            on_data=received,
            on_error=on_error,
            hears_unreachable=self._variants.is_set("unreachable_port", "reset"),
            on_acknowledged=on_acknowledged,
            reaches=lambda: self._reaches() and not self._internet.swallows(peer()),
            congested=lambda: self.congested() or full(),
            accepted=accepted,
            report_delay=report_delay,
            way_down=lambda size: self._down(real, size),
            on_close=lambda: self._field.count(up=2, down=2, headers=real.headers),
            on_dropped=lambda size: self.on_lost("up", size + real.headers),
        )
        return real

    async def connect(self, real: HostSocket, address: str, port: int, *, version: int = 4) -> None:
        """Connect to an endpoint as the module names it; raises ``SocketFailed``. ``connected`` is the second half."""
        code: int | None = SocketError.NETIF
        if self._online():
            code = self._internet.failure(address, port, FailurePoint.CONNECT)
            if code is None and not self._routes(version):
                code = SocketError.ROUTE
        if code is not None:
            raise SocketFailed(code)
        try:
            if real.stream:
                self._active()
                await self._shake_hands(real)
                await real.reached(self._schedule.timing.connect_limit)
            await real.connect(*self._internet.route(address, port))
        except OSError as error:
            raise SocketFailed(error_code(error)) from error

    def connected(self, address: str, port: int, fail: Callable[[int], None]) -> None:
        """Note that a socket is connected, and let it ``fail`` later if its endpoint was told to."""
        self._active()
        later = self._internet.failure(address, port, FailurePoint.LATER)
        if later is not None:
            self._schedule.timer(self._schedule.timing.fail_later, lambda: fail(later))
        self.on_connected()

    def send(self, real: HostSocket, data: bytes, peer: tuple[str, int] | None) -> None:
        """Queue bytes; raises ``SocketFailed`` if the endpoint was told to fail, ``OSError`` if too much waits."""
        self._active()
        code = self._internet.failure(*peer, FailurePoint.SEND) if peer else None
        if code is not None:
            raise SocketFailed(code)
        if not self._loses(real, "up", data):
            way = (self._field.stream_up if real.stream else self._field.up)(len(data), real.headers)
            if not way.lost:
                real.send(data, way.delay, way.back)
        self.traffic.up_bytes += len(data)
        self.traffic.up_packets += 1

    async def _shake_hands(self, real: HostSocket) -> None:
        """Let what a TCP handshake takes pass; raises ``TimeoutError``."""
        timing = self._schedule.timing
        if not self._field.on:
            await self._schedule.pause(timing.tcp_open)
            return
        end, wait = timing.connect_limit, FIRST_REPETITION
        while (seconds := self._field.exchange(0, 0, real.headers)) is None:
            await self._schedule.pause(wait)
            end -= wait
            wait *= 2
            if end <= 0:
                raise TimeoutError
        await self._schedule.pause(min(seconds, end))
        if seconds > end:
            raise TimeoutError
        self._field.count(up=1, down=0, headers=real.headers)

    def _down(self, real: HostSocket, size: int) -> Way:
        return (self._field.stream_down if real.stream else self._field.down)(size, real.headers)

    def _loses(self, real: HostSocket, way: str, data: bytes) -> bool:
        if real.stream or (real.reaches() and not (self.loss > 0 and self._random.random() < self.loss)):
            return False
        self.on_lost(way, len(data) + real.headers)
        return True
