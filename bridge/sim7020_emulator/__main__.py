"""The program: reads the command line, opens the port, runs until it is told to stop."""

import asyncio
import contextlib
import signal
import sys
from typing import TextIO

from sim7020_emulator.emulator import Emulator
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.options import Options, read_options
from sim7020_emulator.terminal import PtyTerminal, TcpTerminal, Terminal
from sim7020_emulator.trace import Trace


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
            garbles = options.setup.variants.is_set("wrong_rate", "garbage")
            terminal = PtyTerminal(emulator.uart, options.link, garbles=lambda: garbles)
        else:
            terminal = TcpTerminal(emulator.uart, *options.listen)
        await terminal.open()
        try:
            await _serve(emulator, terminal, trace, attached=options.attached)
        finally:
            await terminal.close()
            await emulator.stop()


async def _serve(emulator: Emulator, terminal: Terminal, trace: Trace | None, *, attached: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def press_pwrkey() -> None:
        if trace is not None:
            trace.event("pwrkey")
        emulator.module.press_pwrkey()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, press_pwrkey)
    emulator.module.power_on(attached=attached)
    sys.stdout.write(f"{terminal.name}\n")
    sys.stdout.flush()
    await stop.wait()


def main() -> None:
    """Entry point of ``sim7020-emulator``."""
    try:
        asyncio.run(run(read_options(sys.argv[1:])))
    except Mistake as mistake:
        sys.stderr.write(f"sim7020-emulator: {mistake}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
