"""The other end of the network: a UDP and a TCP server that send back what they receive, and remember it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

HOST: Final = "127.0.0.1"

_REMEMBERED: Final = 65536


class EchoServer:
    """What a server has received so far."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.port = 0
        self._on_change = on_change
        self._remembered = b""

    def take(self, data: bytes) -> None:
        """Remember what came."""
        self._remembered = (self._remembered + data)[-_REMEMBERED:]
        self._on_change()

    def has(self, data: bytes) -> bool:
        """Say whether these bytes, one after the other, are among the last that came."""
        return data in self._remembered


@contextlib.asynccontextmanager
async def udp_echo(on_change: Callable[[], None]) -> AsyncIterator[EchoServer]:
    """Serve UDP on a free loopback port."""
    server = EchoServer(on_change)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _UdpEcho(server), local_addr=(HOST, 0)
    )
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()


@contextlib.asynccontextmanager
async def tcp_echo(on_change: Callable[[], None]) -> AsyncIterator[EchoServer]:
    """Serve TCP on a free loopback port."""
    server = EchoServer(on_change)
    connections: set[asyncio.Transport] = set()
    listener = await asyncio.get_running_loop().create_server(lambda: _TcpEcho(server, connections), HOST, 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for connection in tuple(connections):
            connection.abort()
        await listener.wait_closed()


class _UdpEcho(asyncio.DatagramProtocol):
    _transport: asyncio.DatagramTransport

    def __init__(self, server: EchoServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data, addr)
        self._server.take(data)


class _TcpEcho(asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, server: EchoServer, connections: set[asyncio.Transport]) -> None:
        self._server = server
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self._transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)
        self._server.take(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self._transport)
