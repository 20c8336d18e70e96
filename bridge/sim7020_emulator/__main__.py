"""The program: reads the command line, opens the port, runs until it is told to stop."""

import asyncio
import contextlib
import signal
import sys
from typing import TextIO

from sim7020_emulator.control import Control, tell
from sim7020_emulator.emulator import Emulator
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.options import Options, read_options, read_order
from sim7020_emulator.player import Player
from sim7020_emulator.random_life import RandomLife
from sim7020_emulator.scenario import Scenario
from sim7020_emulator.terminal import PtyTerminal, TcpTerminal, Terminal
from sim7020_emulator.trace import Trace
from sim7020_emulator.words import Stage


async def run(options: Options) -> None:
    """Run one emulator until SIGTERM or SIGINT."""
    with contextlib.ExitStack() as stack:
        trace = None
        if options.trace is not None:
            try:
                file: TextIO = stack.enter_context(options.trace.open("w", encoding="utf-8"))
            except OSError as error:
                raise Mistake(f"can't write {options.trace}: {error.strerror}") from None
            trace = Trace(file)
        emulator = Emulator(options.setup, trace.line) if trace else Emulator(options.setup)
        terminal: Terminal
        if options.listen is None:
            minds = options.setup.variants
            terminal = PtyTerminal(
                emulator.uart,
                options.link,
                minds=lambda: emulator.rate if minds.is_set("wrong_rate", "garbage") else 0,
            )
        else:
            terminal = TcpTerminal(emulator.uart, *options.listen)
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
            await _serve(options, terminal.name, stage, player)
        finally:
            if control is not None:
                await control.close()
            await emulator.stop()
            await terminal.close()


async def _serve(options: Options, name: str, stage: Stage, player: Player) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    module = stage.emulator.module

    def press_pwrkey() -> None:
        stage.log("event: pwrkey")
        module.press_pwrkey()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, press_pwrkey)
    module.power_on(attached=options.attached)
    player.begin()
    if isinstance(options.scenario, RandomLife):
        options.scenario.begin(stage, player)
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()
    await stop.wait()


def main() -> None:
    """Entry point of ``sim7020-emulator``."""
    try:
        order = read_order(sys.argv[1:])
        if order is not None:
            sys.stdout.write(f"{tell(*order)}\n")
            return
        asyncio.run(run(read_options(sys.argv[1:])))
    except Mistake as mistake:
        sys.stderr.write(f"sim7020-emulator: {mistake}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
