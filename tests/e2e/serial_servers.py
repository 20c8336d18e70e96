"""Serial servers between an emulated module's pty and the bridge: RFC 2217, and one that spoils what it carries."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import serial
from serial.rfc2217 import PortManager

from tests.hostile import World as Hostility


class PtySerial(serial.Serial):
    """A serial port on a pty, which has no modem control lines to read or set."""

    cts = dsr = ri = cd = True

    def _update_dtr_state(self) -> None: ...

    def _update_rts_state(self) -> None: ...


class Rfc2217Server:
    """pyserial's own RFC 2217 server for one client after the other."""

    def __init__(self, device: str) -> None:
        self.device = PtySerial(device, 115200, timeout=0.01)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._listener.close()
        self.device.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(ConnectionError):
                    self._carry(connection)

    def _carry(self, connection: socket.socket) -> None:
        connection.settimeout(0.01)

        class Client:
            """What the port manager answers to."""

            def write(self, data: bytes) -> None:
                connection.sendall(data)

        # any port and any writer will do, whatever the stubs say
        manager = PortManager(self.device, Client())  # type: ignore[arg-type]
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                data = connection.recv(4096)
                if not data:
                    return
                self.device.write(b"".join(manager.filter(data)))
            data = self.device.read(self.device.in_waiting)
            if data:
                connection.sendall(b"".join(manager.escape(data)))


@asynccontextmanager
async def hostile_server(module: str, hostility: Hostility) -> AsyncIterator[str]:
    """Relay a TCP connection to a module's TCP port, treating what the module says as a hostile world does.

    Yields the port as the bridge's configuration names it.
    """
    host, _, port = module.removeprefix("socket://").rpartition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        to_module, from_module = None, None
        try:
            from_module, to_module = await asyncio.open_connection(host, int(port))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_carry(reader, to_module))
                tasks.create_task(_spoil(from_module, writer, hostility))
        except* ConnectionError:
            pass
        finally:
            for end in (writer, to_module):
                if end is not None:
                    end.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError


async def _spoil(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hostility: Hostility) -> None:
    """Play every whole piece that the module says, up to a line end, as one answer."""
    waiting = b""
    while data := await reader.read(65536):
        waiting += data
        end = waiting.rfind(b"\r\n") + 2
        if end < len(b"\r\n\r\n"):
            continue
        answer, waiting = waiting[:end], waiting[end:]
        for chunk in hostility.play(b"", [answer]):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
    raise ConnectionResetError
