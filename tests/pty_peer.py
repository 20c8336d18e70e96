"""A real pseudo-terminal whose far end a test plays."""

import asyncio
import os
import tty
from types import TracebackType
from typing import Self

PATIENCE = 30.0
"""Seconds that a test waits for a byte that must come."""


class PtyPeer:
    """The module's end of a pty; `path` is the device that a driver opens.

    Use it as an asynchronous context manager.
    """

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._heard = asyncio.StreamReader()

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    def _readable(self) -> None:
        self._heard.feed_data(os.read(self._master, 4096))

    async def line(self) -> str:
        """Return the next command line that was sent, without its CR; fails after ``PATIENCE``."""
        async with asyncio.timeout(PATIENCE):
            return (await self._heard.readuntil(b"\r")).decode().removesuffix("\r")

    async def byte(self) -> bytes:
        """Return the next byte that was sent; fails after ``PATIENCE``."""
        async with asyncio.timeout(PATIENCE):
            return await self._heard.readexactly(1)

    def say(self, *lines: str) -> None:
        """Say lines, framed as the module does."""
        os.write(self._master, b"".join(f"\r\n{line}\r\n".encode() for line in lines))

    def say_raw(self, data: bytes) -> None:
        """Say bytes as they are."""
        os.write(self._master, data)

    async def answer(self, expected: str, *lines: str) -> None:
        """Wait for a command, insist that it is the expected one, and answer."""
        heard = await self.line()
        assert heard == expected
        self.say(*lines)

    def unplug(self) -> None:
        """Take the device away."""
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            os.close(self._slave)
            self._master = -1
