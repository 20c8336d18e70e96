"""Servers on loopback that the module's sockets talk to."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Self

from tests.e2e.mqtt_peer import PATIENCE
from tests.ports import free_port


async def until(condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - programs, files and sockets set no events
            await asyncio.sleep(0.01)


class UdpServer(asyncio.DatagramProtocol):
    """Keeps every datagram; with `echo` it answers each with the same."""

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self.datagrams: list[bytes] = []
        self.on_data: Callable[[bytes], None] = lambda _: None
        self.port = free_port()
        self._transport: asyncio.DatagramTransport | None = None
        self._client: tuple[str, int] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a datagram."""
        self._client = addr
        self.datagrams.append(data)
        self.on_data(data)
        if self.echo:
            self.send(data)

    def send(self, data: bytes) -> None:
        """Send a datagram to whoever sent the last one."""
        if self._transport is None:
            raise RuntimeError("the server does not run")
        self._transport.sendto(data, self._client)

    async def has(self, *expected: bytes) -> None:
        """Return when exactly these datagrams have come, in this order."""
        await until(lambda: len(self.datagrams) >= len(expected))
        assert self.datagrams == list(expected)


class TcpServer:
    """Keeps every byte; with `echo` it sends each back."""

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self.stream = bytearray()
        self.on_data: Callable[[bytes], None] = lambda _: None
        self.port = free_port()
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.hang_up()

    @property
    def writer(self) -> asyncio.StreamWriter:
        """The connection to the last client."""
        if self._writer is None:
            raise RuntimeError("nobody has connected")
        return self._writer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self.stream += data
                self.on_data(data)
                if self.echo:
                    writer.write(data)
                    await writer.drain()
        writer.close()

    def hang_up(self) -> None:
        """Close the connection in good order, if there is one."""
        if self._writer is not None:
            self._writer.close()

    def reset(self) -> None:
        """Break the connection: the client's host is told RST."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def has(self, expected: bytes) -> None:
        """Return when exactly these bytes have come."""
        await until(lambda: len(self.stream) >= len(expected))
        assert bytes(self.stream) == expected
