"""A program that the demo starts: named when it fails, ended by its own process id."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

from sim7020_bridge.errors import BridgeError

READY: Final = 10.0
"""Longest wait until a program that was started is ready, in seconds."""

END: Final = 5.0
"""Longest wait until a program that was told to end has ended, in seconds."""

_LOOK: Final = 0.02
"""Seconds between two looks whether a program is ready: a port or a file of another process gives no notice."""

_LAST_LINES: Final = 12
_LAST_BYTES: Final = 16384


class DemoFailed(BridgeError):
    """The demo can't go on.

    Args:
        reason: Why, as a sentence without a full stop.
        lines: The last that the program wrote which is to blame.
    """

    def __init__(self, reason: str, lines: Sequence[str] = ()) -> None:
        self.reason = reason
        self.lines = tuple(lines)
        super().__init__(reason)


class Child:
    """A running program; what it writes goes to a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def last_lines(self) -> tuple[str, ...]:
        """Return the last lines that it has written."""
        with self._log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _LAST_BYTES))
            written = log.read()
        return tuple(written.decode(errors="replace").splitlines()[-_LAST_LINES:])

    async def wait_ready(self, ready: Callable[[], bool]) -> None:
        """Return once ``ready`` says so. Raises DemoFailed if it ends first or takes too long."""
        try:
            async with asyncio.timeout(READY):
                while not ready():
                    if self._process.returncode is not None:
                        raise self._ended()
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise DemoFailed(f"{self.name} was not ready within {READY:g} s", self.last_lines()) from None

    async def watch(self) -> None:
        """Wait for its end, which nobody asked for: raises DemoFailed."""
        await self._process.wait()
        raise self._ended()

    async def end(self) -> None:
        """End it, in good order if it can."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(END):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _ended(self) -> DemoFailed:
        status = self._process.returncode
        how = f"was killed by signal {-status}" if status is not None and status < 0 else f"ended with status {status}"
        return DemoFailed(f"{self.name} (process {self.pid}) {how}", self.last_lines())


@contextlib.asynccontextmanager
async def running(name: str, command: Sequence[str], directory: Path) -> AsyncIterator[Child]:
    """Run a program until the end of the block. Raises DemoFailed if it can't be started.

    It is in a process group of its own, so that Ctrl-C reaches the demo alone, which then ends all in order.
    """
    log = directory / f"{name}.log"
    try:
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
            )
    except OSError as error:
        raise DemoFailed(f"{name} can't be started: {command[0]}: {error.strerror}") from error
    child = Child(name, process, log)
    try:
        yield child
    finally:
        await child.end()
