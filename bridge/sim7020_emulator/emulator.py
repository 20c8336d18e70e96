"""One emulated module with its serial port, its scenario and its control channel: where everything is put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sim7020_emulator.at.interpreter import Interpreter
from sim7020_emulator.field.conditions import Conditions
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.handlers.equipment import Equipment
from sim7020_emulator.line.faults import LineFaults
from sim7020_emulator.line.terminal import PtyTerminal, TcpTerminal, Terminal
from sim7020_emulator.line.trace import Tracer
from sim7020_emulator.line.uart import Uart
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.module.models import MODELS, Model
from sim7020_emulator.module.module import Module
from sim7020_emulator.module.power import Power
from sim7020_emulator.scenario.control import Control
from sim7020_emulator.scenario.file import Scenario
from sim7020_emulator.scenario.player import Player
from sim7020_emulator.scenario.random_life import RandomLife
from sim7020_emulator.scenario.words import Event, Target
from sim7020_emulator.schedule import Schedule, Timing
from sim7020_emulator.sockets.internet import Internet

_AUTO_BAUD_RATE = 115200
"""The rate that a module without a fixed one has learned."""

_MOST_UNSENT = 16384
"""Bytes that may wait for the serial line before the sockets stop to receive."""


@dataclass(slots=True)
class Setup:
    """What an emulator is told before it starts.

    Args:
        baud: Line rate; 0 is unpaced, None is the model's own.
        speed: Scales the module's delays; 0 leaves them out.
        seed: Of all that is random on the line, and in the field.
        spoils: One line in so many that the module says has a wrong byte; 0: none.
        conditions: What the radio network is like; None: always the same.
    """

    model: Model = MODELS["sim7020e"]
    baud: int | None = None
    speed: float = 1.0
    seed: int = 7020
    spoils: int = 0
    conditions: Conditions | None = None
    facts: Facts = field(default_factory=Facts)
    variants: Variants = field(default_factory=Variants)
    internet: Internet = field(default_factory=Internet)
    timing: Timing = field(default_factory=Timing)


@dataclass(slots=True)
class Options:
    """What to run and where."""

    setup: Setup
    link: Path | None = None
    listen: tuple[str, int] | None = None
    trace: Path | None = None
    attached: bool = False
    control: Path | None = None
    scenario: Scenario | RandomLife | None = None
    events: tuple[Event, ...] = ()


class Emulator:
    """A module, its interpreter and its UART."""

    def __init__(self, setup: Setup, trace: Callable[[str, str], None] = lambda _direction, _text: None) -> None:
        rate = setup.model.rate if setup.baud is None else setup.baud or setup.model.rate or _AUTO_BAUD_RATE
        if rate == 0 and "boot" not in setup.variants.chosen:
            setup.variants.set("boot", "autobaud")
        if setup.variants.is_set("boot", "autobaud"):
            rate = 0
        line_rate = 0 if setup.baud == 0 else setup.baud or rate or _AUTO_BAUD_RATE
        self.schedule = Schedule(setup.speed, setup.timing)
        self.module = Module(setup.model, setup.facts, setup.variants, setup.internet, self.schedule, rate=rate)
        self.module.field.seed, self.module.field.conditions = setup.seed, setup.conditions
        self.uart = Uart(line_rate)
        self.line_faults = faults = LineFaults(
            self.schedule, self.uart.write, trace, seed=setup.seed, spoils=setup.spoils
        )
        self.interpreter = Interpreter(
            self.schedule,
            Equipment(self.module),
            faults.speak,
            trace=faults.trace,
            before_line=faults.spoiled,
            said=faults.said,
        )
        faults.on_heard = self.interpreter.feed
        self.module.on_report = self.interpreter.report
        self.module.on_data = self.interpreter.pass_on
        self.module.on_power = self.interpreter.reset
        self.uart.on_receive = faults.hear
        self.module.on_rate = self._change_rate
        self.module.watch(self._changed)
        self._ran = False
        self._rate = rate
        self.module.bearer.congested = lambda: self.uart.unsent > _MOST_UNSENT

    @property
    def rate(self) -> int:
        """The rate at which the module talks now; 0 when it learns it from its host."""
        return self._rate and (self.uart.rate or self._rate)

    async def stop(self) -> None:
        """Switch off and end everything."""
        await self.module.stop()

    def _changed(self) -> None:
        runs = self.module.power in {Power.ON, Power.ASLEEP}
        if self._ran and not runs:
            self.line_faults.restarted()
        self._ran = runs

    def _change_rate(self, rate: int) -> None:
        self._rate = rate
        if rate:
            self.uart.change_rate(rate)


@dataclass(frozen=True, slots=True)
class Running:
    """A module that runs; ``name`` is what a client opens."""

    name: str
    target: Target
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
    target = Target(emulator.module, emulator.line_faults, terminal)
    if trace:
        target.log = trace.comment
    control = None
    await terminal.open()
    try:
        moments = options.scenario is not None or options.control is not None or bool(options.events)
        scenario = options.scenario if isinstance(options.scenario, Scenario) else None
        player = Player(target, scenario, moments=moments)
        if options.control is not None:
            control = Control(options.control, player, emulator.module)
            await control.open()
        emulator.module.power_on(attached=options.attached)
        player.begin()
        for event in options.events:
            player.perform(event)
        if isinstance(options.scenario, RandomLife):
            options.scenario.begin(emulator.schedule, player)
        yield Running(terminal.name, target, player)
    finally:
        if control is not None:
            await control.close()
        await emulator.stop()
        await terminal.close()


def _terminal(options: Options, emulator: Emulator) -> Terminal:
    facts, minds = options.setup.facts, options.setup.variants
    if options.listen is not None:
        return TcpTerminal(
            emulator.uart,
            *options.listen,
            garbles=lambda: facts.server_rate not in {0, emulator.rate or facts.server_rate},
        )
    return PtyTerminal(
        emulator.uart, options.link, minds=lambda: emulator.rate if minds.is_set("wrong_rate", "garbage") else 0
    )
