"""Opens a tty, ``socket://`` or ``rfc2217://`` as a stream of bytes; the only file that knows pyserial."""

import asyncio
import errno
import os
import socket
import termios
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

import serial
from serial.tools import list_ports

from sim7020_bridge.errors import PortClosed, PortUnavailable
from sim7020_bridge.holders import holders

CHUNK: Final = 4096
CONNECT_TIMEOUT: Final = 10.0
"""Seconds for a network port to accept the connection."""
_GLANCE: Final = 0.5
"""Seconds after which the thread of an RFC 2217 port looks whether it should end."""


class Port(ABC):
    """An open port: bytes in, bytes out."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    async def read(self) -> bytes:
        """Return what has come, at least one byte. One reader at a time.

        Raises:
            PortClosed: The device was unplugged, or the peer closed.
        """

    @abstractmethod
    async def write(self, data: bytes) -> None:
        """Hand all bytes to the line. One writer at a time.

        Raises:
            PortClosed: The device was unplugged, or the peer closed.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Give the port back, whatever state it is in."""

    def gone(self, why: object = "") -> PortClosed:
        """Say that the port went away, and why if that is known."""
        return PortClosed(f"{self.name} went away: {why}" if why else f"{self.name} went away")


@dataclass(frozen=True, slots=True)
class Attached:
    """A serial port that the system lists, and what is known of the device behind it; USB ids are 16 bits."""

    device: str
    vendor_id: int | None = None
    product_id: int | None = None
    manufacturer: str | None = None
    product: str | None = None
    serial_number: str | None = None


def attached() -> tuple[Attached, ...]:
    """Return the serial ports that the system lists."""
    return tuple(
        Attached(each.device, each.vid, each.pid, each.manufacturer, each.product, each.serial_number)
        for each in list_ports.comports()
    )


async def open_port(name: str, baudrate: int) -> Port:
    """Open a port: a device path, ``socket://host:port`` or ``rfc2217://host:port``.

    A device is opened for this process alone. The baud rate is set on a device and asked of an
    RFC 2217 server; behind ``socket://`` it is the server's business.

    Raises:
        PortUnavailable: It can't be opened; the reason says why and what to do.
    """
    if name.startswith("socket://"):
        return await _open_socket(name)
    if name.startswith("rfc2217://"):
        return await _open_rfc2217(name, baudrate)
    return _open_tty(name, baudrate)


class _TtyPort(Port):
    def __init__(self, device: serial.Serial) -> None:
        super().__init__(str(device.port))
        self._device = device
        self._descriptor = device.fileno()
        self._reader = asyncio.StreamReader()
        os.set_blocking(self._descriptor, False)
        asyncio.get_running_loop().add_reader(self._descriptor, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._reader.feed_data(data)
        else:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._reader.feed_eof()

    async def read(self) -> bytes:
        data = await self._reader.read(CHUNK)
        if not data:
            raise self.gone()
        return data

    async def write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise self.gone(error.strerror) from error

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_writer(self._descriptor, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            loop.remove_writer(self._descriptor)

    async def aclose(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._descriptor)
        loop.remove_writer(self._descriptor)
        self._reader.feed_eof()
        # what is unsent must not hold the close up: a modem that is gone never takes it
        with suppress(termios.error):
            self._device.reset_output_buffer()
        self._device.close()


class _SocketPort(Port):
    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(name)
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(CHUNK)
        except OSError as error:
            raise self.gone(error.strerror) from error
        if not data:
            raise self.gone("the serial server closed the connection")
        return data

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise self.gone(error.strerror) from error

    async def aclose(self) -> None:
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()


class _Rfc2217Port(Port):
    """pyserial's client blocks, so a thread reads and hands over to the loop."""

    def __init__(self, name: str, device: serial.Serial) -> None:
        super().__init__(name)
        self._device = device
        self._loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read_for_ever, name=f"read {name}", daemon=True)
        self._thread.start()

    def _read_for_ever(self) -> None:
        while not self._closing.is_set():
            try:
                data = self._device.read(1)
                data += self._device.read(self._device.in_waiting)
            except (OSError, serial.SerialException):
                break
            if data:
                self._hand_over(data)
        self._hand_over(b"")

    def _hand_over(self, data: bytes) -> None:
        with suppress(RuntimeError):  # the loop is closed already: nobody listens any more
            self._loop.call_soon_threadsafe(self._take, data)

    def _take(self, data: bytes) -> None:
        if data:
            self._reader.feed_data(data)
        else:
            self._reader.feed_eof()

    async def read(self) -> bytes:
        data = await self._reader.read(CHUNK)
        if not data:
            raise self.gone("the serial server closed the connection")
        return data

    async def write(self, data: bytes) -> None:
        try:
            await asyncio.to_thread(self._device.write, data)
        except (OSError, serial.SerialException) as error:
            raise self.gone(error) from error

    async def aclose(self) -> None:
        self._closing.set()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._device.close)


def _open_tty(name: str, baudrate: int) -> Port:
    try:
        # VMIN 1, VTIME 0: without it a read that finds nothing looks like the end of the file
        device = serial.Serial(name, baudrate, inter_byte_timeout=0, exclusive=True)
    except (OSError, ValueError) as error:
        raise _unavailable(name, error) from error
    return _TtyPort(device)


async def _open_socket(name: str) -> Port:
    try:
        place = _place(name)
        async with asyncio.timeout(CONNECT_TIMEOUT):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
    except TimeoutError as error:
        detail = f"no connection within {CONNECT_TIMEOUT:g} s; is the host switched on and reachable?"
        raise PortUnavailable(name, "missing", detail) from error
    except (OSError, ValueError) as error:
        raise _unreachable(name, error) from error
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _SocketPort(name, reader, writer)


async def _open_rfc2217(name: str, baudrate: int) -> Port:
    def opened() -> serial.Serial:
        _place(name)
        device: serial.Serial = serial.serial_for_url(name, baudrate, timeout=_GLANCE)
        return device

    try:
        return _Rfc2217Port(name, await asyncio.to_thread(opened))
    except (OSError, ValueError) as error:
        raise _unreachable(name, error) from error


def _place(name: str) -> SplitResult:
    place = urlsplit(name)
    if not place.hostname or not place.port:
        raise ValueError("the URL needs a host and a port from 1 to 65535")
    return place


def _unreachable(name: str, error: Exception) -> PortUnavailable:
    return PortUnavailable(name, "refused", f"cannot connect ({error}); is the serial server running there?")


def _unavailable(name: str, error: Exception) -> PortUnavailable:
    number = getattr(error, "errno", None)
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return PortUnavailable(name, "missing", "there is no such device; is the modem plugged in?")
    if number in {errno.EACCES, errno.EPERM}:
        detail = "no permission to open it; add this user to the group that owns it, usually dialout"
        return PortUnavailable(name, "not_permitted", detail)
    if number in {errno.EBUSY, errno.EWOULDBLOCK} or "lock" in str(error):
        found = holders(name)
        who = found[0].words if found else "another program"
        return PortUnavailable(name, "busy", f"{who} holds it; end it, or tell it to leave the port alone")
    # pyserial tells why it could not configure a device only as the context of its own error
    if number == errno.EISDIR or errno.ENOTTY in getattr(error.__context__, "args", ()):
        return PortUnavailable(name, "unusable", "it is no serial port")
    return PortUnavailable(name, "unusable", f"it can't be used as a serial port ({error})")
