"""Opens a tty, ``socket://`` or ``rfc2217://`` as a stream of bytes; the only file that knows pyserial."""

import asyncio
import errno
import os
import socket
import termios
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, cast
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from sim7020_bridge.blocking import NoThread, in_a_thread
from sim7020_bridge.errors import PortClosed, PortUnavailable
from sim7020_bridge.port.holders import holders

CHUNK: Final = 4096
CONNECT_TIMEOUT: Final = 10.0
"""Seconds for a network port to accept the connection."""
KEEP_ALIVE: Final = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 15, socket.TCP_KEEPCNT: 3}
"""Seconds of silence after which a network port's connection is probed, seconds between probes, and how many fail:
a path that died without a word is noticed within a minute."""
_MOST_UNREAD: Final = 1 << 16
"""Bytes that wait to be read until a network port takes no more; a device and its line are slow enough."""
_GLANCE: Final = 0.5
"""Seconds after which the thread of an RFC 2217 port looks whether it should end."""
_SERVER_LEFT: Final = "the serial server closed the connection"


class Port(ABC):
    """An open port: bytes in, bytes out.

    Once the device was unplugged or the peer has closed, ``read``, ``write`` and ``drain`` raise PortClosed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._loop = asyncio.get_running_loop()
        self._unread = bytearray()
        self._readable = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._heard: Callable[[bytes], None] | None = None
        self._gone: Callable[[PortClosed], None] | None = None
        self._end: PortClosed | None = None

    def listen(self, heard: Callable[[bytes], None], gone: Callable[[PortClosed], None]) -> None:
        """Have all that comes handed over the moment it does, instead of reading it; never from within ``write``.

        Neither may raise.

        Args:
            heard: Called with what has come, at least one byte.
            gone: Called once, when nothing will come any more.
        """
        self._heard, self._gone = heard, gone
        self._loop.call_soon(self._hand_over)

    async def read(self) -> bytes:
        """Return what has come, at least one byte. One reader at a time."""
        while not self._unread:
            self._require_open()
            self._readable.clear()
            await self._readable.wait()
        return self._all_unread()

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Hand bytes to the line, in order; what it does not take now is kept until it does."""

    async def drain(self) -> None:
        """Return once the line has taken what was written."""
        await self._drained.wait()
        self._require_open()

    @abstractmethod
    async def aclose(self) -> None:
        """Give the port back, whatever state it is in; once more does nothing."""

    def _require_open(self) -> None:
        if self._end is not None:
            raise self._end

    def _take(self, data: bytes) -> None:
        if self._heard is not None and not self._unread:
            self._heard(data)
        else:
            self._unread += data
            self._readable.set()

    def _all_unread(self) -> bytes:
        data = bytes(self._unread)
        self._unread.clear()
        return data

    def _finish(self, why: object = "") -> PortClosed:
        """Note that the port went away, and why if that is known and nothing was known before; return the error."""
        if self._end is None:
            self._end = PortClosed(f"{self.name} went away: {why}" if why else f"{self.name} went away")
            self._readable.set()
            self._drained.set()
            self._loop.call_soon(self._hand_over)
        return self._end

    def _hand_over(self) -> None:
        """Give the listener what came before it listened, and the end."""
        if self._heard is not None and self._unread:
            self._heard(self._all_unread())
        if self._gone is not None and self._end is not None:
            gone, self._heard, self._gone = self._gone, None, None
            gone(self._end)


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


def has_own_rate(name: str) -> bool:
    """Whether a port's line rate is set elsewhere: behind ``socket://`` it is the server's business."""
    return name.startswith("socket://")


async def open_port(name: str, baudrate: int) -> Port:
    """Open a port: a device path, ``socket://host:port`` or ``rfc2217://host:port``.

    A device is locked (flock), which keeps out who asks for a lock, and no others. The baud rate is set on a device and
    asked of an RFC 2217 server.

    Raises:
        PortUnavailable: It can't be opened; the reason says why and what to do.
    """
    try:
        if has_own_rate(name):
            return await _open_socket(name)
        if name.startswith("rfc2217://"):
            return await _open_rfc2217(name, baudrate)
        # VMIN 1, VTIME 0: without it a read that finds nothing looks like the end of the file
        opening = partial(serial.Serial, name, baudrate, inter_byte_timeout=0, exclusive=True)
        # an adapter that hangs takes seconds to say so
        return _TtyPort(await in_a_thread(opening, discard=lambda device: device.close()))
    except NoThread as error:
        raise PortUnavailable(name, "no_thread", f"there is no thread to open it in: {error.strerror}") from error
    except (OSError, ValueError) as error:
        raise _unavailable(name, error) from error


class _TtyPort(Port):
    def __init__(self, device: serial.Serial) -> None:
        super().__init__(str(device.port))
        self._device = device
        self._descriptor = device.fileno()
        self._unsent = b""
        os.set_blocking(self._descriptor, False)
        self._loop.add_reader(self._descriptor, self._read_on)

    def write(self, data: bytes) -> None:
        self._require_open()
        self._unsent += data
        if self._drained.is_set():
            self._write_on()
            self._require_open()

    async def aclose(self) -> None:
        self._finish()
        if not self._device.is_open:
            return
        # what is unsent must not hold the close up: a modem that is gone never takes it
        with suppress(termios.error):
            self._device.reset_output_buffer()
        self._device.close()

    def _read_on(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            self._finish()

    def _write_on(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._descriptor, self._unsent) :]
        except BlockingIOError:
            if self._drained.is_set():
                self._drained.clear()
                self._loop.add_writer(self._descriptor, self._write_on)
        except OSError as error:
            self._finish(error.strerror)
        else:
            if not self._drained.is_set():
                self._loop.remove_writer(self._descriptor)
                self._drained.set()

    def _finish(self, why: object = "") -> PortClosed:
        if self._end is None:  # later, another port may have the number
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
        return super()._finish(why)


