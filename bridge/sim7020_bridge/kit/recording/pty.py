"""A pseudo-terminal that another program opens as if it were the module's port."""

import asyncio
import errno
import os
import tty
from contextlib import suppress
from pathlib import Path
from typing import Final

from sim7020_bridge.errors import LineError

_CHUNK: Final = 4096
_FULL: Final = 0.5
"""Seconds that a program has to read what waits for it; then it is lost, as on a serial line."""


class Pty:
    """The module's end of a pseudo-terminal; ``name`` is what to open.

    Args:
        link: A symbolic link to make to it, or None. One that is there already is replaced, a file is not.

    Raises:
        LineError: The link can't be made.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._loop = asyncio.get_running_loop()
        self._link = link
        self.name = os.ttyname(self._slave)
        if link is not None:
            try:
                _point(link, self.name)
            except OSError as error:
                self._shut()
                raise LineError(f"{link} can't be made: {error.strerror}") from error
            self.name = str(link)
        self._unread = b""
        self._readable = asyncio.Event()
        self._left = asyncio.Event()
        self._closed = False
        self._loop.add_reader(self._master, self._read_on)

    async def read(self) -> bytes:
        """Return what came from the program at the other end, at least one byte; b"" once it is closed.

        What nobody reads the program has to keep, as at a slow line.
        """
        await self._readable.wait()
        data, self._unread = self._unread, b""
        if not self._closed:
            self._readable.clear()
            self._loop.add_reader(self._master, self._read_on)
        return data

    async def write(self, data: bytes) -> None:
        """Hand bytes to the program at the other end; what it does not read is lost in the end."""
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                if not await self._writable():
                    return

    async def until_left(self, within: float) -> None:
        """Wait until no program has it open any more, or so many seconds; nobody can open it afterwards."""
        os.close(self._slave)
        self._slave = -1
        self._loop.add_reader(self._master, self._read_on)
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._left.wait()

    def close(self) -> None:
        """Give the pseudo-terminal and its link back."""
        self._loop.remove_reader(self._master)
        self._closed = True
        self._readable.set()
        if self._link is not None:
            with suppress(OSError):
                self._link.unlink()
        self._shut()

    def _shut(self) -> None:
        os.close(self._master)
        if self._slave >= 0:
            os.close(self._slave)

    def _read_on(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            # as long as our own end is open, this does not happen
            self._loop.remove_reader(self._master)
            self._left.set()
            return
        if self._slave >= 0:
            self._unread = data
            self._readable.set()
            self._loop.remove_reader(self._master)

    async def _writable(self) -> bool:
        ready = asyncio.Event()
        self._loop.add_writer(self._master, ready.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FULL):
                    await ready.wait()
        finally:
            self._loop.remove_writer(self._master)
        return ready.is_set()


def _point(link: Path, device: str) -> None:
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise OSError(errno.EEXIST, "there is a file of that name")
    link.symlink_to(device)
