"""A module with its port, its scenario and its control channel, as the command line asks for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sim7020_emulator.emulator import Emulator
from sim7020_emulator.line.terminal import PtyTerminal, TcpTerminal, Terminal
from sim7020_emulator.line.trace import Tracer
from sim7020_emulator.options import Options
from sim7020_emulator.scenario.control import Control
from sim7020_emulator.scenario.file import Scenario
from sim7020_emulator.scenario.player import Player
from sim7020_emulator.scenario.random_life import RandomLife
from sim7020_emulator.scenario.words import Stage


@dataclass(frozen=True, slots=True)
class Running:
    """A module that runs; ``name`` is what a client opens."""

    name: str
    stage: Stage
    player: Player


@asynccontextmanager
async def running(options: Options, trace: Tracer | None = None) -> AsyncIterator[Running]:
    """Run a module until the block ends; raises ``Mistake``.

    Args:
        options: What to run and where; a trace file that they name is the caller's business.
        trace: Is told the dialogue and what happens.
    """
    emulator = Emulator(options.setup, trace.line) if trace else Emulator(options.setup)
    terminal = _terminal(options, emulator)
    stage = Stage(emulator, terminal, trace.comment) if trace else Stage(emulator, terminal)
    control = None
    await terminal.open()
    try:
        moments = options.scenario is not None or options.control is not None
        scenario = options.scenario if isinstance(options.scenario, Scenario) else None
        player = Player(stage, scenario, moments=moments)
        if options.control is not None:
            control = Control(options.control, player, emulator.module)
            await control.open()
        emulator.module.power_on(attached=options.attached)
        player.begin()
        if isinstance(options.scenario, RandomLife):
            options.scenario.begin(stage, player)
        yield Running(terminal.name, stage, player)
    finally:
        if control is not None:
            await control.close()
        await emulator.stop()
        await terminal.close()


def _terminal(options: Options, emulator: Emulator) -> Terminal:
    if options.listen is not None:
        return TcpTerminal(emulator.uart, *options.listen)
    minds = options.setup.variants
    return PtyTerminal(
        emulator.uart, options.link, minds=lambda: emulator.rate if minds.is_set("wrong_rate", "garbage") else 0
    )
