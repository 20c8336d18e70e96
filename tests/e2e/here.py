"""An emulated module inside the test's own process, so that its SIM, its radio and its network can be changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sim7020_emulator.emulator import Emulator, Setup
from sim7020_emulator.module import Module
from sim7020_emulator.terminal import PtyTerminal


@asynccontextmanager
async def module_here(link: Path, *, speed: float = 0, **facts: str) -> AsyncIterator[Module]:
    """Run a module on a pty that `link` points to, powered on, with these facts."""
    setup = Setup(baud=0, speed=speed)
    for name, value in facts.items():
        setup.facts.set(name, value)
    emulator = Emulator(setup)
    terminal = PtyTerminal(emulator.uart, link)
    await terminal.open()
    try:
        emulator.module.power_on()
        yield emulator.module
    finally:
        await terminal.close()
        await emulator.stop()
