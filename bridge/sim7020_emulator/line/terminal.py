"""What the module's serial port is plugged into: a pseudo-terminal or a TCP listener."""

import asyncio
import contextlib
import errno
import os
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sim7020_emulator.line.uart import RATES, Uart
from sim7020_emulator.mistakes import Mistake

_CHUNK = 4096
_LOOK_AGAIN = 0.02
"""How often an unplugged pty is looked at, in seconds."""

_SPEEDS = {rate: getattr(termios, f"B{rate}") for rate in RATES if rate}


def _garbage(data: bytes) -> bytes:
    """Return what bytes look like at another rate."""
    return bytes((byte * 29 + 131 & 0xFF) | 0x80 for byte in data)


class Terminal(Protocol):
    """One way to reach the module.

    ``slams`` is what a client hears that is hung up on at once; None: none is.
    """

    slams: bytes | None

    @property
    def name(self) -> str:
        """What a client opens."""
        ...

    async def open(self) -> None:
        """Be ready for a client; raises ``Mistake``."""
        ...

    async def move(self) -> None:
        """Hang up and be there again at once, behind the same name if it has one that can stay."""
        ...

    async def close(self) -> None:
        """Leave nothing behind."""
        ...


class PtyTerminal:
    """A pseudo-terminal; clients may come and go, and what the module says while there is none is lost.

    Args:
        link: A symbolic link to make, or None; one that is there already is replaced, anything else is refused.
        minds: Returns the rate at which a client must have the pty to get anything but garbage; 0: any.
    """

    def __init__(self, uart: Uart, link: Path | None, *, minds: Callable[[], int] = lambda: 0) -> None:
        self._uart = uart
        self._link = link
        self._minds = minds
        self._master = -1
        self._device = ""
        self._outgoing = bytearray()
        self._look: asyncio.TimerHandle | None = None
        self._plugged_in = False
        self.slams: bytes | None = None

    @property
    def name(self) -> str:
        """The link if there is one, else the device."""
        return str(self._link) if self._link else self._device

    async def open(self) -> None:
        """Make the pty and the link."""
        self._make_pty()
        if self._link is not None:
            try:
                self._make_link(self._link)
            except OSError as error:
                os.close(self._master)
                self._master = -1
                raise Mistake(f"can't make the link {self._link}: {error.strerror}") from None
        self._uart.on_drained = self._watch
        self._look_for_client()

    async def close(self) -> None:
        """Remove the link and the pty."""
        if self._link is not None:
            with contextlib.suppress(OSError):
                if str(self._link.readlink()) == self._device:
                    self._link.unlink()
        self._hang_up()

    async def move(self) -> None:
        """Go over to another pty under the same link; the client is hung up on."""
        self._move()

    def _slam(self, words: bytes) -> None:
        os.write(self._master, words)
        # hanging up throws away what the client has not read
        self._look = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._move)

    def _move(self) -> None:
        former = self._master
        if former >= 0:
            self._forget_client()
        self._make_pty()
        if self._link is not None:
            self._make_link(self._link)
        if former >= 0:
            os.close(former)
        self._look_for_client()

    def _make_pty(self) -> None:
        self._master, slave = os.openpty()
        self._device = os.ttyname(slave)
        self._make_raw()
        os.close(slave)
        os.set_blocking(self._master, False)

    def _hang_up(self) -> None:
        if self._master >= 0:
            self._forget_client()
            os.close(self._master)
            self._master = -1

    def _forget_client(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._uart.unplug()
        self._plugged_in = False
        self._outgoing.clear()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)

    def _make_link(self, link: Path) -> None:
        if link.exists() and not link.is_symlink():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.symlink_to(self._device)
        fresh.replace(link)

    def _make_raw(self) -> None:
        tty.setraw(self._master, termios.TCSANOW)
        attributes = termios.tcgetattr(self._master)
        attributes[4] = attributes[5] = _SPEEDS.get(self._uart.rate, termios.B115200)
        termios.tcsetattr(self._master, termios.TCSANOW, attributes)

    def _has_client(self) -> bool:
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    def _look_for_client(self) -> None:
        """Poll while nobody has the pty open: it is always readable then and would keep the loop busy."""
        self._look = None
        try:
            data = os.read(self._master, _CHUNK)
        except OSError:
            data = b""
        # only now, for whoever wrote may have come between: the answer must not be lost
        if self._has_client():
            if self.slams is not None:
                self._slam(self.slams)
                return
            self._plugged_in = True
            self._uart.plug_in(self._transmit)
            self._watch()
        else:
            self._look = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._look_for_client)
        if data:
            self._take(data)

    def _watch(self) -> None:
        if self._plugged_in and self._master >= 0:
            asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._client_left()
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        self._uart.feed(self._garble(data))
        if self._uart.backlog >= _CHUNK:
            asyncio.get_running_loop().remove_reader(self._master)

    def _client_left(self) -> None:
        """Forget what the client did not read, and make the next one find a raw terminal again."""
        self._forget_client()
        slave = os.open(self._device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            termios.tcflush(slave, termios.TCIFLUSH)
            self._make_raw()
        finally:
            os.close(slave)
        self._look_for_client()

    def _transmit(self, data: bytes) -> None:
        self._outgoing += self._garble(data)
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            sent = os.write(self._master, self._outgoing) if self._outgoing else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._outgoing.clear()
            return
        del self._outgoing[:sent]
        if self._outgoing:
            loop.add_writer(self._master, self._flush)
        else:
            loop.remove_writer(self._master)

    def _garble(self, data: bytes) -> bytes:
        """Return noise if the client's rate is not the module's and the emulator was told to mind."""
        rate = self._minds()
        if rate not in _SPEEDS:
            return data
        if termios.tcgetattr(self._master)[5] == _SPEEDS[rate]:
            return data
        return _garbage(data)


class TcpTerminal:
    """A TCP listener that takes one client at a time.

    Args:
        garbles: Says whether the line behind it runs at another rate than the module.
    """

    def __init__(self, uart: Uart, host: str, port: int, *, garbles: Callable[[], bool] = lambda: False) -> None:
        self._uart = uart
        self._garbles = garbles
        self.slams: bytes | None = None
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._drained = asyncio.Event()

    @property
    def name(self) -> str:
        """Host and port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    async def open(self) -> None:
        """Listen."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise Mistake(f"can't listen on {self.name}: {reason}") from None
        self._port = self._server.sockets[0].getsockname()[1]
        self._uart.on_drained = self._drained.set

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._writer is not None:
            self._uart.unplug()
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def move(self) -> None:
        """Hang up and listen again on the same port: a TCP port can't have another name."""
        await self.close()
        await self.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            writer.close()
            return
        if self.slams is not None:
            writer.write(self.slams)
            writer.close()
            return
        self._writer = writer
        self._uart.plug_in(lambda data: writer.write(self._heard(data)))
        try:
            while data := await reader.read(_CHUNK):
                self._drained.clear()
                self._uart.feed(self._heard(data))
                if self._uart.backlog >= _CHUNK:
                    await self._drained.wait()
        except ConnectionError:
            pass
        finally:
            self._uart.unplug()
            self._writer = None
            writer.close()

    def _heard(self, data: bytes) -> bytes:
        return _garbage(data) if self._garbles() else data
