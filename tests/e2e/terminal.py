"""A program in a real terminal, and a person who reads and types."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Mapping
from types import TracebackType
from typing import Self

PATIENCE = 30.0
"""Seconds for what is expected to be shown."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][0-9A-B]|[=>78])")


def _like_a_shell() -> None:
    """Make the terminal the program's own, and let Ctrl-C and its end reach it whoever started the tests."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """The bridge's command line in a terminal of 24 lines and 80 columns.

    Use it as an asynchronous context manager; a program that still runs at the end is killed.

    Args:
        arguments: Behind ``sim7020-bridge``.
        environment: Beside the test's own.
    """

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._command = (sys.executable, "-m", "sim7020_bridge", *arguments)
        self._environment = {**os.environ, "TERM": "xterm", **(environment or {})}
        self._master = -1
        self._raw = ""
        self._changed = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self._environment,
            start_new_session=True,
            preexec_fn=_like_a_shell,
        )
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._master >= 0:
            self.closes()

    def closes(self) -> None:
        """Close the window."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        self._master = -1

    @property
    def shown(self) -> str:
        """All that was shown, without escape sequences."""
        return _ESCAPES.sub("", self._raw).replace("\r", "")

    def _readable(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self._raw += data.decode(errors="replace")
        self._changed.set()

    async def sees(self, text: str, *, after: int = 0) -> int:
        """Wait until a text is shown beyond a place, and return the place behind it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (place := self.shown.find(text, after)) < 0:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} was never shown; this was:\n{self.shown}") from None
        return place + len(text)

    def types(self, text: str) -> None:
        """Type a text as it is; a line ends in a carriage return."""
        os.write(self._master, text.encode())

    async def ends(self) -> int:
        """Wait for the program to end, and return its exit status."""
        if self._process is None:
            raise RuntimeError("the program was not started")
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"the program did not end; this was shown:\n{self.shown}") from None
