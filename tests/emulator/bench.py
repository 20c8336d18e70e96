"""An emulator on the bench: its UART in our hands, no pty between."""

import asyncio
import re
from types import TracebackType
from typing import Self

from sim7020_emulator.emulator import Emulator, Setup
from tests.virtual_time import VirtualTimeLoop

FINAL = re.compile(rb"\r\n(OK|ERROR|\+CME ERROR: [^\r]*|BUSY|NO CARRIER|DATA ACCEPT: \d+|SEND OK)\r\n")
_PATIENCE = 10.0
"""Seconds in which anything comes that comes at all."""

_VIRTUAL_PATIENCE = 10_000.0
"""The same where waiting costs nothing."""


class Bench:
    """Runs one emulator; ``async with`` starts it attached (or not) and ends it."""

    def __init__(self, setup: Setup | None = None, *, attached: bool = True, echo: bool = False) -> None:
        if setup is None:
            setup = Setup(speed=0)
        if setup.baud is None:
            setup.baud = 0
        self.traced: list[tuple[str, str]] = []
        self.emulator = Emulator(setup, lambda direction, text: self.traced.append((direction, text)))
        self.module = self.emulator.module
        self.heard = bytearray()
        self._spoke = asyncio.Event()
        self._attached = attached
        self._echo = echo

    async def __aenter__(self) -> Self:
        self.emulator.uart.plug_in(self._hear)
        self.module.profile.set("E", int(self._echo))
        self.module.power_on(attached=self._attached)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.emulator.stop()

    def type(self, data: bytes) -> None:
        """Put bytes on the line."""
        self.emulator.uart.feed(data)

    async def until(self, pattern: bytes | re.Pattern[bytes]) -> bytes:
        """Return what the module said up to and including a pattern, and forget it."""
        compiled = pattern if isinstance(pattern, re.Pattern) else re.compile(re.escape(pattern), re.DOTALL)
        virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
        try:
            async with asyncio.timeout(_VIRTUAL_PATIENCE if virtual else _PATIENCE):
                while not (found := compiled.search(bytes(self.heard))):
                    self._spoke.clear()
                    await self._spoke.wait()
        except TimeoutError:
            raise AssertionError(f"{compiled.pattern!r} does not come, only {bytes(self.heard)!r}") from None
        said = bytes(self.heard[: found.end()])
        del self.heard[: found.end()]
        return said

    async def command(self, text: str) -> bytes:
        """Send a command line and return all that comes until the final result."""
        self.type(text.encode("latin-1") + b"\r")
        return await self.until(FINAL)

    async def ask(self, text: str) -> list[str]:
        """Send a command line and return the answer's lines, blank ones left out."""
        said = (await self.command(text)).decode("latin-1")
        return [line for line in said.split("\r\n") if line]

    async def line(self) -> str:
        """Return the next line that the module says by itself."""
        said = await self.until(re.compile(rb"\r\n[^\r\n]+\r\n"))
        return said.decode("latin-1").strip("\r\n")

    def _hear(self, data: bytes) -> None:
        self.heard += data
        self._spoke.set()
