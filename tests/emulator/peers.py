"""Real loopback servers that play the endpoints of the module's sockets."""

import asyncio
import contextlib
import socket
import struct


class Peer:
    """A UDP or TCP server on a free loopback port; remembers what it received and answers the last client."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.received = bytearray()
        self.datagrams: list[bytes] = []
        self.port = 0
        self._arrived = asyncio.Event()
        self._connected = asyncio.Event()
        self._udp: asyncio.DatagramTransport | None = None
        self._address: tuple[str, int] | None = None
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._reading: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self) -> "Peer":
        """Listen."""
        loop = asyncio.get_running_loop()
        if self.protocol == "udp":
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), ("127.0.0.1", 0))
            self.port = self._udp.get_extra_info("sockname")[1]
        else:
            self._server = await asyncio.start_server(self._come, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    def close(self) -> None:
        """Stop and hang up, on who comes in this moment too."""
        self._closed = True
        if self._udp is not None:
            self._udp.close()
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()

    async def wait_for(self, data: bytes) -> None:
        """Wait until exactly this has been received, then forget it."""
        while len(self.received) < len(data):
            self._arrived.clear()
            await asyncio.wait_for(self._arrived.wait(), 30)
        assert bytes(self.received) == data
        self.received.clear()

    async def connected(self, count: int = 1) -> asyncio.StreamWriter:
        """Return the last TCP client, once there have been so many and it is there: the module may know first."""
        while len(self._writers) < count or self._writers[-1].is_closing():
            self._connected.clear()
            await asyncio.wait_for(self._connected.wait(), 30)
        return self._writers[-1]

    async def send(self, data: bytes) -> None:
        """Send to the client that came last."""
        if self._udp is not None:
            self._udp.sendto(data, self._address)
            return
        writer = await self.connected()
        writer.write(data)
        await writer.drain()

    async def hang_up(self) -> None:
        """Close the last connection in order."""
        (await self.connected()).close()

    async def reset(self) -> None:
        """Close the last connection with RST."""
        writer = await self.connected()
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    def take(self, data: bytes, address: tuple[str, int] | None = None) -> None:
        """Note what arrived."""
        self.received += data
        self.datagrams.append(data)
        self._address = address or self._address
        self._arrived.set()

    def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.close()
            return
        self._writers.append(writer)
        self._connected.set()
        task = asyncio.get_running_loop().create_task(self._hear(reader))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                self.take(data)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Pass a datagram on."""
        self._peer.take(data, addr)
