"""A program in a terminal of its own: what stands on its screen, and keys to press."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.servers import until

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]|[\r\x07]")


class Terminal:
    """Runs the bridge's command line in a pseudo terminal of 24 lines of 80 columns."""

    def __init__(self, arguments: Sequence[str | Path]) -> None:
        self._arguments = [str(argument) for argument in arguments]
        self._shown = bytearray()
        self._master = -1
        self._process: asyncio.subprocess.Process | None = None

    @property
    def text(self) -> str:
        """All that was written so far, without what moves the cursor or colours."""
        return _CONTROLS.sub("", self._shown.decode(errors="replace"))

    async def __aenter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        try:
            self._process = await asyncio.create_subprocess_exec(
                "setsid",
                "--ctty",
                sys.executable,
                "-m",
                "sim7020_bridge",
                *self._arguments,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env={**os.environ, "TERM": "xterm-256color"},
            )
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._master >= 0:
            self.close()

    def press(self, keys: str) -> None:
        """Press keys: a line feed is Return, the character 3 is Ctrl-C."""
        os.write(self._master, keys.encode())

    async def shows(self, text: str) -> None:
        """Return once a text has been written."""
        try:
            await until(lambda: text in self.text)
        except TimeoutError:
            raise AssertionError(f"{text!r} was not shown:\n{self.text}") from None

    def close(self) -> None:
        """Close the window."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        self._master = -1

    async def ended(self) -> int:
        """Return the exit status once the program has ended."""
        if self._process is None:
            raise RuntimeError("the program was not started")
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            try:
                self._shown += os.read(self._master, 65536)
            except OSError as error:
                if isinstance(error, BlockingIOError):
                    raise
                asyncio.get_running_loop().remove_reader(self._master)
