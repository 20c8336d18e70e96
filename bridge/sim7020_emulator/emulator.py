"""One emulated module with its serial port: where everything is put together."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sim7020_emulator.at.interpreter import Interpreter
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.handlers.equipment import Equipment
from sim7020_emulator.line.faults import LineFaults
from sim7020_emulator.line.uart import Uart
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.module.models import MODELS, Model
from sim7020_emulator.module.module import Module, Power
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
    """

    model: Model = MODELS["sim7020e"]
    baud: int | None = None
    speed: float = 1.0
    facts: Facts = field(default_factory=Facts)
    variants: Variants = field(default_factory=Variants)
    internet: Internet = field(default_factory=Internet)
    timing: Timing = field(default_factory=Timing)


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
        self.uart = Uart(line_rate)
        self.line_faults = LineFaults(self.schedule, self.uart.write, trace)
        faults = self.line_faults
        self.interpreter = Interpreter(
            self.schedule, Equipment(self.module), faults.speak, faults.trace, before_line=faults.meet
        )
        self.line_faults.on_heard = self.interpreter.feed
        self.module.on_report = self.interpreter.report
        self.module.on_power = self.interpreter.reset
        self.uart.on_receive(self.line_faults.hear)
        self.module.on_rate = self._change_rate
        self.module.on_change = self._changed
        self.on_change: Callable[[], None] = lambda: None
        self._ran = False
        self._rate = rate
        self.module.on_congestion = lambda: self.uart.unsent > _MOST_UNSENT

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
        self.on_change()

    def _change_rate(self, rate: int) -> None:
        self._rate = rate
        if rate:
            self.uart.change_rate(rate)
