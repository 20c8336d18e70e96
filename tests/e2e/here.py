"""An emulated module inside the test's own process, on its clock: its SIM, radio and network can be changed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from sim7020_emulator.emulator import Emulator, Running, Setup, running
from sim7020_emulator.line.terminal import PtyTerminal
from sim7020_emulator.line.trace import Tracer
from sim7020_emulator.module.module import Module
from sim7020_emulator.options import read_options
from sim7020_emulator.scenario.events import read_event


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


class EmulatorHere:
    """What the emulator's command line asks for, on this loop's clock; ``place`` is what a bridge calls its port."""

    def __init__(self, arguments: list[str], trace: Tracer) -> None:
        self._options = read_options(arguments)
        self._trace = trace
        self._ends = AsyncExitStack()
        self._running: Running | None = None

    @property
    def place(self) -> str:
        """What a bridge's configuration calls its port."""
        return f"socket://{self._module.name}" if self._options.listen else self._module.name

    async def start(self) -> None:
        """Start it."""
        self._running = await self._ends.enter_async_context(running(self._options, self._trace))

    async def stop(self) -> None:
        """End it, if it runs."""
        await self._ends.aclose()

    def tell(self, words: str) -> None:
        """Let something happen to the module."""
        self._module.player.perform(read_event(words))

    def figures(self) -> Mapping[str, str]:
        """Return what the model of its radio network has counted, and the sessions of the module."""
        module = self._module.target.module
        return {**module.field.figures(), "sessions": str(module.packet.activations)}

    @property
    def busy(self) -> bool:
        """Whether the radio is connected, or about to be."""
        return self._module.target.module.field.busy

    @property
    def online(self) -> bool:
        """Whether the module is registered and has a PDN context."""
        return self._module.target.module.online

    @property
    def _module(self) -> Running:
        if self._running is None:
            raise RuntimeError("the emulator was not started")
        return self._running