class _SocketPort(Port, asyncio.Protocol):
    _transport: asyncio.Transport

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._lost = asyncio.Event()

    def write(self, data: bytes) -> None:
        self._require_open()
        self._transport.write(data)

    async def aclose(self) -> None:
        self._finish()
        self._transport.abort()
        await self._lost.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # drained is what holds nothing back
        self._transport.set_write_buffer_limits(0)

    def data_received(self, data: bytes) -> None:
        self._take(data)
        if len(self._unread) > _MOST_UNREAD:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        # the connection itself is lost only after all that was written is sent, which may be never
        self._finish(_SERVER_LEFT)

    def pause_writing(self) -> None:
        self._drained.clear()

    def resume_writing(self) -> None:
        self._drained.set()

    def connection_lost(self, error: Exception | None) -> None:
        reason = error.strerror if isinstance(error, OSError) else None
        self._finish(reason or _SERVER_LEFT)
        self._lost.set()

    def _all_unread(self) -> bytes:
        self._transport.resume_reading()
        return super()._all_unread()


class _Rfc2217Port(Port):
    """pyserial's client blocks, so the thread that opens it reads and closes it, too; others write, one at a time."""

    _device: serial.Serial

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._unsent = b""
        self._writing: asyncio.Task[int | None] | None = None
        self._closing = threading.Event()
        self._closed = asyncio.Event()

    async def open(self, baudrate: int) -> None:
        """Connect to the server; raises what pyserial does, or NoThread."""
        opening = partial(_open_device, self.name, baudrate)
        self._device = await in_a_thread(opening, discard=lambda device: device.close(), then=self._read_and_close)

    def write(self, data: bytes) -> None:
        self._require_open()
        self._unsent += data
        if self._drained.is_set():
            self._drained.clear()
            self._write_on()

    async def aclose(self) -> None:
        self._finish()
        self._closing.set()
        await self._closed.wait()
        self._thread.join()  # it has nothing more to do

    def _read_and_close(self, device: serial.Serial) -> None:
        self._thread = threading.current_thread()
        self._thread.name = f"read {self.name}"
        try:
            with suppress(OSError):
                while not self._closing.is_set():
                    data = device.read(1)
                    data += device.read(device.in_waiting)
                    if data:
                        self._from_thread(self._take, data)
        finally:
            self._from_thread(self._finish, _SERVER_LEFT)
            try:
                device.close()
            finally:
                self._from_thread(self._closed.set)

    def _from_thread(self, call: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed already: nobody listens any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def _write_on(self) -> None:
        data, self._unsent = self._unsent, b""
        if data and self._end is None:
            self._writing = self._loop.create_task(in_a_thread(partial(self._device.write, data)))
            self._writing.add_done_callback(self._written)
        else:
            self._drained.set()

    def _written(self, writing: "asyncio.Task[int | None]") -> None:
        error = None if writing.cancelled() else writing.exception()
        if error is None:
            self._write_on()
        else:
            self._finish(error)


async def _open_socket(name: str) -> Port:
    host, number = _place(name)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connecting = partial(socket.create_connection, (host, number), CONNECT_TIMEOUT)
            connection = await in_a_thread(connecting, discard=socket.socket.close)
            connection.setblocking(False)
            transport, port = await loop.create_connection(lambda: _SocketPort(name), sock=connection)
    except TimeoutError as error:
        detail = f"no connection within {CONNECT_TIMEOUT:g} s; is the host switched on and reachable?"
        raise PortUnavailable(name, "missing", detail) from error
    _keep_alive(transport.get_extra_info("socket"))
    return port


async def _open_rfc2217(name: str, baudrate: int) -> Port:
    _place(name)
    port = _Rfc2217Port(name)
    await port.open(baudrate)
    return port


def _open_device(name: str, baudrate: int) -> serial.Serial:
    device = serial.serial_for_url(name, baudrate, timeout=_GLANCE, do_not_open=True)
    try:
        device.open()
    except RuntimeError as error:  # pyserial needs a thread, too, and would wait for it to end
        vars(device)["_thread"] = None
        device.close()
        raise NoThread(error) from error
    # pyserial has no other way to it
    _keep_alive(vars(device)["_socket"])
    return device


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEP_ALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _place(name: str) -> tuple[str, int]:
    place = urlsplit(name)
    if not place.hostname or not place.port:
        raise ValueError("the URL needs a host and a port from 1 to 65535")
    return place.hostname, place.port


def _unavailable(name: str, error: Exception) -> PortUnavailable:
    number = getattr(error, "errno", None)
    if name.startswith(("socket://", "rfc2217://")):
        why = os.strerror(number) if number and number > 0 else error
        return PortUnavailable(name, "refused", f"cannot connect ({why}); is the serial server running there?")
    # pyserial tells why it could not configure a device only as the context of its own error
    told = getattr(error.__context__, "args", ())
    # EIO: it hung up between being opened and being configured
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO} or errno.EIO in told:
        return PortUnavailable(name, "missing", "there is no such device; is the modem plugged in?")
    if number in {errno.EACCES, errno.EPERM}:
        return PortUnavailable(name, "not_permitted", "this user may not open it; its group may, usually dialout")
    if number in {errno.EBUSY, errno.EWOULDBLOCK} or "lock" in str(error):
        found = holders(name)
        who = found[0].words if found else "another program"
        return PortUnavailable(name, "busy", f"{who} has it open")
    if number == errno.EISDIR or errno.ENOTTY in told:
        return PortUnavailable(name, "unusable", "it is no serial port")
    return PortUnavailable(name, "unusable", f"it can't be used as a serial port ({error})")
